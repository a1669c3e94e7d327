//! For every struct that a request can hold, the check of its fields against the document.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::structs::Struct;
use crate::surface::{self, Kind, Surface};

pub(super) fn generate(structs: &[Struct<'_>], surface: &Surface) -> Vec<TokenStream> {
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

/// The check of a value that holds types of ours.
pub(super) fn nested(value: &TokenStream) -> TokenStream {
    quote!(crate::model::validate::Validate::validate(#value, checks)?;)
}

/// The checks of one value against its bounds and those of what it holds, each ending in `?`.
pub(super) fn bounds(value: &TokenStream, all: &surface::Rule) -> Option<TokenStream> {
    let own = surface::Rule { keys: None, items: None, ..all.clone() };
    let own = (!own.is_none()).then(|| {
        let rule = rule(&own);
        quote!(crate::model::validate::Bounded::check(#value, #rule)?;)
    });
    let keys = all.keys.as_ref().map(|keys| {
        let rule = rule(keys);
        quote!(crate::model::elements::Keyed::keys(#value, #rule)?;)
    });
    let items = all.items.as_ref().and_then(|items| bounds(&quote!(item), items)).map(|checks| {
        quote! {
            crate::model::elements::Each::each(#value, &mut |item| {
                #checks
                ::std::result::Result::Ok(())
            })?;
        }
    });
    (own.is_some() || keys.is_some() || items.is_some()).then(|| quote!(#own #keys #items))
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

/// A rule as an expression of the generated crate.
pub(super) fn rule(rule: &surface::Rule) -> TokenStream {
    let number = |name: &str, value: Option<f64>| {
        let name = format_ident!("{name}");
        value.map(|value| quote!(.#name(#value)))
    };
    let count = |name: &str, value: Option<u64>| {
        let name = format_ident!("{name}");
        let value = value.map(proc_macro2::Literal::u64_unsuffixed);
        value.map(|value| quote!(.#name(#value)))
    };
    let low = if rule.exclusive_minimum { "above" } else { "min" };
    let high = if rule.exclusive_maximum { "below" } else { "max" };
    let values = &rule.one_of;
    let steps: Vec<TokenStream> = [
        number(low, rule.minimum),
        number(high, rule.maximum),
        number("multiple_of", rule.multiple_of),
        count("min_length", rule.min_length),
        count("max_length", rule.max_length),
        count("min_items", rule.min_items),
        count("max_items", rule.max_items),
        (!values.is_empty()).then(|| quote!(.one_of(&[#(#values),*]))),
    ]
    .into_iter()
    .flatten()
    .collect();
    match steps.is_empty() {
        true => quote!(&crate::model::validate::Rule::NONE),
        false => quote!(const { &crate::model::validate::Rule::NONE #(#steps)* }),
    }
}
