//! Everything the server knows, under one lock: keys, time, log, and effects that are still to come.

use chrono::{DateTime, TimeDelta, Utc};

use super::api;
use super::clock::{Clock, later};
use super::faults::{Fault, Kind, When};
use super::log::{LogEntry, scrub};
use super::reply::Reply;
use super::request::Request;
use super::response::Response;
use super::state::State;

pub(super) struct World {
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) log: Vec<LogEntry>,
    requests: u64,
    late: Vec<Late>,
}

/// A request whose caller was turned away, and which will be carried out all the same.
struct Late {
    due: DateTime<Utc>,
    request: Request,
    id: String,
}

impl World {
    pub(super) fn new(state: State, clock: Clock) -> Self {
        Self { state, clock, log: Vec::new(), requests: 0, late: Vec::new() }
    }

    pub(super) fn next_request_id(&mut self) -> String {
        self.requests += 1;
        format!("req_{:06}", self.requests)
    }

    /// Carries a request out, or not, as the fault says, and writes it down.
    pub(super) fn decide(&mut self, request: &Request, id: &str, fault: Option<&Fault>) -> Reply {
        let now = self.clock.now();
        let caller = api::caller(&self.state, request, now).map(|key| key.id.clone());
        let (reply, effect) = match fault {
            Some(fault) => self.mistreat(request, id, fault, now),
            None => {
                let mut response = api::respond(&mut self.state, request, now);
                let effect = response.effect.take();
                (Reply::plain(response), effect)
            }
        };
        self.log.push(LogEntry {
            status: reply.status(),
            caller,
            effect,
            fault: fault.map(ToString::to_string),
            ..entry(request, id, now)
        });
        reply
    }

    fn mistreat(
        &mut self,
        request: &Request,
        id: &str,
        fault: &Fault,
        now: DateTime<Utc>,
    ) -> (Reply, Option<super::log::Effect>) {
        let mut response = match (&fault.kind, fault.when()) {
            (Kind::Refuse, _) => Response::default(),
            (Kind::EffectLater { ms }, _) => {
                let wait = i64::try_from(*ms).ok().and_then(TimeDelta::try_milliseconds);
                let due = later(now, wait.unwrap_or(TimeDelta::MAX));
                self.late.push(Late { due, request: request.clone(), id: id.to_owned() });
                Response::default()
            }
            // These only change when things happen.
            (Kind::Delay { .. } | Kind::Run(_), _) | (_, When::After) => {
                api::respond(&mut self.state, request, now)
            }
            (kind, When::Before) if kind.alters_response() => {
                let mut scratch = self.state.clone();
                let response = api::respond(&mut scratch, request, now);
                self.state.skip_random_of(&scratch);
                Response { effect: None, ..response }
            }
            (_, When::Before) => Response::default(),
        };
        let effect = response.effect.take();
        (Reply::altered(&fault.kind, response), effect)
    }

    /// Carries out what was put off until now, or all of it, the earliest first.
    pub(super) fn land_late(&mut self, all: bool) -> usize {
        let now = self.clock.now();
        let (mut due, rest) = std::mem::take(&mut self.late)
            .into_iter()
            .partition::<Vec<_>, _>(|l| all || l.due <= now);
        self.late = rest;
        due.sort_by_key(|late| late.due);
        for Late { request, id, .. } in &due {
            let response = api::respond(&mut self.state, request, now);
            self.log.push(LogEntry {
                caller: response.caller,
                effect: response.effect,
                late: true,
                ..entry(request, id, now)
            });
        }
        due.len()
    }

    pub(super) fn log_refused(&mut self, fault: &Fault) {
        let (id, now) = (self.next_request_id(), self.clock.now());
        let fault = Some(fault.to_string());
        self.log.push(LogEntry { fault, ..entry(&Request::default(), &id, now) });
    }
}

/// A log entry of which nothing is known but the request.
fn entry(request: &Request, id: &str, now: DateTime<Utc>) -> LogEntry {
    LogEntry {
        request_id: id.to_owned(),
        at: now,
        method: request.method.clone(),
        path: scrub(&request.path),
        query: request.parameters().into_iter().map(|(name, _)| scrub(&name)).collect(),
        status: None,
        caller: None,
        effect: None,
        fault: None,
        late: false,
    }
}
