//! The tree of resources: what a client has methods for, the calls that they make, and the methods
//! that lead from the client to a resource and from there to those inside it.
//!
//! Progenitor's builders know the Rust type of every parameter, body and response. Everything else
//! about them is replaced: what is required are arguments, the rest setters of the call, calls own
//! their client, and a call that is sent is only a description, which the runtime carries out.

mod call;
mod chosen;
mod describe;
mod example;
mod receive;
mod slots;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Item;

use self::call::Call;
use self::chosen::Chosen;
use self::receive::Receive;
use self::slots::Slots;
use super::docs;
use super::structs::Struct;
use crate::features::feature_of;
use crate::lower::naming::spell;
use crate::surface::{Operation, Surface, ident};

/// The methods of a resource that callers look for first, in this order.
const FIRST: [&str; 5] = ["create", "list", "get", "update", "delete"];

/// A resource with its calls and the resources inside it.
#[derive(Default)]
struct Resource<'a> {
    operations: Vec<&'a Operation>,
    inside: BTreeMap<&'a str, Resource<'a>>,
}

/// The module of resources, and the methods of the client that lead to them.
pub(super) fn generate(
    builders: &[Item],
    structs: &[Struct<'_>],
    surface: &Surface,
) -> Result<TokenStream, String> {
    let mut root = Resource::default();
    for operation in &surface.operations {
        let mut at = &mut root;
        for step in operation.resource.split('.') {
            at = at.inside.entry(step).or_default();
        }
        at.operations.push(operation);
    }
    let context = Context { chosen: chosen::all(builders), structs, surface };
    let modules = root.inside.iter().map(|(name, it)| context.module(&[], name, it));
    let modules = modules.collect::<Result<Vec<_>, String>>()?;
    let methods = root.inside.keys().map(|name| {
        let name_in_rust = ident(name);
        let ty = format_ident!("{}", spell::camel(name, "Resource"));
        let doc = format!(" The resource `{name}`.");
        let label = label(name);
        quote! {
            #[doc = #doc]
            #label
            pub fn #name_in_rust(&self) -> resources::#name_in_rust::#ty {
                resources::#name_in_rust::#ty { client: self.clone() }
            }
        }
    });
    Ok(quote! {
        #[allow(clippy::all, clippy::pedantic, deprecated)]
        impl crate::Client {
            #(#methods)*
        }
        /// The resources of the API, and the calls that their methods make.
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_imports)]
        pub mod resources {
            #(#modules)*
        }
    })
}

/// The Cargo feature of a resource at the top, for docs.rs.
fn label(resource: &str) -> Option<TokenStream> {
    let feature = feature_of(resource)?;
    Some(quote!(#[cfg_attr(docsrs, doc(cfg(feature = #feature)))]))
}

struct Context<'a> {
    chosen: BTreeMap<String, Chosen>,
    structs: &'a [Struct<'a>],
    surface: &'a Surface,
}

impl<'a> Context<'a> {
    fn module(
        &'a self,
        owners: &[&str],
        name: &str,
        resource: &Resource<'a>,
    ) -> Result<TokenStream, String> {
        let path: Vec<&str> = owners.iter().copied().chain([name]).collect();
        let ty = format_ident!("{}", spell::camel(name, "Resource"));
        let doc = format!(" `{}` and its calls.", describe::way(&path));
        let module = ident(name);
        let mut operations = resource.operations.clone();
        operations.sort_by_key(|it| FIRST.iter().position(|first| *first == it.call).unwrap_or(9));
        let mut taken = BTreeSet::from([ty.to_string()]);
        let calls = operations.iter().map(|operation| self.call(operation, &mut taken));
        let calls = calls.collect::<Result<Vec<_>, String>>()?;
        let methods = calls.iter().map(|call| {
            let operation = call.operation;
            let (method, call_ty) = (ident(&operation.call), &call.ident);
            let docs = docs::lines(&describe::operation(call));
            let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
            let hidden = operation.hidden.then(|| quote!(#[doc(hidden)]));
            // What the official clients call it.
            let alias = (operation.call == "get").then(|| quote!(#[doc(alias = "retrieve")]));
            let (arguments, begin) = (call.arguments(), call.begin());
            quote! {
                #docs
                #alias
                #deprecated
                #hidden
                pub fn #method(&self, #(#arguments),*) -> #call_ty {
                    #begin
                }
            }
        });
        let doc_of_type = docs::lines(&describe::resource(&path, calls.first()));
        let inside = resource.inside.keys().map(|inner| {
            let inner_in_rust = ident(inner);
            let ty = format_ident!("{}", spell::camel(inner, "Resource"));
            let doc = format!(" The resource `{}.{inner}`.", path.join("."));
            quote! {
                #[doc = #doc]
                pub fn #inner_in_rust(&self) -> #inner_in_rust::#ty {
                    #inner_in_rust::#ty { client: self.client.clone() }
                }
            }
        });
        let modules = resource.inside.iter().map(|(name, inner)| self.module(&path, name, inner));
        let modules = modules.collect::<Result<Vec<_>, String>>()?;
        let structs = calls.iter().map(|call| {
            let method = &call.operation.call;
            call.generate(&format!("[`{ty}::{method}`]"))
        });
        let label = owners.is_empty().then(|| label(name)).flatten();
        Ok(quote! {
            #[doc = #doc]
            #label
            pub mod #module {
                use crate::generated::{operations, types};
                #doc_of_type
                #[derive(Clone, Debug)]
                pub struct #ty {
                    pub(crate) client: crate::Client,
                }
                impl #ty {
                    #(#methods)*
                    #(#inside)*
                }
                #(#structs)*
                #(#modules)*
            }
        })
    }

    fn call(
        &'a self,
        operation: &'a Operation,
        taken: &mut BTreeSet<String>,
    ) -> Result<Call<'a>, String> {
        let builder = operation.type_name();
        let chosen = self
            .chosen
            .get(&builder)
            .ok_or_else(|| format!("progenitor made no builder `{builder}`"))?;
        let response = chosen
            .response
            .as_ref()
            .ok_or_else(|| format!("progenitor's builder `{builder}` has no response"))?;
        let mut name = spell::camel(&operation.call, "Call");
        while !taken.insert(name.clone()) {
            name.push_str("Call");
        }
        Ok(Call {
            operation,
            ident: format_ident!("{name}"),
            slots: Slots::of(operation, chosen, self.structs, self.surface)?,
            receive: Receive::of(operation, response),
            surface: self.surface,
        })
    }
}
