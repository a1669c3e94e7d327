//! A string that must not be seen: an API key, a password in a request; and the one place where it
//! is written in the clear, the body of a request.

use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A secret string.
///
/// Its memory is wiped when it is dropped, and nothing prints it: `Debug` and `Display` show
/// `[redacted]`. It is serialised into the body of a request that must carry it. Anywhere else
/// serialising is an error, since a file with `[redacted]` in it would be read back as a secret:
/// whoever means it says so with [`secret`](crate::secret).
///
/// ```
/// use onkernel::{Secret, serde_json};
///
/// let key = Secret::from("sk_live_0123456789");
/// assert_eq!(format!("{key} {key:?}"), "[redacted] [redacted]");
/// assert!(serde_json::to_string(&key).is_err());
/// assert_eq!(key.expose(), "sk_live_0123456789");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

pub(crate) const REDACTED: &str = "[redacted]";

impl Secret {
    /// The plaintext. Do not print it, log it, or pass it as an argument of a program.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(plaintext: String) -> Self {
        Self(Zeroizing::new(plaintext))
    }
}

impl From<&str> for Secret {
    fn from(plaintext: &str) -> Self {
        Self::from(plaintext.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REDACTED)
    }
}

impl PartialEq for Secret {
    /// Takes as long for a near miss as for a far one.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
    }
}

impl Eq for Secret {}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match meant(self) {
            Some(text) => serializer.serialize_str(text),
            None => Err(serde::ser::Error::custom(
                "a secret is serialised in a request only: elsewhere say what is meant with `onkernel::secret::expose` or `onkernel::secret::redact`",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would quote a value of the wrong type.
        String::deserialize(deserializer)
            .map(Self::from)
            .map_err(|_| serde::de::Error::custom("a secret must be a string"))
    }
}

/// What is meant to become of secrets while a value is serialised on this thread.
enum Meant {
    /// They are written in the clear, and remembered.
    Sent(Vec<Secret>),
    /// `[redacted]` stands in their place.
    Redacted,
}

thread_local! {
    static MEANT: RefCell<Option<Meant>> = const { RefCell::new(None) };
}

/// What is written in a secret's place; `None` where nobody has said what is meant.
fn meant(secret: &Secret) -> Option<&str> {
    MEANT.with_borrow_mut(|meant| match meant {
        Some(Meant::Sent(written)) => {
            written.push(secret.clone());
            Some(secret.expose())
        }
        Some(Meant::Redacted) => Some(REDACTED),
        None => None,
    })
}

/// Serialises a value while this is meant; and what has become of it.
fn while_meant<T>(meant: Meant, write: impl FnOnce() -> T) -> (T, Option<Meant>) {
    /// Ends it also when a caller's `Serialize` panics.
    struct Scope(Option<Meant>);
    impl Drop for Scope {
        fn drop(&mut self) {
            MEANT.set(self.0.take());
        }
    }

    let _scope = Scope(MEANT.replace(Some(meant)));
    let written = write();
    (written, MEANT.take())
}

/// A request body, and the secrets in it: a response that quotes them is scrubbed.
pub(crate) struct Serialised {
    pub(crate) body: Vec<u8>,
    pub(crate) secrets: Vec<Secret>,
}

/// Serialises a request body, its secrets in the clear.
pub(crate) fn serialise<T: Serialize + ?Sized>(value: &T) -> Result<Serialised, serde_json::Error> {
    let (body, meant) = while_meant(Meant::Sent(Vec::new()), || serde_json::to_vec(value));
    let secrets = match meant {
        Some(Meant::Sent(secrets)) => secrets,
        _ => Vec::new(),
    };
    Ok(Serialised { body: body?, secrets })
}

/// A field that holds a secret: [`Secret`], or an `Option` of one.
pub trait SecretField: sealed::SecretField {}

impl SecretField for Secret {}
impl SecretField for Option<Secret> {}

mod sealed {
    use super::Secret;

    pub trait SecretField {
        fn secret(&self) -> Option<&Secret>;
    }

    impl SecretField for Secret {
        fn secret(&self) -> Option<&Secret> {
            Some(self)
        }
    }

    impl SecretField for Option<Secret> {
        fn secret(&self) -> Option<&Secret> {
            self.as_ref()
        }
    }
}

/// Serialises a secret in the clear, for a field with `#[serde(serialize_with = "…")]`.
///
/// ```
/// use onkernel::{Secret, serde_json};
///
/// #[derive(serde::Serialize)]
/// struct Entry {
///     #[serde(serialize_with = "onkernel::secret::expose")]
///     key: Secret,
/// }
/// let entry = Entry { key: Secret::from("sk_live_0123456789") };
/// assert_eq!(serde_json::to_string(&entry)?, r#"{"key":"sk_live_0123456789"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// Those of the serialiser.
pub fn expose<T: SecretField, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
    field.secret().map(Secret::expose).serialize(serializer)
}

/// Serialises `[redacted]` in a secret's place, for a field with `#[serde(serialize_with = "…")]`.
///
/// # Errors
/// Those of the serialiser.
pub fn redact<T: SecretField, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
    field.secret().map(|_| REDACTED).serialize(serializer)
}

/// A value as JSON with `[redacted]` in place of its secrets: a response that is to be logged or
/// printed.
///
/// ```
/// use onkernel::{Secret, secret, serde_json};
///
/// let keys = [Secret::from("sk_live_0123456789")];
/// assert_eq!(secret::redacted(&keys)?, serde_json::json!(["[redacted]"]));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// The value cannot be JSON.
pub fn redacted<T: Serialize + ?Sized>(value: &T) -> Result<serde_json::Value, serde_json::Error> {
    while_meant(Meant::Redacted, || serde_json::to_value(value)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_body_carries_secrets() {
        let secret = Secret::from("hunter22");
        let body = serialise(&[&secret]).unwrap();
        assert_eq!(body.body, br#"["hunter22"]"#);
        assert_eq!(body.secrets, std::slice::from_ref(&secret));
        let error = serde_json::to_string(&secret).unwrap_err().to_string();
        assert!(error.contains("`onkernel::secret::expose`"), "{error}");
        assert!(!error.contains("hunter22"));
    }

    #[test]
    fn whoever_means_it_says_so() {
        #[derive(Serialize)]
        struct Fields {
            #[serde(serialize_with = "expose")]
            shown: Secret,
            #[serde(serialize_with = "redact")]
            hidden: Option<Secret>,
            #[serde(serialize_with = "expose")]
            absent: Option<Secret>,
        }
        let secret = Secret::from("hunter22");
        let fields = Fields { shown: secret.clone(), hidden: Some(secret.clone()), absent: None };
        let json = serde_json::to_string(&fields).unwrap();
        assert_eq!(json, r#"{"shown":"hunter22","hidden":"[redacted]","absent":null}"#);
        assert_eq!(redacted(&[&secret]).unwrap(), serde_json::json!(["[redacted]"]));
        assert!(serde_json::to_string(&secret).is_err(), "for that one value only");
    }

    #[test]
    fn a_panic_while_serialising_ends_the_exception() {
        struct Panics;
        impl Serialize for Panics {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("as a caller's type may")
            }
        }
        assert!(std::panic::catch_unwind(|| serialise(&Panics).is_ok()).is_err());
        assert!(serde_json::to_string(&Secret::from("hunter22")).is_err());
    }
}
