//! The Rust types that progenitor chose for the parameters, the body and the response of each call.

use std::collections::BTreeMap;

use quote::format_ident;
use syn::{ImplItem, Item, ReturnType, Type, parse_quote};

use crate::finish::syntax::argument;
use crate::generate;

/// The types of one operation.
#[derive(Default)]
pub(super) struct Chosen {
    /// By name of the builder's field: the type inside `Result<…, String>`.
    pub(super) fields: BTreeMap<String, Type>,
    pub(super) response: Option<Type>,
}

/// The types of all operations, by the name of progenitor's builder.
pub(super) fn all(items: &[Item]) -> BTreeMap<String, Chosen> {
    let mut all: BTreeMap<String, Chosen> = BTreeMap::new();
    for item in items {
        match item {
            Item::Struct(item) => {
                let chosen = all.entry(item.ident.to_string()).or_default();
                for field in &item.fields {
                    if let (Some(name), Some(ty)) = (&field.ident, argument(&field.ty, "Result")) {
                        chosen.fields.insert(name.to_string(), ty);
                    }
                }
            }
            Item::Impl(item) => {
                let Type::Path(path) = &*item.self_ty else { continue };
                let Some(name) = path.path.segments.last() else { continue };
                let send = item.items.iter().find_map(|item| match item {
                    ImplItem::Fn(function) if function.sig.ident == "send" => Some(function),
                    _ => None,
                });
                if let Some(send) = send
                    && let ReturnType::Type(_, ty) = &send.sig.output
                {
                    let response = argument(ty, "Result");
                    all.entry(name.ident.to_string()).or_default().response =
                        response.and_then(|it| argument(&it, "ResponseValue"));
                }
            }
            _ => {}
        }
    }
    all
}

impl Chosen {
    /// The type of a parameter, which progenitor was shown as the item of a list, by its place among
    /// the parameters.
    pub(super) fn parameter(&self, index: usize) -> Option<Type> {
        let ty = self.fields.get(&generate::parameter(index))?;
        let list = argument(ty, "Option").unwrap_or_else(|| ty.clone());
        argument(&list, "Vec")
    }

    /// The type of the body.
    pub(super) fn body(&self) -> Option<Type> {
        let ty = self.fields.get("body")?;
        let Type::Path(path) = ty else { return Some(ty.clone()) };
        let names: Vec<String> = path.path.segments.iter().map(|it| it.ident.to_string()).collect();
        Some(match names.as_slice() {
            [types, builder, name] if types == "types" && builder == "builder" => {
                let name = format_ident!("{name}");
                parse_quote!(types::#name)
            }
            _ => ty.clone(),
        })
    }
}
