//! The struct itself, and what makes it JSON.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Field, State, Struct, json};
use crate::finish::docs;
use crate::surface;

pub(in crate::finish) fn of(it: &Struct<'_>) -> TokenStream {
    let Struct { ident, source, .. } = it;
    let docs = docs::of_value(&ident.to_string(), &source.notes, &surface::Rule::default());
    let relations = it.relations.sentence().map(|it| docs::lines(&format!("\n{it}")));
    // A file is not JSON: only a form can carry it.
    let json = (!source.holds_file).then(|| json::json(it));
    let equal = json.as_ref().map(|_| quote!(, PartialEq));
    let fields = it.all().map(field);
    let invalid =
        it.keeps_invalid().then(|| quote!(pub(crate) invalid_: crate::model::convert::Invalid));
    let default = it.fields.iter().all(|field| field.state != State::Required);
    let default = default.then(|| quote!(, Default));
    quote! {
        #docs
        #relations
        #[derive(Clone, Debug #equal #default)]
        #[non_exhaustive]
        pub struct #ident {
            #(#fields,)*
            #invalid
        }
        #json
    }
}

fn field(it: &Field<'_>) -> TokenStream {
    let Field { ident, source, .. } = it;
    let docs = docs::of_value(&source.wire, &source.notes, &source.rule);
    let ty = it.ty();
    quote!(#docs pub #ident: #ty)
}
