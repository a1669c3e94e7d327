//! Faults to order: which request is to be treated badly, and how.

mod fault;
mod file;
mod glob;
mod kind;
mod list;

pub use self::fault::Fault;
pub use self::kind::{RetryAfter, Which};
pub use self::list::{Faults, FaultsError};

pub(super) use self::fault::{Asked, When};
pub(super) use self::kind::{Action, Kind};
pub(super) use self::list::Struck;
