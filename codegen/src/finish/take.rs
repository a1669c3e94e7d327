//! What a caller may pass for a value of a Rust type, and how it becomes that value.
//!
//! | type | what is taken |
//! |---|---|
//! | an integer | any integer, `impl Integer`; one that does not fit is remembered and rejected |
//! | a number | any number, `impl Number` |
//! | a string, a secret, a file, a choice, a time | `impl Into<_>` |
//! | a list | `impl IntoIterator` of what is taken for an item |
//! | a map | `impl IntoIterator` of pairs |
//! | anything else: an enum, a struct, a boolean, JSON | the type itself |
//!
//! Where null is allowed too, `Null` or a `Nullable` is taken as well.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, PathArguments, Type};

use super::syntax::own_name;
use crate::surface::{Kind, Surface};

/// How a value of a type is taken.
pub(super) enum Take {
    Integer(Type),
    Number,
    Into(Type),
    List(Box<Take>),
    Map(Box<Take>, Box<Take>),
    Plain(Type),
}

impl Take {
    pub(super) fn of(ty: &Type, surface: &Surface) -> Self {
        let Type::Path(path) = ty else { return Self::Plain(ty.clone()) };
        let Some(last) = path.path.segments.last() else { return Self::Plain(ty.clone()) };
        let inner: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => {
                let types = arguments.args.iter().filter_map(|it| match it {
                    GenericArgument::Type(inner) => Some(inner),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        };
        let name = last.ident.to_string();
        if let Some(own) = own_name(ty).and_then(|name| surface.types.get(&name)) {
            return match own.kind {
                Kind::Union(_) | Kind::Other(_) => Self::Into(ty.clone()),
                _ => Self::Plain(ty.clone()),
            };
        }
        match (name.as_str(), inner.as_slice()) {
            ("i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64", _) => {
                Self::Integer(ty.clone())
            }
            ("f32" | "f64", _) => Self::Number,
            ("String" | "Secret" | "Upload" | "DateTime" | "NaiveDate", _) => {
                Self::Into(ty.clone())
            }
            ("Vec", [item]) => match Self::of(item, surface) {
                // What does not fit has nowhere to be remembered.
                Self::Integer(_) | Self::Number => Self::Into(ty.clone()),
                item => Self::List(Box::new(item)),
            },
            ("HashMap", [key, value]) => match (Self::of(key, surface), Self::of(value, surface)) {
                (Self::Integer(_) | Self::Number, _) | (_, Self::Integer(_) | Self::Number) => {
                    Self::Into(ty.clone())
                }
                (key, value) => Self::Map(Box::new(key), Box::new(value)),
            },
            _ => Self::Plain(ty.clone()),
        }
    }

    /// The type of an argument that takes it.
    pub(super) fn argument(&self) -> TokenStream {
        match self {
            Self::Integer(_) => quote!(impl crate::Integer),
            Self::Number => quote!(impl crate::Number),
            Self::Into(ty) => quote!(impl ::std::convert::Into<#ty>),
            Self::Plain(ty) => quote!(#ty),
            Self::List(item) => {
                let item = item.argument();
                quote!(impl ::std::iter::IntoIterator<Item = #item>)
            }
            Self::Map(key, value) => {
                let (key, value) = (key.argument(), value.argument());
                quote!(impl ::std::iter::IntoIterator<Item = (#key, #value)>)
            }
        }
    }

    /// The type of an argument that takes it or null.
    pub(super) fn nullable_argument(&self, ty: &Type) -> TokenStream {
        match self {
            Self::Integer(ty) => quote!(impl crate::NullableInteger<#ty>),
            Self::Number => quote!(impl crate::NullableNumber),
            _ => quote!(impl ::std::convert::Into<crate::Nullable<#ty>>),
        }
    }

    /// What makes the value of what was taken, as a function; integers are converted where what
    /// does not fit can be remembered.
    pub(super) fn convert(&self) -> Option<TokenStream> {
        match self {
            Self::Integer(_) | Self::Plain(_) => None,
            Self::Number => Some(quote!(crate::model::convert::number)),
            Self::Into(_) => Some(quote!(::std::convert::Into::into)),
            Self::List(item) => Some(match item.convert() {
                None => quote!(crate::model::convert::list),
                Some(_) if matches!(**item, Self::Into(_)) => {
                    quote!(crate::model::convert::list_into)
                }
                Some(item) => quote!(|items| items.into_iter().map(#item).collect()),
            }),
            Self::Map(key, value) => Some(match (&**key, &**value) {
                (Self::Into(_), Self::Into(_)) => quote!(crate::model::convert::map_into),
                (Self::Into(_), Self::Plain(_)) => quote!(crate::model::convert::map),
                (key, value) => {
                    let identity = quote!(::std::convert::identity);
                    let key = key.convert().unwrap_or_else(|| identity.clone());
                    let value = value.convert().unwrap_or(identity);
                    quote!(|items| items
                        .into_iter()
                        .map(|(key, value)| ((#key)(key), (#value)(value)))
                        .collect())
                }
            }),
        }
    }
}
