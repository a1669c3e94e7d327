//! Faults to order: which request is to be treated badly, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::Server;
use super::glob;

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
/// // Three in ten deletions are answered 503, in the same order on every run.
/// Fault::status(503).method("DELETE").probability(0.3).seed(7);
/// // The first two requests for any one key take two seconds longer than the client will wait.
/// Fault::delay(Duration::from_secs(62)).path("/org/api_keys/{id}").times(2);
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Order")]
pub struct Fault {
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    from: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    seed: u64,
    times: Option<u64>,
    when: Option<When>,
    pub(super) kind: Kind,
}

/// What goes wrong.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kind {
    Refuse,
    Drop,
    Reset,
    Status {
        code: u16,
        #[serde(default)]
        body: Option<Value>,
    },
    TooManyRequests(RetryAfter),
    Delay {
        ms: u64,
    },
    SlowBody {
        bytes: usize,
        every_ms: u64,
    },
    TruncatedBody,
    WrongLength,
    GarbageJson,
    HtmlBadGateway,
    WrongContentType,
    Redirect {
        location: String,
    },
    OversizedBody {
        bytes: u64,
    },
    EndlessBody,
    Replace {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    Headers {
        #[serde(default)]
        set: BTreeMap<String, String>,
        #[serde(default)]
        remove: Vec<String>,
    },
    MergeJson(Value),
    EffectLater {
        ms: u64,
    },
    #[serde(skip)]
    Run(Action),
}

/// Code of the test's own.
#[derive(Clone)]
pub(super) struct Action(pub(super) Arc<dyn Fn(&Server) + Send + Sync>);

/// The delay that a 429 asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RetryAfter {
    /// It does not say.
    None,
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `Retry-After` as an HTTP date, so many seconds from the machine's (not the server's) now.
    DateInSeconds(u64),
    /// `Retry-After-Ms`, in milliseconds.
    Milliseconds(u64),
    /// `Retry-After` with exactly this text.
    Text(String),
}

/// Whether the request takes effect before things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    Before,
    After,
}

impl Fault {
    fn new(kind: Kind) -> Self {
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
    /// proper see [`Server::stop_listening`].
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse)
    }

    /// Closes the connection in an orderly way, without an answer.
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop)
    }

    /// Resets the connection (TCP RST), without an answer.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Answers with this status and the documented form of an error.
    ///
    /// A status outside of 200 to 599 is sent as 500.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status { code: status, body: None })
    }

    /// Answers with this status and this JSON.
    ///
    /// A status outside of 200 to 599 is sent as 500.
    pub fn status_with(status: u16, body: Value) -> Self {
        Self::new(Kind::Status { code: status, body: Some(body) })
    }

    /// Answers 429.
    pub fn too_many_requests(retry_after: RetryAfter) -> Self {
        Self::new(Kind::TooManyRequests(retry_after))
    }

    /// Waits so long (in real time) before it carries the request out, or with
    /// [`after`](Self::after) before it answers. A caller that has left is not asked back: the
    /// request is carried out all the same.
    pub fn delay(time: Duration) -> Self {
        Self::new(Kind::Delay { ms: millis(time) })
    }

    /// Sends the true answer in pieces of so many bytes, each after a pause in real time.
    pub fn slow_body(bytes: usize, every: Duration) -> Self {
        Self::new(Kind::SlowBody { bytes, every_ms: millis(every) })
    }

    /// Sends half of the true answer's body and closes the connection.
    ///
    /// An answer without a body is lost altogether.
    pub fn truncated_body() -> Self {
        Self::new(Kind::TruncatedBody)
    }

    /// Sends all of the true answer's body, announces more, and closes the connection.
    ///
    /// An answer without a body is lost altogether.
    pub fn wrong_length() -> Self {
        Self::new(Kind::WrongLength)
    }

    /// Sends the true answer with its last bracket spoilt: what it says is there, plaintext
    /// included, but it is not JSON.
    pub fn garbage_json() -> Self {
        Self::new(Kind::GarbageJson)
    }

    /// Answers with the HTML page of a gateway, status 502.
    pub fn html_bad_gateway() -> Self {
        Self::new(Kind::HtmlBadGateway)
    }

    /// Sends the true answer as `text/plain`.
    pub fn wrong_content_type() -> Self {
        Self::new(Kind::WrongContentType)
    }

    /// Answers with a redirect (307) to this place.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new(Kind::Redirect { location: location.into() })
    }

    /// Sends the true answer after so many bytes of white space.
    pub fn oversized_body(bytes: u64) -> Self {
        Self::new(Kind::OversizedBody { bytes })
    }

    /// Sends white space as the body, for ever.
    pub fn endless_body() -> Self {
        Self::new(Kind::EndlessBody)
    }

    /// Answers with exactly this. Headers that HTTP does not allow are left out, and a status
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

    /// Sends the true answer with this header set, replacing what it had.
    pub fn set_header(name: impl Into<String>, value: impl Into<String>) -> Self {
        let set = BTreeMap::from([(name.into(), value.into())]);
        Self::new(Kind::Headers { set, remove: Vec::new() })
    }

    /// Sends the true answer without this header, such as `X-Next-Offset`.
    pub fn remove_header(name: impl Into<String>) -> Self {
        Self::new(Kind::Headers { set: BTreeMap::new(), remove: vec![name.into()] })
    }

    /// Sends the true answer with this merged into it as RFC 7396 says: `null` removes a field.
    ///
    /// In a list it is merged into each item.
    pub fn merge_json(patch: Value) -> Self {
        Self::new(Kind::MergeJson(patch))
    }

    /// Closes the connection without an answer, and lets the request take effect so much later by
    /// the server's clock ([`Server::advance`]), or at [`Server::land_late`].
    pub fn effect_later(time: Duration) -> Self {
        Self::new(Kind::EffectLater { ms: millis(time) })
    }

    /// Runs code of yours: what somebody else does while the request is under way. Before the
    /// effect, unless [`after`](Self::after) is said. The request is answered as it would be.
    ///
    /// ```
    /// use onkernel::testing::Fault;
    ///
    /// // Somebody deletes the key between our first and our second look at it.
    /// let id = String::from("c123");
    /// Fault::run(move |server| assert!(server.delete(&id))).method("GET").nth(2);
    /// ```
    pub fn run(action: impl Fn(&Server) + Send + Sync + 'static) -> Self {
        Self::new(Kind::Run(Action(Arc::new(action))))
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

    /// The request takes no effect. Where a true answer is to be spoilt it is the one that would
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

    /// Where nothing is said, a fault that spoils the true answer comes after the effect, and one
    /// that puts something in its place comes before.
    pub(super) fn when(&self) -> When {
        self.when.unwrap_or(match self.kind.spoils_the_answer() {
            true => When::After,
            false => When::Before,
        })
    }

    fn is_for_connections(&self) -> bool {
        matches!(self.kind, Kind::Refuse) && self.method.is_none() && self.path.is_none()
    }

    fn is_for(&self, asked: Asked<'_>) -> bool {
        match asked {
            Asked::Connection => self.is_for_connections(),
            Asked::Request { method, path } => {
                !self.is_for_connections()
                    && self.method.as_ref().is_none_or(|want| want.eq_ignore_ascii_case(method))
                    && self.path.as_ref().is_none_or(|want| glob::covers_path(want, path))
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        let status = |status: u16| match status {
            200..=599 => Ok(()),
            _ => Err(format!("the status {status} is not between 200 and 599")),
        };
        match &self.kind {
            Kind::Status { code, .. } => status(*code)?,
            Kind::Replace { status: code, headers, .. } => {
                status(*code)?;
                headers.iter().try_for_each(check_header)?;
            }
            Kind::Headers { set, .. } => set.iter().try_for_each(check_header)?,
            Kind::Redirect { location } => check_header((&"location".into(), location))?,
            Kind::SlowBody { bytes: 0, .. } => {
                return Err("slow_body needs bytes of 1 or more".into());
            }
            _ => {}
        }
        for (name, count) in [("nth", self.nth), ("from", self.from), ("every", self.every)] {
            if count == Some(0) {
                return Err(format!("{name} counts from 1"));
            }
        }
        if self.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err("probability must be between 0 and 1".into());
        }
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') && path != "**") {
            return Err("path must begin with /".into());
        }
        Ok(())
    }
}

fn check_header((name, value): (&String, &String)) -> Result<(), String> {
    match name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok() {
        true => Ok(()),
        false => Err(format!("{name:?} with this value is not a header that HTTP allows")),
    }
}

/// What the log calls it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match (&self.kind, self.when()) {
            (Kind::Refuse | Kind::EffectLater { .. }, _) => "",
            (_, When::Before) => " before the effect",
            (_, When::After) => " after the effect",
        };
        write!(f, "{:?}{when}", self.kind)
    }
}

impl Kind {
    /// Whether it needs the true answer, to send it badly.
    pub(super) fn spoils_the_answer(&self) -> bool {
        match self {
            Kind::SlowBody { .. }
            | Kind::TruncatedBody
            | Kind::WrongLength
            | Kind::GarbageJson
            | Kind::WrongContentType
            | Kind::OversizedBody { .. }
            | Kind::Headers { .. }
            | Kind::MergeJson(_) => true,
            Kind::Refuse
            | Kind::Drop
            | Kind::Reset
            | Kind::Status { .. }
            | Kind::TooManyRequests(_)
            | Kind::Delay { .. }
            | Kind::HtmlBadGateway
            | Kind::Redirect { .. }
            | Kind::EndlessBody
            | Kind::Replace { .. }
            | Kind::EffectLater { .. }
            | Kind::Run(_) => false,
        }
    }
}

/// Without what a test put into it: a replaced body may hold a plaintext.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Refuse => f.write_str("refuse"),
            Kind::Drop => f.write_str("drop"),
            Kind::Reset => f.write_str("reset"),
            Kind::Status { code, .. } => write!(f, "status {code}"),
            Kind::TooManyRequests(_) => f.write_str("too many requests"),
            Kind::Delay { ms } => write!(f, "delay of {ms} ms"),
            Kind::SlowBody { .. } => f.write_str("slow body"),
            Kind::TruncatedBody => f.write_str("truncated body"),
            Kind::WrongLength => f.write_str("wrong length"),
            Kind::GarbageJson => f.write_str("garbage JSON"),
            Kind::HtmlBadGateway => f.write_str("HTML bad gateway"),
            Kind::WrongContentType => f.write_str("wrong content type"),
            Kind::Redirect { .. } => f.write_str("redirect"),
            Kind::OversizedBody { bytes } => write!(f, "body oversized by {bytes} bytes"),
            Kind::EndlessBody => f.write_str("endless body"),
            Kind::Replace { status, .. } => write!(f, "replaced by status {status}"),
            Kind::Headers { .. } => f.write_str("other headers"),
            Kind::MergeJson(_) => f.write_str("other JSON"),
            Kind::EffectLater { ms } => write!(f, "drop with the effect {ms} ms later"),
            Kind::Run(_) => f.write_str("code of the test"),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A fault as a file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    from: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    #[serde(default)]
    seed: u64,
    times: Option<u64>,
    when: Option<When>,
    #[serde(rename = "do")]
    kind: Kind,
}

impl TryFrom<Order> for Fault {
    type Error = String;

    fn try_from(order: Order) -> Result<Self, String> {
        let Order { method, path, nth, from, every, probability, seed, times, when, kind } = order;
        let fault = Self { method, path, nth, from, every, probability, seed, times, when, kind };
        fault.check().map(|()| fault)
    }
}

/// What a fault may be about to strike.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Connection,
    Request { method: &'a str, path: &'a str },
}

/// The orders of a server, in the order in which they were given. A copy is the same list.
///
/// For every request each order that is about it counts it; the first that fires is carried out.
///
/// # Orders in a file
///
/// A JSON array of objects. `do` is required, everything else narrows what it is done to:
///
/// ```
/// use onkernel::testing::Faults;
///
/// let faults = Faults::from_json(r#"[
///     {"method": "POST", "path": "/org/api_keys", "nth": 3, "when": "after", "do": "drop"},
///     {"path": "/org/api_keys/{id}", "probability": 0.3, "seed": 7, "do": {"status": {"code": 503}}},
///     {"from": 2, "every": 5, "times": 4, "do": {"too_many_requests": {"seconds": 1}}}
/// ]"#)?;
/// assert_eq!(faults.len(), 3);
///
/// let error = Faults::from_json(r#"[{"do": "explode"}]"#).unwrap_err();
/// assert!(error.to_string().contains("line 1"));
/// # Ok::<(), onkernel::testing::FaultsError>(())
/// ```
///
/// | `do` | what happens |
/// |---|---|
/// | `"refuse"` | [`Fault::refuse`] |
/// | `"drop"` | [`Fault::drop_connection`] |
/// | `"reset"` | [`Fault::reset`] |
/// | `{"status": {"code": 503, "body": …}}` | [`Fault::status`], [`Fault::status_with`] |
/// | `{"too_many_requests": {"seconds": 2}}`, or `{"date_in_seconds": 2}`, `{"milliseconds": 2}`, `{"text": "…"}`, `"none"` | [`Fault::too_many_requests`] |
/// | `{"delay": {"ms": 500}}` | [`Fault::delay`] |
/// | `{"slow_body": {"bytes": 1, "every_ms": 100}}` | [`Fault::slow_body`] |
/// | `"truncated_body"` | [`Fault::truncated_body`] |
/// | `"wrong_length"` | [`Fault::wrong_length`] |
/// | `"garbage_json"` | [`Fault::garbage_json`] |
/// | `"html_bad_gateway"` | [`Fault::html_bad_gateway`] |
/// | `"wrong_content_type"` | [`Fault::wrong_content_type`] |
/// | `{"redirect": {"location": "…"}}` | [`Fault::redirect`] |
/// | `{"oversized_body": {"bytes": 20000000}}` | [`Fault::oversized_body`] |
/// | `"endless_body"` | [`Fault::endless_body`] |
/// | `{"replace": {"status": 200, "headers": {…}, "body": "…"}}` | [`Fault::replace`] |
/// | `{"headers": {"set": {…}, "remove": […]}}` | [`Fault::set_header`], [`Fault::remove_header`] |
/// | `{"merge_json": {…}}` | [`Fault::merge_json`] |
/// | `{"effect_later": {"ms": 5000}}` | [`Fault::effect_later`] |
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Armed>>>);

/// An order and what has become of it.
struct Armed {
    fault: Fault,
    seen: u64,
    fired: u64,
    random: fastrand::Rng,
}

impl Faults {
    /// No orders.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads orders as a file writes them: see [above](Self#orders-in-a-file).
    ///
    /// # Errors
    /// Text that is not such an array, with line and column: unknown names are refused too, so
    /// that a slip of the pen does not make a test pass.
    pub fn from_json(text: &str) -> Result<Self, FaultsError> {
        let orders: Vec<Fault> = serde_json::from_str(text).map_err(FaultsError)?;
        let faults = Self::new();
        orders.into_iter().for_each(|fault| faults.add(fault));
        Ok(faults)
    }

    /// Adds an order behind those that are there.
    pub fn add(&self, fault: Fault) {
        let random = fastrand::Rng::with_seed(fault.seed);
        self.armed().push(Armed { fault, seen: 0, fired: 0, random });
    }

    /// Withdraws all orders.
    pub fn clear(&self) {
        self.armed().clear();
    }

    /// How many orders there are, spent ones included.
    pub fn len(&self) -> usize {
        self.armed().len()
    }

    /// Whether there are no orders.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often each order was carried out, so that a test can say that its faults did happen.
    pub fn fired(&self) -> Vec<u64> {
        self.armed().iter().map(|armed| armed.fired).collect()
    }

    /// Counts a request and says which order is to be carried out on it.
    pub(super) fn pick(&self, asked: Asked<'_>) -> Option<Fault> {
        let mut chosen = None;
        for armed in self.armed().iter_mut().filter(|armed| armed.fault.is_for(asked)) {
            if armed.counts() && chosen.is_none() {
                armed.fired += 1;
                chosen = Some(armed.fault.clone());
            }
        }
        chosen
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    /// Counts one request and says whether the order is due.
    fn counts(&mut self) -> bool {
        self.seen += 1;
        let fault = &self.fault;
        // Rolled for every request, so that other limits do not shift what chance decides.
        let chance = fault.probability.is_none_or(|chance| self.random.f64() < chance);
        chance
            && fault.nth.is_none_or(|nth| self.seen == nth)
            && fault.from.is_none_or(|from| self.seen >= from)
            && fault.every.is_none_or(|every| self.seen.is_multiple_of(every))
            && fault.times.is_none_or(|times| self.fired < times)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.armed().iter().map(|armed| &armed.fault)).finish()
    }
}

/// Fault orders that cannot be read; says what is wrong, in which line and column.
#[derive(Debug)]
pub struct FaultsError(serde_json::Error);

impl fmt::Display for FaultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fault orders cannot be read: {}", self.0)
    }
}

impl std::error::Error for FaultsError {}
