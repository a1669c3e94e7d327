//! Conditions between fields, and bounds of what lists and maps hold.

use std::collections::HashMap;
use std::fmt;

use super::nullable::Nullable;
use super::validate::{Bounded, Checked, Rule, ValidationError};

/// Of some sets of fields one must be complete: exactly one, or at least one.
pub(crate) fn sets(complete: &[bool], exactly: bool, names: &str) -> Checked {
    match complete.iter().filter(|complete| **complete).count() {
        1 => Ok(()),
        0 => Err(ValidationError::new(format!("must have {names}"))),
        _ if exactly => Err(ValidationError::new(format!("must have only one of {names}"))),
        _ => Ok(()),
    }
}

/// Of some groups of fields at most one may be there.
pub(crate) fn exclusive(there: &[bool], names: &str) -> Checked {
    match there.iter().filter(|there| **there).count() {
        0 | 1 => Ok(()),
        _ => Err(ValidationError::new(format!("must not have more than one of {names}"))),
    }
}

/// Some fields exclude each other.
// The bundled document has none; others may.
#[allow(dead_code)]
pub(crate) fn excluded(all: bool, names: &str) -> Checked {
    match all {
        true => Err(ValidationError::new(format!("must not have {names} together"))),
        false => Ok(()),
    }
}

/// A field that is there needs another.
pub(crate) fn requires(is: bool, needs: bool, name: &str, other: &str) -> Checked {
    match is && !needs {
        true => Err(ValidationError::new(format!("must have `{other}` where it has `{name}`"))),
        false => Ok(()),
    }
}

/// What stands beside the fields of an object must not be called as one of them.
pub(crate) fn apart<'a>(names: impl Iterator<Item = &'a String>, fields: &[&str]) -> Checked {
    match names.into_iter().find(|name| fields.contains(&name.as_str())) {
        Some(name) => {
            let reason = format!("must not hold `{name}`, which is a field of its own");
            Err(ValidationError::new(reason).within("extra"))
        }
        None => Ok(()),
    }
}

/// A list or a map, whose items have bounds of their own.
pub(crate) trait Each {
    type Item;
    /// The first item that a check rejects.
    fn each(&self, check: &mut dyn FnMut(&Self::Item) -> Checked) -> Checked;
}

impl<T> Each for Vec<T> {
    type Item = T;

    fn each(&self, check: &mut dyn FnMut(&T) -> Checked) -> Checked {
        self.iter().enumerate().try_for_each(|(index, item)| {
            check(item).map_err(|error| error.within(&format!("[{index}]")))
        })
    }
}

impl<K: fmt::Display, T> Each for HashMap<K, T> {
    type Item = T;

    fn each(&self, check: &mut dyn FnMut(&T) -> Checked) -> Checked {
        self.iter().try_for_each(|(key, item)| {
            check(item).map_err(|error| error.within(&format!("[{:?}]", key.to_string())))
        })
    }
}

/// A map, whose names have bounds of their own.
pub(crate) trait Keyed {
    /// The first name that the rule does not allow.
    fn keys(&self, rule: &Rule) -> Checked;
}

impl<T> Keyed for HashMap<String, T> {
    fn keys(&self, rule: &Rule) -> Checked {
        self.keys().try_for_each(|key| {
            key.check(rule).map_err(|error| error.within(&format!("the name {key:?}")))
        })
    }
}

impl Keyed for serde_json::Map<String, serde_json::Value> {
    fn keys(&self, rule: &Rule) -> Checked {
        self.keys().try_for_each(|key| {
            key.check(rule).map_err(|error| error.within(&format!("the name {key:?}")))
        })
    }
}

macro_rules! through {
    ($wrapper:ident, $inner:ident) => {
        impl<E: Each> Each for $wrapper<E> {
            type Item = E::Item;

            fn each(&self, check: &mut dyn FnMut(&E::Item) -> Checked) -> Checked {
                self.$inner().map_or(Ok(()), |value| value.each(check))
            }
        }

        impl<E: Keyed> Keyed for $wrapper<E> {
            fn keys(&self, rule: &Rule) -> Checked {
                self.$inner().map_or(Ok(()), |value| value.keys(rule))
            }
        }
    };
}
through!(Option, as_ref);
through!(Nullable, as_option);
