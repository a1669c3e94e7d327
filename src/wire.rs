//! The one place where a [`Secret`] is serialised in the clear: the body of a request.

use std::cell::RefCell;

use serde::Serialize;

use crate::Secret;

thread_local! {
    /// The secrets written so far, while a request body is being serialised on this thread.
    static WRITTEN: RefCell<Option<Vec<Secret>>> = const { RefCell::new(None) };
}

/// A request body, and the secrets in it: an answer that quotes them is scrubbed.
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
