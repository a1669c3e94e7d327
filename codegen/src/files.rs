//! The client as files: one for each type, one for each resource. What changes in one leaves the lines of all
//! others where they are, so that rustc, which compiles incrementally, checks that one anew and not all that
//! follows it.

use std::collections::BTreeMap;

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use syn::{File, Item, Type, parse_quote};

/// Each file's text by its path in `OUT_DIR`. The first, `client.rs`, includes the others.
pub(crate) fn files(whole: &File, banner: &str) -> BTreeMap<String, String> {
    let mut files = Files { banner, texts: BTreeMap::new() };
    let mut client = whole.clone();
    for item in &mut client.items {
        let Item::Mod(module) = item else { continue };
        let Some((_, items)) = &mut module.content else { continue };
        let path = format!("client/{}", module.ident);
        match module.ident == "types" {
            true => files.by_type(&path, items),
            false if items.iter().any(|item| matches!(item, Item::Mod(_))) => {
                for item in items {
                    if let Item::Mod(module) = item
                        && let Some((_, items)) = &mut module.content
                    {
                        files.apart(&format!("{path}/{}", module.ident), items);
                    }
                }
            }
            false => files.apart(&path, items),
        }
    }
    files.put("client.rs", client);
    files.texts
}

struct Files<'a> {
    banner: &'a str,
    texts: BTreeMap<String, String>,
}

impl Files<'_> {
    /// Puts a type and what is implemented for it into a file.
    fn by_type(&mut self, folder: &str, items: &mut Vec<Item>) {
        let mut types: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        let mut rest = Vec::new();
        for item in items.drain(..) {
            match owner(&item) {
                Some(owner) => types.entry(owner.to_snake_case()).or_default().push(item),
                None => rest.push(item),
            }
        }
        for (name, mut of_type) in types {
            self.apart(&format!("{folder}/{name}"), &mut of_type);
            items.append(&mut of_type);
        }
        items.append(&mut rest);
    }

    /// Puts items into a file, and in their place the line that includes it.
    fn apart(&mut self, path: &str, items: &mut Vec<Item>) {
        let name = format!("{path}.rs");
        let from = format!("/{name}");
        let include = parse_quote!(include!(concat!(env!("OUT_DIR"), #from)););
        let mut file: File = parse_quote!();
        file.items = std::mem::replace(items, vec![include]);
        self.put(&name, file);
    }

    fn put(&mut self, name: &str, file: File) {
        let text = format!("{}{}", self.banner, prettyplease::unparse(&file));
        self.texts.insert(name.to_owned(), text);
    }
}

/// The type that an item defines, or for which it implements something.
fn owner(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        Item::Impl(item) => match &*item.self_ty {
            Type::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        },
        // The first word is the type for which the macro implements what all of its kind have.
        Item::Macro(item) => first(&item.mac.tokens),
        _ => None,
    }
}

fn first(tokens: &TokenStream) -> Option<String> {
    tokens.clone().into_iter().next().map(|token| token.to_string())
}
