//! For every struct that a request can hold, the check of its fields against the document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use syn::Ident;

use super::structs::Struct;
use crate::surface::{self, Kind, Surface};

pub(super) fn generate(structs: &[Struct<'_>], surface: &Surface) -> Vec<TokenStream> {
    let structs =
        structs.iter().map(|it| (it.ident.clone(), it.fields().filter_map(check).collect()));
    let others = surface.types.iter().filter(|(_, it)| matches!(it.kind, Kind::Other));
    let others = others.map(|(name, _)| (format_ident!("{name}"), Vec::new()));
    let sent = |name: &Ident| surface.types.get(&name.to_string()).is_some_and(|it| it.sent);
    structs
        .chain(others)
        .filter(|(name, _)| sent(name))
        .map(|(name, checks)| validate(&name, &checks))
        .collect()
}

fn validate(name: &Ident, checks: &[TokenStream]) -> TokenStream {
    quote! {
        impl crate::validate::Validate for #name {
            fn validate(&self) -> ::std::result::Result<(), crate::validate::Refusal> {
                #(#checks)*
                ::std::result::Result::Ok(())
            }
        }
    }
}

fn check((ident, field): (&Ident, &surface::Field)) -> Option<TokenStream> {
    let wire = &field.wire;
    let rule = rule(&field.rule);
    let bounds = (!field.rule.is_none()).then(|| {
        quote! {
            crate::validate::Checked::check(&self.#ident, &const { #rule })
                .map_err(|refusal| refusal.within(#wire))?;
        }
    });
    let inner = field.holds_types.then(|| {
        quote! {
            crate::validate::Validate::validate(&self.#ident)
                .map_err(|refusal| refusal.within(#wire))?;
        }
    });
    (bounds.is_some() || inner.is_some()).then(|| quote!(#bounds #inner))
}

/// A rule as an expression of the generated crate.
pub(super) fn rule(rule: &surface::Rule) -> TokenStream {
    let some =
        |value: Option<TokenStream>| value.map(|value| quote!(::std::option::Option::Some(#value)));
    let number = |value: Option<f64>| some(value.map(|value| quote!(#value)));
    let count = |value: Option<u64>| {
        let value = value.map(|value| proc_macro2::Literal::u64_unsuffixed(value));
        some(value.map(|value| quote!(#value)))
    };
    let flag = |value: bool| value.then(|| quote!(true));
    let fields: Vec<TokenStream> = [
        ("minimum", number(rule.minimum)),
        ("exclusive_minimum", flag(rule.exclusive_minimum)),
        ("maximum", number(rule.maximum)),
        ("exclusive_maximum", flag(rule.exclusive_maximum)),
        ("multiple_of", number(rule.multiple_of)),
        ("min_length", count(rule.min_length)),
        ("max_length", count(rule.max_length)),
        ("min_items", count(rule.min_items)),
        ("max_items", count(rule.max_items)),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        let name = format_ident!("{name}");
        value.map(|value| quote!(#name: #value))
    })
    .collect();
    if fields.is_empty() {
        quote!(crate::validate::Rule::NONE)
    } else {
        quote!(crate::validate::Rule { #(#fields,)* ..crate::validate::Rule::NONE })
    }
}
