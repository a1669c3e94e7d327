//! A string that must not be seen: an API key, a password in a request; and the one place where it
//! is written in the clear, the body of a request.

use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A secret string.
///
/// Its memory is wiped when it is dropped, and nothing prints it: `Debug`, `Display` and
/// serialisation show `[redacted]`. The one exception is the body of a request that must carry it.
///
/// ```
/// use onkernel::Secret;
///
/// let key = Secret::from("sk_live_0123456789");
/// assert_eq!(format!("{key} {key:?}"), "[redacted] [redacted]");
/// assert_eq!(serde_json::to_string(&key)?, r#""[redacted]""#);
/// assert_eq!(key.expose(), "sk_live_0123456789");
/// # Ok::<(), serde_json::Error>(())
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
        serializer.serialize_str(if carries(self) { self.expose() } else { REDACTED })
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

thread_local! {
    /// The secrets written so far, while a request body is being serialised on this thread.
    static WRITTEN: RefCell<Option<Vec<Secret>>> = const { RefCell::new(None) };
}

/// A request body, and the secrets in it: a response that quotes them is scrubbed.
pub(crate) struct Serialised {
    pub(crate) body: Vec<u8>,
    pub(crate) secrets: Vec<Secret>,
}

/// Serialises a request body, its secrets in the clear.
pub(crate) fn serialise<T: Serialize + ?Sized>(value: &T) -> Result<Serialised, serde_json::Error> {
    /// Ends the exception also when a caller's `Serialize` panics.
    struct Scope(Option<Vec<Secret>>);
    impl Drop for Scope {
        fn drop(&mut self) {
            WRITTEN.set(self.0.take());
        }
    }

    let _scope = Scope(WRITTEN.replace(Some(Vec::new())));
    let body = serde_json::to_vec(value)?;
    Ok(Serialised { body, secrets: WRITTEN.take().unwrap_or_default() })
}

/// Whether the secret is being written into a request body.
pub(crate) fn carries(secret: &Secret) -> bool {
    WRITTEN.with_borrow_mut(|written| match written {
        Some(written) => {
            written.push(secret.clone());
            true
        }
        None => false,
    })
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
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""[redacted]""#);
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
        let secret = Secret::from("hunter22");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""[redacted]""#);
    }
}
