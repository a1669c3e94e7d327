//! The document's bounds, checked on the way out and only there.
//!
//! The generator writes a [`Rule`] beside every parameter and request field that has one, and a
//! [`Validate`] for every type that a request can hold. Responses are never held to them.

use std::collections::HashMap;
use std::fmt;

use super::nullable::Nullable;
use super::secret::Secret;

/// The bounds that the document sets on one value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) minimum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_maximum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_length: Option<usize>,
    pub(crate) max_length: Option<usize>,
    /// As UTF-8.
    pub(crate) max_bytes: Option<usize>,
    pub(crate) min_items: Option<usize>,
    pub(crate) max_items: Option<usize>,
    /// The numbers that it may be; booleans are 0 and 1. Any, if there are none.
    pub(crate) one_of: &'static [f64],
}

impl Rule {
    /// No bounds.
    pub(crate) const NONE: Self = Self {
        minimum: None,
        exclusive_minimum: false,
        maximum: None,
        exclusive_maximum: false,
        multiple_of: None,
        min_length: None,
        max_length: None,
        max_bytes: None,
        min_items: None,
        max_items: None,
        one_of: &[],
    };

    /// From this number on.
    pub(crate) const fn min(self, minimum: f64) -> Self {
        Self { minimum: Some(minimum), ..self }
    }

    /// Only what is greater.
    pub(crate) const fn above(self, minimum: f64) -> Self {
        Self { minimum: Some(minimum), exclusive_minimum: true, ..self }
    }

    /// Up to this number.
    pub(crate) const fn max(self, maximum: f64) -> Self {
        Self { maximum: Some(maximum), ..self }
    }

    /// Only what is less.
    pub(crate) const fn below(self, maximum: f64) -> Self {
        Self { maximum: Some(maximum), exclusive_maximum: true, ..self }
    }

    pub(crate) const fn multiple_of(self, step: f64) -> Self {
        Self { multiple_of: Some(step), ..self }
    }

    pub(crate) const fn min_length(self, characters: usize) -> Self {
        Self { min_length: Some(characters), ..self }
    }

    pub(crate) const fn max_length(self, characters: usize) -> Self {
        Self { max_length: Some(characters), ..self }
    }

    pub(crate) const fn max_bytes(self, bytes: usize) -> Self {
        Self { max_bytes: Some(bytes), ..self }
    }

    pub(crate) const fn min_items(self, items: usize) -> Self {
        Self { min_items: Some(items), ..self }
    }

    pub(crate) const fn max_items(self, items: usize) -> Self {
        Self { max_items: Some(items), ..self }
    }

    pub(crate) const fn one_of(self, values: &'static [f64]) -> Self {
        Self { one_of: values, ..self }
    }

    /// Between which numbers a value must be, where the rule says so, in a sentence about one that
    /// is not.
    pub(crate) fn range(&self, shown: &str) -> Option<String> {
        let above = if self.exclusive_minimum { "above" } else { "at least" };
        let below = if self.exclusive_maximum { "below" } else { "at most" };
        Some(match (self.minimum, self.maximum) {
            (Some(min), Some(max)) if !self.exclusive_minimum && !self.exclusive_maximum => {
                format!("must be between {min} and {max}, but is {shown}")
            }
            (Some(min), Some(max)) => {
                format!("must be {above} {min} and {below} {max}, but is {shown}")
            }
            (Some(min), None) => format!("must be {above} {min}, but is {shown}"),
            (None, Some(max)) => format!("must be {below} {max}, but is {shown}"),
            (None, None) => return None,
        })
    }

    fn number(&self, value: f64, shown: &dyn fmt::Display) -> Result<(), String> {
        let low = self.minimum.is_some_and(|bound| {
            value < bound || self.exclusive_minimum && value == bound || value.is_nan()
        });
        let high = self.maximum.is_some_and(|bound| {
            value > bound || self.exclusive_maximum && value == bound || value.is_nan()
        });
        if low || high {
            return Err(self.range(&shown.to_string()).unwrap_or_default());
        }
        if !self.one_of.is_empty() && !self.one_of.contains(&value) {
            let values: Vec<_> = self.one_of.iter().map(ToString::to_string).collect();
            return Err(format!("must be one of {}, but is {shown}", values.join(", ")));
        }
        match self.multiple_of {
            Some(step) if value % step != 0.0 => {
                Err(format!("must be a multiple of {step}, but is {shown}"))
            }
            _ => Ok(()),
        }
    }

    fn length(&self, characters: usize) -> Result<(), String> {
        count(characters, self.min_length, self.max_length, "character", "have")
    }

    fn items(&self, items: usize) -> Result<(), String> {
        count(items, self.min_items, self.max_items, "item", "hold")
    }
}

fn count(
    n: usize,
    min: Option<usize>,
    max: Option<usize>,
    unit: &str,
    verb: &str,
) -> Result<(), String> {
    if min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max) {
        return Ok(());
    }
    let plural = |n: usize| if n == 1 { unit.to_owned() } else { format!("{unit}s") };
    Err(match (min, max) {
        (Some(min), Some(max)) => {
            format!("must {verb} {min} to {max} {}, but has {n}", plural(max))
        }
        (Some(min), None) => format!("must {verb} at least {min} {}, but has {n}", plural(min)),
        (_, max) => {
            let max = max.unwrap_or(n);
            format!("must {verb} at most {max} {}, but has {n}", plural(max))
        }
    })
}

/// Where in a request an invalid value stands, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct ValidationError {
    path: String,
    reason: String,
    /// Whether the value is only one that the document does not name.
    unknown: bool,
}

impl ValidationError {
    /// An error about the value at the root.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { path: String::new(), reason: reason.into(), unknown: false }
    }

    /// Of a value that the document does not name.
    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self { unknown: true, ..Self::new(reason) }
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// The same error, seen from one level further out.
    #[must_use]
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        self
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.path.is_empty() { "the request body" } else { &self.path };
        write!(f, "{subject} {}", self.reason)
    }
}

/// Whether a value is valid.
pub(crate) type Checked = Result<(), ValidationError>;

/// What a caller wants checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checks {
    /// Whether values that the document does not name may be sent.
    pub(crate) allow_unknown: bool,
}

/// A value that a [`Rule`] can be held against.
pub(crate) trait Bounded {
    /// Whether the rule allows the value.
    fn check(&self, rule: &Rule) -> Checked;
}

/// A request type: its fields obey the document.
pub(crate) trait Validate {
    /// The first field that does not.
    fn validate(&self, checks: Checks) -> Checked;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Bounded for $number {
            // The document's bounds are far below the 2^53 where f64 loses integers.
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, trivial_numeric_casts)]
            fn check(&self, rule: &Rule) -> Checked {
                rule.number(*self as f64, self).map_err(ValidationError::new)
            }
        }
    )*};
}
numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

impl Bounded for str {
    fn check(&self, rule: &Rule) -> Checked {
        if rule.max_bytes.is_some() {
            count(self.len(), None, rule.max_bytes, "byte", "have")
                .map_err(ValidationError::new)?;
        }
        if rule.min_length.is_none() && rule.max_length.is_none() {
            return Ok(());
        }
        rule.length(self.chars().count()).map_err(ValidationError::new)
    }
}

impl Bounded for String {
    fn check(&self, rule: &Rule) -> Checked {
        self.as_str().check(rule)
    }
}

impl Bounded for Secret {
    fn check(&self, rule: &Rule) -> Checked {
        self.expose().check(rule)
    }
}

impl Bounded for bool {
    fn check(&self, rule: &Rule) -> Checked {
        let number = f64::from(u8::from(*self));
        match rule.one_of {
            [] => Ok(()),
            values if values.contains(&number) => Ok(()),
            _ => Err(ValidationError::new(format!("must be {}", !self))),
        }
    }
}

macro_rules! dates {
    ($($date:ty),*) => {$(
        impl Bounded for $date {
            /// RFC 3339 has four digits for a year.
            fn check(&self, _: &Rule) -> Checked {
                match chrono::Datelike::year(self) {
                    0..=9999 => Ok(()),
                    _ => Err(ValidationError::new(format!(
                        "must be a date of the years 0000 to 9999, but is {self}"
                    ))),
                }
            }
        }
    )*};
}
dates!(chrono::DateTime<chrono::Utc>, chrono::NaiveDate);

impl<T: Bounded> Bounded for Option<T> {
    fn check(&self, rule: &Rule) -> Checked {
        self.as_ref().map_or(Ok(()), |value| value.check(rule))
    }
}

impl<T: Bounded> Bounded for Nullable<T> {
    fn check(&self, rule: &Rule) -> Checked {
        self.as_option().map_or(Ok(()), |value| value.check(rule))
    }
}

impl<T> Bounded for Vec<T> {
    fn check(&self, rule: &Rule) -> Checked {
        rule.items(self.len()).map_err(ValidationError::new)
    }
}

impl<K, T> Bounded for HashMap<K, T> {
    fn check(&self, rule: &Rule) -> Checked {
        rule.items(self.len()).map_err(ValidationError::new)
    }
}

impl Bounded for serde_json::Map<String, serde_json::Value> {
    fn check(&self, rule: &Rule) -> Checked {
        rule.items(self.len()).map_err(ValidationError::new)
    }
}

/// Holds a field against its bounds.
pub(crate) fn bounded(name: &str, value: &impl Bounded, rule: &Rule) -> Checked {
    value.check(rule).map_err(|error| error.within(name))
}

/// Holds what is in a field to its own rules.
pub(crate) fn nested(name: &str, value: &impl Validate, checks: Checks) -> Checked {
    value.validate(checks).map_err(|error| error.within(name))
}

/// Says where an error of one of several checks belongs.
pub(crate) fn within(name: &str, check: impl FnOnce() -> Checked) -> Checked {
    check().map_err(|error| error.within(name))
}

impl<T: Validate> Validate for Option<T> {
    fn validate(&self, checks: Checks) -> Checked {
        self.as_ref().map_or(Ok(()), |value| value.validate(checks))
    }
}

impl<T: Validate> Validate for Nullable<T> {
    fn validate(&self, checks: Checks) -> Checked {
        self.as_option().map_or(Ok(()), |value| value.validate(checks))
    }
}

impl<T: Validate + ?Sized> Validate for Box<T> {
    fn validate(&self, checks: Checks) -> Checked {
        (**self).validate(checks)
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn validate(&self, checks: Checks) -> Checked {
        self.iter().enumerate().try_for_each(|(index, item)| {
            item.validate(checks).map_err(|error| error.within(&format!("[{index}]")))
        })
    }
}

impl<K: fmt::Display, T: Validate> Validate for HashMap<K, T> {
    fn validate(&self, checks: Checks) -> Checked {
        self.iter().try_for_each(|(key, item)| {
            item.validate(checks)
                .map_err(|error| error.within(&format!("[{key:?}]", key = key.to_string())))
        })
    }
}

impl Validate for serde_json::Value {
    fn validate(&self, _: Checks) -> Checked {
        Ok(())
    }
}
