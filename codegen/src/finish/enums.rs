//! Enums that stay readable when the server learns a new value: unknown ones are kept as they
//! came and go out again as they came; what a caller writes as a string is held to the document.

use heck::ToUpperCamelCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::docs;
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
    let expected = match values {
        [only] => format!("must be `{only}`"),
        _ => {
            let quoted: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("must be one of {}", quoted.join(", "))
        }
    };
    quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
            const EXPECTED: &'static str = #expected;
            fn text(&self) -> &str {
                self.as_str()
            }
            fn unknown(&self) -> ::std::option::Option<&str> {
                match self {
                    Self::Unknown(value) => ::std::option::Option::Some(value),
                    _ => ::std::option::Option::None,
                }
            }
            fn read(value: ::std::string::String) -> Self {
                match value.as_str() {
                    #(#values => Self::#variants,)*
                    _ => Self::Unknown(value),
                }
            }
        }
        impl ::std::fmt::Display for #name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::std::convert::AsRef<str> for #name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        impl ::std::str::FromStr for #name {
            type Err = self::error::ConversionError;
            fn from_str(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
                ::std::result::Result::Ok(crate::model::open_enum::parse(value)?)
            }
        }
        impl ::std::convert::TryFrom<&str> for #name {
            type Error = self::error::ConversionError;
            fn try_from(value: &str) -> ::std::result::Result<Self, self::error::ConversionError> {
                value.parse()
            }
        }
        impl ::std::convert::TryFrom<::std::string::String> for #name {
            type Error = self::error::ConversionError;
            fn try_from(
                value: ::std::string::String,
            ) -> ::std::result::Result<Self, self::error::ConversionError> {
                value.parse()
            }
        }
        impl ::serde::Serialize for #name {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for #name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                crate::model::open_enum::deserialize(deserializer)
            }
        }
        impl crate::model::validate::Validate for #name {
            fn validate(&self) -> ::std::result::Result<(), crate::model::validate::ValidationError> {
                crate::model::open_enum::validate(self)
            }
        }
    }
}

/// One variant a value; values that would share a name are numbered.
fn variants(values: &[String]) -> Vec<Ident> {
    let mut taken = vec!["Unknown".to_owned()];
    values
        .iter()
        .map(|value| {
            let mut name = value.to_upper_camel_case();
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                name.insert(0, 'X');
            }
            if syn::parse_str::<Ident>(&name).is_err() {
                name = "Value".to_owned();
            }
            let base = name.clone();
            let mut count = 1;
            while taken.contains(&name) {
                count += 1;
                name = format!("{base}{count}");
            }
            taken.push(name.clone());
            format_ident!("{name}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_value_gets_a_variant_of_its_own() {
        let values = ["a-b", "a_b", "", "2nd", "unknown", "Self"].map(ToOwned::to_owned);
        let names: Vec<_> = super::variants(&values).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["AB", "AB2", "Value", "X2nd", "Unknown2", "Value2"]);
    }
}
