//! How the body of a form falls into parts.
//!
//! | field | parts |
//! |---|---|
//! | a file | one, with its name and type |
//! | text, a number, a boolean | one |
//! | said to be of a media type | one, as JSON |
//! | a list | one an item, `files[0]`; `files[]` where the overlay says `unnumbered` |
//! | an object | one a field, `files[0][path]` |
//! | a map | one an entry, `env[KEY]` |
//!
//! Names in brackets are what the vendor's own clients send.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::structs::Struct;
use crate::surface::{Kind, Surface};

/// An implementation for every type that a form can carry.
pub(super) fn generate(structs: &[Struct<'_>], surface: &Surface) -> Vec<TokenStream> {
    let types = surface.types.iter().filter(|(_, it)| it.in_forms).filter_map(|(name, it)| {
        let ident = format_ident!("{name}");
        let body = match &it.kind {
            Kind::Struct(..) => structs.iter().find(|it| it.ident == ident).map(fields)?,
            Kind::Enum(_) => {
                quote!(crate::request::multipart::Part::add(self.to_string(), name, form))
            }
            Kind::Other(_) => quote!(crate::request::multipart::Part::add(self.0, name, form)),
            Kind::Union(_) => quote!(form.json(name, "application/json", &self)),
            Kind::Successes(_) => return None,
        };
        Some(part(&ident, &body))
    });
    types.collect()
}

/// The parts of a struct, one after another.
fn fields(it: &Struct<'_>) -> TokenStream {
    let parts = it.fields().map(|(field, source)| {
        let wire = &source.wire;
        match (&source.part.media_type, source.part.unnumbered) {
            (Some(media_type), _) => {
                quote!(form.json(&name.field(#wire), #media_type, &self.#field)?;)
            }
            (None, true) => quote! {
                crate::request::multipart::Part::add(self.#field, &name.field(#wire).unnumbered(), form)?;
            },
            (None, false) => quote! {
                crate::request::multipart::Part::add(self.#field, &name.field(#wire), form)?;
            },
        }
    });
    let extra = it
        .extra()
        .map(|(field, _)| quote!(crate::request::multipart::Part::add(self.#field, name, form)?;));
    quote! {
        #(#parts)*
        #extra
        ::std::result::Result::Ok(())
    }
}

fn part(ident: &Ident, body: &TokenStream) -> TokenStream {
    quote! {
        impl crate::request::multipart::Part for #ident {
            fn add(
                self,
                name: &crate::request::multipart::Name,
                form: &mut crate::request::multipart::Form,
            ) -> ::std::result::Result<(), ::std::string::String> {
                #body
            }
        }
    }
}
