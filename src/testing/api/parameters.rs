//! Reads the parameters of a query.

use crate::testing::request::Request;
use crate::testing::response::Rejection;

/// The query's parameters; those that an operation does not know are ignored.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn read(request: &Request, names: &[&str]) -> Result<Self, Rejection> {
        let mut known = request.parameters();
        known.retain(|(name, _)| names.contains(&name.as_str()));
        for name in names {
            if known.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(Rejection::bad_request(format!("{name} is given more than once")));
            }
        }
        Ok(Self(known))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }

    pub(super) fn number(
        &mut self,
        name: &str,
        default: i64,
        min: i64,
        max: i64,
    ) -> Result<usize, Rejection> {
        let number = match self.take(name) {
            Some(text) => text.parse::<i64>().ok().filter(|number| (min..=max).contains(number)),
            None => Some(default),
        };
        number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
            let to = if max == i64::MAX { String::new() } else { format!(" to {max}") };
            Rejection::bad_request(format!("{name} must be a whole number from {min}{to}"))
        })
    }

    /// One of `values`, of which the first is the default.
    pub(super) fn one_of(
        &mut self,
        name: &str,
        values: &[&'static str],
    ) -> Result<&'static str, Rejection> {
        let given = self.take(name).unwrap_or_else(|| values[0].to_owned());
        values.iter().find(|value| **value == given).copied().ok_or_else(|| {
            Rejection::bad_request(format!("{name} must be one of {}", values.join(", ")))
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Rejection> {
        Ok(self.one_of(name, &["false", "true"])? == "true")
    }
}
