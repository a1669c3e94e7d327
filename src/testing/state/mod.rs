//! What the server knows: organizations, projects, keys and their policies, and how they changed.

mod history;
mod keys;
mod policy;
mod record;

pub use self::history::{Change, Lag};
pub use self::policy::{Policy, Statement};
pub use self::record::{Creator, KeyRecord, NewKey};

pub(super) use self::history::Stale;
pub(super) use self::keys::{State, days};
pub(super) use self::record::{MAIN_ORGANIZATION, timestamp};
