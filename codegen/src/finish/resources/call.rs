//! One call: what it is made of, its setters, and how it is described to the runtime.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::receive::{self, Receive};
use super::slots::{Holds, Slot, Slots, Source};
use crate::finish::checks::{bounds, relations};
use crate::finish::docs;
use crate::finish::member::Member;
use crate::finish::structs::set;
use crate::finish::syntax::own_name;
use crate::surface::{self, Body, Content, Operation, Parameter, Place, Style, Surface};

/// A call as it will be generated.
pub(super) struct Call<'a> {
    pub(super) operation: &'a Operation,
    /// The name of its type.
    pub(super) ident: Ident,
    pub(super) slots: Slots<'a>,
    pub(super) receive: Receive,
    pub(super) surface: &'a Surface,
}

impl Call<'_> {
    /// The name of the type of its body.
    pub(super) fn body_type(&self) -> Option<String> {
        match &self.slots.body {
            Holds::Nothing => None,
            Holds::Always(ty) | Holds::Maybe(ty) => own_name(ty),
        }
    }

    /// The arguments of the method that makes it.
    pub(super) fn arguments(&self) -> Vec<TokenStream> {
        let arguments = self.slots.arguments().map(|slot| {
            let (name, ty) = (&slot.name, slot.member.argument());
            quote!(#name: #ty)
        });
        arguments.collect()
    }

    /// The call with its arguments and nothing else set.
    pub(super) fn begin(&self) -> TokenStream {
        let ident = &self.ident;
        let invalid = self.slots.keeps_invalid();
        let begin = invalid.then(|| quote!(#[allow(unused_mut)] let mut invalid_ = crate::model::convert::Invalid::default();));
        let keep = invalid.then(|| quote!(invalid_,));
        let values = self.slots.all.iter().filter_map(|slot| {
            let name = &slot.name;
            match (&slot.source, slot.member.required) {
                (Source::Field(_), _) | (Source::Body, false) => None,
                (source, true) => {
                    let value = slot.member.required(&quote!(#name), &quote!(invalid_));
                    let field =
                        if matches!(source, Source::Body) { quote!(body_) } else { quote!(#name) };
                    Some(quote!(#field: #value,))
                }
                (_, false) => Some(quote!(#name: ::std::option::Option::None,)),
            }
        });
        let whole = self.slots.arguments().any(|slot| matches!(slot.source, Source::Body));
        let body = match (&self.slots.body, &self.slots.made) {
            (Holds::Always(_), Some(made)) => {
                let fields = self.slots.arguments().filter_map(|slot| match slot.source {
                    Source::Field(_) => Some(&slot.name),
                    _ => None,
                });
                Some(quote!(body_: types::#made::new(#(#fields),*),))
            }
            (Holds::Always(_), None) if whole => None,
            (Holds::Always(_), None) => Some(quote!(body_: ::std::default::Default::default(),)),
            (Holds::Maybe(_), _) => Some(quote!(body_: ::std::option::Option::None,)),
            (Holds::Nothing, _) => None,
        };
        quote! {
            #begin
            #ident { client_: self.client.clone(), #(#values)* #body #keep }
        }
    }

    pub(super) fn generate(&self, made_by: &str) -> TokenStream {
        let Self { operation, ident, slots, receive, .. } = self;
        let fields = slots.all.iter().filter(|slot| matches!(slot.source, Source::Parameter(_)));
        let fields = fields.map(|slot| {
            let (name, ty) = (&slot.name, &slot.member.ty);
            match slot.member.required {
                true => quote!(#name: #ty,),
                false => quote!(#name: ::std::option::Option<#ty>,),
            }
        });
        let body = match &slots.body {
            Holds::Nothing => None,
            Holds::Always(ty) => Some(quote!(body_: #ty,)),
            Holds::Maybe(ty) => Some(quote!(body_: ::std::option::Option<#ty>,)),
        };
        let invalid =
            slots.keeps_invalid().then(|| quote!(invalid_: crate::model::convert::Invalid,));
        let setters = slots.setters().map(|slot| self.setter(slot));
        let doc = format!(" A call of {made_by}.");
        let hidden = operation.hidden.then(|| quote!(#[doc(hidden)]));
        let describe = self.describe();
        let methods = receive::methods(operation, receive, made_by);
        quote! {
            #[doc = #doc]
            #hidden
            #[derive(Clone, Debug)]
            #[must_use = "nothing is sent before it is told to"]
            pub struct #ident {
                pub(crate) client_: crate::Client,
                #(#fields)*
                #body
                #invalid
            }
            impl #ident {
                #(#setters)*
                #methods
                #describe
            }
        }
    }

    fn setter(&self, slot: &Slot<'_>) -> TokenStream {
        let (name, argument) = (&slot.name, slot.member.argument());
        let set = set(name);
        let doc = docs::of_value(slot.member.wire, slot.member.notes, slot.member.rule);
        let doc_set = format!(" As [`{name}`](Self::{name}), or left out.");
        let deprecated = slot.member.notes.deprecated.then(|| quote!(#[deprecated]));
        let keep = match (&slot.source, &self.slots.body) {
            (Source::Field(setter), Holds::Maybe(_)) => {
                let set = crate::finish::structs::set(setter);
                quote! {
                    if value.is_some() || self.body_.is_some() {
                        self.body_ = ::std::option::Option::Some(self.body_.unwrap_or_default().#set(value));
                    }
                }
            }
            (Source::Field(setter), _) => {
                let set = crate::finish::structs::set(setter);
                quote!(self.body_ = self.body_.#set(value);)
            }
            (source, _) => {
                let field =
                    if matches!(source, Source::Body) { quote!(body_) } else { quote!(#name) };
                let value = slot.member.optional(&quote!(value), &quote!(self.invalid_));
                quote!(self.#field = #value;)
            }
        };
        quote! {
            #doc
            pub fn #name(self, value: #argument) -> Self {
                self.#set(::std::option::Option::Some(value))
            }
            #[doc = #doc_set]
            #deprecated
            pub fn #set(mut self, value: ::std::option::Option<#argument>) -> Self {
                #keep
                self
            }
        }
    }

    /// The check of what holds between parameters.
    fn relations(&self) -> Option<TokenStream> {
        let checks = relations::checks(&self.operation.relations, self.surface, |wire| {
            let slot = self.slots.all.iter().find(|slot| match slot.source {
                Source::Parameter(parameter) => parameter.wire == wire,
                _ => false,
            })?;
            let (name, Member { ty, required, .. }) = (&slot.name, &slot.member);
            let value = quote!(self.#name);
            Some(relations::Held { value, base: ty, always: *required, nullable: false })
        });
        (!checks.is_empty()).then(|| {
            quote! {
                call.holds(crate::model::validate::within("the call", || {
                    #(#checks)*
                    ::std::result::Result::Ok(())
                }));
            }
        })
    }

    /// What the runtime is told of the call.
    fn describe(&self) -> TokenStream {
        let relations = self.relations();
        let description = format_ident!("{}", self.operation.static_name());
        let parameters = self.slots.all.iter().filter_map(|slot| match slot.source {
            Source::Parameter(parameter) => Some(step(&slot.name, parameter)),
            _ => None,
        });
        let invalid =
            self.slots.keeps_invalid().then(|| quote!(call.holds(self.invalid_.first());));
        let body = self.operation.body.as_ref().map(|body| send_body(body, &self.slots.body));
        quote! {
            fn describe_(self) -> (crate::send::Sender, crate::request::Call) {
                let sender = self.client_.sender;
                #[allow(unused_mut)]
                let mut call = crate::request::Call::new(&operations::#description, sender.options.checks);
                #invalid
                #relations
                #(#parameters)*
                #body
                (sender, call)
            }
        }
    }
}

fn step(name: &Ident, parameter: &Parameter) -> TokenStream {
    let wire = &parameter.wire;
    let checks = if parameter.structured { all(parameter) } else { items(parameter) };
    let checks = checks.map(|checks| {
        let value = match parameter.required {
            true => quote!(::std::option::Option::Some(&self.#name)),
            false => quote!(&self.#name),
        };
        quote! {
            if let ::std::option::Option::Some(value) = #value {
                #[allow(unused)]
                let checks = call.checks();
                call.holds(crate::model::validate::within(#wire, || {
                    #checks
                    ::std::result::Result::Ok(())
                }));
            }
        }
    });
    let value = match parameter.required {
        true => quote!(::std::option::Option::Some(&self.#name)),
        false => quote!(self.#name.as_ref()),
    };
    let rule = surface::Rule { keys: None, items: None, ..parameter.rule.clone() };
    let rule = bounds::rule(&rule);
    let step = if parameter.structured {
        let place = match parameter.place {
            Place::Path => quote!(Path),
            Place::Query => quote!(Query),
            Place::Header => quote!(Header),
        };
        let style = style(parameter.style);
        quote!(call.structured(crate::request::structured::Place::#place, #wire, #value, #style);)
    } else {
        match parameter.place {
            Place::Path => quote!(call.path(#wire, &self.#name, #rule);),
            Place::Query => quote!(call.query(#wire, #value, #rule);),
            Place::Header => quote!(call.header(#wire, #value, #rule);),
        }
    };
    quote!(#checks #step)
}

fn send_body(body: &Body, holds: &Holds) -> TokenStream {
    let media_type = &body.media_type;
    let (owned, borrowed) = match holds {
        Holds::Maybe(_) => (quote!(self.body_), quote!(self.body_.as_ref())),
        _ => (
            quote!(::std::option::Option::Some(self.body_)),
            quote!(::std::option::Option::Some(&self.body_)),
        ),
    };
    match body.content {
        Content::Multipart => quote!(call.form(#owned);),
        Content::Bytes => quote!(call.upload(#owned, #media_type);),
        Content::UrlEncoded => {
            let styles = body.styles.iter().map(|(field, it)| {
                let style = style(*it);
                quote!((#field, #style))
            });
            quote!(call.url_encoded(#borrowed, &[#(#styles),*]);)
        }
        _ => quote!(call.json(#borrowed, #media_type);),
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

/// All checks of a parameter that is more than a string.
fn all(parameter: &Parameter) -> Option<TokenStream> {
    let bounds = bounds::bounds(&quote!(value), &parameter.rule);
    let types = parameter.holds_types.then(|| bounds::nested(&quote!(value)));
    (bounds.is_some() || types.is_some()).then(|| quote!(#bounds #types))
}

/// The checks of what a list or a map in a parameter holds.
fn items(parameter: &Parameter) -> Option<TokenStream> {
    let inner = surface::Rule {
        keys: parameter.rule.keys.clone(),
        items: parameter.rule.items.clone(),
        ..surface::Rule::default()
    };
    let types = parameter.holds_types.then(|| {
        quote! {
            crate::model::elements::Each::each(value, &mut |item| {
                crate::model::validate::Validate::validate(item, checks)
            })?;
        }
    });
    let bounds = bounds::bounds(&quote!(value), &inner);
    (bounds.is_some() || types.is_some()).then(|| quote!(#bounds #types))
}
