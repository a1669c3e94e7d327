//! Why a step failed, and what that leaves to be done.

use crate::rotation::journal::JournalError;
use crate::rotation::stop::Asked;
use crate::rotation::store::StoreError;
use crate::{Error, ErrorKind};

/// Why a step failed.
pub(super) struct Trouble {
    pub(super) why: String,
    /// Going back would not be safe either.
    pub(super) hold: bool,
    /// Nothing but a wait that was cut short.
    pub(super) asked: bool,
}

impl Trouble {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hold: false, asked: false }
    }

    pub(super) fn hold(why: impl Into<String>) -> Self {
        Self { hold: true, ..Self::new(why) }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { asked: error.kind() == ErrorKind::Stopped, ..Self::new(error.to_string()) }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Asked> for Trouble {
    fn from(asked: Asked) -> Self {
        Self { asked: true, ..Self::new(asked.to_string()) }
    }
}

pub(super) type Done = Result<(), Trouble>;
