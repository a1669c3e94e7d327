//! How a struct is read from JSON and written as JSON: a list of its members, for the runtime to go by.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{Field, State, Struct};
use crate::finish::date_times;

pub(super) fn json(of: &Struct<'_>) -> TokenStream {
    let (ident, read, write) = (&of.ident, read(of), write(of));
    let name = ident.to_string();
    let names = of.fields.iter().map(|field| &field.source.wire);
    quote! {
        impl<'de> crate::model::object::Object<'de> for #ident {
            fn read<A: ::serde::de::MapAccess<'de>>(
                mut members: crate::model::object::Members<A>,
            ) -> ::std::result::Result<Self, A::Error> {
                #read
            }
        }
        impl<'de> ::serde::Deserialize<'de> for #ident {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                crate::model::object::read(deserializer, #name, &[#(#names),*])
            }
        }
        impl ::serde::Serialize for #ident {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                let mut writer = crate::model::object::Writer::new(serializer);
                #write
                writer.end()
            }
        }
    }
}

fn read(of: &Struct<'_>) -> TokenStream {
    let (mut begin, mut arms, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (at, field @ Field { ident, state, .. }) in of.fields.iter().enumerate() {
        let member = member(ident);
        begin.push(quote!(let mut #member = ::std::option::Option::None;));
        let value = match date_times::are_in(&field.base) {
            true => quote!(times),
            false => quote!(value),
        };
        arms.push(quote!(#at => members.#value(&mut #member)));
        values.push(match state {
            State::Required => quote!(#ident: members.required(#member, #at)?),
            // What came is the option itself, and `null` a value of its own.
            State::OptionalNullable => quote!(#ident: #member),
            _ => quote!(#ident: #member.flatten()),
        });
    }
    let next = match &of.extra {
        None => quote!(members.next()?),
        Some(Field { ident, base, .. }) => {
            let others = member(ident);
            begin.push(quote!(let mut #others: #base = ::std::default::Default::default();));
            values.push(quote!(#ident: #others));
            match date_times::are_in(base) {
                true => quote!(members.next_or_times(&mut #others)?),
                false => quote!(members.next_or(&mut #others)?),
            }
        }
    };
    if of.keeps_invalid() {
        values.push(quote!(invalid_: ::std::default::Default::default()));
    }
    let steps = of.tagged();
    let it = match steps.is_empty() {
        true => quote!(::std::result::Result::Ok(Self { #(#values,)* })),
        false => quote! {
            let mut it = Self { #(#values,)* };
            #(#steps)*
            ::std::result::Result::Ok(it)
        },
    };
    quote! {
        #(#begin)*
        while let ::std::option::Option::Some(at) = #next {
            match at {
                #(#arms,)*
                _ => ::std::result::Result::Ok(()),
            }?;
        }
        #it
    }
}

fn write(of: &Struct<'_>) -> TokenStream {
    let members = of.fields.iter().map(|Field { ident, source, state, .. }| {
        let wire = &source.wire;
        match state {
            State::Required | State::RequiredNullable => {
                quote!(writer.member(#wire, &self.#ident);)
            }
            _ => quote!(writer.optional(#wire, &self.#ident);),
        }
    });
    let others = of.extra.iter().map(|Field { ident, .. }| quote!(writer.others(&self.#ident);));
    quote!(#(#members)* #(#others)*)
}

/// A name that is not one of ours.
fn member(field: &Ident) -> Ident {
    format_ident!("{field}_")
}
