//! The work on a fleet: which of its keys is next, for one process or for the workers that share it.
#![cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only a database is shared"))]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::ready;

use crate::rotation::effects::rate_limit::RateLimit;
use crate::rotation::report::RotationError;
use crate::rotation::system::host::Host;

/// What a worker says when it begins.
pub(crate) struct Joining {
    /// Workers that say the same here share their work.
    pub(crate) fleet: String,
    pub(crate) server: String,
    /// What is selected, for those who look.
    pub(crate) selects: String,
    /// After how many failures no further key is begun.
    pub(crate) most_failures: usize,
    /// The keys that this worker must not touch, whoever offers them: the caller's own.
    pub(crate) spared: Vec<String>,
    pub(crate) rate_limit: Arc<RateLimit>,
}

/// A key that is to be rotated.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) key_id: String,
    pub(crate) name: String,
    pub(crate) store: String,
    pub(crate) journal: String,
    /// The host that its store belongs to, if to one.
    pub(crate) host: Option<Host>,
}

/// A key whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) key_id: String,
    /// As it was listed: a rotation may have given the key a marker since.
    pub(crate) name: String,
    pub(crate) journal: String,
    /// Its journal may hold more than its beginning.
    pub(crate) again: bool,
    /// Which of the worker's turns this is.
    pub(crate) claim: i64,
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With the id of the new key, where it is known.
    Rotated {
        new_id: Option<String>,
    },
    Failed {
        why: String,
    },
    /// Another is at it, or it cannot be told just now: its turn comes again in a while.
    InUse,
    /// It was left as it is, and another may go on.
    Left,
}

/// What became of a key that had no turn here.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// Nobody has begun it.
    Waiting,
    /// Likewise, and it is the work of another host, which its store belongs to.
    OfHost {
        host: String,
    },
    /// Other workers of the same run will rotate it.
    OfOthers,
    /// Another fleet has picked it too, and will rotate it.
    OfFleet,
    UnderWay {
        worker: String,
    },
    Rotated {
        worker: String,
    },
    Failed {
        worker: String,
        why: String,
    },
    /// A rotation has just made it.
    JustMade,
}

/// The work on a fleet, as one worker takes part in it.
pub(crate) trait Queue: Send + Sync {
    /// Adds keys; those that are there already, or need no rotation any more, are left out.
    fn offer(&self, tasks: Vec<Task>) -> BoxFuture<'_, Result<(), RotationError>>;

    /// The next key, when there is one; `None` when there will be none any more.
    fn next(&self) -> BoxFuture<'_, Result<Option<Turn>, RotationError>>;

    /// Says how a turn ended.
    fn end<'a>(&'a self, turn: &'a Turn, end: End) -> BoxFuture<'a, Result<(), RotationError>>;

    /// What became of those keys that others, or nobody, had: their ids, with the journals of their
    /// stores.
    fn fates(
        &self,
        keys: Vec<(String, Option<String>)>,
    ) -> BoxFuture<'_, Result<HashMap<String, Fate>, RotationError>>;

    /// Takes part no longer.
    fn leave(&self) -> BoxFuture<'_, ()>;

    /// Whether others may take part.
    fn is_shared(&self) -> bool;
}

/// The work of one process.
pub(super) struct Own {
    waiting: Mutex<VecDeque<Turn>>,
    failures: AtomicUsize,
    most_failures: usize,
}

impl Own {
    pub(super) fn new(joining: &Joining) -> Self {
        Self {
            waiting: Mutex::default(),
            failures: AtomicUsize::new(0),
            most_failures: joining.most_failures,
        }
    }
}

impl Queue for Own {
    fn offer(&self, tasks: Vec<Task>) -> BoxFuture<'_, Result<(), RotationError>> {
        let turns = tasks.into_iter().map(|task| Turn {
            key_id: task.key_id,
            name: task.name,
            journal: task.journal,
            again: false,
            claim: 0,
        });
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(turns);
        ready(Ok(())).boxed()
    }

    fn next(&self) -> BoxFuture<'_, Result<Option<Turn>, RotationError>> {
        let goes_on = self.failures.load(Ordering::SeqCst) < self.most_failures;
        let next = goes_on
            .then(|| self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front());
        ready(Ok(next.flatten())).boxed()
    }

    fn end<'a>(&'a self, _: &'a Turn, end: End) -> BoxFuture<'a, Result<(), RotationError>> {
        if !matches!(end, End::Rotated { .. }) {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
        ready(Ok(())).boxed()
    }

    fn fates(
        &self,
        _: Vec<(String, Option<String>)>,
    ) -> BoxFuture<'_, Result<HashMap<String, Fate>, RotationError>> {
        ready(Ok(HashMap::new())).boxed()
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn is_shared(&self) -> bool {
        false
    }
}
