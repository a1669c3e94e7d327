//! The rule by which a store with versions writes: over what the caller expects, or over what the
//! caller read last, and over nothing else.

use std::sync::{Mutex, PoisonError};

use super::{Store, StoreError};
use crate::Secret;

/// What a write means that expects nothing: where somebody else came before it, it is none.
pub(super) fn written(
    store: &dyn Store,
    replaced: Result<bool, StoreError>,
) -> Result<(), StoreError> {
    match replaced? {
        true => Ok(()),
        false => Err(StoreError::failed(format!(
            "{}: somebody else has written it meanwhile",
            store.describe()
        ))),
    }
}

/// The version that was read last.
pub(super) struct LastRead<V>(Mutex<Option<V>>);

/// What is to be done with a version that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Replace it.
    Write,
    /// It holds already what is wanted.
    Done,
    /// Leave it: somebody else wrote it.
    Foreign,
}

impl<V> Default for LastRead<V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<V: PartialEq> LastRead<V> {
    pub(super) fn remember(&self, version: V) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    /// Whether this version, which holds that key, may be replaced by one with another key.
    pub(super) fn judge(
        &self,
        version: &V,
        held: Option<&Secret>,
        expected: Option<&Secret>,
        wanted: Option<&Secret>,
    ) -> Verdict {
        let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match expected {
            // By an earlier attempt, whose response was lost. A key in the place of itself is
            // written all the same: no late write of another can follow it.
            Some(_) if held == wanted && expected != wanted => Verdict::Done,
            Some(_) if held != expected => Verdict::Foreign,
            None if read.as_ref().is_some_and(|read| read != version) => Verdict::Foreign,
            None if held.is_none() && wanted.is_none() => Verdict::Done,
            Some(_) | None => Verdict::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_replaced() {
        let (old, new, other) =
            (&Secret::from("sk_old"), &Secret::from("sk_new"), &Secret::from("sk_other"));
        let last = LastRead::default();
        let judge =
            |version: u64, held, expected, wanted| last.judge(&version, held, expected, wanted);
        assert_eq!(judge(1, Some(old), Some(old), Some(new)), Verdict::Write);
        assert_eq!(judge(1, Some(other), Some(old), Some(new)), Verdict::Foreign);
        assert_eq!(judge(1, None, Some(old), Some(new)), Verdict::Foreign);
        assert_eq!(judge(1, Some(new), Some(old), Some(new)), Verdict::Done);
        assert_eq!(judge(1, Some(old), Some(old), Some(old)), Verdict::Write);
        assert_eq!(judge(1, Some(other), None, Some(new)), Verdict::Write, "nothing was read");
        last.remember(1);
        assert_eq!(judge(1, None, None, Some(new)), Verdict::Write);
        assert_eq!(judge(2, None, None, Some(new)), Verdict::Foreign);
        assert_eq!(judge(2, Some(other), None, None), Verdict::Foreign);
        assert_eq!(judge(1, None, None, None), Verdict::Done);
    }
}
