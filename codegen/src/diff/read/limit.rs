//! One end of a range, whole or not.

use serde_json::Value;
use std::cmp::Ordering;
use std::fmt;

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::diff) struct Limit {
    value: Number,
    exclusive: bool,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Whole(i128),
    Fraction(f64),
}

impl Limit {
    pub(super) fn read(value: &Value, exclusive: bool) -> Option<Self> {
        let number = value.as_number()?;
        let value = match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => Number::Whole(whole),
            // Below 2^63 a whole float is the same integer.
            (_, Some(float)) if float.fract() == 0.0 && float.abs() < 9.2e18 => {
                Number::Whole(float as i128)
            }
            (_, float) => Number::Fraction(float?),
        };
        Some(Limit { value, exclusive })
    }

    pub(super) fn is_zero(&self) -> bool {
        self.value == Number::Whole(0)
    }

    /// An exclusive whole limit as the inclusive one that is `step` further.
    pub(super) fn include(&mut self, step: i128) {
        if let (Number::Whole(value), true) = (self.value, self.exclusive) {
            *self = Limit { value: Number::Whole(value + step), exclusive: false };
        }
    }

    /// Orders lower limits by how much they rule out.
    pub(in crate::diff) fn cmp_lower(&self, other: &Self) -> Ordering {
        self.value.order(&other.value).then(self.exclusive.cmp(&other.exclusive))
    }

    /// Orders upper limits by how much they allow.
    pub(in crate::diff) fn cmp_upper(&self, other: &Self) -> Ordering {
        self.value.order(&other.value).then(other.exclusive.cmp(&self.exclusive))
    }
}

impl Number {
    fn order(&self, other: &Self) -> Ordering {
        let float = |number: &Number| match number {
            Number::Whole(value) => *value as f64,
            Number::Fraction(value) => *value,
        };
        match (self, other) {
            (Number::Whole(one), Number::Whole(two)) => one.cmp(two),
            (one, two) => float(one).total_cmp(&float(two)),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Number::Whole(value) => write!(f, "{value}")?,
            Number::Fraction(value) => write!(f, "{value}")?,
        }
        f.write_str(if self.exclusive { " (exclusive)" } else { "" })
    }
}
