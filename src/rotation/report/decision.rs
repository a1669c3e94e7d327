//! What a rotation has to be told before it can do what is asked.

use serde::Serialize;

/// Something that a person has to decide: the rotation was not begun, or was undone, for lack of it.
///
/// A program that has options of its own for these names the right one; the words of an error may
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// Which key is meant: [`rotation`](super::super::RotationExt::rotation) with its id.
    Key,
    /// That the store is new: [`store_is_new`](super::super::Rotation::store_is_new).
    NewStore,
    /// That the store's file is written over, since it cannot be replaced:
    /// [`FileStore::in_place`](super::super::FileStore::in_place).
    InPlace,
    /// What is done with the old key: [`retire`](super::super::Rotation::retire).
    Retirement,
    /// How the workload gets a new deployment, or how the end of its jobs is awaited:
    /// [`deploy`](super::super::Rotation::deploy); or that the old key is not deleted:
    /// [`retire`](super::super::Rotation::retire).
    Deployment,
    /// How long the new key lives: [`lifetime`](super::super::Rotation::lifetime).
    Lifetime,
    /// The same, and only [a number of days](super::super::Lifetime::Days) will do.
    LifetimeInDays,
    /// The same, or a shorter grace period: the new key must outlive the old one's.
    GracePeriod,
    /// That the server rotates the key, [`Retirement::Grace`](super::super::Retirement::Grace): this
    /// client does not know all that the old key has.
    ServerRotation,
    /// How the new key may differ from the old one:
    /// [`allow_difference`](super::super::Rotation::allow_difference); or the server's own rotation,
    /// [`Retirement::Grace`](super::super::Retirement::Grace), which copies what this client does not
    /// know.
    Difference,
    /// A rotation with this journal is not finished: resume it first.
    Unfinished,
    /// Another process is at it: wait until that has ended.
    UnderWay,
    /// The key bears the marker of a rotation whose journal is elsewhere, or lost:
    /// [`Resolution::Adopt`](super::Resolution::Adopt).
    Marked,
}
