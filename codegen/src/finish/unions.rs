//! Choices between types as enums: the tag decides, never the accident that a value fits; what the
//! document does not name is kept as it came.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Item, Type};

use super::checks::bounds;
use super::docs;
use super::structs::{self, chosen};
use crate::surface::{self, Kind, Rule, Surface};

/// A choice as it will be generated.
pub(super) struct Union<'a> {
    ident: Ident,
    source: &'a surface::Type,
    union: &'a surface::Union,
    variants: Vec<Variant<'a>>,
}

struct Variant<'a> {
    ident: Ident,
    ty: Type,
    source: &'a surface::Variant,
}

/// The choices of the surface, with the Rust types that progenitor chose for their kinds.
pub(super) fn finish<'a>(items: &[Item], surface: &'a Surface) -> Result<Vec<Union<'a>>, String> {
    let mut unions = Vec::new();
    for (name, source) in &surface.types {
        let Kind::Union(union) = &source.kind else { continue };
        let item = structs::generated(items, name)?;
        let variants = union.variants.iter().map(|variant| {
            let ty = chosen(item, &variant.property)
                .ok_or_else(|| format!("progenitor made no field `{name}.{}`", variant.property))?;
            Ok(Variant { ident: format_ident!("{}", variant.name), ty, source: variant })
        });
        let variants = variants.collect::<Result<_, String>>()?;
        unions.push(Union { ident: item.ident.clone(), source, union, variants });
    }
    Ok(unions)
}

impl Union<'_> {
    pub(super) fn generate(&self) -> TokenStream {
        let Self { ident, source, .. } = self;
        let docs = docs::of_value(&ident.to_string(), &source.notes, &Rule::default());
        let variants = self.variants.iter().map(|variant| {
            let doc = match variant.source.tags.as_slice() {
                [] => {
                    format!(" A {}.", variant.ident.to_string().to_snake_case().replace('_', " "))
                }
                tags => format!(" `{}`", tags.join("`, `")),
            };
            let Variant { ident, ty, .. } = variant;
            quote!(#[doc = #doc] #ident(#ty))
        });
        let serialize = self.serialize();
        let deserialize = self.deserialize();
        let told = self.union.beside.then(|| self.tagged());
        let validate = source.sent.then(|| self.validate());
        let conversions = self.conversions();
        quote! {
            #docs
            #[derive(Clone, Debug, PartialEq)]
            #[non_exhaustive]
            pub enum #ident {
                #(#variants,)*
                /// A value of a kind that the document does not name, as the server sent it.
                Unknown(::serde_json::Value),
            }
            #serialize
            #deserialize
            #told
            #validate
            #conversions
        }
    }

    fn serialize(&self) -> TokenStream {
        let arms = self.variants.iter().map(|Variant { ident, source, .. }| {
            match (&self.union.tag, source.tags.first()) {
                (Some(tag), Some(value)) if !source.tagged_inside && !self.union.beside => {
                    quote!(Self::#ident(value) => crate::model::union::tagged(#tag, #value, value, serializer))
                }
                _ => quote!(Self::#ident(value) => ::serde::Serialize::serialize(value, serializer)),
            }
        });
        let ident = &self.ident;
        quote! {
            impl ::serde::Serialize for #ident {
                fn serialize<S: ::serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> ::std::result::Result<S::Ok, S::Error> {
                    match self {
                        #(#arms,)*
                        Self::Unknown(value) => ::serde::Serialize::serialize(value, serializer),
                    }
                }
            }
        }
    }

    fn deserialize(&self) -> TokenStream {
        let ident = &self.ident;
        let tell = match &self.union.tag {
            // Alone, the value does not say what it is; its owner does.
            Some(_) if self.union.beside => quote!(::std::result::Result::Ok(Self::Unknown(value))),
            Some(tag) => {
                let arms = self.variants.iter().map(|Variant { ident, source, .. }| {
                    let tags = &source.tags;
                    quote!(::std::option::Option::Some(#(#tags)|*) => crate::model::union::read(value).map(Self::#ident))
                });
                quote! {
                    match crate::model::union::tag(&value, #tag) {
                        #(#arms,)*
                        _ => ::std::result::Result::Ok(Self::Unknown(value)),
                    }
                }
            }
            None => {
                let shapes = self.variants.iter().map(|variant| shape(&variant.source.shape));
                let arms = self.variants.iter().enumerate().map(|(index, Variant { ident, .. })| {
                    quote!(::std::option::Option::Some(#index) => crate::model::union::read(value.clone()).map(Self::#ident))
                });
                quote! {
                    const SHAPES: &[crate::model::union::Shape] = &[#(#shapes),*];
                    let read: ::std::result::Result<Self, D::Error> = match crate::model::union::tell(&value, SHAPES) {
                        #(#arms,)*
                        _ => return ::std::result::Result::Ok(Self::Unknown(value)),
                    };
                    read.or(::std::result::Result::Ok(Self::Unknown(value)))
                }
            }
        };
        quote! {
            impl<'de> ::serde::Deserialize<'de> for #ident {
                fn deserialize<D: ::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::std::result::Result<Self, D::Error> {
                    let value = <::serde_json::Value as ::serde::Deserialize>::deserialize(deserializer)?;
                    #tell
                }
            }
        }
    }

    /// For a choice whose tag stands beside it.
    fn tagged(&self) -> TokenStream {
        let ident = &self.ident;
        let read = self.variants.iter().map(|Variant { ident, source, .. }| {
            let tags = &source.tags;
            quote!((Self::Unknown(value), #(#tags)|*) => crate::model::union::read(value).map(Self::#ident))
        });
        let is = self.variants.iter().map(|Variant { ident, source, .. }| {
            let tags = &source.tags;
            quote!(Self::#ident(_) => ::std::matches!(tag, #(#tags)|*))
        });
        quote! {
            impl crate::model::union::Told for #ident {
                fn told<E: ::serde::de::Error>(self, tag: &str) -> ::std::result::Result<Self, E> {
                    match (self, tag) {
                        #(#read,)*
                        (other, _) => ::std::result::Result::Ok(other),
                    }
                }
                fn is(&self, tag: &str) -> bool {
                    match self {
                        #(#is,)*
                        Self::Unknown(_) => true,
                    }
                }
            }
        }
    }

    fn validate(&self) -> TokenStream {
        let ident = &self.ident;
        let arms = self.variants.iter().map(|Variant { ident, source, .. }| {
            let bounds = bounds::bounds(&quote!(value), &source.rule);
            let inner = source.holds_types.then(|| bounds::nested(&quote!(value)));
            let value = match (&bounds, &inner) {
                (None, None) => quote!(_),
                _ => quote!(value),
            };
            quote!(Self::#ident(#value) => { #bounds #inner })
        });
        quote! {
            impl crate::model::validate::Validate for #ident {
                fn validate(&self, checks: crate::model::validate::Checks) -> crate::model::validate::Checked {
                    match self {
                        #(#arms)*
                        Self::Unknown(_) => return ::std::result::Result::Err(
                            crate::model::validate::ValidationError::new("must be of a kind that the document names"),
                        ),
                    }
                    ::std::result::Result::Ok(())
                }
            }
        }
    }

    /// From the types of the kinds, where one type means one kind.
    fn conversions(&self) -> TokenStream {
        let ident = &self.ident;
        let alone = self.variants.iter().filter(|variant| {
            self.variants.iter().filter(|other| other.ty == variant.ty).count() == 1
        });
        let conversions = alone.map(|variant| {
            let Variant { ident: kind, ty, .. } = variant;
            quote! {
                impl ::std::convert::From<#ty> for #ident {
                    fn from(value: #ty) -> Self {
                        Self::#kind(value)
                    }
                }
            }
        });
        quote!(#(#conversions)*)
    }
}

/// A shape as an expression of the generated crate.
fn shape(shape: &surface::Shape) -> TokenStream {
    let kind = match shape.kind.as_deref() {
        Some("object") => quote!(Object),
        Some("array") => quote!(List),
        Some("string") => quote!(String),
        Some("integer") => quote!(Integer),
        Some("number") => quote!(Number),
        Some("boolean") => quote!(Boolean),
        _ => quote!(Any),
    };
    let (required, known, strings) = (&shape.required, &shape.known, &shape.strings);
    let values = shape.values.iter().map(|(name, values)| quote!((#name, &[#(#values),*])));
    quote! {
        crate::model::union::Shape {
            kind: crate::model::union::JsonKind::#kind,
            required: &[#(#required),*],
            known: &[#(#known),*],
            values: &[#(#values),*],
            strings: &[#(#strings),*],
        }
    }
}
