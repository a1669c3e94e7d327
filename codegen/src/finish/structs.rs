//! Structs and their builders: what a field may leave out, what may be null, and setters that
//! keep the reason when they cannot take a value.
//!
//! | in the document | field | written when unset | read when absent |
//! |---|---|---|---|
//! | required | `T` | – | an error |
//! | required, nullable | `Option<T>` | `null` | `None` |
//! | optional | `Option<T>` | left out | `None` |
//! | optional, nullable, in a request | `Option<Nullable<T>>` | left out | `None` |
//! | optional, nullable, in responses only | `Option<T>` | left out | `None` |
//! | all others, of one type | a map, `extra` | – | empty |

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{Ident, Item, ItemStruct, Type, parse_quote};

use super::docs;
use crate::surface::{self, Kind, Surface};

/// A struct as it will be generated.
pub(super) struct Struct<'a> {
    pub(super) ident: Ident,
    pub(super) sets: Option<&'a surface::Sets>,
    source: &'a surface::Type,
    fields: Vec<Field<'a>>,
    extra: Option<Field<'a>>,
}

struct Field<'a> {
    ident: Ident,
    base: Type,
    source: &'a surface::Field,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Required,
    RequiredNullable,
    Optional,
    OptionalNullable,
    /// All that the object holds besides its fields.
    Extra,
}

/// The structs of the surface, with the Rust types that progenitor chose.
pub(super) fn finish<'a>(items: &[Item], surface: &'a Surface) -> Result<Vec<Struct<'a>>, String> {
    let mut structs = Vec::new();
    for (name, source) in &surface.types {
        let Kind::Struct(surface::Struct { fields, sets, extra }) = &source.kind else { continue };
        let item = generated(items, name)?;
        let fields: Vec<Field<'_>> = fields
            .iter()
            .map(|field| {
                let (ident, base) = chosen(item, &field.wire)
                    .ok_or_else(|| format!("progenitor made no field `{name}.{}`", field.wire))?;
                let state = match (field.required, field.nullable) {
                    (true, false) => State::Required,
                    (true, true) => State::RequiredNullable,
                    (false, true) if source.sent => State::OptionalNullable,
                    (false, _) => State::Optional,
                };
                Ok(Field { ident, base, source: field, state })
            })
            .collect::<Result<_, String>>()?;
        let extra = match extra {
            None => None,
            Some(extra) => {
                let base = flattened(item)
                    .ok_or_else(|| format!("progenitor made no further fields of `{name}`"))?;
                let taken = fields.iter().any(|field| field.ident == "extra");
                let ident = format_ident!("{}", if taken { "extra_" } else { "extra" });
                Some(Field { ident, base, source: extra, state: State::Extra })
            }
        };
        let sets = sets.as_ref();
        structs.push(Struct { ident: item.ident.clone(), sets, source, fields, extra });
    }
    Ok(structs)
}

/// The struct that progenitor made of a schema.
pub(super) fn generated<'a>(items: &'a [Item], name: &str) -> Result<&'a ItemStruct, String> {
    let found = items.iter().find_map(|item| match item {
        Item::Struct(item) if item.ident == name => Some(item),
        _ => None,
    });
    found.ok_or_else(|| format!("progenitor made no struct `{name}`"))
}

/// The field that progenitor made of a property, without the `Option` it may have added.
pub(super) fn chosen(item: &ItemStruct, wire: &str) -> Option<(Ident, Type)> {
    item.fields.iter().find_map(|field| {
        let ident = field.ident.clone()?;
        let renamed = field.attrs.iter().find_map(rename);
        (renamed.unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned()) == wire)
            .then(|| (ident, without_option(&field.ty)))
    })
}

/// The type of the field in which progenitor keeps what a struct has no field for.
fn flattened(item: &ItemStruct) -> Option<Type> {
    let flat = |attribute: &syn::Attribute| {
        let mut found = false;
        if attribute.path().is_ident("serde") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("flatten");
                Ok(())
            });
        }
        found
    };
    let field = item.fields.iter().find(|field| field.attrs.iter().any(flat))?;
    Some(field.ty.clone())
}

fn rename(attribute: &syn::Attribute) -> Option<String> {
    let mut name = None;
    if attribute.path().is_ident("serde") {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    name
}

fn without_option(ty: &Type) -> Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner.clone();
    }
    ty.clone()
}

impl Struct<'_> {
    /// The text of a field that is a string or an enum, as an `Option<&str>`.
    pub(super) fn text(&self, wire: &str) -> Option<TokenStream> {
        let field = self.fields.iter().find(|field| field.source.wire == wire)?;
        Some(field.text(&quote!(self)))
    }

    /// Whether a field is in the struct whatever a caller does.
    pub(super) fn always(&self, wire: &str) -> bool {
        let required = |state| matches!(state, State::Required | State::RequiredNullable);
        self.fields.iter().any(|field| field.source.wire == wire && required(field.state))
    }

    /// The fields, each with the name that it has in Rust.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&Ident, &surface::Field)> {
        self.fields.iter().map(|field| (&field.ident, field.source))
    }

    /// The map of all else.
    pub(super) fn extra(&self) -> Option<(&Ident, &surface::Field)> {
        self.extra.as_ref().map(|extra| (&extra.ident, extra.source))
    }

    fn all(&self) -> impl Iterator<Item = &Field<'_>> {
        self.fields.iter().chain(&self.extra)
    }

    pub(super) fn definition(&self) -> TokenStream {
        let Self { ident, source, .. } = self;
        let docs = docs::of_value(&ident.to_string(), &source.notes, &surface::Rule::default());
        let as_json = !source.holds_file;
        let fields = self.all().map(|field| field.definition(as_json));
        // A file is not JSON: only a form can carry it.
        let serde =
            as_json.then(|| quote!(#[derive(PartialEq, ::serde::Deserialize, ::serde::Serialize)]));
        let told = self.tagged();
        let remote = told.is_some().then(|| quote!(#[serde(remote = "Self")]));
        let default = self.fields.iter().all(|field| field.state != State::Required);
        let default = default.then(|| quote!(#[derive(Default)]));
        quote! {
            #docs
            #[derive(Clone, Debug)]
            #serde
            #default
            #remote
            #[non_exhaustive]
            pub struct #ident {
                #(#fields),*
            }
            #told
            impl #ident {
                /// A builder with nothing set.
                pub fn builder() -> builder::#ident {
                    ::std::default::Default::default()
                }
            }
        }
    }
}

impl Struct<'_> {
    /// Where a field says of which type another one's value is, the two are read together.
    fn tagged(&self) -> Option<TokenStream> {
        let ident = &self.ident;
        let steps = self.fields.iter().filter_map(|field| {
            let tag = self
                .fields
                .iter()
                .find(|it| Some(&it.source.wire) == field.source.tagged_by.as_ref())?;
            let (name, tag) = (&field.ident, tag.text(&quote!(it)));
            Some(quote! {
                if let ::std::option::Option::Some(tag) = #tag {
                    it.#name = crate::model::union::Told::told(it.#name, tag)?;
                }
            })
        });
        let steps: Vec<_> = steps.collect();
        (!steps.is_empty()).then(|| {
            quote! {
                impl<'de> ::serde::Deserialize<'de> for #ident {
                    fn deserialize<D: ::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> ::std::result::Result<Self, D::Error> {
                        let mut it = Self::deserialize(deserializer)?;
                        #(#steps)*
                        ::std::result::Result::Ok(it)
                    }
                }
                impl ::serde::Serialize for #ident {
                    fn serialize<S: ::serde::Serializer>(
                        &self,
                        serializer: S,
                    ) -> ::std::result::Result<S::Ok, S::Error> {
                        Self::serialize(self, serializer)
                    }
                }
            }
        })
    }
}

impl Field<'_> {
    /// The field with its type as the module of builders must write it, where every struct has a
    /// builder of the same name.
    fn seen_from_builder(&self) -> Self {
        let mut base = self.base.clone();
        Outward.visit_type_mut(&mut base);
        Self { ident: self.ident.clone(), base, source: self.source, state: self.state }
    }

    fn text(&self, owner: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        let text = quote!(::std::convert::AsRef::<str>::as_ref);
        match self.state {
            State::Required => quote!(::std::option::Option::Some(#text(&#owner.#ident))),
            State::RequiredNullable | State::Optional => quote!(#owner.#ident.as_ref().map(#text)),
            State::Extra => quote!(::std::option::Option::None),
            State::OptionalNullable => {
                quote!(#owner.#ident.as_ref().and_then(|value| value.as_option()).map(#text))
            }
        }
    }

    /// The type as it stands in the struct.
    fn ty(&self) -> TokenStream {
        let base = &self.base;
        match self.state {
            State::Required | State::Extra => quote!(#base),
            State::RequiredNullable | State::Optional => quote!(::std::option::Option<#base>),
            State::OptionalNullable => quote!(::std::option::Option<crate::Nullable<#base>>),
        }
    }

    fn definition(&self, as_json: bool) -> TokenStream {
        let Self { ident, source, state, .. } = self;
        let docs = docs::of_value(&source.wire, &source.notes, &source.rule);
        let wire = &source.wire;
        let rename = (ident != wire).then(|| quote!(rename = #wire,));
        let omitted = quote!(skip_serializing_if = "::std::option::Option::is_none");
        let serde = match state {
            State::Required | State::RequiredNullable => quote!(#rename),
            State::Optional => quote!(#rename #omitted),
            State::OptionalNullable => {
                quote!(#rename default, #omitted, deserialize_with = "crate::model::nullable::present")
            }
            State::Extra => quote!(flatten),
        };
        let serde = (as_json && !serde.is_empty()).then(|| quote!(#[serde(#serde)]));
        let ty = self.ty();
        quote!(#docs #serde pub #ident: #ty)
    }

    fn setter(&self) -> TokenStream {
        let Self { ident, base, source, state } = self;
        let docs = docs::of_value(&source.wire, &source.notes, &source.rule);
        if *state == State::OptionalNullable {
            return quote! {
                #docs
                ///
                /// [`Nullable::Null`](crate::Nullable::Null) sends `null`; unset, it is left out.
                pub fn #ident(mut self, value: impl ::std::convert::Into<crate::Nullable<#base>>) -> Self {
                    self.#ident = ::std::result::Result::Ok(::std::option::Option::Some(value.into()));
                    self
                }
            };
        }
        let wire = &source.wire;
        let given = match state {
            State::Required | State::Extra => quote!(crate::model::convert::field),
            _ => quote!(crate::model::convert::some_field),
        };
        quote! {
            #docs
            pub fn #ident<V>(mut self, value: V) -> Self
            where
                V: ::std::convert::TryInto<#base>,
                V::Error: ::std::fmt::Display,
            {
                self.#ident = #given(#wire, value);
                self
            }
        }
    }
}

/// Writes generated types, which are the only lone names in UpperCamelCase, as seen from a module
/// inside theirs.
struct Outward;

impl VisitMut for Outward {
    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        syn::visit_mut::visit_type_path_mut(self, path);
        let Some(name) = path.path.get_ident() else { return };
        if name.to_string().starts_with(char::is_uppercase) && name != "String" {
            let name = name.clone();
            path.path = parse_quote!(super::#name);
        }
    }
}

/// The module of builders.
pub(super) fn builders(structs: &[Struct<'_>]) -> Vec<TokenStream> {
    structs.iter().map(builder).collect()
}

fn builder(it: &Struct<'_>) -> TokenStream {
    let ident = &it.ident;
    let names: Vec<_> = it.all().map(|field| &field.ident).collect();
    let fields: Vec<Field<'_>> = it.all().map(Field::seen_from_builder).collect();
    let types = fields.iter().map(Field::ty);
    let unset = it.all().map(|field| match field.state {
        State::Extra => quote!(::std::result::Result::Ok(::std::default::Default::default())),
        State::Required | State::RequiredNullable => {
            let reason = format!("`{}` must be set", field.source.wire);
            quote!(::std::result::Result::Err(::std::string::String::from(#reason)))
        }
        _ => quote!(::std::result::Result::Ok(::std::option::Option::None)),
    });
    let setters = fields.iter().map(Field::setter);
    let doc = format!(" Builder of [`{ident}`](super::{ident}).");
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        #[must_use = "a builder does nothing until it is turned into the type"]
        pub struct #ident {
            #(#names: ::std::result::Result<#types, ::std::string::String>),*
        }
        impl ::std::default::Default for #ident {
            fn default() -> Self {
                Self { #(#names: #unset),* }
            }
        }
        impl #ident {
            #(#setters)*
        }
        impl ::std::convert::TryFrom<#ident> for super::#ident {
            type Error = super::error::ConversionError;
            fn try_from(value: #ident) -> ::std::result::Result<Self, super::error::ConversionError> {
                ::std::result::Result::Ok(Self { #(#names: value.#names?),* })
            }
        }
        impl ::std::convert::From<super::#ident> for #ident {
            fn from(value: super::#ident) -> Self {
                Self { #(#names: ::std::result::Result::Ok(value.#names)),* }
            }
        }
    }
}
