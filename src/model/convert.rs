//! What callers may pass where a value is wanted: numbers of any width, lists and maps of anything
//! that becomes their items. Here and not in each setter, since a whole document has more than a
//! thousand, and every closure in them would be checked by itself.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use super::nullable::Nullable;
use super::validate::{Checked, Rule, ValidationError};

mod sealed {
    /// An integer as wide as any is, or how it reads if it is wider.
    pub trait Integer: Copy {
        fn wide(self) -> Result<i128, String>;
    }

    pub trait Number: Copy {
        fn float(self) -> f64;
    }
}

/// An integer of any width. One that the API cannot take is rejected before anything is sent.
pub trait Integer: sealed::Integer {}

/// An integer of any width, or [`Null`](crate::Null).
pub trait NullableInteger<T>: Sized {
    #[doc(hidden)]
    fn nullable(self) -> Nullable<Result<i128, String>>;
}

/// A number: a float, or an integer of any width.
pub trait Number: sealed::Number {}

/// A number, or [`Null`](crate::Null).
pub trait NullableNumber: Sized {
    #[doc(hidden)]
    fn nullable(self) -> Nullable<f64>;
}

impl<N: sealed::Integer> Integer for N {}
impl<N: sealed::Number> Number for N {}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl sealed::Integer for $integer {
            fn wide(self) -> Result<i128, String> {
                i128::try_from(self).map_err(|_| self.to_string())
            }
        }
        impl<T> NullableInteger<T> for $integer {
            fn nullable(self) -> Nullable<Result<i128, String>> {
                Nullable::Value(sealed::Integer::wide(self))
            }
        }
        numbers!($integer);
    )*};
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl sealed::Number for $number {
            // What a float cannot hold to the last digit, JSON's readers cannot either.
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, trivial_numeric_casts)]
            fn float(self) -> f64 {
                self as f64
            }
        }
        impl NullableNumber for $number {
            fn nullable(self) -> Nullable<f64> {
                Nullable::Value(sealed::Number::float(self))
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);
numbers!(f32, f64);

impl<T: sealed::Integer> NullableInteger<T> for Nullable<T> {
    fn nullable(self) -> Nullable<Result<i128, String>> {
        match self {
            Self::Null => Nullable::Null,
            Self::Value(value) => Nullable::Value(value.wide()),
        }
    }
}

impl NullableNumber for Nullable<f64> {
    fn nullable(self) -> Nullable<f64> {
        self
    }
}

/// An integer type of the API.
pub(crate) trait Width: Copy + Default + fmt::Display + TryFrom<i128> {
    const MIN: Self;
    const MAX: Self;
}

macro_rules! widths {
    ($($integer:ty),*) => {$(
        impl Width for $integer {
            const MIN: Self = <$integer>::MIN;
            const MAX: Self = <$integer>::MAX;
        }
    )*};
}
widths!(i8, i16, i32, i64, u8, u16, u32, u64);

/// The integers that were given and do not fit, by the names of their fields.
// One word in each type that has it: all but a few hold nothing.
#[allow(clippy::box_collection)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invalid(Vec<(&'static str, String)>);

impl Invalid {
    pub(crate) fn required<T: Width>(
        &mut self,
        name: &'static str,
        value: impl Integer,
        rule: &Rule,
    ) -> T {
        self.keep(name, Some(fit(value.wide(), rule))).unwrap_or_default()
    }

    pub(crate) fn optional<T: Width>(
        &mut self,
        name: &'static str,
        value: Option<impl Integer>,
        rule: &Rule,
    ) -> Option<T> {
        self.keep(name, value.map(|value| fit(value.wide(), rule)))
    }

    pub(crate) fn nullable<T: Width>(
        &mut self,
        name: &'static str,
        value: Option<impl NullableInteger<T>>,
        rule: &Rule,
    ) -> Option<Nullable<T>> {
        let value = value.map(|value| match value.nullable() {
            Nullable::Null => Ok(Nullable::Null),
            Nullable::Value(value) => fit(value, rule).map(Nullable::Value),
        });
        self.keep(name, value)
    }

    pub(crate) fn required_nullable<T: Width>(
        &mut self,
        name: &'static str,
        value: impl NullableInteger<T>,
        rule: &Rule,
    ) -> Option<T> {
        self.nullable(name, Some(value), rule).and_then(Nullable::into_option)
    }

    /// The first that does not fit.
    pub(crate) fn first(&self) -> Checked {
        match self.0.first() {
            Some((name, reason)) => Err(ValidationError::new(reason.clone()).within(name)),
            None => Ok(()),
        }
    }

    fn keep<T>(&mut self, name: &'static str, value: Option<Result<T, String>>) -> Option<T> {
        self.0.retain(|(known, _)| *known != name);
        match value? {
            Ok(value) => Some(value),
            Err(reason) => {
                self.0.push((name, reason));
                None
            }
        }
    }
}

fn fit<T: Width>(value: Result<i128, String>, rule: &Rule) -> Result<T, String> {
    let shown = match value {
        Ok(value) => match T::try_from(value) {
            Ok(value) => return Ok(value),
            Err(_) => value.to_string(),
        },
        Err(shown) => shown,
    };
    Err(rule
        .range(&shown)
        .unwrap_or_else(|| format!("must be between {} and {}, but is {shown}", T::MIN, T::MAX)))
}

pub(crate) fn number(value: impl Number) -> f64 {
    value.float()
}

/// A list as it is.
pub(crate) fn list<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect()
}

/// A list of what becomes its items.
pub(crate) fn list_into<T>(items: impl IntoIterator<Item = impl Into<T>>) -> Vec<T> {
    items.into_iter().map(Into::into).collect()
}

/// A map of values as they are.
pub(crate) fn map<K: Eq + Hash, T>(
    entries: impl IntoIterator<Item = (impl Into<K>, T)>,
) -> HashMap<K, T> {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

/// A map of what becomes its values.
pub(crate) fn map_into<K: Eq + Hash, T>(
    entries: impl IntoIterator<Item = (impl Into<K>, impl Into<T>)>,
) -> HashMap<K, T> {
    entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}
