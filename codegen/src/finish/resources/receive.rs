//! How a call is sent, and what comes of it.
//!
//! | a success is | methods |
//! |---|---|
//! | nothing, JSON, one of several | `send`, `send_raw` |
//! | a page of a list | `send`, `send_raw`, `pages`, `items` |
//! | a page of anything else | as that, and `pages` |
//! | bytes | `download` |
//! | events | `events` |

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Type;

use crate::finish::syntax::argument;
use crate::surface::{Content, Operation, Paging, Place, Success};

/// What a success is.
pub(super) enum Receive {
    Empty,
    Json(Type),
    /// Items of this type.
    Page(Type),
    Bytes,
    Events(Type),
    Several(Type),
}

impl Receive {
    pub(super) fn of(operation: &Operation, response: &Type) -> Self {
        let [only] = operation.successes.as_slice() else { return Self::Several(response.clone()) };
        let of_items = operation.paging.as_ref().is_some_and(|paging| paging.of_items);
        match only.content {
            None | Some(Content::Multipart | Content::UrlEncoded) => Self::Empty,
            Some(Content::Json) => match argument(response, "Vec").filter(|_| of_items) {
                Some(item) => Self::Page(item),
                None => Self::Json(response.clone()),
            },
            Some(Content::Bytes) => Self::Bytes,
            Some(Content::Events) => Self::Events(response.clone()),
        }
    }
}

/// The methods that send a call.
pub(super) fn methods(operation: &Operation, receive: &Receive, made_by: &str) -> TokenStream {
    let paging = operation.paging.as_ref().map(paging);
    let send = match receive {
        Receive::Empty => {
            both(&quote!(()), &quote!(sender.empty(call)), &quote!(sender.empty_raw(call)), made_by)
        }
        Receive::Json(ty) => {
            both(&quote!(#ty), &quote!(sender.json(call)), &quote!(sender.json_raw(call)), made_by)
        }
        Receive::Page(item) => both(
            &quote!(crate::Page<#item>),
            &quote!(crate::paging::first(sender, call, Self::paging_())),
            &quote!(crate::paging::first_raw(sender, call, Self::paging_())),
            made_by,
        ),
        Receive::Bytes => {
            one("download", &quote!(crate::Download), &quote!(sender.download(call)), made_by)
        }
        Receive::Events(ty) => {
            let resume = resume(operation);
            let events = quote!(sender.events(call, #resume));
            one("events", &quote!(crate::EventStream<#ty>), &events, made_by)
        }
        Receive::Several(ty) => several(operation, ty, made_by),
    };
    let pages = operation.paging.as_ref().and_then(|_| match receive {
        Receive::Page(item) => Some(quote! {
            /// The pages from this one on.
            pub fn pages(self) -> crate::Pages<crate::Page<#item>> {
                let (sender, call) = self.describe_();
                crate::paging::pages(sender, call, Self::paging_())
            }
            /// The items of the pages from this one on.
            pub fn items(self) -> crate::Items<#item> {
                let (sender, call) = self.describe_();
                crate::paging::items(sender, call, Self::paging_())
            }
        }),
        Receive::Json(ty) => Some(quote! {
            /// The pages from this one on.
            pub fn pages(self) -> crate::Pages<#ty> {
                let (sender, call) = self.describe_();
                crate::paging::values(sender, call, Self::paging_())
            }
        }),
        Receive::Bytes => Some(quote! {
            /// The pages from this one on.
            pub fn pages(self) -> crate::Pages<crate::Download> {
                let (sender, call) = self.describe_();
                crate::paging::downloads(sender, call, Self::paging_())
            }
        }),
        _ => None,
    });
    let paging = paging.filter(|_| pages.is_some());
    quote!(#send #pages #paging)
}

/// `send` and `send_raw`.
fn both(ty: &TokenStream, send: &TokenStream, raw: &TokenStream, made_by: &str) -> TokenStream {
    let doc = format!(" Sends the call: see {made_by}.");
    quote! {
        #[doc = #doc]
        // No `async fn`, whose future would hold all that is set here as long as it runs; but, like
        // one, translated only where it is used.
        #[inline]
        pub fn send(
            self,
        ) -> impl ::std::future::Future<Output = crate::Result<#ty>> {
            let (sender, call) = self.describe_();
            #send
        }
        /// As [`send`](Self::send), with status and headers.
        #[inline]
        pub fn send_raw(
            self,
        ) -> impl ::std::future::Future<Output = crate::Result<crate::Response<#ty>>> {
            let (sender, call) = self.describe_();
            #raw
        }
    }
}

fn one(name: &str, ty: &TokenStream, send: &TokenStream, made_by: &str) -> TokenStream {
    let name = format_ident!("{name}");
    let doc = format!(" Sends the call: see {made_by}.");
    quote! {
        #[doc = #doc]
        #[inline]
        pub fn #name(
            self,
        ) -> impl ::std::future::Future<Output = crate::Result<#ty>> {
            let (sender, call) = self.describe_();
            #send
        }
    }
}

/// One variant a status; a success that the document does not name is read as what it says of all
/// others, or as the first.
fn several(operation: &Operation, response: &Type, made_by: &str) -> TokenStream {
    let streamed = |it: &Success| matches!(it.content, Some(Content::Bytes | Content::Events));
    let streamed = operation.successes.iter().any(streamed);
    let arm = |it: &Success| {
        let variant = format_ident!("{}", it.name);
        let variant = quote!(#response::#variant);
        match it.content {
            None | Some(Content::Multipart | Content::UrlEncoded) => {
                quote!(::std::result::Result::Ok(#variant))
            }
            Some(Content::Bytes) => {
                quote!(::std::result::Result::Ok(#variant(response.download())))
            }
            Some(Content::Events) => {
                let resume = resume(operation);
                quote!(::std::result::Result::Ok(#variant(response.events(#resume))))
            }
            Some(Content::Json) if streamed => quote!(response.json().await.map(#variant)),
            Some(Content::Json) => quote!(response.json().map(#variant)),
        }
    };
    let status = |it: &Success| it.status.parse::<u16>().ok();
    let class = operation.successes.iter().find(|it| status(it).is_none());
    let other = class.or(operation.successes.first());
    let named =
        operation.successes.iter().filter(|it| Some(&it.status) != other.map(|it| &it.status));
    let arms = named.filter_map(|it| {
        let (status, body) = (status(it)?, arm(it));
        Some(quote!(#status => #body))
    });
    let other = other.map(arm);
    let read = quote! {
        match response.status().as_u16() {
            #(#arms,)*
            _ => #other,
        }
    };
    let raw = if streamed {
        quote! {
            let response = sender.streaming(call).await?;
            let (status, headers, target) = response.parts();
            let value: crate::Result<#response> = #read;
            value.map(|value| crate::Response::new(value, status, headers, target))
        }
    } else {
        quote!(sender.any(call, |response| #read).await)
    };
    let doc = format!(" Sends the call: see {made_by}.");
    quote! {
        #[doc = #doc]
        pub async fn send(self) -> crate::Result<#response> {
            self.send_raw().await.map(crate::Response::into_value)
        }
        /// As [`send`](Self::send), with status and headers.
        pub async fn send_raw(self) -> crate::Result<crate::Response<#response>> {
            let (sender, call) = self.describe_();
            #raw
        }
    }
}

fn paging(paging: &Paging) -> TokenStream {
    let Paging { has_more, next, parameter, by_offset, limit, .. } = paging;
    let limit = match limit {
        Some((name, usual)) => {
            let usual = match usual {
                Some(usual) => quote!(::std::option::Option::Some(#usual)),
                None => quote!(::std::option::Option::None),
            };
            quote!(::std::option::Option::Some((#name, #usual)))
        }
        None => quote!(::std::option::Option::None),
    };
    let [has_more, next] = [has_more, next].map(|name| name.to_ascii_lowercase());
    quote! {
        fn paging_() -> &'static crate::paging::Paging {
            static PAGING: crate::paging::Paging =
                crate::paging::Paging::new(#has_more, #next, #parameter, #by_offset, #limit);
            &PAGING
        }
    }
}

/// Whether a stream of events can be taken up where it broke off.
fn resume(operation: &Operation) -> bool {
    operation.method == "GET"
        && operation
            .parameters
            .iter()
            .any(|it| it.place == Place::Header && it.wire.eq_ignore_ascii_case("Last-Event-ID"))
}
