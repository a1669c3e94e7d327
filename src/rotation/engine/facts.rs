//! What is known of a rotation, and where that leads: pure, so that every state can be put before
//! it.

use crate::rotation::evidence::held::{Holds, StoreState};

/// Where a rotation is heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Course {
    /// To the new key.
    #[default]
    Forward,
    /// To the state before it began.
    Back,
    /// That depends on what the store turns out to hold.
    Undecided,
    /// Nowhere: a person has to choose, and nothing that a workload may hold is touched.
    Attention,
}

/// Everything that the next step depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Facts {
    pub(crate) course: Course,
    /// This process began it, so that nothing can have changed since that it does not know.
    pub(crate) fresh: bool,
    /// The server's own rotation was begun, so that the old key may bear a marker.
    pub(crate) old_is_marked: bool,
    /// The replacement exists and its id is in the journal.
    pub(crate) adopted: bool,
    pub(crate) compared: bool,
    pub(crate) store: StoreState,
    /// The store cannot be read: what it holds is known from the journal alone.
    pub(crate) blind: bool,
    /// The old plaintext is in memory.
    pub(crate) old_at_hand: bool,
    /// The new key was written to the store at some time.
    pub(crate) stored: bool,
    /// A person has said that the store holds a key that is neither.
    pub(crate) foreign_by_word: bool,
    /// The workload was, or may have been, deployed with the new key.
    pub(crate) deployed: bool,
    /// The deploy hook has ended well for the new key, or a person has said so.
    pub(crate) deploy_done: bool,
    /// The workload was deployed with the old key again.
    pub(crate) redeployed: bool,
    pub(crate) has_deploy: bool,
    pub(crate) verified: bool,
    pub(crate) overlapped: bool,
    /// Both keys have worked for a while since the workload was to go back.
    pub(crate) overlapped_back: bool,
    /// Renaming was tried, whatever came of it.
    pub(crate) rename_tried: bool,
    pub(crate) retiring: bool,
    pub(crate) retired: bool,
    /// The replacement was deleted.
    pub(crate) removed: bool,
    /// There are markers under which a key may still appear.
    pub(crate) unsettled: bool,
    /// Settling was tried, whatever came of it.
    pub(crate) settle_tried: bool,
}

impl Facts {
    /// Whether there is a replacement to be undone.
    pub(crate) fn undoing(&self) -> bool {
        self.adopted && !self.removed
    }
}

/// Where a rotation heads that was just begun or is taken up again: forward with what the store
/// holds, back when it holds the old key, and to a person where that cannot be told.
pub(crate) fn course(facts: &Facts) -> Course {
    match facts.store {
        StoreState::Untouched if facts.fresh && !facts.adopted => Course::Forward,
        _ if facts.foreign_by_word => Course::Back,
        // Somebody's key that the journal knows nothing of: it may be older than the world.
        StoreState::Confirmed(Holds::Foreign) => Course::Attention,
        StoreState::Unconfirmed { .. } => Course::Undecided,
        // A new key of which the journal knows nothing, likewise.
        StoreState::Confirmed(Holds::New) if !facts.adopted => Course::Attention,
        // Nor can anybody see whether the journal is older than a write.
        StoreState::Untouched if facts.blind && facts.undoing() => Course::Attention,
        // What we broke we mend. Where no write of ours is known the journal may be older than one,
        // and without the old plaintext only a person can.
        StoreState::Confirmed(Holds::Debris)
            if facts.retiring || !facts.stored || !facts.old_at_hand =>
        {
            Course::Attention
        }
        _ if !facts.undoing() => Course::Back,
        StoreState::Confirmed(Holds::New) => Course::Forward,
        StoreState::Confirmed(Holds::Debris) => Course::Back,
        StoreState::Untouched | StoreState::Confirmed(Holds::Old) if !facts.retiring => {
            Course::Back
        }
        // The old key was about to be deleted, and the store holds it, or nothing that is known.
        _ => Course::Attention,
    }
}
