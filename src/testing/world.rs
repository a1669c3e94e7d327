//! Everything the server knows, under one lock: keys, time, log, and effects that are still to come.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::api::{self, AuthContext, View};
use super::clock::{Clock, Moment, http_date, later};
use super::faults::{Fault, Kind, Struck, When, Which};
use super::log::{LogEntry, Received, scrub};
use super::reply::Reply;
use super::request::Request;
use super::response::Response;
use super::state::{Stale, State};

pub(super) struct World {
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) log: Vec<LogEntry>,
    pub(super) received: Vec<Received>,
    auth_context: AuthContext,
    requests: u64,
    /// How many of the requests were for a path of the API.
    calls: u64,
    late: Vec<Late>,
}

/// A request whose caller was turned away, and which will be carried out all the same.
struct Late {
    due: DateTime<Utc>,
    request: Request,
    id: String,
}

impl World {
    pub(super) fn new(state: State, clock: Clock, auth_context: AuthContext) -> Self {
        let (log, received, late) = (Vec::new(), Vec::new(), Vec::new());
        Self { state, clock, log, received, auth_context, requests: 0, calls: 0, late }
    }

    pub(super) fn next_request_id(&mut self) -> String {
        self.requests += 1;
        format!("req_{:06}", self.requests)
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { time: self.clock.now(), real: Instant::now(), requests: self.calls }
    }

    /// Carries a request out, or not, as what strikes it says, and writes it down.
    pub(super) fn decide(&mut self, request: &Request, id: &str, struck: &Struck) -> Reply {
        if api::knows(request) {
            self.calls += 1;
        }
        let now = self.moment();
        let view = self.view(&struck.conditions, now);
        let caller = api::caller(&self.state, &view, request);
        let mut treated = self.treat(request, id, struck, now);
        let effect = treated.effect.take();
        self.received.extend(treated.received.take());
        let reply = match &struck.fault {
            Some(fault) => Reply::altered(&fault.kind, treated),
            None => Reply::plain(treated),
        };
        let reply = reply.dated(http_date(view.time));
        self.log.push(LogEntry {
            status: reply.status(),
            caller,
            effect,
            fault: struck.describe(),
            ..entry(request, id, now.time)
        });
        reply
    }

    /// The true response, as far as the fault lets there be one.
    fn treat(&mut self, request: &Request, id: &str, struck: &Struck, now: Moment) -> Response {
        let conditions = &struck.conditions;
        let Some(fault) = &struck.fault else {
            return self.carry_out(request, id, conditions, now);
        };
        match (&fault.kind, fault.when()) {
            (Kind::Refuse | Kind::Rejected { .. }, _) => Response::default(),
            (Kind::EffectLater { ms }, _) => {
                let wait = i64::try_from(*ms).ok().and_then(TimeDelta::try_milliseconds);
                let due = later(now.time, wait.unwrap_or(TimeDelta::MAX));
                self.late.push(Late { due, request: request.clone(), id: id.to_owned() });
                Response::default()
            }
            // These only change when things happen.
            (Kind::Delay { .. } | Kind::Run(_), _) => self.carry_out(request, id, conditions, now),
            (kind, When::After) => {
                let response = self.carry_out(request, id, conditions, now);
                self.with_wrong_id(kind, response)
            }
            (kind, When::Before) if kind.alters_response() => {
                let mut scratch = self.state.clone();
                let view = self.view(conditions, now);
                let response = api::respond(&mut scratch, &view, request, now);
                self.state.skip_random_of(&scratch);
                self.with_wrong_id(kind, Response { effect: None, ..response })
            }
            (_, When::Before) => Response::default(),
        }
    }

    /// Carries a request out, as often as it comes.
    fn carry_out(
        &mut self,
        request: &Request,
        id: &str,
        conditions: &[Fault],
        now: Moment,
    ) -> Response {
        let once = |world: &mut Self| {
            let view = world.view(conditions, now);
            api::respond(&mut world.state, &view, request, now)
        };
        let first = once(self);
        let doubled = conditions.iter().find_map(|fault| match fault.kind {
            Kind::Doubled { response } => Some(response),
            _ => None,
        });
        let Some(which) = doubled else { return first };
        let second = once(self);
        let (sent, other) = match which {
            Which::First => (first, second),
            Which::Second => (second, first),
        };
        self.log.push(LogEntry {
            caller: other.caller,
            effect: other.effect,
            fault: Some("the other of two".to_owned()),
            ..entry(request, id, now.time)
        });
        sent
    }

    /// What a request is shown under these conditions.
    fn view(&self, conditions: &[Fault], now: Moment) -> View {
        let (mut auth, mut reads): (Vec<&Stale>, Vec<&Stale>) = (Vec::new(), Vec::new());
        let mut time = now.time;
        for fault in conditions {
            match &fault.kind {
                Kind::StaleAuth(stale) => auth.push(stale),
                Kind::StaleReads(stale) => reads.push(stale),
                Kind::ClockSkew { ms } => {
                    time = later(time, TimeDelta::try_milliseconds(*ms).unwrap_or_default());
                }
                _ => {}
            }
        }
        let seen =
            |stale: Vec<&Stale>| (!stale.is_empty()).then(|| self.state.as_seen(&stale, now));
        View { auth: seen(auth), reads: seen(reads), time, auth_context: self.auth_context }
    }

    fn with_wrong_id(&self, kind: &Kind, mut response: Response) -> Response {
        let Kind::WrongId { id } = kind else { return response };
        let Some(shown) = response.content.json().and_then(|body| body.get_mut("id")) else {
            return response;
        };
        let organization = shown.as_str().and_then(|id| self.state.get(id));
        let organization = organization.map(|key| &key.organization_id);
        let other = || {
            let of_the_same = self.state.keys().iter().find(|key| {
                Some(key.id.as_str()) != shown.as_str()
                    && organization.is_none_or(|organization| key.organization_id == *organization)
            });
            of_the_same.map(|key| key.id.clone())
        };
        if let Some(id) = id.clone().or_else(other) {
            *shown = id.into();
        }
        response
    }

    /// Carries out what was put off until now, or all of it, the earliest first.
    pub(super) fn land_late(&mut self, all: bool) -> usize {
        if self.late.is_empty() {
            return 0;
        }
        let now = self.moment();
        let (mut due, rest) = std::mem::take(&mut self.late)
            .into_iter()
            .partition::<Vec<_>, _>(|l| all || l.due <= now.time);
        self.late = rest;
        due.sort_by_key(|late| late.due);
        for Late { request, id, .. } in &due {
            let view = self.view(&[], now);
            let response = api::respond(&mut self.state, &view, request, now);
            self.log.push(LogEntry {
                caller: response.caller,
                effect: response.effect,
                late: true,
                ..entry(request, id, now.time)
            });
        }
        due.len()
    }

    pub(super) fn log_refused(&mut self, struck: &Struck) {
        let (id, now) = (self.next_request_id(), self.clock.now());
        let fault = struck.describe();
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
