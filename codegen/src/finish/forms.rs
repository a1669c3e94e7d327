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
use quote::quote;

use super::structs::Struct;
use crate::surface::Surface;

/// An implementation for every struct that a form can carry.
pub(super) fn generate(structs: &[Struct<'_>], surface: &Surface) -> Vec<TokenStream> {
    let carried = surface.in_forms();
    let structs = structs.iter().filter(|it| carried.contains(&it.ident.to_string()));
    structs
        .map(|it| {
            let ident = &it.ident;
            let parts = it.fields().map(|(field, source)| {
                let wire = &source.wire;
                match (&source.part.media_type, source.part.unnumbered) {
                    (Some(media_type), _) => {
                        quote!(form.json(&name.field(#wire), #media_type, &self.#field)?;)
                    }
                    (None, true) => quote! {
                        crate::multipart::Part::add(self.#field, &name.field(#wire).unnumbered(), form)?;
                    },
                    (None, false) => quote! {
                        crate::multipart::Part::add(self.#field, &name.field(#wire), form)?;
                    },
                }
            });
            quote! {
                impl crate::multipart::Part for #ident {
                    fn add(
                        self,
                        name: &crate::multipart::Name,
                        form: &mut crate::multipart::Form,
                    ) -> ::std::result::Result<(), ::std::string::String> {
                        #(#parts)*
                        ::std::result::Result::Ok(())
                    }
                }
            }
        })
        .collect()
}
