//! The rule by which a store with versions writes: over the version that it read, and over no other.
//! Where a newer one has come, and the key in it is still the one that is to be replaced, what changed
//! beside the key is kept and the write is made again over that version.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::remote::Patience;
use super::{Store, StoreError};
use crate::Secret;

/// A store each of whose writes names the version that it replaces.
pub(super) trait Versioned: Store {
    /// A version that was read.
    type Seen: Send + Sync;

    /// The current version.
    fn see(&self) -> impl Future<Output = Result<Self::Seen, StoreError>> + Send;

    /// The key within a version.
    fn key(&self, seen: &Self::Seen) -> Result<Option<Secret>, StoreError>;

    /// Writes a version with another key, or without one, over this one and no other. An error says
    /// whether it may have been written all the same.
    fn write_over(
        &self,
        seen: &Self::Seen,
        key: Option<&Secret>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    fn last_read(&self) -> &LastRead;

    /// How long a write may be made again.
    fn patience(&self) -> Duration;
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// Another version came before it: it was not done, and can never land after that.
    Overtaken,
}

/// Reads the key, which is what a write that expects nothing is held to.
pub(super) async fn read<S: Versioned>(store: &S) -> Result<Option<Secret>, StoreError> {
    let seen = store.see().await?;
    let key = store.key(&seen)?;
    store.last_read().remember(key.as_ref());
    Ok(key)
}

/// Writes a key, or takes it away, where the store holds what was read last.
pub(super) async fn write<S: Versioned>(store: &S, key: Option<&Secret>) -> Result<(), StoreError> {
    match replace(store, None, key).await? {
        true => Ok(()),
        false => Err(StoreError::failed(format!(
            "{}: somebody else has written it meanwhile",
            store.describe()
        ))),
    }
}

/// Writes a key, or takes it away. What is not said to be expected is what was read last. `false` where
/// the store holds something else.
pub(super) async fn replace<S: Versioned>(
    store: &S,
    expected: Option<&Secret>,
    key: Option<&Secret>,
) -> Result<bool, StoreError> {
    // The waits grow, so that the number of attempts is bounded, too.
    let mut patience = Patience::new(store.patience());
    loop {
        let seen = store.see().await?;
        let held = store.key(&seen)?;
        match store.last_read().judge(held.as_ref(), expected, key) {
            Verdict::Done => return Ok(true),
            Verdict::Foreign => return Ok(false),
            Verdict::Write => {}
        }
        match store.write_over(&seen, key).await? {
            Written::Done => {
                store.last_read().remember(key);
                return Ok(true);
            }
            // This one is void, so that no late write can follow the next.
            Written::Overtaken if patience.again(None).await => {}
            Written::Overtaken => {
                let store = store.describe();
                let why = "is written again and again by somebody else: try again later";
                return Err(StoreError::failed(format!("{store}: it {why}")));
            }
        }
    }
}

/// The key that was read last; `None` before that.
#[derive(Default)]
pub(super) struct LastRead(Mutex<Option<Option<Secret>>>);

/// What is to be done with a version that was found.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Replace it.
    Write,
    /// It holds already what is wanted.
    Done,
    /// Leave it: somebody else wrote it.
    Foreign,
}

impl LastRead {
    fn remember(&self, key: Option<&Secret>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.cloned());
    }

    /// Whether this key may be replaced by another.
    fn judge(
        &self,
        held: Option<&Secret>,
        expected: Option<&Secret>,
        wanted: Option<&Secret>,
    ) -> Verdict {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_as_read = read.get_or_insert_with(|| held.cloned()).as_ref() == held;
        match expected {
            // By an earlier attempt, whose response was lost. A key in the place of itself is
            // written all the same: no late write of another can follow it.
            Some(_) if held == wanted && expected != wanted => Verdict::Done,
            Some(_) if held != expected => Verdict::Foreign,
            None if !is_as_read => Verdict::Foreign,
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
        assert_eq!(last.judge(Some(old), Some(old), Some(new)), Verdict::Write);
        assert_eq!(last.judge(Some(other), Some(old), Some(new)), Verdict::Foreign);
        assert_eq!(last.judge(None, Some(old), Some(new)), Verdict::Foreign);
        assert_eq!(last.judge(Some(new), Some(old), Some(new)), Verdict::Done);
        assert_eq!(last.judge(Some(old), Some(old), Some(old)), Verdict::Write);

        let last = LastRead::default();
        assert_eq!(last.judge(Some(other), None, Some(new)), Verdict::Write, "nothing was read");
        assert_eq!(
            last.judge(Some(old), None, Some(new)),
            Verdict::Foreign,
            "it has changed since"
        );
        last.remember(None);
        assert_eq!(last.judge(None, None, Some(new)), Verdict::Write);
        assert_eq!(last.judge(Some(other), None, Some(new)), Verdict::Foreign);
        assert_eq!(last.judge(Some(other), None, None), Verdict::Foreign);
        assert_eq!(last.judge(None, None, None), Verdict::Done);
    }
}
