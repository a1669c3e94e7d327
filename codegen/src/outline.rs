//! The surface as short texts, one a resource, for a reviewer to read in a minute.
//!
//! Names and Rust types are read from the finished syntax tree, so that what is shown is what is
//! compiled; bounds, defaults and directions from the [`Surface`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use quote::ToTokens;
use syn::{File, ImplItem, Item, ItemMod};

use crate::surface::{self, Kind, Notes, Operation, Place, Rule, Surface, rust_name};

/// The title under which types stand that more than one resource uses, or none.
const SHARED: &str = "Shared types";

/// The outline of each resource, by its title.
pub fn outline(file: &File, surface: &Surface) -> BTreeMap<String, String> {
    let tree = Tree::read(file);
    let title = |operation: &Operation| operation.tag.clone().unwrap_or_else(|| "Other".to_owned());
    let mut owners: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for operation in &surface.operations {
        for name in &operation.types {
            owners.entry(name).or_default().insert(title(operation));
        }
        let text = texts.entry(title(operation)).or_default();
        tree.operation(operation, text);
        text.push('\n');
    }
    for name in surface.types.keys() {
        let owners = owners.get(name.as_str());
        let only = owners.filter(|owners| owners.len() == 1).and_then(|owners| owners.first());
        let text = texts.entry(only.cloned().unwrap_or_else(|| SHARED.to_owned())).or_default();
        tree.type_(name, surface, text);
        text.push('\n');
    }
    for text in texts.values_mut() {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    texts
}

/// What the finished syntax tree has to tell: fields of structs and signatures of methods.
#[derive(Default)]
struct Tree {
    types: BTreeMap<String, BTreeMap<String, String>>,
    variants: BTreeMap<String, BTreeMap<String, String>>,
    calls: BTreeMap<String, BTreeMap<String, String>>,
    answers: BTreeMap<String, String>,
    streams: BTreeMap<String, String>,
    methods: BTreeSet<String>,
}

impl Tree {
    fn read(file: &File) -> Self {
        let mut tree = Self::default();
        for item in &file.items {
            match item {
                Item::Mod(module) if module.ident == "types" => {
                    tree.types = structs(module);
                    tree.variants = variants(module);
                }
                Item::Mod(module) if module.ident == "builder" => {
                    tree.calls = structs(module);
                    for (name, method, output) in functions(module) {
                        if method == "send" {
                            tree.answers.insert(name, output);
                        } else if method == "stream" || method == "pages" {
                            tree.streams.insert(name, method);
                        }
                    }
                }
                Item::Impl(item) => {
                    tree.methods.extend(item.items.iter().filter_map(|item| match item {
                        ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        tree
    }

    fn operation(&self, operation: &Operation, out: &mut String) {
        let name = &operation.name;
        let missing = if self.methods.contains(name) { "" } else { "  (no method)" };
        let marks: Vec<_> = [
            (operation.deprecated, "deprecated"),
            (operation.hidden, "hidden"),
            (operation.safe, "repeatable"),
            (operation.secret_response, "answers a secret"),
        ]
        .iter()
        .filter_map(|(is, mark)| is.then_some(*mark))
        .collect();
        let marks =
            if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(", ")) };
        line(out, 0, &format!("{name}  {} {}{marks}{missing}", operation.method, operation.path));
        let nothing = BTreeMap::new();
        let fields = self.calls.get(&operation.type_name()).unwrap_or(&nothing);
        for parameter in &operation.parameters {
            let rust = rust_name(&parameter.wire);
            let ty = fields.get(&rust).map_or("(no field)", |ty| held(ty));
            let place = match parameter.place {
                Place::Path => "path",
                Place::Query => "query",
                Place::Header => "header",
            };
            let facts = facts(&parameter.rule, &parameter.notes);
            let wire = wire(&rust, &parameter.wire);
            line(out, 1, &format!("{rust}: {ty}  {place}{wire}{facts}"));
        }
        if operation.body.is_some() {
            line(
                out,
                1,
                &format!("body: {}", fields.get("body").map_or("(no field)", |ty| held(ty))),
            );
        }
        let answer =
            self.answers.get(&operation.type_name()).map_or("(no answer)", |ty| held(awaited(ty)));
        line(out, 1, &format!("-> {}", inner(answer, "Response")));
        match self.streams.get(&operation.type_name()).map(String::as_str) {
            Some("stream") => line(out, 1, "-> stream of all pages"),
            Some(_) => line(out, 1, "-> stream of pages"),
            None => {}
        }
        let statuses: Vec<_> =
            operation.statuses.iter().map(|(status, _)| status.as_str()).collect();
        line(out, 1, &format!("answers {}", statuses.join(" ")));
    }

    fn type_(&self, name: &str, surface: &Surface, out: &mut String) {
        let Some(source) = surface.types.get(name) else { return };
        let direction = match (source.sent, source.received) {
            (true, true) => "sent and received",
            (true, false) => "sent",
            (false, true) => "received",
            (false, false) => "on its own",
        };
        match &source.kind {
            Kind::Struct(surface::Struct { fields, sets, extra }) => {
                line(out, 0, &format!("struct {name}  [{direction}]"));
                let nothing = BTreeMap::new();
                let known = self.types.get(name).unwrap_or(&nothing);
                for field in fields {
                    let rust = rust_name(&field.wire);
                    let ty = known.get(&rust).map_or("(no field)", String::as_str);
                    let facts = facts(&field.rule, &field.notes);
                    line(out, 1, &format!("{rust}: {ty}{}{facts}", wire(&rust, &field.wire)));
                }
                if extra.is_some() {
                    let found =
                        ["extra_", "extra"].iter().find_map(|name| known.get_key_value(*name));
                    let (rust, ty) = found.map_or(("extra", "(no field)"), |(rust, ty)| (rust, ty));
                    line(out, 1, &format!("{rust}: {ty}  all else"));
                }
                if let Some(sets) = sets {
                    let of = if sets.exactly { "exactly one of" } else { "at least one of" };
                    let sets: Vec<_> = sets.sets.iter().map(|set| set.join(" + ")).collect();
                    line(out, 1, &format!("{of}: {}", sets.join(", ")));
                }
            }
            Kind::Enum(values) => {
                line(out, 0, &format!("enum {name}  [{direction}]"));
                line(out, 1, &format!("{} | unknown", values.join(" | ")));
            }
            Kind::Union(union) => {
                let tag = union.tag.as_ref().map(|tag| format!("  by {tag}")).unwrap_or_default();
                line(out, 0, &format!("choice {name}  [{direction}]{tag}"));
                for variant in &union.variants {
                    let known = self.variants.get(name).and_then(|it| it.get(&variant.name));
                    let ty = known.map_or("(no variant)", String::as_str);
                    let tags = variant.tags.join(" | ");
                    let tags = if tags.is_empty() { tags } else { format!("  as {tags}") };
                    line(out, 1, &format!("{}: {ty}{tags}", variant.name));
                }
            }
            Kind::Successes(answers) => {
                line(out, 0, &format!("answers {name}"));
                for answer in answers {
                    let known = self.variants.get(name).and_then(|it| it.get(&answer.name));
                    let ty = known.map(|ty| format!(": {ty}")).unwrap_or_default();
                    line(out, 1, &format!("{} {}{ty}", answer.status, answer.name));
                }
            }
            Kind::Other(rule) => {
                let facts = facts(rule, &source.notes);
                line(out, 0, &format!("type {name}  [{direction}]{facts}"));
            }
        }
    }
}

fn facts(rule: &Rule, notes: &Notes) -> String {
    let mut facts = String::new();
    if let Some(words) = rule.words() {
        let _ = write!(facts, "  {words}");
    }
    if let Some(pattern) = &notes.pattern {
        let _ = write!(facts, "  pattern {pattern}");
    }
    if let Some(default) = &notes.default {
        let _ = write!(facts, "  default {default}");
    }
    if notes.deprecated {
        facts.push_str("  deprecated");
    }
    facts
}

/// The name on the wire, where it is not the one in Rust.
fn wire(rust: &str, wire: &str) -> String {
    if rust == wire { String::new() } else { format!("  as {wire}") }
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{}{text}", "    ".repeat(depth));
}

fn structs(module: &ItemMod) -> BTreeMap<String, BTreeMap<String, String>> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    items
        .filter_map(|item| match item {
            Item::Struct(item) => {
                let fields = item.fields.iter().filter_map(|field| {
                    Some((field.ident.as_ref()?.to_string(), short(&field.ty)))
                });
                Some((item.ident.to_string(), fields.collect()))
            }
            _ => None,
        })
        .collect()
}

/// Of each enum, the variants that hold something, and what.
fn variants(module: &ItemMod) -> BTreeMap<String, BTreeMap<String, String>> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    items
        .filter_map(|item| match item {
            Item::Enum(item) => {
                let variants = item.variants.iter().filter_map(|variant| {
                    Some((variant.ident.to_string(), short(&variant.fields.iter().next()?.ty)))
                });
                Some((item.ident.to_string(), variants.collect()))
            }
            _ => None,
        })
        .collect()
}

fn functions(module: &ItemMod) -> Vec<(String, String, String)> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    items
        .filter_map(|item| match item {
            Item::Impl(item) => Some(item),
            _ => None,
        })
        .flat_map(|item| {
            let name = short(&item.self_ty);
            item.items.iter().filter_map(move |item| match item {
                ImplItem::Fn(function) => {
                    let output = match &function.sig.output {
                        syn::ReturnType::Default => String::new(),
                        syn::ReturnType::Type(_, ty) => short(ty),
                    };
                    Some((name.clone(), function.sig.ident.to_string(), output))
                }
                _ => None,
            })
        })
        .collect()
}

/// A type without the paths of its names: `Option<DateTime<Utc>>`.
fn short(ty: &impl ToTokens) -> String {
    let text = ty.to_token_stream().to_string().replace(' ', "");
    let mut out = String::new();
    let mut name = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ':' && rest.peek() == Some(&':') {
            rest.next();
            name.clear();
        } else if c.is_alphanumeric() || c == '_' {
            name.push(c);
        } else {
            out.push_str(&name);
            name.clear();
            out.push(c);
            if c == ',' {
                out.push(' ');
            }
        }
    }
    out + &name
}

/// What a future yields: `T` of `Future<Output=T>`.
fn awaited(ty: &str) -> &str {
    ty.strip_prefix("Future<Output=").and_then(|ty| ty.strip_suffix('>')).unwrap_or(ty)
}

/// What a builder's field holds: `T` of `Result<T, String>`.
fn held(ty: &str) -> &str {
    let ty = ty.strip_prefix("Result<").unwrap_or(ty);
    ty.strip_suffix(", String>").or_else(|| ty.strip_suffix(", Error>")).unwrap_or(ty)
}

fn inner<'a>(ty: &'a str, name: &str) -> &'a str {
    ty.strip_prefix(name).and_then(|it| it.strip_prefix('<')?.strip_suffix('>')).unwrap_or(ty)
}

#[cfg(test)]
mod tests {
    #[test]
    fn types_are_shown_without_their_paths() {
        let ty: syn::Type = syn::parse_str(
            "::std::option::Option<crate::Nullable<::std::collections::HashMap<String, types::X>>>",
        )
        .unwrap();
        assert_eq!(super::short(&ty), "Option<Nullable<HashMap<String, X>>>");
    }
}
