//! Enums that stay readable when the server learns a new value: unknown ones are kept as they
//! came and go out again as they came; what a caller writes as a string is held to the document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::docs;
use crate::lower::naming::spell;
use crate::surface::{Kind, Rule, Surface};

pub(super) fn generate(surface: &Surface) -> Vec<TokenStream> {
    let enums = surface.types.iter().filter_map(|(name, it)| match &it.kind {
        Kind::Enum(values) => Some((name, it, values)),
        _ => None,
    });
    enums
        .map(|(name, it, values)| {
            let docs = docs::of_value(name, &it.notes, &Rule::default());
            one(&format_ident!("{name}"), &docs, values)
        })
        .collect()
}

fn one(name: &Ident, docs: &TokenStream, values: &[String]) -> TokenStream {
    let variants = variants(values);
    let variant_docs = values.iter().map(|value| format!(" `{value}`"));
    quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#[doc = #variant_docs] #variants,)*
            /// A value that the document does not name, as the server sent it.
            Unknown(::std::string::String),
        }
        impl #name {
            /// The value as it travels.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #values,)*
                    Self::Unknown(value) => value,
                }
            }
        }
        impl crate::model::open_enum::OpenEnum for #name {
            const KNOWN: &'static [(&'static str, Self)] = &[#((#values, Self::#variants)),*];
            const OTHER: fn(::std::string::String) -> Self = Self::Unknown;
        }
        crate::model::open_enum::open_enum!(#name, self::error::ConversionError);
    }
}

/// One variant a value.
fn variants(values: &[String]) -> Vec<Ident> {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let names = spell::distinct(&values, |value| spell::camel(value, "X"), &["Unknown"]);
    names.iter().map(|name| format_ident!("{name}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_value_gets_a_variant_of_its_own() {
        let values = ["a-b", "a_b", "", "2nd", "unknown", "Self"].map(ToOwned::to_owned);
        let names: Vec<_> = super::variants(&values).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["AB2", "AB", "Value", "X2nd", "Unknown_", "Self_"]);
    }
}
