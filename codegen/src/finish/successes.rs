//! The ways in which an operation can succeed, as an enum with a variant a status.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Item;

use super::{docs, structs};
use crate::lower::successes::property;
use crate::surface::{Content, Kind, Success, Surface};

pub(super) fn generate(items: &[Item], surface: &Surface) -> Result<Vec<TokenStream>, String> {
    let successes = surface.types.iter().filter_map(|(name, it)| match &it.kind {
        Kind::Successes(successes) => Some((name, successes)),
        _ => None,
    });
    successes
        .map(|(name, successes)| {
            let ident = format_ident!("{name}");
            let variants = successes
                .iter()
                .enumerate()
                .map(|(index, success)| variant(items, name, &property(index), success));
            let variants = variants.collect::<Result<Vec<_>, String>>()?;
            let data = |it: &Success| !matches!(it.content, Some(Content::Bytes | Content::Events));
            let clone = successes.iter().all(data).then(|| quote!(#[derive(Clone)]));
            Ok(quote! {
                /// What a successful call returns.
                #[derive(Debug)]
                #clone
                #[non_exhaustive]
                pub enum #ident {
                    #(#variants,)*
                }
            })
        })
        .collect()
}

fn variant(
    items: &[Item],
    name: &str,
    property: &str,
    success: &Success,
) -> Result<TokenStream, String> {
    let ident = format_ident!("{}", success.name);
    let text = match success.description.as_str() {
        "" => format!("`{}`", success.status),
        description => format!("`{}`: {}", success.status, docs::render(description)),
    };
    let docs = docs::lines(&text);
    let ty = match success.content {
        None | Some(Content::Multipart | Content::UrlEncoded) => return Ok(quote!(#docs #ident)),
        Some(Content::Bytes) => quote!(crate::Download),
        Some(content @ (Content::Json | Content::Events)) => {
            let item = structs::generated(items, name)?;
            let ty = structs::chosen(item, property)
                .ok_or_else(|| format!("progenitor made no field `{name}.{property}`"))?;
            if content == Content::Json { quote!(#ty) } else { quote!(crate::EventStream<#ty>) }
        }
    };
    Ok(quote!(#docs #ident(#ty)))
}
