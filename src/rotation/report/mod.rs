//! What a rotation reports: each step as it happens, and in the end where each key stands.

mod decision;
mod error;
mod event;
mod outcome;
mod plan;
mod resolution;

pub use self::decision::Decision;
pub use self::error::RotationError;
pub use self::event::{Event, Events, Step};
pub use self::outcome::{Disposition, Outcome, RotationReport, StepReport};
pub use self::plan::{PlannedKey, Rejection, RotationPlan};
pub use self::resolution::{Resolution, StoreHolds};
