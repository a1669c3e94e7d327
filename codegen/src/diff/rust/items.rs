//! The public items of a generated client, read from its syntax tree.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Fields, File, FnArg, ImplItem, ImplItemFn, Item as Source, ItemImpl, Meta, Pat,
    Path, ReturnType, Token, Type, Visibility,
};

use crate::outline::short;
use crate::surface::{Kind, Operation, Place, Surface};

/// The modules that callers see.
const PUBLIC: [&str; 2] = ["types", "resources"];

/// Something public that callers can name, call or rely on.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// What it is to the compiler: a kind, a type, a signature.
    pub(super) shape: String,
    /// The arguments of a function, which a caller gives by their place.
    pub(super) arguments: Vec<String>,
    /// What it is to the server: a name or a value.
    pub(super) wire: Option<String>,
    /// The item that it belongs to.
    pub(super) owner: Option<String>,
    /// Whether a field or a variant may come without breaking a caller.
    pub(super) open: bool,
    /// Whether it is a field or a variant.
    pub(super) is_member: bool,
}

/// Items by their paths, such as `types::ApiKey.id` or `resources::api_keys::List::limit`.
pub(super) type Items = BTreeMap<String, Item>;

/// Everything public of a client.
pub(super) fn read(file: &File, surface: &Surface) -> Items {
    let mut reader = Reader { surface, items: Items::new() };
    for item in &file.items {
        if let Source::Mod(module) = item
            && PUBLIC.iter().any(|name| module.ident == name)
            && let Some((_, items)) = &module.content
        {
            reader.module(&module.ident.to_string(), items);
        }
    }
    reader.items
}

struct Reader<'a> {
    surface: &'a Surface,
    items: Items,
}

impl Reader<'_> {
    fn module(&mut self, path: &str, items: &[Source]) {
        for item in items {
            match item {
                Source::Mod(module) if is_public(&module.vis) => {
                    if let Some((_, items)) = &module.content {
                        self.module(&format!("{path}::{}", module.ident), items);
                    }
                }
                Source::Struct(it) if is_public(&it.vis) => {
                    let of = format!("{path}::{}", it.ident);
                    self.type_(&of, "struct", &it.attrs, it.fields.iter().any(is_private));
                    self.fields(&of, &it.fields);
                }
                Source::Enum(it) if is_public(&it.vis) => {
                    let of = format!("{path}::{}", it.ident);
                    self.type_(&of, "enum", &it.attrs, false);
                    let tags = self.tags(&it.ident.to_string());
                    for variant in &it.variants {
                        let name = variant.ident.to_string();
                        let types = variant.fields.iter().map(|field| short(&field.ty));
                        let shape = types.collect::<Vec<_>>().join(", ");
                        let wire = tags.get(&name).cloned();
                        self.member(&of, format!("{of}::{name}"), shape, wire);
                    }
                }
                Source::Type(it) if is_public(&it.vis) => {
                    let shape = format!("type {}", short(&it.ty));
                    let item = Item { shape, ..Item::default() };
                    self.items.insert(format!("{path}::{}", it.ident), item);
                }
                _ => {}
            }
        }
        // Once every type of the module is there.
        for item in items {
            match item {
                Source::Impl(it) => self.implementation(path, it),
                Source::Macro(it) => {
                    let name = it.mac.path.segments.last().map(|last| last.ident.to_string());
                    let mut tokens = it.mac.tokens.clone().into_iter();
                    if let (Some(name), Some(TokenTree::Ident(of))) = (name, tokens.next()) {
                        self.trait_(&format!("{path}::{of}"), &name);
                    }
                }
                _ => {}
            }
        }
    }

    fn type_(&mut self, path: &str, kind: &str, attributes: &[Attribute], has_private: bool) {
        let open = has_private || attributes.iter().any(|it| it.path().is_ident("non_exhaustive"));
        let item = Item { shape: kind.to_owned(), open, ..Item::default() };
        self.items.insert(path.to_owned(), item);
        for attribute in attributes.iter().filter(|it| it.path().is_ident("derive")) {
            let Meta::List(list) = &attribute.meta else { continue };
            let paths = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
            for derived in paths.into_iter().flatten() {
                self.trait_(path, &short(&derived));
            }
        }
    }

    /// A trait that a type has; the names of serde and of our own are seen on the wire instead.
    fn trait_(&mut self, of: &str, name: &str) {
        if self.items.contains_key(of) {
            let item = Item { owner: Some(of.to_owned()), ..Item::default() };
            self.items.insert(format!("{of}: {name}"), item);
        }
    }

    fn fields(&mut self, of: &str, fields: &Fields) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            let Some(name) = &field.ident else { continue };
            let wire = serde_name(&field.attrs).unwrap_or_else(|| name.to_string());
            self.member(of, format!("{of}.{name}"), short(&field.ty), Some(format!("`{wire}`")));
        }
    }

    fn member(&mut self, of: &str, path: String, shape: String, wire: Option<String>) {
        let owner = Some(of.to_owned());
        self.items.insert(path, Item { shape, wire, owner, is_member: true, ..Item::default() });
    }

    /// By which values of its tag, or under which statuses, the variants of a choice come.
    fn tags(&self, of: &str) -> BTreeMap<String, String> {
        match self.surface.types.get(of).map(|it| &it.kind) {
            Some(Kind::Union(union)) => {
                let tagged = union.variants.iter().filter(|it| !it.tags.is_empty());
                let tag = |tags: &[String]| format!("`{}`", tags.join("`, `"));
                tagged.map(|it| (it.name.clone(), tag(&it.tags))).collect()
            }
            Some(Kind::Successes(successes)) => {
                let statuses = successes.iter().map(|it| (it.name.clone(), it.status.to_string()));
                statuses.collect()
            }
            _ => BTreeMap::new(),
        }
    }

    fn implementation(&mut self, module: &str, it: &ItemImpl) {
        let Type::Path(of) = &*it.self_ty else { return };
        let Some(of) = of.path.segments.last() else { return };
        let of = format!("{module}::{}", of.ident);
        if !self.items.contains_key(&of) {
            return;
        }
        if let Some((path, _)) = &it.trait_ {
            if path.segments.first().is_some_and(|first| first.ident == "std") {
                self.trait_(&of, &short(path));
            }
            return;
        }
        let functions = it.items.iter().filter_map(|item| match item {
            ImplItem::Fn(function) => Some(function),
            _ => None,
        });
        let functions: Vec<&ImplItemFn> = functions.collect();
        let named = |name: &str| functions.iter().find(|it| it.sig.ident == name);
        if let Some(values) = named("as_str") {
            self.values(&of, values);
        }
        let places = named("describe_").map(|it| self.places(it)).unwrap_or_default();
        for function in functions.iter().filter(|it| is_public(&it.vis)) {
            let name = function.sig.ident.to_string();
            let path = format!("{of}::{name}");
            let of_option = || places.get(name.strip_prefix("set_")?);
            let wire = places.get(&name).or_else(of_option).cloned();
            let item = Item { wire, owner: Some(of.clone()), ..signature(function) };
            self.items.insert(path, item);
        }
    }

    /// Where the value of each setter of a call goes: `query `limit``.
    fn places(&self, describe: &ImplItemFn) -> BTreeMap<String, String> {
        let tokens = flat(describe.block.to_token_stream());
        let described = tokens.windows(4).find(|window| window[0] == "operations");
        let is_it = |it: &&Operation| described.is_some_and(|window| window[3] == it.static_name());
        let Some(operation) = self.surface.operations.iter().find(is_it) else {
            return BTreeMap::new();
        };
        // A parameter of the path is known by its place there, not by its name.
        let parameters = operation.parameters.iter().filter_map(|it| match it.place {
            Place::Path => None,
            Place::Query => Some((it.name.clone(), format!("query `{}`", it.wire))),
            Place::Header => Some((it.name.clone(), format!("header `{}`", it.wire))),
        });
        let slots = operation.body.iter().flat_map(|body| &body.slots);
        let slots = slots.map(|(wire, name)| (name.clone(), format!("body `{wire}`")));
        parameters.chain(slots).collect()
    }

    /// What the variants of an enum of strings send.
    fn values(&mut self, of: &str, as_str: &ImplItemFn) {
        let tokens = flat(as_str.block.to_token_stream());
        for window in tokens.windows(7) {
            if let [this, _, _, variant, eq, arrow, value] = window
                && (this == "Self" && eq == "=" && arrow == ">" && value.starts_with('"'))
                && let Some(item) = self.items.get_mut(&format!("{of}::{variant}"))
            {
                item.wire = Some(format!("`{}`", value.trim_matches('"')));
            }
        }
    }
}

fn signature(function: &ImplItemFn) -> Item {
    let (mut types, mut arguments) = (Vec::new(), Vec::new());
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let by = match receiver.kind {
                    syn::ReceiverKind::Reference(..) => "&self",
                    _ => "self",
                };
                types.push(by.to_owned());
            }
            FnArg::Typed(argument) => {
                types.push(short(&argument.ty));
                if let Pat::Ident(name) = &*argument.pat {
                    arguments.push(name.ident.to_string());
                }
            }
        }
    }
    let output = match &function.sig.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, ty) => format!(" -> {}", short(ty)),
    };
    let generics = short(&function.sig.generics);
    let shape = format!("fn{generics}({}){output}", types.join(", "));
    Item { shape, arguments, ..Item::default() }
}

/// All tokens in their order, those of groups included.
fn flat(tokens: TokenStream) -> Vec<String> {
    let mut out = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                out.push(open.to_owned());
                out.extend(flat(group.stream()));
                out.push(close.to_owned());
            }
            other => out.push(other.to_string()),
        }
    }
    out
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_private(field: &syn::Field) -> bool {
    !is_public(&field.vis)
}

/// The name that a field has in JSON, where it is another one.
fn serde_name(attributes: &[Attribute]) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                found = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.path.is_ident("flatten") {
                found = Some("*".to_owned());
            } else if meta.input.peek(Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    found
}
