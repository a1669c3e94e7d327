//! What the methods of a generated client take, read from its syntax tree, and values for that.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{
    File, FnArg, GenericArgument, ImplItem, ImplItemFn, Item, ItemImpl, Pat, PathArguments,
    ReturnType, Type, TypeParamBound, Visibility, parse_quote,
};

use heck::ToSnakeCase;

use crate::surface::{Operation, Surface, ident};

/// Something that makes a value of arguments, which setters then change.
pub(crate) struct Maker {
    /// The function.
    pub(crate) path: TokenStream,
    /// Names and types.
    pub(crate) arguments: Vec<(String, Type)>,
    /// Names without their `set_`, and the types inside its `Option`.
    pub(crate) setters: Vec<(String, Type)>,
    /// The type of a call's body.
    pub(crate) body: Option<String>,
    /// The methods that send a call, and what they return.
    pub(crate) sends: Vec<(String, Type)>,
}

impl Maker {
    /// The method of a resource.
    pub(crate) fn of_call(file: &File, operation: &Operation) -> Result<Self, String> {
        let mut items: &[Item] = inside(&file.items, "resources").unwrap_or_default();
        for step in operation.resource.split('.') {
            items = inside(items, step).ok_or_else(|| format!("no module `{step}`"))?;
        }
        let method = ident(&operation.call);
        let found = impls(items).find_map(|it| {
            let owner = name(&it.self_ty)?;
            let function = functions(it).find(|function| function.sig.ident == method)?;
            let made = match &function.sig.output {
                ReturnType::Type(_, ty) => name(ty)?,
                ReturnType::Default => return None,
            };
            let is_client =
                |field: &syn::Field| field.ident.as_ref().is_some_and(|it| it == "client_");
            let is_call = items.iter().any(|item| match item {
                Item::Struct(it) => it.ident == made && it.fields.iter().any(is_client),
                _ => false,
            });
            (is_call && owner != made).then_some((function, made))
        });
        let (function, made) =
            found.ok_or_else(|| format!("no method for `{}`", operation.id()))?;
        let steps = operation.resource.split('.').map(ident);
        let body = items.iter().find_map(|item| match item {
            Item::Struct(it) if it.ident == made => {
                let is_body =
                    |field: &&syn::Field| field.ident.as_ref().is_some_and(|it| it == "body_");
                let field = it.fields.iter().find(is_body)?;
                name(&inner(&field.ty, "Option").unwrap_or_else(|| field.ty.clone()))
            }
            _ => None,
        });
        Ok(Self {
            path: quote!(kernel #(.#steps())* .#method),
            arguments: arguments(function),
            setters: setters(items, &made),
            sends: sends(items, &made),
            body,
        })
    }

    /// The constructor of a type.
    pub(crate) fn of_type(file: &File, of: &str) -> Result<Self, String> {
        let items = inside(&file.items, "types").unwrap_or_default();
        let new = impls(items)
            .filter(|it| name(&it.self_ty).is_some_and(|it| it == of))
            .find_map(|it| functions(it).find(|function| function.sig.ident == "new"));
        let new = new.ok_or_else(|| format!("`{of}` has no constructor"))?;
        let ty = format_ident!("{of}");
        let path = quote!(types::#ty::new);
        let (arguments, setters) = (arguments(new), setters(items, of));
        Ok(Self { path, arguments, setters, body: None, sends: Vec::new() })
    }
}

/// An expression for an argument of this type, made of the JSON `value`.
pub(crate) fn value(ty: &Type, surface: &Surface) -> TokenStream {
    if let Type::Tuple(tuple) = ty {
        let values = tuple.elems.iter().map(|ty| value(ty, surface));
        return quote!((#(#values),*));
    }
    let Type::ImplTrait(it) = ty else { return of_type(ty, surface) };
    let bound = it.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    });
    let Some(bound) = bound else { return quote!(typed(value)) };
    let arguments = match &bound.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.first(),
        _ => None,
    };
    match (bound.ident.to_string().as_str(), arguments) {
        ("Integer", _) => quote!(typed::<i64>(value)),
        ("Number", _) => quote!(typed::<f64>(value)),
        ("NullableNumber", _) => quote!(typed::<onkernel::Nullable<f64>>(value)),
        ("NullableInteger", Some(GenericArgument::Type(ty))) => {
            quote!(typed::<onkernel::Nullable<#ty>>(value))
        }
        ("Into", Some(GenericArgument::Type(ty))) => of_type(ty, surface),
        ("IntoIterator", Some(GenericArgument::AssocType(item))) => match &item.ty {
            Type::Tuple(pair) => {
                let value = pair.elems.last().map(|ty| value(ty, surface));
                quote! {
                    value.as_object().into_iter().flatten().map(|(key, value)| {
                        (key.clone(), #value)
                    }).collect::<Vec<_>>()
                }
            }
            ty => {
                let value = value(ty, surface);
                quote! {
                    value.as_array().into_iter().flatten().map(|value| #value).collect::<Vec<_>>()
                }
            }
        },
        _ => quote!(typed(value)),
    }
}

fn of_type(ty: &Type, surface: &Surface) -> TokenStream {
    let name = name(ty).unwrap_or_default();
    if name == "Upload" {
        return quote!(onkernel::Upload::from(value.as_str().unwrap_or_default().to_owned()));
    }
    if surface.types.get(&name).is_some_and(|it| it.holds_file) {
        let function = format_ident!("{}", name.to_snake_case());
        return quote!(#function(value));
    }
    let ty = from_outside(ty.clone());
    quote!(typed::<#ty>(value))
}

fn inside<'a>(items: &'a [Item], module: &str) -> Option<&'a [Item]> {
    let name = ident(module);
    items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == name => {
            module.content.as_ref().map(|(_, items)| items.as_slice())
        }
        _ => None,
    })
}

fn impls(items: &[Item]) -> impl Iterator<Item = &ItemImpl> {
    items.iter().filter_map(|item| match item {
        Item::Impl(it) if it.trait_.is_none() => Some(it),
        _ => None,
    })
}

fn functions(it: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    it.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn arguments(function: &ImplItemFn) -> Vec<(String, Type)> {
    let arguments = function.sig.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) => Some((name.ident.to_string(), (*argument.ty).clone())),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    arguments.collect()
}

/// Of a type, what has a setter that takes an `Option`.
fn setters(items: &[Item], of: &str) -> Vec<(String, Type)> {
    let functions: Vec<&ImplItemFn> = impls(items)
        .filter(|it| name(&it.self_ty).is_some_and(|it| it == of))
        .flat_map(functions)
        .collect();
    let exists = |name: &str| functions.iter().any(|it| it.sig.ident == ident(name));
    let setters = functions.iter().filter_map(|function| {
        let name = function.sig.ident.to_string();
        let name = name.strip_prefix("set_")?.to_owned();
        let (_, ty) = arguments(function).pop()?;
        Some((name.clone(), inner(&ty, "Option").filter(|_| exists(&name))?))
    });
    setters.collect()
}

/// Of a call, the public methods that end it.
fn sends(items: &[Item], of: &str) -> Vec<(String, Type)> {
    let functions = impls(items)
        .filter(|it| name(&it.self_ty).is_some_and(|it| it == of))
        .flat_map(functions)
        .filter(|it| arguments(it).is_empty() && matches!(it.vis, Visibility::Public(_)));
    let sends = functions.filter_map(|function| match &function.sig.output {
        ReturnType::Type(_, ty) => Some((function.sig.ident.to_string(), (**ty).clone())),
        ReturnType::Default => None,
    });
    sends.filter(|(name, _)| name != "send_raw").collect()
}

fn name(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last().map(|last| last.ident.to_string())
}

/// The first argument of a generic type of this name.
fn inner(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
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
