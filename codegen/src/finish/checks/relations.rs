//! The checks of fields that exclude or need each other, as expressions of the generated crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Type;

use crate::finish::syntax::own_name;
use crate::surface::{Kind, Relations, Surface, Term};

/// How a field is held.
pub(in crate::finish) struct Held<'a> {
    /// The field, as an expression.
    pub(in crate::finish) value: TokenStream,
    /// Its type without what makes it optional.
    pub(in crate::finish) base: &'a Type,
    /// Whether it is there whatever a caller does.
    pub(in crate::finish) always: bool,
    /// Whether it may be null.
    pub(in crate::finish) nullable: bool,
}

/// The checks, each ending in `?`; `held` finds a field by its name on the wire.
pub(in crate::finish) fn checks<'a>(
    relations: &Relations,
    surface: &Surface,
    held: impl Fn(&str) -> Option<Held<'a>>,
) -> Vec<TokenStream> {
    let holds = |term: &Term| held(&term.wire).and_then(|field| holds(&field, term, surface));
    let names = |group: &Vec<Term>| {
        let names: Vec<_> = group.iter().map(|term| format!("`{}`", term.words())).collect();
        names.join(" and ")
    };
    let groups = relations.exclusive.iter().map(|group| {
        let terms: Vec<_> = group.iter().filter_map(holds).collect();
        if terms.is_empty() { quote!(false) } else { quote!(#(#terms)||*) }
    });
    let groups: Vec<_> = groups.collect();
    let exclusive = (!groups.is_empty()).then(|| {
        let names: Vec<_> = relations.exclusive.iter().map(names).collect();
        let names = names.join(" or ");
        quote!(crate::model::elements::exclusive(&[#(#groups),*], #names)?;)
    });
    let apart = relations.apart.iter().map(|terms| {
        let (all, names) = (terms.iter().filter_map(holds), names(terms));
        quote!(crate::model::elements::excluded(#(#all)&&*, #names)?;)
    });
    let requires = relations.requires.iter().filter_map(|(left, right)| {
        let (is, needs) = (holds(left)?, holds(right)?);
        let (left, right) = (left.words(), right.words());
        Some(quote!(crate::model::elements::requires(#is, #needs, #left, #right)?;))
    });
    exclusive.into_iter().chain(apart).chain(requires).collect()
}

/// Whether a field is as a term says; nothing where its type has no such values.
fn holds(field: &Held<'_>, term: &Term, surface: &Surface) -> Option<TokenStream> {
    let Held { value: it, base, always, nullable } = field;
    let Some(value) = &term.value else {
        return Some(match (always, nullable) {
            (true, false) => quote!(true),
            (false, true) => {
                quote!(matches!(&#it, ::std::option::Option::Some(crate::Nullable::Value(_))))
            }
            _ => quote!(#it.is_some()),
        });
    };
    let value_of = match (always, nullable) {
        (true, false) => quote!(::std::option::Option::Some(&#it)),
        (false, true) => quote!(#it.as_ref().and_then(crate::Nullable::as_option)),
        _ => quote!(#it.as_ref()),
    };
    let name = match base {
        Type::Path(path) => path.path.segments.last()?.ident.to_string(),
        _ => return None,
    };
    let own = own_name(base).and_then(|name| surface.types.get(&name));
    match own.map(|it| &it.kind) {
        Some(Kind::Enum(values)) if values.contains(value) => {
            Some(quote!(#value_of.is_some_and(|it| it.as_str() == #value)))
        }
        None if name == "String" => Some(quote!(#value_of.is_some_and(|it| it == #value))),
        None if base.to_token_stream().to_string() == "bool" => {
            let value = match value.as_str() {
                "true" => quote!(true),
                "false" => quote!(false),
                _ => return None,
            };
            Some(quote!(#value_of == ::std::option::Option::Some(&#value)))
        }
        _ => None,
    }
}
