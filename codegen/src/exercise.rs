//! A call of every operation, and a reading of every type, by values from outside: what a test of
//! a whole document needs, written for it because no one would keep 135 calls by hand.
//!
//! The file is included by a test of the generated crate:
//!
//! ```text
//! async fn call(client: &Client, id: &str, values: &Values) -> Result<Reply, Error>
//! fn pages(client: &Client, id: &str, values: &Values) -> Option<BoxStream<Result<Value, Error>>>
//! fn reread(name: &str, value: Value) -> Option<Result<Value, String>>
//! const OPERATIONS: &[&str]; const PAGED: &[&str]; const SENT: &[&str];
//! ```
//!
//! The test supplies `Values` (`parameter(wire) -> Option<Value>`, `body() -> Option<Value>`), and
//! `Reply`, made by `From<Response<T>>`, `Reply::bytes` and `Reply::events`.

use std::collections::BTreeMap;

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{File, GenericArgument, Item, ItemMod, PathArguments, Type, parse_quote};

use crate::surface::{self, Content, Kind, Operation, Success, Surface, rust_name};

/// The file, for a generated client and the surface that it was generated from.
///
/// # Errors
/// The client is not what this version of the generator makes.
pub fn exercise(client: &str, surface: &Surface) -> Result<String, String> {
    let file =
        syn::parse_file(client).map_err(|error| format!("not a generated client: {error}"))?;
    let types = structs(&file, "types");
    let calls = structs(&file, "builder");
    let arms = surface.operations.iter().map(|it| call(it, &calls, surface));
    let arms = arms.collect::<Result<Vec<_>, String>>()?;
    let paged = surface.operations.iter().filter(|it| it.paging.is_some());
    let paged = paged.map(|it| pages(it, &calls)).collect::<Result<Vec<_>, String>>()?;
    let of_pages = surface.operations.iter().filter(|it| it.paging.is_some()).map(|it| &it.name);
    let names = surface.operations.iter().map(|it| &it.name);
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
        .map(|(name, it)| holder(name, &it.kind, &types, surface));
    let builders = builders.collect::<Result<Vec<_>, String>>()?;
    let tokens = quote! {
        const OPERATIONS: &[&str] = &[#(#names),*];
        const PAGED: &[&str] = &[#(#of_pages),*];
        const SENT: &[&str] = &[#(#sent),*];
        #[allow(clippy::redundant_closure, deprecated)]
        async fn call(
            client: &onkernel::Client,
            id: &str,
            values: &Values,
        ) -> Result<Reply, onkernel::Error> {
            match id {
                #(#arms)*
                other => panic!("no operation {other}"),
            }
        }
        #[allow(deprecated)]
        fn pages(
            client: &onkernel::Client,
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
            serde_json::to_value(read).map_err(|error| error.to_string())
        }
        fn typed<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> T {
            serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
        }
        #(#builders)*
    };
    let file = syn::parse2(tokens).map_err(|error| format!("not Rust: {error}"))?;
    Ok(prettyplease::unparse(&file))
}

/// The fields of the structs of a module, by the struct's name.
fn structs(file: &File, module: &str) -> BTreeMap<String, BTreeMap<String, Type>> {
    let items = file.items.iter().filter_map(|item| match item {
        Item::Mod(ItemMod { ident, content: Some((_, items)), .. }) if ident == module => {
            Some(items)
        }
        _ => None,
    });
    items
        .flatten()
        .filter_map(|item| match item {
            Item::Struct(item) => {
                let fields = item.fields.iter().filter_map(|field| {
                    Some((field.ident.as_ref()?.to_string(), field.ty.clone()))
                });
                Some((item.ident.to_string(), fields.collect()))
            }
            _ => None,
        })
        .collect()
}

fn call(
    operation: &Operation,
    calls: &BTreeMap<String, BTreeMap<String, Type>>,
    surface: &Surface,
) -> Result<TokenStream, String> {
    let (id, method) = (&operation.name, format_ident!("{}", operation.name));
    let fields =
        calls.get(&operation.type_name()).ok_or_else(|| format!("no builder of `{id}`"))?;
    let mut steps = parameters(operation, fields)?;
    if operation.body.is_some() {
        let ty = from_outside(built(held(fields, "body", id)?));
        let value = value(&ty, &quote!(value), surface);
        steps.push(quote! {
            if let Some(value) = &values.body() {
                let body: #ty = #value;
                call = call.body(body);
            }
        });
    }
    let receive = match operation.successes.as_slice() {
        [Success { content: Some(Content::Bytes), .. }] => {
            quote!(Reply::bytes(call.send().await?).await)
        }
        [Success { content: Some(Content::Events), .. }] => {
            quote!(Reply::events(call.send().await?).await)
        }
        [_] => quote!(Ok(Reply::from(call.send().await?))),
        several => {
            let ty = format_ident!("{}Response", operation.type_name());
            let arms = several.iter().map(|answer| {
                let variant = format_ident!("{}", answer.name);
                match answer.content {
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
                let answer = call.send().await?;
                let status = answer.status();
                match answer.into_value() {
                    #(#arms,)*
                    other => panic!("{other:?}"),
                }
            }
        }
    };
    Ok(quote! {
        #id => {
            #[allow(unused_mut)]
            let mut call = client.#method();
            #(#steps)*
            #receive
        }
    })
}

/// Sets the parameters of a call.
fn parameters(
    operation: &Operation,
    fields: &BTreeMap<String, Type>,
) -> Result<Vec<TokenStream>, String> {
    let steps = operation.parameters.iter().map(|parameter| {
        let name = rust_name(&parameter.wire);
        let ty = from_outside(held(fields, &name, &operation.name)?);
        let (setter, wire) = (format_ident!("{name}"), &parameter.wire);
        Ok(quote! {
            if let Some(value) = values.parameter(#wire) {
                call = call.#setter(typed::<#ty>(&value));
            }
        })
    });
    steps.collect()
}

/// The type of a value that a builder of a call holds.
fn held(fields: &BTreeMap<String, Type>, name: &str, id: &str) -> Result<Type, String> {
    let ty = fields.get(name).and_then(|ty| argument(ty, "Result"));
    let ty = ty.ok_or_else(|| format!("no field `{name}` in the builder of `{id}`"))?;
    Ok(argument(&ty, "Option").unwrap_or(ty))
}

/// All pages of an operation: its items, or the bytes of each page as a text.
fn pages(
    operation: &Operation,
    calls: &BTreeMap<String, BTreeMap<String, Type>>,
) -> Result<TokenStream, String> {
    let (id, method) = (&operation.name, format_ident!("{}", operation.name));
    let fields =
        calls.get(&operation.type_name()).ok_or_else(|| format!("no builder of `{id}`"))?;
    let steps = parameters(operation, fields)?;
    let of_items = operation.paging.as_ref().is_some_and(|it| it.of_items);
    let stream = match (of_items, operation.successes.as_slice()) {
        (true, _) => quote!(call.stream().map_ok(|it| serde_json::to_value(it).unwrap())),
        (false, [Success { content: Some(Content::Bytes), .. }]) => quote! {
            call.pages().and_then(|page| page.bytes()).map_ok(|it| {
                serde_json::Value::from(String::from_utf8_lossy(&it).into_owned())
            })
        },
        (false, _) => quote!(call.pages().map_ok(|it| serde_json::to_value(&*it).unwrap())),
    };
    Ok(quote! {
        #id => {
            #[allow(unused_mut)]
            let mut call = client.#method();
            #(#steps)*
            #stream.boxed()
        }
    })
}

/// A function that makes a struct with files of a JSON value, in which files are strings.
fn holder(
    name: &str,
    kind: &Kind,
    types: &BTreeMap<String, BTreeMap<String, Type>>,
    surface: &Surface,
) -> Result<TokenStream, String> {
    let Kind::Struct(surface::Struct { fields, extra, .. }) = kind else {
        return Err(format!("`{name}` holds a file"));
    };
    let known = types.get(name).ok_or_else(|| format!("no type `{name}`"))?;
    let steps = fields.iter().map(|field| {
        let rust = rust_name(&field.wire);
        let ty = known.get(&rust).ok_or_else(|| format!("no field `{name}.{rust}`"))?.clone();
        let ty = argument(&ty, "Option").unwrap_or(ty);
        let ty = from_outside(argument(&ty, "Nullable").unwrap_or(ty));
        let (setter, wire, value) =
            (format_ident!("{rust}"), &field.wire, value(&ty, &quote!(value), surface));
        Ok(quote! {
            if let Some(value) = value.get(#wire) {
                let value: #ty = #value;
                it = it.#setter(value);
            }
        })
    });
    let steps = steps.collect::<Result<Vec<_>, String>>()?;
    let names = fields.iter().map(|field| &field.wire);
    let extra = extra.as_ref().map(|_| {
        quote! {
            let others = value.as_object().into_iter().flatten();
            let others = others.filter(|(key, _)| ![#(#names),*].contains(&key.as_str()));
            it = it.extra(others.map(|(key, it)| (key.clone(), typed(it))).collect::<std::collections::HashMap<_, _>>());
        }
    });
    let (function, ident) = (format_ident!("{}", name.to_snake_case()), format_ident!("{name}"));
    Ok(quote! {
        #[allow(clippy::redundant_closure)]
        fn #function(value: &serde_json::Value) -> types::#ident {
            let mut it = types::#ident::builder();
            #(#steps)*
            #extra
            types::#ident::try_from(it).unwrap_or_else(|error| panic!("{error}: {value}"))
        }
    })
}

/// An expression of this type, made of a JSON value.
fn value(ty: &Type, from: &TokenStream, surface: &Surface) -> TokenStream {
    let Type::Path(path) = ty else { return quote!(typed(#from)) };
    let Some(last) = path.path.segments.last() else { return quote!(typed(#from)) };
    let name = last.ident.to_string();
    if let Some(item) = argument(ty, "Vec") {
        let item = value(&item, &quote!(item), surface);
        return quote!(#from.as_array().into_iter().flatten().map(|item| #item).collect());
    }
    if name == "Upload" {
        return quote!(onkernel::Upload::from(#from.as_str().unwrap_or_default().to_owned()));
    }
    if surface.types.get(&name).is_some_and(|it| it.holds_file) {
        let function = format_ident!("{}", name.to_snake_case());
        return quote!(#function(#from));
    }
    quote!(typed(#from))
}

/// The first argument of a generic type of this name.
fn argument(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}

/// The type that a builder makes.
fn built(mut ty: Type) -> Type {
    if let Type::Path(path) = &mut ty {
        let kept = path.path.segments.iter().filter(|it| it.ident != "builder").cloned();
        path.path.segments = kept.collect();
    }
    ty
}

/// A type as it is written outside of the generated crate.
fn from_outside(mut ty: Type) -> Type {
    struct Outside;
    impl VisitMut for Outside {
        fn visit_path_mut(&mut self, path: &mut syn::Path) {
            syn::visit_mut::visit_path_mut(self, path);
            if let Some(first) = path.segments.first_mut().filter(|it| it.ident == "crate") {
                first.ident = format_ident!("onkernel");
            }
            if let Some(name) = path.get_ident().cloned() {
                let prelude = ["String", "Vec", "Option"].contains(&name.to_string().as_str());
                if name.to_string().starts_with(char::is_uppercase) && !prelude {
                    *path = parse_quote!(types::#name);
                }
            }
        }
    }
    Outside.visit_type_mut(&mut ty);
    ty
}
