//! What the compiler would find in generated Rust, as far as names are concerned: within milliseconds,
//! and for documents by the thousand.

use std::collections::BTreeMap;

use syn::visit_mut::VisitMut;
use syn::{Fields, File, FnArg, Ident, ImplItem, Item, ItemImpl, Pat, Signature, Type, Variant};

/// Names that are twice where one may be, names that are keywords, and lone names of Rust's prelude where
/// a schema is called so.
pub fn problems(file: &File) -> Vec<String> {
    let mut sound = Sound { problems: Vec::new() };
    sound.module("crate", &file.items);
    sound.visit_file_mut(&mut file.clone());
    sound.problems
}

struct Sound {
    problems: Vec<String>,
}

impl Sound {
    fn once<'a>(&mut self, place: &str, names: impl Iterator<Item = &'a Ident>) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        names.for_each(|name| *counts.entry(name.to_string()).or_default() += 1);
        let twice = counts.into_iter().filter(|(_, count)| *count > 1);
        self.problems.extend(twice.map(|(name, count)| format!("{place}: {count} times `{name}`")));
    }

    fn module(&mut self, path: &str, items: &[Item]) {
        let types = items.iter().filter_map(|item| match item {
            Item::Struct(it) => Some(&it.ident),
            Item::Enum(it) => Some(&it.ident),
            Item::Type(it) => Some(&it.ident),
            Item::Mod(it) => Some(&it.ident),
            _ => None,
        });
        self.once(path, types);
        let values = items.iter().filter_map(|item| match item {
            Item::Static(it) => Some(&it.ident),
            Item::Fn(it) => Some(&it.sig.ident),
            _ => None,
        });
        self.once(path, values);
        let mut methods: BTreeMap<String, Vec<&Ident>> = BTreeMap::new();
        for item in items {
            match item {
                Item::Struct(it) => self.fields(&format!("{path}::{}", it.ident), &it.fields),
                Item::Enum(it) => {
                    let variants = it.variants.iter().map(|Variant { ident, .. }| ident);
                    self.once(&format!("{path}::{}", it.ident), variants);
                }
                Item::Impl(ItemImpl { trait_: None, self_ty, items, .. }) => {
                    let Type::Path(of) = &**self_ty else { continue };
                    let name = of.path.segments.last().map(|it| it.ident.to_string());
                    let functions = items.iter().filter_map(|item| match item {
                        ImplItem::Fn(it) => Some(&it.sig.ident),
                        _ => None,
                    });
                    methods.entry(name.unwrap_or_default()).or_default().extend(functions);
                }
                Item::Mod(it) => {
                    let items = it.content.as_ref().map(|(_, items)| items.as_slice());
                    self.module(&format!("{path}::{}", it.ident), items.unwrap_or_default());
                }
                _ => {}
            }
        }
        for (of, names) in methods {
            self.once(&format!("{path}::{of}"), names.into_iter());
        }
    }

    fn fields(&mut self, place: &str, fields: &Fields) {
        self.once(place, fields.iter().filter_map(|field| field.ident.as_ref()));
    }
}

impl VisitMut for Sound {
    fn visit_signature_mut(&mut self, it: &mut Signature) {
        let arguments = it.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(it) => match &*it.pat {
                Pat::Ident(it) => Some(&it.ident),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        self.once(&it.ident.to_string(), arguments);
        syn::visit_mut::visit_signature_mut(self, it);
    }

    fn visit_ident_mut(&mut self, it: &mut Ident) {
        // A keyword that `syn` takes for a name.
        if it == "gen" {
            self.problems.push("`gen` is a keyword".to_owned());
        }
    }

    fn visit_expr_path_mut(&mut self, it: &mut syn::ExprPath) {
        if ["Ok", "Err", "Some", "None"].iter().any(|name| it.path.is_ident(name)) {
            self.problems.push(format!("`{}` may be a schema's", it.path.segments[0].ident));
        }
        syn::visit_mut::visit_expr_path_mut(self, it);
    }
}
