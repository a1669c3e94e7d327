//! The unique names under which keys are created, so that one whose plaintext was lost is found.

use std::fmt;

use ulid::Ulid;

const START: &str = "~onk-";
/// The length of a ULID in text.
const UNIQUE: usize = 26;
/// What the API allows as a name.
const LONGEST: usize = 255;

/// A name that no other key bears: `~onk-<id of the old key>-<ulid>`.
///
/// It is ASCII, since the server's filter by name ignores case and accents, and it is compared
/// byte for byte before anything is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Marker(String);

impl Marker {
    /// A new one for the replacement of this key; `None` when the id does not fit into a name.
    pub(crate) fn new(of: &str) -> Option<Self> {
        let fits = !of.is_empty()
            && of.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && START.len() + of.len() + 1 + UNIQUE <= LONGEST;
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let ms = u64::try_from(since.as_millis()).unwrap_or_default();
        fits.then(|| Self(format!("{START}{of}-{}", Ulid::from_parts(ms, fastrand::u128(..)))))
    }

    /// The marker in a name, if it is one.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(START)?;
        let split = rest.len().checked_sub(UNIQUE + 1).filter(|split| *split > 0)?;
        let (of, unique) = (rest.get(..split)?, rest.get(split..)?.strip_prefix('-')?);
        let fits = of.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && Ulid::from_string(unique).is_ok_and(|parsed| parsed.to_string() == unique);
        fits.then(|| Self(name.to_owned()))
    }

    /// What all markers for replacements of this key contain.
    pub(crate) fn start_for(of: &str) -> String {
        format!("{START}{of}-")
    }

    /// The id of the key whose replacement was made under it.
    pub(crate) fn of(&self) -> &str {
        self.0.get(START.len()..self.0.len().saturating_sub(UNIQUE + 1)).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a key of this name is the one that was created under this marker.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.as_bytes() == name.as_bytes()
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_unique_and_parse() {
        let (a, b) = (Marker::new("c12-x_Y").unwrap(), Marker::new("c12-x_Y").unwrap());
        assert_ne!(a, b);
        assert!(a.as_str().starts_with(&Marker::start_for("c12-x_Y")));
        assert_eq!(Marker::parse(a.as_str()), Some(a.clone()));
        assert!(a.is(a.as_str()) && !a.is(&a.as_str().to_lowercase()));
        assert!(a.as_str().is_ascii());
        assert_eq!(a.of(), "c12-x_Y");
    }

    #[test]
    fn other_names_are_no_markers() {
        let good = Marker::new("c1").unwrap().to_string();
        for name in ["", "ci", "~onk-", "~onk-c1", "~onk--01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert_eq!(Marker::parse(name), None, "{name}");
        }
        assert_eq!(Marker::parse(&good.to_lowercase()), None);
        assert_eq!(Marker::parse(&format!("{good}x")), None);
        assert_eq!(Marker::parse(&good.replace("c1", "cé")), None);
        assert_eq!(Marker::new(""), None);
        assert_eq!(Marker::new("a b"), None);
        assert_eq!(Marker::new(&"x".repeat(224)), None);
        assert!(Marker::new(&"x".repeat(223)).is_some_and(|m| m.as_str().len() == 255));
    }
}
