//! The unique names under which keys are created, so that one whose plaintext was lost is found.

use std::fmt;

use ulid::Ulid;

const START: &str = "~onk-";
/// What stands between a key's real name and the version of a secret that holds it.
#[cfg(feature = "store-aws")]
const VERSION: &str = "~rot-";
/// The bytes of a secret's digest in such a name.
#[cfg(feature = "store-aws")]
const DIGEST: usize = 8;
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

    /// The lasting name of the key that a version of a secret holds:
    /// `<name>~rot-<digest of the secret>-<id of the version>`. The real name is cut where all of it would
    /// be too long.
    #[cfg(feature = "store-aws")]
    pub(crate) fn for_version(name: &str, secret: &str, version: &str) -> Self {
        let end = format!("{}{version}", Self::part_for(secret));
        let room = LONGEST.saturating_sub(end.chars().count());
        let name: String = without_version(name).chars().take(room).collect();
        Self(format!("{name}{end}"))
    }

    /// What the names of all keys of this secret contain. Who is taken for another secret's is deleted
    /// as nobody's: 64 bits, so that no organization has two of one digest.
    #[cfg(feature = "store-aws")]
    pub(crate) fn part_for(secret: &str) -> String {
        let digest = hmac_sha256::Hash::hash(secret.as_bytes());
        let digest: String = digest[..DIGEST].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{VERSION}{digest}-")
    }

    /// The marker that a name is, if it is one of this secret, and the id of the version.
    #[cfg(feature = "store-aws")]
    pub(crate) fn of_version<'a>(name: &'a str, secret: &str) -> Option<(Self, &'a str)> {
        let (_, version) = name.rsplit_once(&Self::part_for(secret))?;
        (!version.is_empty()).then(|| (Self(name.to_owned()), version))
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

/// The real name in one that says which version of a secret holds the key.
#[cfg(feature = "store-aws")]
fn without_version(name: &str) -> &str {
    let digest = |rest: &str| rest.split_once('-').is_some_and(|(digest, _)| is_digest(digest));
    match name.rsplit_once(VERSION) {
        Some((real, rest)) if digest(rest) => real,
        _ => name,
    }
}

#[cfg(feature = "store-aws")]
fn is_digest(text: &str) -> bool {
    text.len() == 2 * DIGEST
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
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

    #[cfg(feature = "store-aws")]
    #[test]
    fn the_name_of_a_version_replaces_that_of_another() {
        let (secret, other) = ("arn:aws:secretsmanager:eu-west-1:1:secret:ci-AbCdEf", "arn:other");
        let token = "5048e4e0-2ff0-4a5f-9a5b-3cb8a5f1a0de";
        let first = Marker::for_version("ci", secret, token);
        assert!(first.as_str().starts_with("ci~rot-") && first.as_str().ends_with(token));
        assert_eq!(Marker::of_version(first.as_str(), secret), Some((first.clone(), token)));
        assert_eq!(Marker::of_version(first.as_str(), other), None);
        let next = Marker::for_version(first.as_str(), secret, "next");
        assert_eq!(next.as_str(), first.as_str().replace(token, "next"));
        assert_eq!(Marker::parse(first.as_str()), None, "no rotation of ours takes it for its own");
        // What only looks like one is a name.
        for name in [
            "~rot-",
            "a~rot-b-c",
            "ci~rot-0123456789abcde-x",
            "ci~rot-0123456789abcdeg-x",
            "é~rot-x",
        ] {
            assert!(Marker::for_version(name, secret, token).as_str().starts_with(name), "{name}");
        }
        let long = Marker::for_version(&"é".repeat(255), secret, &"x".repeat(64));
        assert_eq!(long.as_str().chars().count(), 255);
        assert!(Marker::of_version(long.as_str(), secret).is_some());
    }
}
