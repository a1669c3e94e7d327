//! Leaves of progenitor's tokens what is read of them: the types, and the signatures of the builders.
//! Bodies are emptied before they are parsed, since in an unoptimised build script no other step of
//! generation takes as long as parsing.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

pub(super) fn trim(tokens: TokenStream) -> TokenStream {
    each_item(tokens, |item, content| match item {
        Item::Module(name) if name == "types" => each_item(content, |item, content| match item {
            Item::Module(name) if name != "error" => TokenStream::new(),
            _ => content,
        }),
        Item::Module(name) if name == "builder" => each_item(content, |item, content| match item {
            Item::Impl => each_item(content, |_, _| TokenStream::new()),
            _ => content,
        }),
        _ => TokenStream::new(),
    })
}

/// What stands before a pair of braces.
enum Item {
    Module(Ident),
    Impl,
    Other,
}

/// Replaces what is in the braces of each item.
fn each_item(
    tokens: TokenStream,
    replace: impl Fn(&Item, TokenStream) -> TokenStream,
) -> TokenStream {
    let mut item = Item::Other;
    let mut after_mod = false;
    let replaced = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let content = replace(&item, group.stream());
            item = Item::Other;
            TokenTree::Group(Group::new(Delimiter::Brace, content))
        }
        TokenTree::Ident(ident) => {
            if after_mod {
                item = Item::Module(ident.clone());
            } else if ident == "impl" {
                item = Item::Impl;
            }
            after_mod = ident == "mod";
            TokenTree::Ident(ident)
        }
        other => other,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    #[test]
    fn types_and_signatures_are_left() {
        let trimmed = super::trim(quote! {
            use progenitor_client::Error;
            pub mod types {
                pub mod error { pub struct Wrong(String); }
                #[derive(Clone)]
                pub struct Thing { id: String }
                impl Default for Thing { fn default() -> Self { Self { id: String::new() } } }
                pub mod builder { pub struct Thing { id: Result<String, String> } }
            }
            pub struct Client { base: String }
            impl Client { pub fn get(&self) -> builder::Get { builder::Get::new(self) } }
            pub mod builder {
                pub struct Get<'a> { client: &'a super::Client }
                impl<'a> Get<'a> { pub async fn send(self) -> impl Sized { call(self).await } }
            }
        });
        let expected = quote! {
            use progenitor_client::Error;
            pub mod types {
                pub mod error { pub struct Wrong(String); }
                #[derive(Clone)]
                pub struct Thing { id: String }
                impl Default for Thing { fn default() -> Self { Self { id: String::new() } } }
                pub mod builder {}
            }
            pub struct Client {}
            impl Client {}
            pub mod builder {
                pub struct Get<'a> { client: &'a super::Client }
                impl<'a> Get<'a> { pub async fn send(self) -> impl Sized {} }
            }
        };
        assert_eq!(trimmed.to_string(), expected.to_string());
    }
}
