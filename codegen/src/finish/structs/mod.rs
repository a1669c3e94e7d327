//! Structs: what a field may leave out, what may be null, and for what a request can hold a
//! constructor that takes what is required and setters for the rest.
//!
//! | in the document | field | written when unset | read when absent |
//! |---|---|---|---|
//! | required | `T` | – | an error |
//! | required, nullable | `Option<T>` | `null` | `None` |
//! | optional | `Option<T>` | left out | `None` |
//! | optional, nullable, in a request | `Option<Nullable<T>>` | left out | `None` |
//! | optional, nullable, in responses only | `Option<T>` | left out | `None` |
//! | all others, of one type | a map, `extra` | – | empty |

pub(super) mod definition;
mod json;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Item, ItemStruct, Type};

use super::checks::relations;
use super::member::Member;
use crate::surface::{self, Kind, Surface};

/// A struct as it will be generated.
pub(super) struct Struct<'a> {
    pub(super) ident: Ident,
    pub(super) sets: Option<&'a surface::Sets>,
    relations: &'a surface::Relations,
    source: &'a surface::Type,
    fields: Vec<Field<'a>>,
    extra: Option<Field<'a>>,
}

/// The names that a type of ours has methods of.
const METHODS: [&str; 3] = ["clone", "fmt", "new"];

struct Field<'a> {
    ident: Ident,
    base: Type,
    source: &'a surface::Field,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Required,
    RequiredNullable,
    Optional,
    OptionalNullable,
    /// All that the object holds besides its fields.
    Extra,
}

/// The structs of the surface, with the Rust types that progenitor chose.
pub(super) fn finish<'a>(items: &[Item], surface: &'a Surface) -> Result<Vec<Struct<'a>>, String> {
    let mut structs = Vec::new();
    for (name, source) in &surface.types {
        let Kind::Struct(surface::Struct { fields, sets, extra, relations }) = &source.kind else {
            continue;
        };
        let item = generated(items, name)?;
        let fields: Vec<Field<'_>> = fields
            .iter()
            .map(|field| {
                let base = chosen(item, &field.name)
                    .ok_or_else(|| format!("progenitor made no field `{name}.{}`", field.wire))?;
                let state = match (field.required, field.nullable) {
                    (true, false) => State::Required,
                    (true, true) => State::RequiredNullable,
                    (false, true) if source.sent => State::OptionalNullable,
                    (false, _) => State::Optional,
                };
                let ident = format_ident!("{}", field.name);
                Ok(Field { ident, base, source: field, state })
            })
            .collect::<Result<_, String>>()?;
        let extra = match extra {
            None => None,
            Some(extra) => {
                let base = flattened(item)
                    .ok_or_else(|| format!("progenitor made no further fields of `{name}`"))?;
                let ident = format_ident!("{}", extra.name);
                Some(Field { ident, base, source: extra, state: State::Extra })
            }
        };
        let sets = sets.as_ref();
        let ident = item.ident.clone();
        structs.push(Struct { ident, sets, relations, source, fields, extra });
    }
    Ok(structs)
}

/// The struct that progenitor made of a schema.
pub(super) fn generated<'a>(items: &'a [Item], name: &str) -> Result<&'a ItemStruct, String> {
    let found = items.iter().find_map(|item| match item {
        Item::Struct(item) if item.ident == name => Some(item),
        _ => None,
    });
    found.ok_or_else(|| format!("progenitor made no struct `{name}`"))
}

/// The type that progenitor chose for a property, without the `Option` it may have added.
pub(super) fn chosen(item: &ItemStruct, property: &str) -> Option<Type> {
    item.fields.iter().find_map(|field| {
        let ident = field.ident.as_ref()?;
        let renamed = field.attrs.iter().find_map(rename);
        (renamed.unwrap_or_else(|| ident.to_string()) == property)
            .then(|| without_option(&field.ty))
    })
}

/// The type of the field in which progenitor keeps what a struct has no field for.
fn flattened(item: &ItemStruct) -> Option<Type> {
    let flat = |attribute: &syn::Attribute| {
        let mut found = false;
        if attribute.path().is_ident("serde") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("flatten");
                Ok(())
            });
        }
        found
    };
    let field = item.fields.iter().find(|field| field.attrs.iter().any(flat))?;
    Some(field.ty.clone())
}

fn rename(attribute: &syn::Attribute) -> Option<String> {
    let mut name = None;
    if attribute.path().is_ident("serde") {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    name
}

fn without_option(ty: &Type) -> Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner.clone();
    }
    ty.clone()
}

impl Struct<'_> {
    /// The text of a field that is a string or an enum, as an `Option<&str>`.
    pub(super) fn text(&self, wire: &str) -> Option<TokenStream> {
        let field = self.fields.iter().find(|field| field.source.wire == wire)?;
        Some(field.text(&quote!(self)))
    }

    /// The checks of what holds between fields.
    pub(super) fn relations(&self, surface: &Surface) -> Vec<TokenStream> {
        relations::checks(self.relations, surface, |wire| {
            let field = self.fields.iter().find(|field| field.source.wire == wire)?;
            let ident = &field.ident;
            Some(relations::Held {
                value: quote!(self.#ident),
                base: &field.base,
                always: matches!(field.state, State::Required | State::RequiredNullable),
                nullable: matches!(field.state, State::RequiredNullable | State::OptionalNullable),
            })
        })
    }

    /// Whether a field is in the struct whatever a caller does.
    pub(super) fn always(&self, wire: &str) -> bool {
        let required = |state| matches!(state, State::Required | State::RequiredNullable);
        self.fields.iter().any(|field| field.source.wire == wire && required(field.state))
    }

    /// The fields, each with the name that it has in Rust.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&Ident, &surface::Field)> {
        self.fields.iter().map(|field| (&field.ident, field.source))
    }

    /// The map of all else.
    pub(super) fn extra(&self) -> Option<(&Ident, &surface::Field)> {
        self.extra.as_ref().map(|extra| (&extra.ident, extra.source))
    }

    /// Whether a setter may be given what its field cannot hold.
    pub(super) fn keeps_invalid(&self) -> bool {
        let integer = |field: &Field<'_>| {
            let name = field.base.to_token_stream().to_string();
            ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"].contains(&name.as_str())
        };
        self.source.sent && self.fields.iter().any(integer)
    }

    /// What a caller may set: the required fields first, then the others, then the map of all else.
    pub(super) fn members(&self, surface: &Surface) -> Vec<(Ident, Member<'_>)> {
        let members = self.all().map(|field| {
            let required = matches!(field.state, State::Required | State::RequiredNullable);
            let nullable = matches!(field.state, State::RequiredNullable | State::OptionalNullable);
            let surface::Field { wire, rule, notes, .. } = field.source;
            let flags = (required, nullable);
            let member = Member::new(wire, field.base.clone(), flags, (rule, notes), surface);
            (field.ident.clone(), member)
        });
        members.collect()
    }

    /// The name of a field's setter.
    pub(super) fn setter(&self, field: &Ident) -> Ident {
        let name = field.to_string();
        let other = name.strip_prefix("set_");
        let taken = METHODS.contains(&name.as_str())
            || other.is_some_and(|other| self.all().any(|field| field.ident == other));
        if taken { format_ident!("{name}_") } else { field.clone() }
    }

    /// The constructor and the setters.
    pub(super) fn constructor(&self, surface: &Surface) -> Option<TokenStream> {
        if !self.source.sent {
            return None;
        }
        let ident = &self.ident;
        let invalid = self.keeps_invalid();
        let members = self.members(surface);
        let (mut arguments, mut values, mut setters) = (Vec::new(), Vec::new(), Vec::new());
        let extra = self.extra.as_ref().map(|extra| &extra.ident);
        for (field, member) in &members {
            let argument = member.argument();
            if member.required {
                arguments.push(quote!(#field: #argument));
                let value = member.required(&quote!(#field), &quote!(invalid_));
                values.push(quote!(#field: #value));
                continue;
            }
            let is_extra = Some(field) == extra;
            let unset = match is_extra {
                true => quote!(::std::default::Default::default()),
                false => quote!(::std::option::Option::None),
            };
            values.push(quote!(#field: #unset));
            let value = member.optional(&quote!(value), &quote!(self.invalid_));
            let value = if is_extra { quote!(#value.unwrap_or_default()) } else { value };
            let setter = self.setter(field);
            let setter_or = set(&setter);
            let doc = format!(" Sets [`{field}`](Self::{field}).");
            let doc_or = format!(" Sets [`{field}`](Self::{field}), or leaves it out.");
            let deprecated = member.notes.deprecated.then(|| quote!(#[deprecated]));
            setters.push(quote! {
                #[doc = #doc]
                #deprecated
                #[must_use]
                pub fn #setter(self, value: #argument) -> Self {
                    self.#setter_or(::std::option::Option::Some(value))
                }
                #[doc = #doc_or]
                #deprecated
                #[must_use]
                pub fn #setter_or(mut self, value: ::std::option::Option<#argument>) -> Self {
                    self.#field = #value;
                    self
                }
            });
        }
        let begin = invalid.then(|| {
            quote!(#[allow(unused_mut)] let mut invalid_ = crate::model::convert::Invalid::default();)
        });
        let keep = invalid.then(|| quote!(invalid_));
        Some(quote! {
            impl #ident {
                /// With what is required, and nothing else set.
                pub fn new(#(#arguments),*) -> Self {
                    #begin
                    Self { #(#values,)* #keep }
                }
                #(#setters)*
            }
        })
    }

    fn all(&self) -> impl Iterator<Item = &Field<'_>> {
        self.fields.iter().chain(&self.extra)
    }

    /// Where a field says of which type another one's value is, the two are read together.
    fn tagged(&self) -> Vec<TokenStream> {
        let steps = self.fields.iter().filter_map(|field| {
            let tag = self
                .fields
                .iter()
                .find(|it| Some(&it.source.wire) == field.source.tagged_by.as_ref())?;
            let (name, tag) = (&field.ident, tag.text(&quote!(it)));
            Some(quote! {
                if let ::std::option::Option::Some(tag) = #tag {
                    it.#name = crate::model::union::Told::told(it.#name, tag)?;
                }
            })
        });
        steps.collect()
    }
}

impl Field<'_> {
    fn text(&self, owner: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        let text = quote!(::std::convert::AsRef::<str>::as_ref);
        match self.state {
            State::Required => quote!(::std::option::Option::Some(#text(&#owner.#ident))),
            State::RequiredNullable | State::Optional => quote!(#owner.#ident.as_ref().map(#text)),
            State::Extra => quote!(::std::option::Option::None),
            State::OptionalNullable => {
                quote!(#owner.#ident.as_ref().and_then(|value| value.as_option()).map(#text))
            }
        }
    }

    /// The type as it stands in the struct.
    fn ty(&self) -> TokenStream {
        let base = &self.base;
        match self.state {
            State::Required | State::Extra => quote!(#base),
            State::RequiredNullable | State::Optional => quote!(::std::option::Option<#base>),
            State::OptionalNullable => quote!(::std::option::Option<crate::Nullable<#base>>),
        }
    }
}

/// The name of the setter that takes an `Option`.
pub(super) fn set(setter: &Ident) -> Ident {
    format_ident!("set_{}", setter.to_string().trim_start_matches("r#"))
}
