//! What the server knows: keys, their policies, projects.

mod keys;
mod policy;
mod record;

pub use self::policy::{Policy, Statement};
pub use self::record::{Creator, KeyRecord, NewKey};

pub(super) use self::keys::{State, days};
pub(super) use self::record::{resource, timestamp};
