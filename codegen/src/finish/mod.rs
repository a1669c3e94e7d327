//! Passes over what progenitor generated, one file each, until it is the client we want.
//!
//! Progenitor decides the Rust types; these passes decide what becomes of them: which fields are
//! optional, how enums read, what is checked before sending, and that each call is only a
//! *description*, which the runtime carries out.

mod checks;
mod date_times;
mod docs;
mod enums;
mod errors;
mod forms;
mod member;
mod operations;
mod paths;
mod resources;
mod structs;
mod successes;
mod syntax;
mod take;
mod unions;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, ItemMod};

use crate::surface::Surface;

/// Turns progenitor's file into the generated module of the client.
///
/// # Errors
/// What was expected in progenitor's output and is not there, which a new version of it may cause.
pub fn finish(generated: File, surface: &Surface) -> Result<File, String> {
    let mut types = None;
    let mut builders = None;
    for item in generated.items {
        match item {
            Item::Mod(module) if module.ident == "types" => types = Some(module),
            Item::Mod(module) if module.ident == "builder" => builders = Some(module),
            // Progenitor's client and the imports of its runtime: ours stand in their place.
            _ => {}
        }
    }
    let types = types.ok_or("progenitor generated no module `types`")?;
    let builders = builders.map(content).unwrap_or_default();

    let items = content(types);
    let structs = structs::finish(&items, surface)?;
    let resources = resources::generate(&builders, &structs, surface)?;
    let types = types_module(&items, &structs, surface)?;
    let operations = operations::module(surface);
    syn::parse2(quote! {
        #types
        #operations
        #resources
    })
    .map_err(|error| format!("the finished client is not Rust: {error}"))
}

fn types_module(
    items: &[Item],
    structs: &[structs::Struct<'_>],
    surface: &Surface,
) -> Result<TokenStream, String> {
    let enums = enums::generate(surface);
    let unions = unions::finish(items, surface)?;
    let unions: Vec<_> = unions.iter().map(unions::Union::generate).collect();
    let successes = successes::generate(items, surface)?;
    let checks = checks::validate::generate(structs, surface);
    let forms = forms::generate(structs, surface);
    let errors = errors::generate(surface);
    let named = |name: &syn::Ident| surface.types.contains_key(&name.to_string());
    let rest = items.iter().filter(|item| match item {
        Item::Mod(module) => module.ident == "error",
        Item::Struct(item) => !is_ours(&item.ident, surface),
        Item::Type(item) => !is_ours(&item.ident, surface),
        Item::Enum(item) => !named(&item.ident),
        Item::Impl(item) => !is_replaced(item, surface),
        _ => true,
    });
    let mut rest = paths::in_full(rest);
    date_times::strict(&mut rest);
    let constructors = structs.iter().map(|it| it.constructor(surface));
    let structs = structs.iter().map(structs::definition::of);
    Ok(quote! {
        /// The types of requests and responses.
        #[allow(clippy::all, clippy::pedantic, deprecated, missing_docs, unreachable_pub, unused_variables)]
        pub mod types {
            #(#structs)*
            #(#constructors)*
            #(#enums)*
            #(#unions)*
            #(#successes)*
            #(#checks)*
            #(#forms)*
            #(#errors)*
            #(#rest)*
        }
    })
}

/// Whether an impl of progenitor's is for a struct or an enum, which get ours.
fn is_replaced(item: &syn::ItemImpl, surface: &Surface) -> bool {
    let syn::Type::Path(path) = &*item.self_ty else { return false };
    let Some(name) = path.path.get_ident() else { return true };
    is_ours(name, surface)
}

/// Whether a type of this name is generated here.
fn is_ours(name: &syn::Ident, surface: &Surface) -> bool {
    let known = surface.types.get(&name.to_string());
    known.is_some_and(|it| !matches!(it.kind, crate::surface::Kind::Other(_)))
}

fn content(module: ItemMod) -> Vec<Item> {
    module.content.map(|(_, items)| items).unwrap_or_default()
}
