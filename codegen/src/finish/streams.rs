//! Pages that follow each other: a stream of all their items where a page is a list, a stream of
//! the pages themselves where it is not.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Type;

use super::syntax::argument;
use crate::surface::{Operation, rust_name};

/// The method of a builder whose operation answers in pages. `answer` is what a page holds, and
/// `page` what `send` yields.
pub(super) fn generate(
    operation: &Operation,
    answer: &Type,
    page: &TokenStream,
) -> Option<TokenStream> {
    let paging = operation.paging.as_ref()?;
    let (has_more, next) = (&paging.has_more, &paging.next);
    let parameter = format_ident!("{}", rust_name(&paging.parameter.to_snake_case()));
    let item = argument(answer, "Vec").filter(|_| paging.of_items);
    let (method, function, yielded) = match &item {
        Some(item) => ("stream", "items", quote!(#item)),
        None => ("pages", "pages", page.clone()),
    };
    let doc = match method {
        "stream" => format!(
            " Every item of every page from `{}` on, a page in memory at a time.",
            paging.parameter
        ),
        _ => format!(" Every page from `{}` on, one at a time.", paging.parameter),
    };
    let (method, function) = (format_ident!("{method}"), format_ident!("{function}"));
    let start = quote!(self.#parameter.as_ref().ok().cloned().flatten());
    let start = match paging.by_offset {
        // An offset counts from 0; a token has no first.
        true => quote!(::std::option::Option::Some(#start.unwrap_or_default())),
        false => start,
    };
    // A list that is as long as it was asked to be may not be the last.
    let size = item.as_ref().map(|_| match &paging.limit {
        Some((limit, default)) => {
            let limit = format_ident!("{}", rust_name(&limit.to_snake_case()));
            let default = match default {
                Some(default) => quote!(::std::option::Option::Some(#default)),
                None => quote!(::std::option::Option::None),
            };
            quote!(self.#limit.as_ref().ok().copied().flatten().map_or(#default, |limit| limit.try_into().ok()),)
        }
        None => quote!(::std::option::Option::None,),
    });
    Some(quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// The first page that fails ends the stream with its error.
        pub fn #method(
            self,
        ) -> impl ::futures_core::Stream<Item = ::std::result::Result<#yielded, crate::Error>>
        + ::std::marker::Send
        + ::std::marker::Unpin
        + 'static {
            const HEADERS: crate::response::page::Headers = crate::response::page::Headers {
                has_more: #has_more,
                next: #next,
            };
            crate::response::page::#function(&HEADERS, #start, #size move |start| {
                let mut page = self.clone();
                // A value that could not be taken is refused by the first page.
                if page.#parameter.is_ok() {
                    page.#parameter = ::std::result::Result::Ok(start);
                }
                page.send()
            })
        }
    })
}
