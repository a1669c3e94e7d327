//! Error bodies that say more than most: which type holds the error of which operation and status.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::surface::Surface;

pub(super) fn generate(surface: &Surface) -> Vec<TokenStream> {
    let mut bodies: BTreeMap<&str, Vec<(String, u16)>> = BTreeMap::new();
    for operation in &surface.operations {
        for (status, name) in &operation.errors {
            if let Ok(status) = status.parse() {
                bodies.entry(name).or_default().push((operation.id(), status));
            }
        }
    }
    bodies
        .iter()
        .map(|(name, of)| {
            let ident = format_ident!("{name}");
            let (operations, statuses): (Vec<_>, Vec<_>) = of.iter().cloned().unzip();
            quote! {
                impl crate::error::sealed::ErrorBody for #ident {
                    const OF: &'static [(&'static str, u16)] = &[#((#operations, #statuses)),*];
                }
                impl crate::ErrorBody for #ident {}
            }
        })
        .collect()
}
