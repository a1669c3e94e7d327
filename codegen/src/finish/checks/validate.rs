//! For every struct that a request can hold, the check of its fields against the document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::bounds::{bounds, nested, rule};
use crate::finish::structs::Struct;
use crate::surface::{self, Kind, Surface};

pub(in crate::finish) fn generate(structs: &[Struct<'_>], surface: &Surface) -> Vec<TokenStream> {
    let structs = structs.iter().map(|it| {
        let fields = it.fields().filter_map(|(ident, field)| check(ident, field));
        let tagged = it.fields().filter_map(|(ident, field)| tagged(it, ident, field));
        let invalid = it.keeps_invalid().then(|| quote!(self.invalid_.first()?;));
        (
            it.ident.clone(),
            invalid
                .into_iter()
                .chain(fields)
                .chain(tagged)
                .chain(sets(it))
                .chain(it.relations(surface))
                .chain(extra(it))
                .collect(),
        )
    });
    let others = surface.types.iter().filter_map(|(name, it)| match &it.kind {
        Kind::Other(rule) => {
            Some((format_ident!("{name}"), bounds(&quote!(&self.0), rule).into_iter().collect()))
        }
        _ => None,
    });
    let sent = |name: &Ident| surface.types.get(&name.to_string()).is_some_and(|it| it.sent);
    let checks: Vec<(Ident, Vec<TokenStream>)> = structs.chain(others).collect();
    checks
        .iter()
        .filter(|(name, _)| sent(name))
        .map(|(name, checks)| validate(name, checks))
        .collect()
}

fn validate(name: &Ident, checks: &[TokenStream]) -> TokenStream {
    quote! {
        impl crate::model::validate::Validate for #name {
            fn validate(&self, checks: crate::model::validate::Checks) -> crate::model::validate::Checked {
                #(#checks)*
                ::std::result::Result::Ok(())
            }
        }
    }
}

fn check(ident: &Ident, field: &surface::Field) -> Option<TokenStream> {
    let wire = &field.wire;
    let own = surface::Rule { keys: None, items: None, ..field.rule.clone() };
    let deep = field.rule.keys.is_some() || field.rule.items.is_some();
    if deep {
        let bounds = bounds(&quote!(&self.#ident), &field.rule);
        let inner = field.holds_types.then(|| nested(&quote!(&self.#ident)));
        return Some(quote! {
            crate::model::validate::within(#wire, || {
                #bounds
                #inner
                ::std::result::Result::Ok(())
            })?;
        });
    }
    let bounds = (!own.is_none()).then(|| {
        let rule = rule(&own);
        quote!(crate::model::validate::bounded(#wire, &self.#ident, #rule)?;)
    });
    let inner = field
        .holds_types
        .then(|| quote!(crate::model::validate::nested(#wire, &self.#ident, checks)?;));
    (bounds.is_some() || inner.is_some()).then(|| quote!(#bounds #inner))
}

/// A value must be of the type that the field beside it says.
fn tagged(owner: &Struct<'_>, ident: &Ident, field: &surface::Field) -> Option<TokenStream> {
    let tag_wire = field.tagged_by.as_ref()?;
    let tag = owner.text(tag_wire)?;
    let wire = &field.wire;
    Some(quote!(crate::model::union::agrees(#wire, &self.#ident, #tag_wire, #tag)?;))
}

/// What a struct holds besides its fields has bounds too, and is called otherwise than they are.
fn extra(it: &Struct<'_>) -> Option<TokenStream> {
    let (ident, extra) = it.extra()?;
    let inner = check(ident, extra);
    let names = it.fields().map(|(_, field)| &field.wire);
    Some(quote! {
        #inner
        crate::model::elements::apart(self.#ident.keys(), &[#(#names),*])?;
    })
}

/// Of some sets of fields, one must be there.
fn sets(it: &Struct<'_>) -> Option<TokenStream> {
    let sets = it.sets?;
    let field = |wire: &String| {
        let found = it.fields().find(|(_, field)| field.wire == *wire);
        found.map(|(ident, _)| match it.always(wire) {
            true => quote!(true),
            false => quote!(self.#ident.is_some()),
        })
    };
    let complete = sets.sets.iter().map(|set| {
        let fields = set.iter().filter_map(field);
        quote!(#(#fields)&&*)
    });
    let names: Vec<_> = sets.sets.iter().map(|set| format!("`{}`", set.join("` and `"))).collect();
    let names = names.join(", or ");
    let exactly = sets.exactly;
    Some(quote!(crate::model::elements::sets(&[#(#complete),*], #exactly, #names)?;))
}
