//! The right to go on with a rotation that others can take over: whoever loses it begins nothing any
//! more.
#![cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "a file is never taken over"))]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A right that ends by itself when it is not renewed. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Hold(Arc<watch::Sender<State>>);

struct State {
    /// By the clock of this machine, reckoned so that others see it end no sooner.
    until: Instant,
    lost: Option<String>,
    /// Whoever renews it has given it back, or will not any more.
    over: bool,
}

impl Hold {
    pub(crate) fn until(until: Instant) -> Self {
        Self(Arc::new(watch::Sender::new(State { until, lost: None, over: false })))
    }

    /// It holds until then. What is lost stays so.
    pub(crate) fn renew(&self, until: Instant) {
        self.0.send_if_modified(|state| {
            let later = state.why_lost().is_none() && until > state.until;
            if later {
                state.until = until;
            }
            later
        });
    }

    /// It does not hold any more, for this reason, unless there was one before.
    pub(crate) fn lose(&self, why: impl Into<String>) {
        self.0.send_modify(|state| {
            let why = state.why_lost().unwrap_or_else(|| why.into());
            state.lost = Some(why);
        });
    }

    /// Why it does not hold any more, if so.
    pub(crate) fn why_lost(&self) -> Option<String> {
        self.0.borrow().why_lost()
    }

    /// How long it holds if nobody renews it.
    pub(crate) fn left(&self) -> Duration {
        self.0.borrow().until.saturating_duration_since(Instant::now())
    }

    /// Returns when it does not hold any more, and says why.
    pub(crate) async fn lost(&self) -> String {
        let mut changes = self.0.subscribe();
        loop {
            if let Some(why) = self.why_lost() {
                return why;
            }
            // A change or the end of the time, whichever is first; both are looked at above.
            let _ = tokio::time::timeout(self.left(), changes.changed()).await;
        }
    }

    /// Nobody renews it any more.
    pub(crate) fn end(&self) {
        self.0.send_modify(|state| state.over = true);
    }

    /// Returns when nobody renews it any more.
    pub(crate) async fn ended(&self) {
        // It cannot fail: the sender is ours and lives.
        let _ = self.0.subscribe().wait_for(|state| state.over).await;
    }
}

impl State {
    fn why_lost(&self) -> Option<String> {
        let late = || "it was not renewed in time".to_owned();
        self.lost.clone().or_else(|| (Instant::now() >= self.until).then(late))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("left", &self.left()).finish_non_exhaustive()
    }
}
