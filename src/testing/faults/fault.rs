//! One fault: what goes wrong, for which requests, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;

use super::glob;
use super::kind::{Kind, RetryAfter, Which};
use crate::testing::state::{Change, Lag, Stale};

/// An order to treat some requests badly.
///
/// It says what is to go wrong, for which requests, and whether before or after the request has
/// taken effect. All that it does not say is open: a bare [`Fault::reset()`] resets every
/// connection on which a request arrives.
///
/// ```
/// use std::time::Duration;
/// use onkernel::testing::Fault;
///
/// // The 3rd POST /org/api_keys: drop the connection after the effect.
/// Fault::drop_connection().method("POST").path("/org/api_keys").nth(3).after();
/// // Three in ten deletions get a 503, in the same order on every run.
/// Fault::status(503).method("DELETE").probability(0.3).seed(7);
/// // The first two requests for any one key take two seconds longer than the client will wait.
/// Fault::delay(Duration::from_secs(62)).path("/org/api_keys/{id}").times(2);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) nth: Option<u64>,
    pub(super) from: Option<u64>,
    pub(super) every: Option<u64>,
    pub(super) probability: Option<f64>,
    pub(super) seed: u64,
    pub(super) times: Option<u64>,
    pub(super) when: Option<When>,
    pub(in crate::testing) kind: Kind,
}

/// Whether the request takes effect before things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::testing) enum When {
    Before,
    After,
}

/// What a fault may be about to strike.
#[derive(Clone, Copy)]
pub(in crate::testing) enum Asked<'a> {
    Connection,
    Request { method: &'a str, path: &'a str },
}

impl Fault {
    pub(in crate::testing) fn new(kind: Kind) -> Self {
        Self {
            method: None,
            path: None,
            nth: None,
            from: None,
            every: None,
            probability: None,
            seed: 0,
            times: None,
            when: None,
            kind,
        }
    }

    /// Turns the caller away before it is heard: the connection is reset without being read.
    ///
    /// With neither method nor path the order is about connections, and counts those. With one of
    /// them the head of the request has to be read first, and requests are counted. It never has
    /// an effect. A listening socket cannot do more to a single caller; for "connection refused"
    /// proper see [`Server::stop_listening`](crate::testing::Server::stop_listening).
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse)
    }

    /// Closes the connection in an orderly way, without a response.
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop)
    }

    /// Resets the connection (TCP RST), without a response.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Responds with this status and the documented form of an error.
    ///
    /// A status outside of 200 to 599 is sent as 500.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status { code: status, body: None })
    }

    /// Responds with this status and this JSON.
    ///
    /// A status outside of 200 to 599 is sent as 500.
    pub fn status_with(status: u16, body: Value) -> Self {
        Self::new(Kind::Status { code: status, body: Some(body) })
    }

    /// Responds with 429.
    pub fn too_many_requests(retry_after: RetryAfter) -> Self {
        Self::new(Kind::TooManyRequests(retry_after))
    }

    /// Waits so long (in real time) before it carries the request out, or with
    /// [`after`](Self::after) before it responds. A caller that has left is not waited for: the
    /// request is carried out all the same.
    pub fn delay(time: Duration) -> Self {
        Self::new(Kind::Delay { ms: millis(time) })
    }

    /// Sends the true response in pieces of so many bytes, each after a pause in real time.
    pub fn slow_body(bytes: usize, every: Duration) -> Self {
        Self::new(Kind::SlowBody { bytes, every_ms: millis(every) })
    }

    /// Sends half of the true response's body and closes the connection.
    ///
    /// A response without a body is lost altogether.
    pub fn truncated_body() -> Self {
        Self::new(Kind::TruncatedBody)
    }

    /// Sends all of the true response's body, announces more, and closes the connection.
    ///
    /// A response without a body is lost altogether.
    pub fn wrong_length() -> Self {
        Self::new(Kind::WrongLength)
    }

    /// Sends the true response with its last bracket spoilt: what it says is there, plaintext
    /// included, but it is not JSON.
    pub fn garbage_json() -> Self {
        Self::new(Kind::GarbageJson)
    }

    /// Responds with the HTML page of a gateway, status 502.
    pub fn html_bad_gateway() -> Self {
        Self::new(Kind::HtmlBadGateway)
    }

    /// Sends the true response as `text/plain`.
    pub fn wrong_content_type() -> Self {
        Self::new(Kind::WrongContentType)
    }

    /// Responds with a redirect (307) to this place.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new(Kind::Redirect { location: location.into() })
    }

    /// Sends the true response after so many bytes of white space.
    pub fn oversized_body(bytes: u64) -> Self {
        Self::new(Kind::OversizedBody { bytes })
    }

    /// Sends white space as the body, for ever.
    pub fn endless_body() -> Self {
        Self::new(Kind::EndlessBody)
    }

    /// Responds with exactly this. Headers that HTTP does not allow are left out, and a status
    /// outside of 200 to 599 is sent as 500.
    pub fn replace<K, V>(
        status: u16,
        headers: impl IntoIterator<Item = (K, V)>,
        body: impl Into<String>,
    ) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::new(Kind::Replace { status, headers: headers.collect(), body: body.into() })
    }

    /// Sends the true response with this header set, replacing what it had.
    pub fn set_header(name: impl Into<String>, value: impl Into<String>) -> Self {
        let set = BTreeMap::from([(name.into(), value.into())]);
        Self::new(Kind::Headers { set, remove: Vec::new() })
    }

    /// Sends the true response without this header, such as `X-Next-Offset`.
    pub fn remove_header(name: impl Into<String>) -> Self {
        Self::new(Kind::Headers { set: BTreeMap::new(), remove: vec![name.into()] })
    }

    /// Sends the true response with this merged into it as RFC 7396 says: `null` removes a field.
    ///
    /// In a list it is merged into each item.
    pub fn merge_json(patch: Value) -> Self {
        Self::new(Kind::MergeJson(patch))
    }

    /// Closes the connection without a response, and lets the request take effect so much later by
    /// the server's clock ([`Server::advance`](crate::testing::Server::advance)), or at
    /// [`Server::land_late`](crate::testing::Server::land_late).
    pub fn effect_later(time: Duration) -> Self {
        Self::new(Kind::EffectLater { ms: millis(time) })
    }

    /// Rejects the request for good, with this status and an error of this code: a clear no.
    ///
    /// ```
    /// use onkernel::testing::Fault;
    ///
    /// // The organization has as many keys as it may have.
    /// Fault::rejected(402, "api_key_limit").method("POST").path("/org/api_keys");
    /// ```
    ///
    /// A status outside of 400 to 499 is sent as 400.
    pub fn rejected(status: u16, code: impl Into<String>) -> Self {
        Self::new(Kind::Rejected { status, code: code.into() })
    }

    /// Sends the true response with the id of another key of the organization, its oldest.
    pub fn wrong_id() -> Self {
        Self::new(Kind::WrongId { id: None })
    }

    /// Sends the true response with this id.
    pub fn wrong_id_of(id: impl Into<String>) -> Self {
        Self::new(Kind::WrongId { id: Some(id.into()) })
    }

    /// Looks for keys as they were so long ago: changes within this time are not seen.
    ///
    /// A key that was just created is not found, one that was just deleted is still shown, and a
    /// change of a key that cannot be seen yet is 404. What a test adds by
    /// [`Server::add_key`](crate::testing::Server::add_key) has always been there. Every other
    /// replica lags with `.every(2)`; which changes do is said by [`changes`](Self::changes).
    ///
    /// Like each [condition](crate::testing::Faults#conditions) it comes on top of other faults.
    ///
    /// ```
    /// use std::time::Duration;
    /// use onkernel::testing::{Change, Fault, Lag};
    ///
    /// // Listings lag three seconds behind, by the server's clock.
    /// Fault::stale_reads(Lag::Time(Duration::from_secs(3))).path("/org/api_keys").method("GET");
    /// // A deleted key is shown to one in two requests, until there have been four more.
    /// Fault::stale_reads(Lag::Requests(4)).changes([Change::Deleted]).every(2);
    /// ```
    pub fn stale_reads(lag: Lag) -> Self {
        Self::new(Kind::StaleReads(Stale { lag, changes: Vec::new() }))
    }

    /// Knows callers as they were before: a key that was just created is 401, one that was just
    /// deleted is let in.
    ///
    /// Otherwise as [`stale_reads`](Self::stale_reads).
    pub fn stale_auth(lag: Lag) -> Self {
        Self::new(Kind::StaleAuth(Stale { lag, changes: Vec::new() }))
    }

    /// Only changes of these kinds are seen late. Says something about
    /// [`stale_reads`](Self::stale_reads) and [`stale_auth`](Self::stale_auth) alone.
    #[must_use]
    pub fn changes(mut self, kinds: impl IntoIterator<Item = Change>) -> Self {
        if let Kind::StaleReads(stale) | Kind::StaleAuth(stale) = &mut self.kind {
            stale.changes = kinds.into_iter().collect();
        }
        self
    }

    /// Carries the request out twice, as if something on the way had sent it again, and gives the
    /// caller one of the two responses.
    ///
    /// Like each [condition](crate::testing::Faults#conditions) it comes on top of other faults.
    pub fn doubled(response: Which) -> Self {
        Self::new(Kind::Doubled { response })
    }

    /// Shows the request another time than the server's own: what is created, deleted or expires
    /// by it, and the header `Date`, are so much ahead, or behind where it is negative.
    ///
    /// For a server whose clock is always off see
    /// [`Builder::clock_offset`](crate::testing::Builder::clock_offset). Like each
    /// [condition](crate::testing::Faults#conditions) it comes on top of other faults.
    pub fn clock_skew(by: TimeDelta) -> Self {
        Self::new(Kind::ClockSkew { ms: by.num_milliseconds() })
    }

    /// Only requests with this method, in any case.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only requests for this path: as it is, or with `{id}` for any one segment, `*` for any
    /// characters within a segment, and `**` at the end for whatever follows.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Only the nth such request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Only the nth such request and those after it, counted from 1.
    #[must_use]
    pub fn from(mut self, nth: u64) -> Self {
        self.from = Some(nth);
        self
    }

    /// Only every nth such request.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.every = Some(nth);
        self
    }

    /// Only this part of such requests, from 0 to 1, chosen by chance; see [`seed`](Self::seed).
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Where the chance of [`probability`](Self::probability) begins; the same seed makes the same
    /// choices.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The request takes no effect. Where the true response is to be altered it is the one that would
    /// have been given.
    #[must_use]
    pub fn before(mut self) -> Self {
        self.when = Some(When::Before);
        self
    }

    /// The request takes effect first.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.when = Some(When::After);
        self
    }

    /// Where nothing is said, a fault that alters the true response comes after the effect, and one
    /// that puts something in its place comes before.
    pub(in crate::testing) fn when(&self) -> When {
        self.when.unwrap_or(match self.kind.alters_response() {
            true => When::After,
            false => When::Before,
        })
    }

    fn is_for_connections(&self) -> bool {
        matches!(self.kind, Kind::Refuse) && self.method.is_none() && self.path.is_none()
    }

    pub(super) fn is_for(&self, asked: Asked<'_>) -> bool {
        match asked {
            Asked::Connection => self.is_for_connections(),
            Asked::Request { method, path } => {
                !self.is_for_connections()
                    && self.method.as_ref().is_none_or(|want| want.eq_ignore_ascii_case(method))
                    && self.path.as_ref().is_none_or(|want| glob::covers_path(want, path))
            }
        }
    }
}

/// What the log calls it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match (&self.kind, self.when()) {
            (Kind::Refuse | Kind::EffectLater { .. } | Kind::Rejected { .. }, _) => "",
            (kind, _) if kind.is_condition() => "",
            (_, When::Before) => " before the effect",
            (_, When::After) => " after the effect",
        };
        write!(f, "{:?}{when}", self.kind)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
