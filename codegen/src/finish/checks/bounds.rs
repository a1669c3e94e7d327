//! The checks of one value, as expressions of the generated crate.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::surface;

/// The check of a value that holds types of ours.
pub(in crate::finish) fn nested(value: &TokenStream) -> TokenStream {
    quote!(crate::model::validate::Validate::validate(#value, checks)?;)
}

/// The checks of one value against its bounds and those of what it holds, each ending in `?`.
pub(in crate::finish) fn bounds(value: &TokenStream, all: &surface::Rule) -> Option<TokenStream> {
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

/// A rule as an expression of the generated crate.
pub(in crate::finish) fn rule(rule: &surface::Rule) -> TokenStream {
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
        count("max_bytes", rule.max_bytes),
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
