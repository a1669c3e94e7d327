//! Where the lines of a journal live, and the right to write them.

use std::fmt;

use futures_core::future::BoxFuture;

use super::error::JournalError;
use crate::rotation::effects::hold::Hold;

/// More than the lines of thousands of rotations.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// Where the lines of one journal live.
pub(crate) trait Records: fmt::Debug + Send + Sync {
    /// How an error calls it.
    fn name(&self) -> String;

    /// Its lines, without taking it. One that does not exist has none.
    fn read(&self) -> BoxFuture<'_, Result<Vec<u8>, JournalError>>;

    /// Takes it, and keeps all others out.
    fn claim(&self) -> BoxFuture<'_, Result<Lines, JournalError>>;
}

/// A journal that was taken, and what was in it.
pub(crate) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) claim: Box<dyn Claim>,
}

/// The right to write a journal, for as long as this lives.
pub(crate) trait Claim: Send + Sync {
    /// Adds a line, if the claim still holds. When this returns the line survives a crash. `open`:
    /// something is left to do behind it.
    fn append(&mut self, line: Vec<u8>, open: bool) -> BoxFuture<'_, Result<(), JournalError>>;

    /// Where others can take the journal over: until when it is ours.
    fn hold(&self) -> Option<Hold> {
        None
    }
}

/// Where the last line that is whole ends.
pub(super) fn whole_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}
