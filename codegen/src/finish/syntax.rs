//! Readings of Rust types as syntax.

use syn::{GenericArgument, PathArguments, Type};

/// The name of a type that the document has: alone, or in `types`. What Rust has of the same name, such
/// as `String`, is written with its whole path.
pub(super) fn own_name(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    let segments = &path.path.segments;
    let is_own = match segments.len() {
        1 => true,
        2 => segments[0].ident == "types",
        _ => false,
    };
    let name = segments.last()?.ident.to_string();
    (is_own && path.path.leading_colon.is_none()).then_some(name)
}

/// The first argument of a generic type of this name.
pub(super) fn argument(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}
