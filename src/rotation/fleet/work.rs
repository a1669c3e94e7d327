//! One key of a fleet, whose turn it is: rotated, or gone on with where another has left it.

use std::sync::Arc;

use super::given::{Given, Picked};
use super::outcome::{Elsewhere, Rotated, Skipped};

use crate::rotation::api::{Api, Sight, passes};
use crate::rotation::builder::Rotation;
use crate::rotation::effects::rate_limit::RateLimit;
use crate::rotation::evidence::marker::Marker;
use crate::rotation::journal;
use crate::rotation::journal::ledger::Journals;
use crate::rotation::journal::queue::{End, Queue, Turn};
use crate::rotation::journal::record::Ending;
use crate::rotation::report::{Decision, Outcome, RotationError, RotationReport};
use crate::rotation::resume;
use crate::rotation::settings::Resumption;
use crate::rotation::store::Store;
use crate::types::ApiKey;

pub(super) struct Work<'a> {
    pub(super) given: &'a Given,
    pub(super) queue: &'a dyn Queue,
    pub(super) turn: &'a Turn,
}

/// What was done in a turn.
enum Became {
    Rotated(Box<RotationReport>),
    /// Somebody had done it before, and made the key of this id.
    RotatedBefore(Option<String>),
}

impl Work<'_> {
    /// What became of the key, unless its turn comes again; and whether the queue knows it.
    pub(super) async fn run(
        &self,
        picked: Option<&Picked>,
        journals: &Journals,
        rate_limit: &Arc<RateLimit>,
    ) -> (Option<(ApiKey, Rotated)>, Result<(), RotationError>) {
        let found;
        let (key, store) = match picked {
            Some((key, Ok(store))) => (key, Ok(Arc::clone(store))),
            Some((key, Err(why))) => (key, Err(why.clone())),
            // Begun by another, and its old key is not listed any more.
            None => match self.deleted_key(rate_limit).await {
                Ok(key) => {
                    found = key;
                    (&found, (self.given.stores)(&found).ok_or(Skipped::NoStore))
                }
                Err(end) => return (None, self.queue.end(self.turn, end).await),
            },
        };
        let done = match store {
            Ok(store) => self.rotate(key, store, journals, rate_limit).await,
            Err(_) => Err(self.has_another_store()),
        };
        let (became, end) = match done {
            Ok(Became::Rotated(report)) => {
                let new_id = report.new_id.clone();
                (Some(Rotated::Done(report)), End::Rotated { new_id })
            }
            Ok(Became::RotatedBefore(new_id)) => {
                let by = "another worker".to_owned();
                (Some(Rotated::Elsewhere(Elsewhere::Rotated(by))), End::Rotated { new_id })
            }
            Err(error) => match self.queue.is_shared() {
                true if error.decision() == Some(Decision::UnderWay) => (None, End::InUse),
                true if error.is_lost() => (Some(Rotated::Failed(error)), End::InUse),
                true if error.is_stopped() && self.given.stop.is_requested() => {
                    (Some(Rotated::Failed(error)), End::Left)
                }
                _ => {
                    let why = error.to_string();
                    (Some(Rotated::Failed(error)), End::Failed { why })
                }
            },
        };
        let ended = self.queue.end(self.turn, end).await;
        (became.map(|became| (key.clone(), became)), ended)
    }

    async fn rotate(
        &self,
        key: &ApiKey,
        store: Arc<dyn Store>,
        journals: &Journals,
        rate_limit: &Arc<RateLimit>,
    ) -> Result<Became, RotationError> {
        let rotation = self.given.rotation(key, store, journals, rate_limit);
        if !self.queue.is_shared() {
            return rotation.run().await.map(Box::new).map(Became::Rotated);
        }
        let journal = rotation.given.common.journal.as_ref();
        if journal.is_none_or(|journal| journal.to_string() != self.turn.journal) {
            return Err(self.has_another_store());
        }
        if self.turn.again
            && let Some(became) = self.go_on(&rotation).await?
        {
            return Ok(became);
        }
        match rotation.clone().run().await {
            Ok(report) => Ok(Became::Rotated(Box::new(report))),
            Err(error) if error.changed_nothing() && !error.is_stopped() => {
                match self.go_on(&rotation).await? {
                    Some(became) => Ok(became),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Finishes what the journal holds; `None` where the key is still to be rotated.
    async fn go_on(&self, rotation: &Rotation) -> Result<Option<Became>, RotationError> {
        let given = &rotation.given;
        let Some(at) = &given.common.journal else { return Ok(None) };
        let past = journal::read(at).await?;
        let Some(plan) = &past.plan else { return Ok(None) };
        let ours = plan.old_id == self.turn.key_id;
        if !past.is_open() {
            let rotated = ours && past.ended == Some(Ending::Rotated);
            let new_id = past.adopted.map(|adopted| adopted.id);
            return Ok(rotated.then_some(Became::RotatedBefore(new_id)));
        }
        let report = resume::run(Resumption::new(given.common.clone())).await?;
        let rotated = report.filter(|it| ours && it.outcome == Outcome::Rotated);
        Ok(rotated.map(Box::new).map(Became::Rotated))
    }

    /// The key, though it may be deleted by now, or bear a marker; or how its turn ends.
    async fn deleted_key(&self, rate_limit: &Arc<RateLimit>) -> Result<ApiKey, End> {
        let failed = |why: &str| End::Failed { why: format!("its key cannot be looked up: {why}") };
        let mut common = self.given.common();
        common.rate_limit = Some(Arc::clone(rate_limit));
        let api = Api::new(&common.client, common.effects());
        let json = match api.look(&self.turn.key_id).await {
            Ok(Sight::Present(json) | Sight::Deleted(json)) => json,
            Ok(Sight::Absent) => return Err(failed("the server does not know it")),
            // Somebody looks again in a while.
            Err(error) if passes(&error) => return Err(End::InUse),
            Err(error) => return Err(failed(&error.to_string())),
        };
        let key: ApiKey =
            serde_json::from_value(json.into()).map_err(|error| failed(&error.to_string()))?;
        Ok(match Marker::parse(&key.name) {
            // Its store goes by the name that it has otherwise.
            Some(_) => ApiKey { name: self.turn.name.clone(), ..key },
            None => key,
        })
    }

    fn has_another_store(&self) -> RotationError {
        RotationError::unchanged(
            "another worker of this fleet knows it in a store that this one does not have: give fleets that find their stores otherwise different names",
        )
    }
}
