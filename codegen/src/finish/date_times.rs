//! Times of responses are read as RFC 3339 has them, which chrono alone does not insist on.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, GenericArgument, Item, PathArguments, Type, parse_quote};

/// Whether a type is a time, or a list or a map of them.
pub(super) fn are_in(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    // A schema may have any of these names, and then no arguments.
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    match (last.ident.to_string().as_str(), arguments.args.last()) {
        ("DateTime", _) => true,
        ("Vec" | "HashMap", Some(GenericArgument::Type(inner))) => are_in(inner),
        _ => false,
    }
}

/// What serde is told of a field in which they are.
pub(super) fn read() -> TokenStream {
    quote!(deserialize_with = "crate::model::date_time::Times::read")
}

/// The same of progenitor's types of one value.
pub(super) fn strict(items: &mut [Item]) {
    for item in items {
        if let Item::Struct(item) = item
            && let Fields::Unnamed(fields) = &mut item.fields
        {
            for field in fields.unnamed.iter_mut().filter(|field| are_in(&field.ty)) {
                let read = read();
                field.attrs.push(parse_quote!(#[serde(#read)]));
            }
        }
    }
}
