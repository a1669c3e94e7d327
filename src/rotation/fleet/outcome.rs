//! What became of a key of a fleet, or would.

use crate::rotation::report::{Event, RotationError, RotationPlan, RotationReport};

/// Why a key that was picked was not rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// It looks like the caller's own.
    Own,
    /// Nobody knows its store.
    NoStore,
    /// Another key has the same store.
    SharedStore,
    /// Too many had failed before.
    Stopped,
    /// A [stop](crate::rotation::Stop) was requested before this one was begun.
    StopRequested,
    /// It was made by a rotation within the last hour, by the clock of the database that the journals
    /// are in.
    JustMade,
}

/// What another worker of the fleet does with a key, where the journals are in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elsewhere {
    /// It was rotated, by this worker.
    Rotated(String),
    /// This worker is at it.
    UnderWay(String),
    /// It failed.
    Failed {
        /// Where.
        worker: String,
        /// What was said there.
        why: String,
    },
    /// Its store belongs to this host, and no worker there has begun it.
    OfHost(String),
    /// The other workers of the fleet have it before them, or go on with it.
    OfOthers,
    /// Another fleet that is at work has picked it too, and has not begun it.
    OfFleet,
}

/// The outcome for one key of a fleet.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rotated {
    /// It was rotated.
    Done(Box<RotationReport>),
    /// It was not: rejected, undone, or stopped.
    Failed(RotationError),
    /// It was left alone.
    Skipped(Skipped),
    /// It is the work of others.
    Elsewhere(Elsewhere),
}

/// What would be done with one key of a fleet.
#[derive(Debug)]
#[non_exhaustive]
pub enum Planned {
    /// It would be rotated, or rejected, as the plan says.
    Rotation(Box<RotationPlan>),
    /// It would be left alone.
    Skipped(Skipped),
}

impl From<RotationPlan> for Planned {
    fn from(plan: RotationPlan) -> Self {
        Self::Rotation(Box::new(plan))
    }
}

/// Something that happens to a fleet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetEvent {
    /// The key that it happens to.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What happens.
    pub event: Event,
}
