//! One builder an operation, and one method of the client that begins it.
//!
//! Progenitor's builders know the Rust type of every parameter, body and answer. Everything else
//! about them is replaced: setters keep the reason when they cannot take a value, builders own
//! their client, and `send` only describes the call.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, ImplItem, Item, ReturnType, Type};

use super::syntax::argument;
use super::{docs, streams, validate};
use crate::surface::{self, Content, Operation, Parameter, Place, Style, Success, Surface};

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
        #[allow(clippy::all, clippy::pedantic, deprecated)]
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
            builder(operation, types, surface)
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(quote! {
        /// The builders of the calls.
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_imports)]
        pub mod builder {
            use super::types;
            use crate::request::Call;
            use crate::model::validate::Rule;
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

fn builder(
    operation: &Operation,
    chosen: &Chosen,
    surface: &Surface,
) -> Result<TokenStream, String> {
    let name = format_ident!("{}", operation.type_name());
    let missing = |what: &str| format!("progenitor's builder `{name}` has no {what}");
    let mut fields = Fields::default();
    for parameter in &operation.parameters {
        let field = surface::rust_name(&parameter.wire);
        let ty = chosen.fields.get(&field).ok_or_else(|| missing(&format!("field `{field}`")))?;
        // Progenitor was shown the parameter as the item of a list.
        let list = argument(ty, "Option").unwrap_or_else(|| ty.clone());
        let ty = argument(&list, "Vec").ok_or_else(|| missing(&format!("list `{field}`")))?;
        fields.parameter(&format_ident!("{field}"), parameter, &ty);
    }
    if let Some(body) = &operation.body {
        let ty = chosen.fields.get("body").ok_or_else(|| missing("field `body`"))?;
        let target = builder_of(ty);
        let is_struct = target.as_ref().is_some_and(|it| is_struct(it, surface));
        // Only structs have builders here; a choice is made of one of its kinds.
        let ty = target.filter(|_| !is_struct).unwrap_or_else(|| ty.clone());
        fields.body(&ty, body);
    }
    let answer = chosen.answer.as_ref().ok_or_else(|| missing("answer"))?;
    let Fields { names, types, unset, setters, steps } = fields;
    let description = format_ident!("{}", operation.static_name());
    let Receive { ty, send } = receive(operation, answer);
    let doc = format!(" The call of [`Client::{0}`](crate::Client::{0}).", operation.name);
    let sends = format!(" Sends a `{}` request to `{}`", operation.method, operation.path);
    let hidden = operation.hidden.then(|| quote!(#[doc(hidden)]));
    let stream = streams::generate(operation, answer, &ty);
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
            // Not an `async fn`, whose future would hold all that is set here as long as it runs; but,
            // like one, translated only where it is used.
            #[inline]
            pub fn send(
                self,
            ) -> impl ::std::future::Future<Output = ::std::result::Result<#ty, crate::Error>> {
                let sender = self.client.sender;
                #[allow(unused_mut)]
                let mut call = Call::new(&super::operations::#description);
                #(#steps)*
                #send
            }
            #stream
        }
    })
}

/// What `send` yields, and how it gets there once the call is described.
struct Receive {
    ty: TokenStream,
    send: TokenStream,
}

fn receive(operation: &Operation, answer: &Type) -> Receive {
    let value = |ty: &TokenStream| quote!(crate::Response<#ty>);
    let [only] = operation.successes.as_slice() else { return receive_several(operation, answer) };
    match only.content {
        None | Some(Content::Multipart | Content::UrlEncoded) => {
            Receive { ty: value(&quote!(())), send: quote!(sender.empty(call)) }
        }
        Some(Content::Json) => {
            Receive { ty: value(&quote!(#answer)), send: quote!(sender.json(call)) }
        }
        Some(Content::Bytes) => {
            Receive { ty: quote!(crate::Download), send: quote!(sender.download(call)) }
        }
        Some(Content::Events) => {
            let resume = resume(operation);
            Receive {
                ty: quote!(crate::EventStream<#answer>),
                send: quote!(sender.events(call, #resume)),
            }
        }
    }
}

/// One variant a status; a success that the document does not name is read as the first.
fn receive_several(operation: &Operation, answer: &Type) -> Receive {
    let streamed = |it: &Success| matches!(it.content, Some(Content::Bytes | Content::Events));
    let streamed = operation.successes.iter().any(streamed);
    let arm = |it: &Success| {
        let variant = format_ident!("{}", it.name);
        let variant = quote!(#answer::#variant);
        match it.content {
            None | Some(Content::Multipart | Content::UrlEncoded) => {
                quote!(::std::result::Result::Ok(#variant))
            }
            Some(Content::Bytes) => quote!(::std::result::Result::Ok(#variant(answer.download()))),
            Some(Content::Events) => {
                let resume = resume(operation);
                quote!(::std::result::Result::Ok(#variant(answer.events(#resume))))
            }
            Some(Content::Json) if streamed => quote!(answer.json().await.map(#variant)),
            Some(Content::Json) => quote!(answer.json().map(#variant)),
        }
    };
    let first = operation.successes.first().map(arm);
    let arms = operation.successes.iter().skip(1).map(|it| {
        let body = arm(it);
        let status = match it.status.parse::<u16>() {
            Ok(status) => quote!(#status),
            Err(_) => quote!(200..=299),
        };
        quote!(#status => #body)
    });
    let read = quote! {
        match answer.status().as_u16() {
            #(#arms,)*
            _ => #first,
        }
    };
    let send = if streamed {
        quote! {
            async move {
                let answer = sender.streaming(call).await?;
                let (status, headers, target) = answer.parts();
                let value: ::std::result::Result<#answer, crate::Error> = #read;
                value.map(|value| crate::Response::new(value, status, headers, target))
            }
        }
    } else {
        quote!(sender.any(call, |answer| #read))
    };
    Receive { ty: quote!(crate::Response<#answer>), send }
}

/// Whether a stream of events can be taken up where it broke off.
fn resume(operation: &Operation) -> bool {
    operation.method == "GET"
        && operation
            .parameters
            .iter()
            .any(|it| it.place == Place::Header && it.wire.eq_ignore_ascii_case("Last-Event-ID"))
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
        let docs = docs::of_value(wire, &parameter.notes, &parameter.rule);
        let given = match parameter.required {
            true => quote!(crate::model::convert::value),
            false => quote!(crate::model::convert::some),
        };
        self.setters.push(quote! {
            #docs
            pub fn #name<V>(mut self, value: V) -> Self
            where
                V: ::std::convert::TryInto<#ty>,
                V::Error: ::std::fmt::Display,
            {
                self.#name = #given(value);
                self
            }
        });
        self.names.push(name.clone());
        let held =
            if parameter.required { quote!(#ty) } else { quote!(::std::option::Option<#ty>) };
        self.types.push(quote!(::std::result::Result<#held, ::std::string::String>));
        self.unset.push(if parameter.required {
            quote!(::std::result::Result::Err(::std::string::String::from("must be set")))
        } else {
            quote!(::std::result::Result::Ok(::std::option::Option::None))
        });
        let checks = if parameter.structured { all(parameter) } else { items(parameter) };
        if let Some(items) = checks {
            let value = match parameter.required {
                true => quote!(value),
                false => quote!(::std::option::Option::Some(value)),
            };
            self.steps.push(quote! {
                if let ::std::result::Result::Ok(#value) = &self.#name {
                    call.hold(crate::model::validate::within(#wire, || {
                        #items
                        ::std::result::Result::Ok(())
                    }));
                }
            });
        }
        let rule = validate::rule(&parameter.rule);
        let wrap = parameter.required.then(|| quote!(.map(::std::option::Option::Some)));
        if parameter.structured {
            let place = match parameter.place {
                Place::Path => quote!(Path),
                Place::Query => quote!(Query),
                Place::Header => quote!(Header),
            };
            let style = style(parameter.style);
            self.steps.push(quote! {
                call.structured(crate::request::structured::Place::#place, #wire, self.#name #wrap, #style);
            });
            return;
        }
        self.steps.push(match parameter.place {
            Place::Path => quote!(call.path(#wire, self.#name, &const { #rule });),
            Place::Query => quote!(call.query(#wire, self.#name #wrap, &const { #rule });),
            Place::Header => quote!(call.header(#wire, self.#name #wrap, &const { #rule });),
        });
    }

    fn body(&mut self, ty: &Type, body: &surface::Body) {
        let built = builder_of(ty);
        let value = built.clone().unwrap_or_else(|| ty.clone());
        let keep = built.is_some().then(|| quote!(.map(::std::convert::From::from)));
        let (some, wrap) = if body.required {
            (quote!(), quote!(#ty))
        } else {
            (quote!(.map(::std::option::Option::Some)), quote!(::std::option::Option<#ty>))
        };
        let given = quote!(crate::model::convert::value::<#value, V>(value));
        self.setters.push(quote! {
            /// The request body: the type itself, or its builder.
            pub fn body<V>(mut self, value: V) -> Self
            where
                V: ::std::convert::TryInto<#value>,
                V::Error: ::std::fmt::Display,
            {
                self.body = #given #keep #some;
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
        let value = match (built, body.required) {
            (None, _) => quote!(self.body),
            (Some(target), true) => quote!(crate::model::convert::built::<#target, _>(self.body)),
            (Some(target), false) => {
                quote!(crate::model::convert::some_built::<#target, _>(self.body))
            }
        };
        let media_type = &body.media_type;
        let value =
            if body.required { quote!(#value.map(::std::option::Option::Some)) } else { value };
        self.steps.push(match body.content {
            Content::Multipart => quote!(call.form(#value);),
            Content::Bytes => quote!(call.upload(#value, #media_type);),
            Content::UrlEncoded => {
                let styles = body.styles.iter().map(|(field, it)| {
                    let style = style(*it);
                    quote!((#field, #style))
                });
                quote!(call.url_encoded(#value, &[#(#styles),*]);)
            }
            _ => quote!(call.json(#value, #media_type);),
        });
    }
}

/// A style as an expression of the generated crate.
fn style(style: Style) -> TokenStream {
    match style {
        Style::Repeated => quote!(crate::request::structured::Style::Repeated),
        Style::Joined(by) => quote!(crate::request::structured::Style::Joined(#by)),
        Style::Deep => quote!(crate::request::structured::Style::Deep),
        Style::Json => quote!(crate::request::structured::Style::Json),
        Style::Reserved => quote!(crate::request::structured::Style::Reserved),
    }
}

/// All checks of a parameter that is more than text.
fn all(parameter: &Parameter) -> Option<TokenStream> {
    let bounds = validate::bounds(&quote!(value), &parameter.rule);
    let types =
        parameter.holds_types.then(|| quote!(crate::model::validate::Validate::validate(value)?;));
    (bounds.is_some() || types.is_some()).then(|| quote!(#bounds #types))
}

/// The checks of what a list or a map in a parameter holds.
fn items(parameter: &Parameter) -> Option<TokenStream> {
    let inner = surface::Rule {
        keys: parameter.rule.keys.clone(),
        items: parameter.rule.items.clone(),
        ..surface::Rule::default()
    };
    let types = parameter.holds_types.then(
        || quote!(crate::model::elements::Each::each(value, &mut crate::model::validate::Validate::validate)?;),
    );
    let bounds = validate::bounds(&quote!(value), &inner);
    (bounds.is_some() || types.is_some()).then(|| quote!(#bounds #types))
}

/// Whether a path ends in the name of a struct.
fn is_struct(ty: &Type, surface: &Surface) -> bool {
    let Type::Path(path) = ty else { return false };
    let name = path.path.segments.last().map(|it| it.ident.to_string()).unwrap_or_default();
    surface.types.get(&name).is_some_and(|it| matches!(it.kind, surface::Kind::Struct(_)))
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
