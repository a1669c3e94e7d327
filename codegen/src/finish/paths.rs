//! What progenitor wrote without its path is written with it: a schema may be called as what Rust's
//! prelude has, `Ok` or `String`, and would be taken for it.

use syn::visit_mut::VisitMut;
use syn::{ExprPath, Item, ItemImpl, TypePath, parse_quote};

/// The items of progenitor's that stay.
pub(super) fn in_full<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<Item> {
    let items = items.cloned().map(|mut item| {
        InFull.visit_item_mut(&mut item);
        item
    });
    items.collect()
}

struct InFull;

impl VisitMut for InFull {
    fn visit_expr_path_mut(&mut self, it: &mut ExprPath) {
        syn::visit_mut::visit_expr_path_mut(self, it);
        for (name, path) in [
            ("Ok", parse_quote!(::std::result::Result::Ok)),
            ("Err", parse_quote!(::std::result::Result::Err)),
            ("Some", parse_quote!(::std::option::Option::Some)),
            ("None", parse_quote!(::std::option::Option::None)),
        ] {
            if it.path.is_ident(name) {
                it.path = path;
            }
        }
    }

    fn visit_item_impl_mut(&mut self, it: &mut ItemImpl) {
        syn::visit_mut::visit_item_impl_mut(self, it);
        let mut segments = it.trait_.iter().flat_map(|(path, _)| &path.segments);
        // A newtype is made of strings by this alone; elsewhere a lone name is a schema's.
        if segments.any(|segment| segment.ident == "TryFrom") {
            Strings.visit_item_impl_mut(it);
        }
    }
}

struct Strings;

impl VisitMut for Strings {
    fn visit_type_path_mut(&mut self, it: &mut TypePath) {
        syn::visit_mut::visit_type_path_mut(self, it);
        if it.path.is_ident("String") {
            it.path = parse_quote!(::std::string::String);
        }
    }
}
