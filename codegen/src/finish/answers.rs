//! The ways in which an operation can succeed, as an enum with a variant a status.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Item;

use super::{docs, structs};
use crate::surface::{Answer, Content, Kind, Surface};

pub(super) fn generate(items: &[Item], surface: &Surface) -> Result<Vec<TokenStream>, String> {
    let answers = surface.types.iter().filter_map(|(name, it)| match &it.kind {
        Kind::Answers(answers) => Some((name, answers)),
        _ => None,
    });
    answers
        .map(|(name, answers)| {
            let ident = format_ident!("{name}");
            let variants = answers.iter().map(|answer| variant(items, name, answer));
            let variants = variants.collect::<Result<Vec<_>, String>>()?;
            let data = |it: &Answer| !matches!(it.content, Some(Content::Bytes | Content::Events));
            let clone = answers.iter().all(data).then(|| quote!(#[derive(Clone)]));
            Ok(quote! {
                /// What a successful call answers.
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

fn variant(items: &[Item], name: &str, answer: &Answer) -> Result<TokenStream, String> {
    let ident = format_ident!("{}", answer.name);
    let text = match answer.description.as_str() {
        "" => format!("`{}`", answer.status),
        description => format!("`{}`: {}", answer.status, docs::render(description)),
    };
    let docs = docs::lines(&text);
    let ty = match answer.content {
        None | Some(Content::Multipart | Content::UrlEncoded) => return Ok(quote!(#docs #ident)),
        Some(Content::Bytes) => quote!(crate::Download),
        Some(content @ (Content::Json | Content::Events)) => {
            let property = answer.name.to_snake_case();
            let item = structs::generated(items, name)?;
            let (_, ty) = structs::chosen(item, &property)
                .ok_or_else(|| format!("progenitor made no field `{name}.{property}`"))?;
            if content == Content::Json { quote!(#ty) } else { quote!(crate::EventStream<#ty>) }
        }
    };
    Ok(quote!(#docs #ident(#ty)))
}
