//! What the rotations of a fleet have in common.

use std::sync::Arc;

use super::outcome::{FleetEvent, Skipped};
use crate::Client;
use crate::rotation::builder::Rotation;
use crate::rotation::effects::clock::{Clock, SystemClock};
use crate::rotation::effects::rate_limit::RateLimit;
use crate::rotation::effects::stop::Stop;
use crate::rotation::journal::ledger::Journals;
use crate::rotation::settings::{Common, Subject};
use crate::rotation::store::Store;
use crate::types::ApiKey;

/// A key, with its store or why it is left alone.
pub(super) type Picked = (ApiKey, Result<Arc<dyn Store>, Skipped>);
pub(super) type Stores = Arc<dyn Fn(&ApiKey) -> Option<Arc<dyn Store>> + Send + Sync>;
pub(super) type Listener = Arc<dyn Fn(&FleetEvent) + Send + Sync>;
pub(super) type Change = Arc<dyn Fn(Rotation, &ApiKey) -> Rotation + Send + Sync>;

pub(super) struct Given {
    pub(super) client: Client,
    pub(super) stores: Stores,
    pub(super) change: Option<Change>,
    pub(super) listener: Option<Listener>,
    pub(super) stop: Stop,
    pub(super) clock: Arc<dyn Clock>,
}

impl Given {
    pub(super) fn new(client: &Client, stores: Stores) -> Self {
        Self {
            client: client.clone(),
            stores,
            change: None,
            listener: None,
            stop: Stop::new(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    pub(super) fn common(&self) -> Common {
        let mut common = Common::new(&self.client);
        (common.clock, common.stop) = (Arc::clone(&self.clock), self.stop.clone());
        common
    }

    pub(super) fn rotation(
        &self,
        key: &ApiKey,
        store: Arc<dyn Store>,
        journals: &Journals,
        rate_limit: &Arc<RateLimit>,
    ) -> Rotation {
        let journal = journals.of(&*store);
        let mut rotation = Rotation::new(&self.client, Subject::Id(key.id.clone()))
            .shared_store(store)
            .stop_on(&self.stop)
            .journal(journal);
        rotation.given.common.clock = Arc::clone(&self.clock);
        rotation.given.common.rate_limit = Some(Arc::clone(rate_limit));
        if let Some(listener) = self.listener.clone() {
            let (id, name) = (key.id.clone(), key.name.clone());
            rotation = rotation.on_event(move |event| {
                listener(&FleetEvent { id: id.clone(), name: name.clone(), event: event.clone() });
            });
        }
        match &self.change {
            Some(change) => change(rotation, key),
            None => rotation,
        }
    }
}
