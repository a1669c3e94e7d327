//! A call of every operation, and a reading of every type, by values from outside: what a test of
//! a whole document needs, written for it because no one would keep 135 calls by hand.
//!
//! The file is included by a test of the generated crate:
//!
//! ```text
//! async fn call(kernel: &Client, id: &str, values: &Values) -> Result<Reply, Error>
//! fn pages(kernel: &Client, id: &str, values: &Values) -> Option<BoxStream<Result<Value, Error>>>
//! fn reread(name: &str, value: Value) -> Option<Result<Value, String>>
//! const OPERATIONS: &[&str]; const PAGED: &[&str]; const SENT: &[&str];
//! ```
//!
//! The test supplies `Values` (`parameter(wire) -> Option<Value>`, `body() -> Option<Value>`), and
//! `Reply`, made by `From<Response<T>>`, `Reply::bytes` and `Reply::events`.

use std::collections::BTreeMap;

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::File;

use crate::signatures::{Maker, value};
use crate::surface::{self, Content, Kind, Operation, Paging, Place, Success, Surface};

/// The file, for a generated client and the surface that it was generated from.
pub(crate) fn exercise(file: &File, surface: &Surface) -> Result<String, String> {
    let arms = surface.operations.iter().map(|it| call(it, file, surface));
    let arms = arms.collect::<Result<Vec<_>, String>>()?;
    let paged = surface.operations.iter().filter(|it| it.paging.is_some());
    let paged = paged.map(|it| pages(it, file, surface)).collect::<Result<Vec<_>, String>>()?;
    let of_pages = surface.operations.iter().filter(|it| it.paging.is_some()).map(Operation::id);
    let names = surface.operations.iter().map(Operation::id);
    let reread = surface
        .types
        .iter()
        .filter(|(_, it)| !it.holds_file && !matches!(it.kind, Kind::Successes(_)));
    let reread = reread.map(|(name, _)| {
        let ident = format_ident!("{name}");
        quote!(#name => again::<types::#ident>(value))
    });
    let sent = surface.types.iter().filter(|(_, it)| it.sent).map(|(name, _)| name);
    let builders = surface
        .types
        .iter()
        .filter(|(_, it)| it.holds_file)
        .map(|(name, it)| holder(name, &it.kind, file, surface));
    let builders = builders.collect::<Result<Vec<_>, String>>()?;
    let tokens = quote! {
        const OPERATIONS: &[&str] = &[#(#names),*];
        const PAGED: &[&str] = &[#(#of_pages),*];
        const SENT: &[&str] = &[#(#sent),*];
        #[allow(clippy::redundant_closure, clippy::unit_arg, clippy::unused_unit, deprecated, unused_variables)]
        async fn call(
            kernel: &onkernel::Client,
            id: &str,
            values: &Values,
        ) -> Result<Reply, onkernel::Error> {
            match id {
                #(#arms)*
                other => panic!("no operation {other}"),
            }
        }
        #[allow(clippy::redundant_closure, clippy::unit_arg, clippy::unused_unit, deprecated, unused_variables)]
        fn pages(
            kernel: &onkernel::Client,
            id: &str,
            values: &Values,
        ) -> Option<futures_util::stream::BoxStream<'static, Result<serde_json::Value, onkernel::Error>>> {
            use futures_util::{StreamExt, TryStreamExt};
            Some(match id {
                #(#paged)*
                _ => return None,
            })
        }
        fn reread(name: &str, value: serde_json::Value) -> Option<Result<serde_json::Value, String>> {
            Some(match name {
                #(#reread,)*
                _ => return None,
            })
        }
        fn again<T: serde::Serialize + serde::de::DeserializeOwned>(
            value: serde_json::Value,
        ) -> Result<serde_json::Value, String> {
            let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
            onkernel::secret::redacted(&read).map_err(|error| error.to_string())
        }
        fn typed<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> T {
            serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
        }
        #(#builders)*
    };
    let file = syn::parse2(tokens).map_err(|error| format!("not Rust: {error}"))?;
    Ok(prettyplease::unparse(&file))
}

/// Where the value of an argument or a setter comes from.
enum From {
    Parameter(Place, String),
    Field(String),
    Body,
    /// A field of this type whose kind another one says, so that it is read with its owner.
    Owned(String, String),
    /// What the body holds besides these fields.
    Rest(Vec<String>),
}

/// By name in Rust, what a call takes.
fn sources(operation: &Operation, surface: &Surface, body: Option<&str>) -> BTreeMap<String, From> {
    let mut sources = BTreeMap::new();
    for parameter in &operation.parameters {
        sources.insert(
            parameter.name.clone(),
            From::Parameter(parameter.place, parameter.wire.clone()),
        );
    }
    let Some(taken) = &operation.body else { return sources };
    sources.extend(taken.whole.iter().map(|name| (name.clone(), From::Body)));
    let of_body = body.and_then(|name| surface.types.get(name)).map(|it| &it.kind);
    let Some(Kind::Struct(surface::Struct { fields, .. })) = of_body else { return sources };
    for field in fields {
        let Some(name) = taken.slots.get(&field.wire) else { continue };
        let source = match (&field.tagged_by, body) {
            (Some(_), Some(owner)) => From::Owned(owner.to_owned(), field.name.clone()),
            _ => From::Field(field.wire.clone()),
        };
        sources.insert(name.clone(), source);
    }
    let rest = || From::Rest(fields.iter().map(|field| field.wire.clone()).collect());
    sources.extend(taken.extra.iter().map(|name| (name.clone(), rest())));
    sources
}

/// An expression that makes what a maker makes, set to all that there is.
fn made(
    maker: &Maker,
    sources: &BTreeMap<String, From>,
    surface: &Surface,
) -> Result<TokenStream, String> {
    let from = |name: &str| -> Result<TokenStream, String> {
        let source = sources.get(name);
        Ok(match source.ok_or_else(|| format!("nothing is called `{name}`"))? {
            From::Parameter(place, wire) => {
                let place = match place {
                    Place::Path => "path",
                    Place::Query => "query",
                    Place::Header => "header",
                };
                quote!(values.parameter(#place, #wire))
            }
            From::Field(wire) => quote!(body.get(#wire).cloned()),
            From::Owned(..) => return Err(format!("`{name}` is read with its owner")),
            From::Body => quote!(Some(body.clone()).filter(|body| !body.is_null())),
            From::Rest(names) => quote! {
                body.as_object().map(|body| {
                    let rest = body.iter().filter(|(key, _)| ![#(#names),*].contains(&key.as_str()));
                    serde_json::Value::Object(rest.map(|(key, it)| (key.clone(), it.clone())).collect())
                })
            },
        })
    };
    let arguments = maker.arguments.iter().map(|(name, ty)| {
        let (from, value) = (from(name)?, value(ty, surface));
        Ok(quote! {{
            let value = &#from.unwrap_or_else(|| panic!("no `{}`", #name));
            #value
        }})
    });
    let arguments = arguments.collect::<Result<Vec<_>, String>>()?;
    let setters = maker.setters.iter().map(|(name, ty)| {
        if let Some(From::Owned(owner, field)) = sources.get(name) {
            let (set, field) = (format_ident!("set_{name}"), format_ident!("{field}"));
            let owner = format_ident!("{owner}");
            return Ok(quote!(.#set(typed::<types::#owner>(body).#field)));
        }
        let (from, value) = (from(name)?, value(ty, surface));
        let set = format_ident!("set_{name}");
        Ok(quote!(.#set(#from.as_ref().map(|value| #value))))
    });
    let setters = setters.collect::<Result<Vec<_>, String>>()?;
    let path = &maker.path;
    Ok(quote!(#path(#(#arguments),*) #(#setters)*))
}

fn begun(operation: &Operation, file: &File, surface: &Surface) -> Result<TokenStream, String> {
    let maker = Maker::of_call(file, operation)?;
    let body = operation.body.as_ref().and(maker.body.as_deref());
    let made = made(&maker, &sources(operation, surface, body), surface)?;
    Ok(quote! {
        let body = &values.body().unwrap_or_default();
        let call = #made;
    })
}

fn call(operation: &Operation, file: &File, surface: &Surface) -> Result<TokenStream, String> {
    let id = operation.id();
    let begun = begun(operation, file, surface)?;
    let of_items = operation.paging.as_ref().is_some_and(|paging| paging.of_items);
    let receive = match operation.successes.as_slice() {
        [Success { content: Some(Content::Bytes), .. }] => {
            quote!(Reply::bytes(call.download().await?).await)
        }
        [Success { content: Some(Content::Events), .. }] => {
            quote!(Reply::events(call.events().await?).await)
        }
        [_] if of_items => quote!(Ok(Reply::from(call.send_raw().await?.map(|page| page.items)))),
        [_] => quote!(Ok(Reply::from(call.send_raw().await?))),
        several => {
            let ty = format_ident!("{}Response", operation.name.to_upper_camel_case());
            let arms = several.iter().map(|success| {
                let variant = format_ident!("{}", success.name);
                match success.content {
                    None | Some(Content::Multipart | Content::UrlEncoded) => {
                        quote!(types::#ty::#variant => Ok(Reply::value(status, &())))
                    }
                    Some(Content::Json) => {
                        quote!(types::#ty::#variant(it) => Ok(Reply::value(status, &it)))
                    }
                    Some(Content::Bytes) => {
                        quote!(types::#ty::#variant(it) => Reply::bytes(it).await)
                    }
                    Some(Content::Events) => {
                        quote!(types::#ty::#variant(it) => Reply::events(it).await)
                    }
                }
            });
            quote! {
                let response = call.send_raw().await?;
                let status = response.status();
                match response.into_value() {
                    #(#arms,)*
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    Ok(quote!(#id => { #begun #receive }))
}

/// All pages of an operation: its items, or the bytes of each page as a string.
fn pages(operation: &Operation, file: &File, surface: &Surface) -> Result<TokenStream, String> {
    let id = operation.id();
    let begun = begun(operation, file, surface)?;
    let stream = match (&operation.paging, operation.successes.as_slice()) {
        (Some(Paging { of_items: true, .. }), _) => {
            quote!(call.items().map_ok(|it| onkernel::secret::redacted(&it).unwrap()))
        }
        (_, [Success { content: Some(Content::Bytes), .. }]) => quote! {
            call.pages().and_then(|page| page.bytes()).map_ok(|it| {
                serde_json::Value::from(String::from_utf8_lossy(&it).into_owned())
            })
        },
        _ => quote!(call.pages().map_ok(|it| onkernel::secret::redacted(&it).unwrap())),
    };
    Ok(quote!(#id => { #begun #stream.boxed() }))
}

/// A function that makes a struct with files of a JSON value, in which files are strings.
fn holder(name: &str, kind: &Kind, file: &File, surface: &Surface) -> Result<TokenStream, String> {
    let Kind::Struct(surface::Struct { fields, extra, .. }) = kind else {
        return Err(format!("`{name}` holds a file"));
    };
    let mut sources: BTreeMap<String, From> = BTreeMap::new();
    for field in fields {
        // A setter may have a name of its own.
        for name in [format!("{}_", field.name), field.name.clone()] {
            sources.insert(name, From::Field(field.wire.clone()));
        }
    }
    if let Some(extra) = extra {
        let names = fields.iter().map(|field| field.wire.clone()).collect();
        sources.insert(extra.name.clone(), From::Rest(names));
    }
    let made = made(&Maker::of_type(file, name)?, &sources, surface)?;
    let (function, ident) = (format_ident!("{}", name.to_snake_case()), format_ident!("{name}"));
    Ok(quote! {
        #[allow(clippy::redundant_closure, dead_code)]
        fn #function(body: &serde_json::Value) -> types::#ident {
            #made
        }
    })
}
