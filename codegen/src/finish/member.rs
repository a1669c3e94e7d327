//! One value that a caller passes: the argument that takes it, and what is kept of it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::checks::bounds;
use super::take::Take;
use crate::surface::{Notes, Rule, Surface};

/// A parameter of a call or a field of a type, as a caller sees it.
pub(super) struct Member<'a> {
    pub(super) wire: &'a str,
    pub(super) ty: Type,
    pub(super) take: Take,
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) rule: &'a Rule,
    pub(super) notes: &'a Notes,
}

impl<'a> Member<'a> {
    pub(super) fn new(
        wire: &'a str,
        ty: Type,
        (required, nullable): (bool, bool),
        (rule, notes): (&'a Rule, &'a Notes),
        surface: &Surface,
    ) -> Self {
        let take = Take::of(&ty, surface);
        Self { wire, ty, take, required, nullable, rule, notes }
    }

    /// The same after its type was written in another way.
    pub(super) fn again(self, surface: &Surface) -> Self {
        Self { take: Take::of(&self.ty, surface), ..self }
    }

    /// Whether a value may be passed that its type cannot hold.
    pub(super) fn may_not_fit(&self) -> bool {
        matches!(self.take, Take::Integer(_))
    }

    /// The type of the argument that takes it.
    pub(super) fn argument(&self) -> TokenStream {
        match self.nullable {
            true => self.take.nullable_argument(&self.ty),
            false => self.take.argument(),
        }
    }

    /// What is kept of `value`, an argument.
    pub(super) fn required(&self, value: &TokenStream, invalid: &TokenStream) -> TokenStream {
        let (wire, ty) = (self.wire, &self.ty);
        match (&self.take, self.nullable) {
            (Take::Integer(_), nullable) => {
                let rule = bounds::rule(&own(self.rule));
                let take = if nullable { quote!(required_nullable) } else { quote!(required) };
                quote!(#invalid.#take(#wire, #value, #rule))
            }
            (Take::Number, true) => quote!(crate::NullableNumber::nullable(#value).into_option()),
            (_, true) => {
                quote!(::std::convert::Into::<crate::Nullable<#ty>>::into(#value).into_option())
            }
            (take, false) => match take.convert() {
                None => value.clone(),
                Some(convert) => quote!((#convert)(#value)),
            },
        }
    }

    /// What is kept of `value`, an `Option` of an argument.
    pub(super) fn optional(&self, value: &TokenStream, invalid: &TokenStream) -> TokenStream {
        let wire = self.wire;
        match (&self.take, self.nullable) {
            (Take::Integer(_), nullable) => {
                let rule = bounds::rule(&own(self.rule));
                let take = if nullable { quote!(nullable) } else { quote!(optional) };
                quote!(#invalid.#take(#wire, #value, #rule))
            }
            (Take::Number, true) => quote!(#value.map(crate::NullableNumber::nullable)),
            (_, true) => quote!(#value.map(::std::convert::Into::into)),
            (take, false) => match take.convert() {
                None => value.clone(),
                Some(convert) => quote!(#value.map(#convert)),
            },
        }
    }
}

/// The bounds of a value itself.
fn own(rule: &Rule) -> Rule {
    Rule { keys: None, items: None, ..rule.clone() }
}
