//! The lines of a journal, and what they say together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rotation::evidence::fingerprint::Fingerprint;
use crate::rotation::evidence::held::Which;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::plan::place::Place;
use crate::rotation::plan::record::{EndBefore, Plan, Retirement};
use crate::rotation::report::{Resolution, StoreHolds};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Record {
    /// A rotation begins.
    Plan { plan: Box<Plan> },
    /// A key is about to be made under this marker.
    Creating { marker: String },
    /// The key of this marker is the replacement.
    Created { marker: String, id: String, fingerprint: Fingerprint },
    /// The id that came with this marker is somebody else's: the key of the marker is an orphan.
    Disowned { marker: String },
    /// The server clearly did not make a key: the marker is looked for once more by the next run.
    Rejected { marker: String },
    /// No key will appear under this marker any more.
    Settled { marker: String },
    /// The store is about to be written.
    Storing { key: Which },
    /// None of the writes to the store can land any more: what a person says of it from now on is so.
    StoreSettled,
    /// The workload is about to be deployed with what the store holds.
    Deploying { key: Which },
    /// The old key is about to be retired: from here it only goes forward.
    Retiring,
    /// The retirement was called off before it was done.
    NotRetiring,
    /// The replacement was deleted.
    Removed,
    /// A person has chosen a way out.
    Resolved { resolution: Resolution },
    /// The caller's note is another one: a hook was replaced, for example.
    Noted { note: Value },
    /// It is gone on with from elsewhere.
    Adopted { place: Box<Place> },
    /// The rotation is over.
    Ended { outcome: Ending },
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Rotated,
    AsBefore,
    /// A person gave it up.
    GivenUp,
}

/// The replacement, as the journal knows it.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    pub(crate) id: String,
    pub(crate) fingerprint: Fingerprint,
}

/// What a journal says, all its lines taken together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// The last rotation, ended or not.
    pub(crate) plan: Option<Plan>,
    pub(crate) adopted: Option<Adopted>,
    /// All markers of the last rotation.
    pub(crate) markers: Vec<Marker>,
    /// Those of any rotation under which a key may still appear.
    pub(crate) unsettled: Vec<Marker>,
    /// Those of any rotation that are to be looked for once more, without waiting.
    pub(crate) rejected: Vec<Marker>,
    /// Those of the rotations before.
    pub(crate) earlier: Vec<Marker>,
    /// Ids that were replacements of ended rotations: they are in use, whatever their name.
    pub(crate) in_use: Vec<String>,
    /// What was written to the store, in this order.
    pub(crate) writes: Vec<Which>,
    /// None of these can land any more.
    pub(crate) store_settled: bool,
    /// It was deployed with the new key at some time.
    pub(crate) deployed_new: bool,
    /// A person has said that the workload has what the store holds.
    pub(crate) deployed_by_word: bool,
    /// What a person has found in the store.
    pub(crate) store_by_word: Option<StoreHolds>,
    pub(crate) retiring: bool,
    pub(crate) removed: bool,
    pub(crate) ended: Option<Ending>,
}

impl Past {
    /// Whether a rotation was begun and has not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.plan.is_some() && self.ended.is_none()
    }

    /// Every marker that is ours.
    pub(crate) fn all_markers(&self) -> Vec<Marker> {
        let mut all: Vec<Marker> = Vec::new();
        let known = [&self.markers, &self.unsettled, &self.rejected, &self.earlier];
        for marker in known.into_iter().flatten() {
            if !all.contains(marker) {
                all.push(marker.clone());
            }
        }
        all
    }

    /// The end that this key was made with, where a rotation of this journal may have had the server
    /// move it, and it is another one now: an end only ever comes nearer.
    pub(crate) fn end_before(&self, id: &str, end: Option<DateTime<Utc>>) -> Option<EndBefore> {
        let plan = self.plan.as_ref().filter(|plan| plan.old_id == id)?;
        let began = matches!(plan.retirement, Retirement::Grace { .. }) && !self.markers.is_empty();
        let before = began.then_some(EndBefore { at: plan.expires_at });
        let before = plan.end_before.or(before)?;
        end.is_some_and(|end| before.at.is_none_or(|at| end < at)).then_some(before)
    }

    /// Takes in one more line; the error says why it cannot follow those before it.
    pub(crate) fn take(&mut self, record: &Record) -> Result<(), &'static str> {
        if !matches!(record, Record::Plan { .. } | Record::Settled { .. }) && !self.is_open() {
            return Err("it belongs to no rotation");
        }
        let marker = |text: &str| Marker::parse(text).ok_or("it holds no marker of ours");
        match record {
            Record::Plan { .. } if self.is_open() => {
                return Err("the rotation before has not ended");
            }
            Record::Plan { plan } => {
                let mut earlier = std::mem::take(&mut self.earlier);
                earlier.append(&mut self.markers);
                *self = Self {
                    plan: Some((**plan).clone()),
                    unsettled: std::mem::take(&mut self.unsettled),
                    rejected: std::mem::take(&mut self.rejected),
                    in_use: std::mem::take(&mut self.in_use),
                    earlier,
                    ..Self::default()
                };
            }
            Record::Creating { marker: text } => {
                self.markers.push(marker(text)?);
                self.unsettled.push(marker(text)?);
            }
            Record::Created { marker: text, id, fingerprint } => {
                self.settle(&marker(text)?);
                self.adopted = Some(Adopted { id: id.clone(), fingerprint: fingerprint.clone() });
            }
            Record::Disowned { marker: text } => {
                self.adopted = None;
                self.unsettled.push(marker(text)?);
            }
            Record::Rejected { marker: text } => {
                let marker = marker(text)?;
                self.settle(&marker);
                self.rejected.push(marker);
            }
            Record::Settled { marker: text } => self.settle(&marker(text)?),
            Record::Storing { key } => {
                self.writes.push(*key);
                self.store_settled = false;
                self.store_by_word = None;
                self.deployed_by_word = false;
            }
            Record::StoreSettled => {
                self.store_settled = true;
                // What was said before may have been true of what was there then.
                self.store_by_word = None;
                self.deployed_by_word = false;
            }
            Record::Deploying { key } => {
                self.deployed_new |= *key == Which::New;
                self.deployed_by_word = false;
            }
            Record::Retiring => self.retiring = true,
            Record::NotRetiring => self.retiring = false,
            Record::Removed => self.removed = true,
            Record::Resolved { resolution } => match resolution {
                Resolution::Deployed => self.deployed_by_word = true,
                Resolution::StoreHolds(holds) => self.store_by_word = Some(*holds),
                _ => {}
            },
            Record::Noted { note } => {
                if let Some(plan) = &mut self.plan {
                    plan.note = note.clone();
                }
            }
            Record::Adopted { place } => {
                if let Some(plan) = &mut self.plan {
                    plan.place = (**place).clone();
                }
            }
            Record::Ended { outcome } => {
                self.ended = Some(*outcome);
                // What is given up is left to the person who was told what stays.
                if *outcome == Ending::GivenUp {
                    self.unsettled.clear();
                    self.rejected.clear();
                }
                if let (Ending::Rotated | Ending::GivenUp, Some(adopted)) = (outcome, &self.adopted)
                {
                    self.in_use.push(adopted.id.clone());
                }
            }
        }
        Ok(())
    }

    fn settle(&mut self, marker: &Marker) {
        self.unsettled.retain(|other| other != marker);
        self.rejected.retain(|other| other != marker);
    }
}
