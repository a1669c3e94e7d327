//! What a journal says of the rotations that have ended.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::record::{Ending, Record};
use super::{JournalAt, JournalError, file, parse};
use crate::rotation::report::RotationError;

/// The rotations of a journal, for whoever watches them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct History {
    /// What the store of the last one calls itself.
    pub store: String,
    /// The name of its key.
    pub name: String,
    /// When a rotation last replaced the key.
    pub last_rotated: Option<DateTime<Utc>>,
    /// How many have replaced it.
    pub rotated: u64,
    /// How many have failed and left all as it was.
    pub as_before: u64,
    /// How many were given up.
    pub given_up: u64,
    /// Whether one was begun and has not ended.
    pub under_way: bool,
}

impl JournalAt {
    /// What the rotations by it have done. Needs no key.
    ///
    /// # Errors
    /// A journal that cannot be read, or is damaged.
    pub async fn history(&self) -> Result<History, RotationError> {
        Ok(of(&self.0.name(), &self.0.read().await?)?)
    }
}

/// Reads it. A journal that does not exist has no rotations.
pub(in crate::rotation) fn read(path: &Path) -> Result<History, JournalError> {
    of(&file::name(path), &file::read(path)?)
}

/// What these lines of a journal say.
fn of(name: &str, lines: &[u8]) -> Result<History, JournalError> {
    let mut history = History::default();
    let past = parse(name, lines, |at, record| match record {
        Record::Plan { plan } => {
            history.store.clone_from(&plan.store);
            history.name.clone_from(&plan.name);
        }
        Record::Ended { outcome: Ending::Rotated } => {
            history.last_rotated = Some(at);
            history.rotated += 1;
        }
        Record::Ended { outcome: Ending::AsBefore } => history.as_before += 1,
        Record::Ended { outcome: Ending::GivenUp } => history.given_up += 1,
        _ => {}
    })?;
    history.under_way = past.is_open();
    Ok(history)
}
