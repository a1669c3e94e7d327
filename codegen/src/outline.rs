//! The surface as short outlines, one a resource, for a reviewer to read in a minute.
//!
//! Names and Rust types are read from the finished syntax tree, so that what is shown is what is
//! compiled; bounds, defaults and directions from the [`Surface`].

use std::collections::BTreeMap;
use std::fmt::Write;

use quote::ToTokens;
use syn::{File, Item, ItemMod, Type};

use crate::signatures::Maker;
use crate::surface::{self, Kind, Notes, Operation, Place, Rule, Surface};

/// The title under which types stand that more than one resource uses, or none.
const SHARED: &str = "Shared types";

/// The outline of each resource, by its name.
pub fn outline(file: &File, surface: &Surface) -> BTreeMap<String, String> {
    let tree = Tree::read(file);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for operation in &surface.operations {
        let text = texts.entry(operation.resource.clone()).or_default();
        call(file, operation, text);
        text.push('\n');
    }
    let inline = tree.inline(surface);
    let apart = surface.types.iter().filter(|(name, _)| !inline.contains_key(name.as_str()));
    for (name, it) in apart {
        let owner = it.resource.as_deref().unwrap_or(SHARED);
        let text = texts.entry(owner.to_owned()).or_default();
        tree.type_(name, surface, &inline, text);
        text.push('\n');
    }
    for text in texts.values_mut() {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    texts
}

/// A call: its arguments, its setters, what sends it and what comes of that.
fn call(file: &File, operation: &Operation, out: &mut String) {
    let marks: Vec<_> = [
        (operation.deprecated, "deprecated"),
        (operation.hidden, "hidden"),
        (operation.safe, "idempotent"),
        (operation.secret_response, "secret response"),
    ]
    .iter()
    .filter_map(|(is, mark)| is.then_some(*mark))
    .collect();
    let marks = if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(", ")) };
    let Operation { method, path, .. } = operation;
    let Ok(maker) = Maker::of_call(file, operation) else {
        return line(out, 0, &format!("{}  {method} {path}  (no method)", operation.call));
    };
    let arguments: Vec<String> =
        maker.arguments.iter().map(|(name, ty)| format!("{name}: {}", argument(ty))).collect();
    let arguments = arguments.join(", ");
    line(out, 0, &format!("{}({arguments})  {method} {path}{marks}", operation.call));
    let parameter = |name: &str| operation.parameters.iter().find(|it| it.name == name);
    for (name, ty) in maker.arguments.iter().chain(&maker.setters) {
        let is_setter = maker.setters.iter().any(|(setter, _)| setter == name);
        let Some(parameter) = parameter(name) else {
            if is_setter {
                line(out, 1, &format!(".{name}({})  body", argument(ty)));
            }
            continue;
        };
        let place = match parameter.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        let facts = facts(&parameter.rule, &parameter.notes);
        let wire = wire(&parameter.name, &parameter.wire);
        let shown = if is_setter { format!(".{name}({})", argument(ty)) } else { name.to_owned() };
        line(out, 1, &format!("{shown}  {place}{wire}{facts}"));
    }
    operation.relations.words().iter().for_each(|words| line(out, 1, words));
    if let Some(body) = &maker.body {
        line(out, 1, &format!("body: {body}"));
    }
    for (name, output) in &maker.sends {
        line(out, 1, &format!("{name} -> {}", inner(awaited(&short(output)), "Result")));
    }
    let statuses: Vec<_> = operation.statuses.iter().map(|(status, _)| status.as_str()).collect();
    line(out, 1, &format!("responses {}", statuses.join(" ")));
}

/// What an argument takes: `string` for `impl Into<String>`, `integer or null`, `[X]`.
fn argument(ty: &Type) -> String {
    let text = short(ty);
    if !matches!(ty, Type::ImplTrait(_)) {
        return text;
    }
    let bound = text.as_str();
    if bound == "Integer" || bound == "Number" {
        return bound.to_lowercase();
    }
    if bound.starts_with("NullableInteger") || bound == "NullableNumber" {
        let what = if bound.starts_with("NullableI") { "integer" } else { "number" };
        return format!("{what} or null");
    }
    if let Some(ty) = bound.strip_prefix("Into<").and_then(|it| it.strip_suffix('>')) {
        return match ty.strip_prefix("Nullable<").and_then(|it| it.strip_suffix('>')) {
            Some(ty) => format!("{ty} or null"),
            None => ty.to_owned(),
        };
    }
    let items = bound.strip_prefix("IntoIterator<Item=").and_then(|it| it.strip_suffix('>'));
    match items {
        Some(items) => format!("[{}]", items.replace("Into<String>", "String")),
        None => bound.to_owned(),
    }
}

/// What the finished syntax tree has to tell of types: fields and variants.
#[derive(Default)]
struct Tree {
    types: BTreeMap<String, BTreeMap<String, String>>,
    variants: BTreeMap<String, BTreeMap<String, String>>,
}

impl Tree {
    fn read(file: &File) -> Self {
        let mut tree = Self::default();
        for item in &file.items {
            if let Item::Mod(module) = item
                && module.ident == "types"
            {
                tree.types = structs(module);
                tree.variants = variants(module);
            }
        }
        tree
    }

    /// The values of the enums that one field alone has: they stand beside it.
    fn inline<'a>(&self, surface: &'a Surface) -> BTreeMap<&'a str, &'a [String]> {
        let fields = self.types.values().chain(self.variants.values()).flat_map(BTreeMap::values);
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        fields.flat_map(|ty| names(ty)).for_each(|name| *uses.entry(name).or_default() += 1);
        let enums = surface.types.iter().filter_map(|(name, ty)| match &ty.kind {
            Kind::Enum(values) => Some((name.as_str(), values.as_slice())),
            _ => None,
        });
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for (owner, fields) in &self.types {
            for name in fields.values().flat_map(|ty| names(ty)) {
                owners.entry(name).or_insert(owner);
            }
        }
        let is_of = |name: &str| owners.get(name).is_some_and(|owner| name.starts_with(*owner));
        enums.filter(|(name, _)| uses.get(name) == Some(&1) && is_of(name)).collect()
    }

    fn type_(
        &self,
        name: &str,
        surface: &Surface,
        inline: &BTreeMap<&str, &[String]>,
        out: &mut String,
    ) {
        let Some(source) = surface.types.get(name) else { return };
        let direction = match (source.sent, source.received) {
            (true, true) => "sent and received",
            (true, false) => "sent",
            (false, true) => "received",
            (false, false) => "on its own",
        };
        match &source.kind {
            Kind::Struct(surface::Struct { fields, sets, extra, relations }) => {
                line(out, 0, &format!("struct {name}  [{direction}]"));
                let nothing = BTreeMap::new();
                let known = self.types.get(name).unwrap_or(&nothing);
                for field in fields {
                    let rust = &field.name;
                    let ty = known.get(rust).map_or("(no field)", String::as_str);
                    let facts = facts(&field.rule, &field.notes);
                    let values = names(ty).find_map(|name| inline.get(name));
                    let values = values.map(|values| format!("  {} | unknown", values.join(" | ")));
                    let (wire, values) = (wire(rust, &field.wire), values.unwrap_or_default());
                    line(out, 1, &format!("{rust}: {ty}{wire}{facts}{values}"));
                }
                if let Some(extra) = extra {
                    let rust = &extra.name;
                    let ty = known.get(rust).map_or("(no field)", String::as_str);
                    line(out, 1, &format!("{rust}: {ty}  all else"));
                }
                if let Some(sets) = sets {
                    let of = if sets.exactly { "exactly one of" } else { "at least one of" };
                    let sets: Vec<_> = sets.sets.iter().map(|set| set.join(" + ")).collect();
                    line(out, 1, &format!("{of}: {}", sets.join(", ")));
                }
                relations.words().iter().for_each(|words| line(out, 1, words));
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
            Kind::Successes(successes) => {
                line(out, 0, &format!("outcomes {name}"));
                for success in successes {
                    let known = self.variants.get(name).and_then(|it| it.get(&success.name));
                    let ty = known.map(|ty| format!(": {ty}")).unwrap_or_default();
                    line(out, 1, &format!("{} {}{ty}", success.status, success.name));
                }
            }
            Kind::Other(rule) => {
                let facts = facts(rule, &source.notes);
                line(out, 0, &format!("type {name}  [{direction}]{facts}"));
            }
        }
    }
}

/// The names in a type: `Vec` and `Kind` in `Vec<Kind>`.
fn names(ty: &str) -> impl Iterator<Item = &str> {
    ty.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty())
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

/// A type without the paths of its names: `Option<DateTime<Utc>>`.
pub(crate) fn short(ty: &impl ToTokens) -> String {
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
    let ty = ty.strip_prefix("impl").unwrap_or(ty);
    ty.strip_prefix("Future<Output=").and_then(|ty| ty.strip_suffix('>')).unwrap_or(ty)
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
