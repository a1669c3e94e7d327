//! The faults of a server: which of them strikes a request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Asked, Fault};

/// The orders of a server, in the order in which they were given. A copy is the same list.
///
/// For every request each order that is about it counts it; the first that fires is carried out.
///
/// # Conditions
///
/// Some orders say how things are rather than what happens: [`Fault::stale_reads`],
/// [`Fault::stale_auth`], [`Fault::doubled`] and [`Fault::clock_skew`]. Of these all that fire are
/// carried out, and the first of the others besides.
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
/// | `{"rejected": {"status": 402, "code": "api_key_limit"}}` | [`Fault::rejected`] |
/// | `{"wrong_id": {}}`, `{"wrong_id": {"id": "…"}}` | [`Fault::wrong_id`], [`Fault::wrong_id_of`] |
/// | `{"stale_reads": {"lag": {"ms": 3000}, "changes": ["deleted"]}}`, or `{"real_ms": 500}`, `{"requests": 2}`; without `changes` all of `created`, `updated`, `deleted` | [`Fault::stale_reads`] |
/// | `{"stale_auth": {"lag": {"ms": 3000}}}` | [`Fault::stale_auth`] |
/// | `{"doubled": {"response": "second"}}` | [`Fault::doubled`] |
/// | `{"clock_skew": {"ms": -36000000}}` | [`Fault::clock_skew`] |
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Armed>>>);

/// What strikes one request.
#[derive(Clone, Default)]
pub(in crate::testing) struct Struck {
    pub(in crate::testing) fault: Option<Fault>,
    pub(in crate::testing) conditions: Vec<Fault>,
}

impl Struck {
    /// What the log calls it.
    pub(in crate::testing) fn describe(&self) -> Option<String> {
        let all: Vec<_> =
            self.conditions.iter().chain(&self.fault).map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

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
    /// Text that is not such an array, with line and column: unknown names are invalid too, so
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

    /// Counts a request and says which orders are to be carried out on it.
    pub(in crate::testing) fn pick(&self, asked: Asked<'_>) -> Struck {
        let mut struck = Struck::default();
        for armed in self.armed().iter_mut().filter(|armed| armed.fault.is_for(asked)) {
            let is_condition = armed.fault.kind.is_condition();
            if armed.counts() && (is_condition || struck.fault.is_none()) {
                armed.fired += 1;
                match is_condition {
                    true => struck.conditions.push(armed.fault.clone()),
                    false => struck.fault = Some(armed.fault.clone()),
                }
            }
        }
        struck
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
