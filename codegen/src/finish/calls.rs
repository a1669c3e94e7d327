//! One builder an operation, and one method of the client that begins it.
//!
//! Progenitor's builders know the Rust type of every parameter, body and answer. Everything else
//! about them is replaced: setters keep the reason when they cannot take a value, builders own
//! their client, and `send` only describes the call.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, Ident, ImplItem, Item, PathArguments, ReturnType, Type};

use super::{docs, validate};
use crate::surface::{self, Operation, Parameter, Place, Surface};

/// The methods of the client.
pub(super) fn methods(surface: &Surface) -> TokenStream {
    let methods = surface.operations.iter().map(|operation| {
        let name = format_ident!("{}", operation.name);
        let builder = format_ident!("{}", operation.type_name());
        let docs = docs::lines(&description(operation));
        let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
        let hidden = operation.hidden.then(|| quote!(#[doc(hidden)]));
        quote! {
            #docs
            #deprecated
            #hidden
            pub fn #name(&self) -> builder::#builder {
                builder::#builder::new(self)
            }
        }
    });
    quote! {
        #[allow(clippy::all, clippy::pedantic)]
        impl crate::Client {
            #(#methods)*
        }
    }
}

fn description(operation: &Operation) -> String {
    let mut parts = Vec::new();
    for text in [&operation.summary, &operation.description] {
        if !text.is_empty() && !parts.contains(&docs::render(text)) {
            parts.push(docs::render(text));
        }
    }
    parts.push(format!("Sends a `{}` request to `{}`", operation.method, operation.path));
    let errors: Vec<_> = operation
        .statuses
        .iter()
        .filter(|(status, _)| !status.starts_with('2'))
        .map(|(status, description)| format!("- `{status}`: {}", docs::render(description)))
        .collect();
    if !errors.is_empty() {
        parts.push(format!("# Errors\n{}", errors.join("\n")));
    }
    parts.join("\n\n")
}

/// The module of builders.
pub(super) fn module(items: &[Item], surface: &Surface) -> Result<TokenStream, String> {
    let generated = generated(items);
    let builders = surface
        .operations
        .iter()
        .map(|operation| {
            let name = operation.type_name();
            let types = generated
                .get(&name)
                .ok_or_else(|| format!("progenitor made no builder `{name}`"))?;
            builder(operation, types)
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(quote! {
        /// The builders of the calls.
        #[allow(clippy::all, clippy::pedantic, unused_imports)]
        pub mod builder {
            use super::types;
            use crate::call::Call;
            use crate::validate::Rule;
            #(#builders)*
        }
    })
}

/// The Rust types that progenitor chose for one operation.
#[derive(Default)]
struct Chosen {
    /// By name of the field: the type inside `Result<…, String>`.
    fields: BTreeMap<String, Type>,
    answer: Option<Type>,
}

fn generated(items: &[Item]) -> BTreeMap<String, Chosen> {
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
                    all.entry(name.ident.to_string()).or_default().answer =
                        response.and_then(|it| argument(&it, "ResponseValue"));
                }
            }
            _ => {}
        }
    }
    all
}

/// The first argument of a generic type of this name.
fn argument(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}

fn builder(operation: &Operation, chosen: &Chosen) -> Result<TokenStream, String> {
    let name = format_ident!("{}", operation.type_name());
    let missing = |what: &str| format!("progenitor's builder `{name}` has no {what}");
    let mut fields = Fields::default();
    for parameter in &operation.parameters {
        let field = surface::rust_name(&parameter.wire);
        let ty = chosen.fields.get(&field).ok_or_else(|| missing(&format!("field `{field}`")))?;
        fields.parameter(&format_ident!("{field}"), parameter, ty);
    }
    if let Some(body) = operation.body {
        let ty = chosen.fields.get("body").ok_or_else(|| missing("field `body`"))?;
        fields.body(ty, body);
    }
    let answer = chosen.answer.as_ref().ok_or_else(|| missing("answer"))?;
    let Fields { names, types, unset, setters, steps } = fields;
    let description = format_ident!("{}", operation.static_name());
    let receive = if operation.answers { quote!(send_json) } else { quote!(send_empty) };
    let doc = format!(" The call of [`Client::{0}`](crate::Client::{0}).", operation.name);
    let sends = format!(" Sends a `{}` request to `{}`", operation.method, operation.path);
    let hidden = operation.hidden.then(|| quote!(#[doc(hidden)]));
    let stream = stream(operation, answer);
    Ok(quote! {
        #[doc = #doc]
        #hidden
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before `send`"]
        pub struct #name {
            client: crate::Client,
            #(#names: #types,)*
        }
        impl #name {
            pub(crate) fn new(client: &crate::Client) -> Self {
                Self { client: client.clone(), #(#names: #unset,)* }
            }
            #(#setters)*
            #[doc = #sends]
            ///
            /// # Errors
            /// A value that the document does not allow is refused before anything is sent;
            /// see [`Error`](crate::Error) for the rest.
            pub async fn send(
                self,
            ) -> ::std::result::Result<crate::ResponseValue<#answer>, crate::Error> {
                #[allow(unused_mut)]
                let mut call = Call::new(self.client, &super::operations::#description);
                #(#steps)*
                call.#receive().await
            }
            #stream
        }
    })
}

#[derive(Default)]
struct Fields {
    names: Vec<Ident>,
    types: Vec<TokenStream>,
    unset: Vec<TokenStream>,
    setters: Vec<TokenStream>,
    steps: Vec<TokenStream>,
}

impl Fields {
    fn parameter(&mut self, name: &Ident, parameter: &Parameter, ty: &Type) {
        let wire = &parameter.wire;
        let inner = argument(ty, "Option").unwrap_or_else(|| ty.clone());
        let docs = docs::of_value(wire, &parameter.notes, &parameter.rule);
        let wrap = (!parameter.required).then(|| quote!(.map(::std::option::Option::Some)));
        self.setters.push(quote! {
            #docs
            pub fn #name<V>(mut self, value: V) -> Self
            where
                V: ::std::convert::TryInto<#inner>,
                V::Error: ::std::fmt::Display,
            {
                self.#name = value.try_into() #wrap .map_err(|error| error.to_string());
                self
            }
        });
        self.names.push(name.clone());
        let held =
            if parameter.required { quote!(#inner) } else { quote!(::std::option::Option<#inner>) };
        self.types.push(quote!(::std::result::Result<#held, ::std::string::String>));
        self.unset.push(if parameter.required {
            quote!(::std::result::Result::Err(::std::string::String::from("must be set")))
        } else {
            quote!(::std::result::Result::Ok(::std::option::Option::None))
        });
        let rule = validate::rule(&parameter.rule);
        let wrap = parameter.required.then(|| quote!(.map(::std::option::Option::Some)));
        self.steps.push(match parameter.place {
            Place::Path => quote!(call.path(#wire, self.#name, &const { #rule });),
            Place::Query => quote!(call.query(#wire, self.#name #wrap, &const { #rule });),
            Place::Header => quote!(call.header(#wire, self.#name #wrap, &const { #rule });),
        });
    }

    fn body(&mut self, ty: &Type, body: surface::Body) {
        let built = builder_of(ty);
        let value = built.clone().unwrap_or_else(|| ty.clone());
        let keep = built.is_some().then(|| quote!(.map(::std::convert::From::from)));
        let (some, wrap) = if body.required {
            (quote!(), quote!(#ty))
        } else {
            (quote!(.map(::std::option::Option::Some)), quote!(::std::option::Option<#ty>))
        };
        self.setters.push(quote! {
            /// The request body: the type itself, or its builder.
            pub fn body<V>(mut self, value: V) -> Self
            where
                V: ::std::convert::TryInto<#value>,
                V::Error: ::std::fmt::Display,
            {
                self.body = value.try_into() #keep #some .map_err(|error| error.to_string());
                self
            }
        });
        if built.is_some() {
            let change = if body.required {
                quote!(self.body.map(change))
            } else {
                quote!(
                    self.body
                        .map(|body| ::std::option::Option::Some(change(body.unwrap_or_default())))
                )
            };
            self.setters.push(quote! {
                /// Changes the request body through its builder.
                pub fn body_map<F>(mut self, change: F) -> Self
                where
                    F: ::std::ops::FnOnce(#ty) -> #ty,
                {
                    self.body = #change;
                    self
                }
            });
        }
        self.names.push(format_ident!("body"));
        self.types.push(quote!(::std::result::Result<#wrap, ::std::string::String>));
        self.unset.push(match (body.required, &built) {
            (true, Some(_)) => {
                quote!(::std::result::Result::Ok(::std::default::Default::default()))
            }
            (true, None) => {
                quote!(::std::result::Result::Err(::std::string::String::from("must be set")))
            }
            (false, _) => quote!(::std::result::Result::Ok(::std::option::Option::None)),
        });
        let build = built.map(|target| {
            if body.required {
                quote! {
                    .and_then(|body| <#target>::try_from(body).map_err(|error| error.to_string()))
                }
            } else {
                quote! {
                    .and_then(|body| {
                        body.map(<#target>::try_from).transpose().map_err(|error| error.to_string())
                    })
                }
            }
        });
        self.steps.push(if body.required {
            quote!(call.json(self.body #build);)
        } else {
            quote!(call.json_optional(self.body #build);)
        });
    }
}

/// `types::X` for `types::builder::X`.
fn builder_of(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let names: Vec<String> = path.path.segments.iter().map(|it| it.ident.to_string()).collect();
    match names.as_slice() {
        [types, builder, name] if types == "types" && builder == "builder" => {
            let name = format_ident!("{name}");
            Some(syn::parse_quote!(types::#name))
        }
        _ => None,
    }
}

fn stream(operation: &Operation, answer: &Type) -> Option<TokenStream> {
    let paging = operation.paging.as_ref()?;
    let item = argument(answer, "Vec")?;
    let (has_more, next_offset) = (&paging.has_more, &paging.next_offset);
    let description = format_ident!("{}", operation.static_name());
    Some(quote! {
        /// Every item of every page from `offset` on, a page in memory at a time.
        ///
        /// # Errors
        /// The first page that fails ends the stream with its error.
        pub fn stream(
            self,
        ) -> impl ::futures_core::Stream<Item = ::std::result::Result<#item, crate::Error>>
        + ::std::marker::Send
        + ::std::marker::Unpin
        + 'static {
            const HEADERS: crate::page::OffsetHeaders = crate::page::OffsetHeaders {
                has_more: #has_more,
                next_offset: #next_offset,
            };
            let start = self.offset.clone().map(::std::option::Option::unwrap_or_default);
            crate::page::by_offset(&super::operations::#description, &HEADERS, start, move |offset| {
                self.clone().offset(offset).send()
            })
        }
    })
}
