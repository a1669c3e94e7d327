//! Whether a failed attempt is repeated, and when: a pure decision.
//!
//! What may have been done already is never asked for again unless asking twice is harmless.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::Repeat;

/// How often and how patiently to repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Repetitions after the first attempt.
    pub(crate) retries: u32,
    /// The first wait; each further one is twice as long.
    pub(crate) first: Duration,
    /// The longest of these waits.
    pub(crate) longest: Duration,
    /// The longest wait that a server may ask for.
    pub(crate) longest_asked: Duration,
    /// What a call may take in all.
    pub(crate) deadline: Option<Duration>,
}

impl Default for Policy {
    /// As Kernel's own clients, whose deadline is none.
    fn default() -> Self {
        Self {
            retries: 2,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(8),
            longest_asked: Duration::from_secs(60),
            deadline: None,
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was sent, and nothing would be.
    Refused,
    /// Nothing was sent.
    NotSent,
    /// The connection was lost, or the time ran out, with the request on its way.
    Lost,
    /// A success whose answer could not be read to its end, or is not of the promised kind.
    Unreadable,
    /// An error status.
    Status(u16),
    /// A success of another shape than promised: another attempt would give the same.
    Final,
}

impl Outcome {
    /// Whether the server may have done what was asked.
    pub(crate) fn maybe_done(self) -> bool {
        match self {
            Self::Refused | Self::NotSent => false,
            Self::Lost | Self::Unreadable | Self::Final => true,
            // 307 and 308 ask for the same request elsewhere; the other redirects may follow a deed.
            Self::Status(status) => {
                matches!(status, 300..=306 | 408 | 500..) || !(300..500).contains(&status)
            }
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotSent => "not connected",
            Self::Lost => "connection lost or timed out",
            Self::Unreadable => "unreadable answer",
            Self::Status(408) => "request timeout",
            Self::Status(429) => "rate limited",
            Self::Status(_) => "server error",
            Self::Final => "final",
        }
    }
}

/// An attempt and what led to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) repeat: Repeat,
    /// How many attempts there were, with this one.
    pub(crate) number: u32,
    pub(crate) outcome: Outcome,
    /// The wait that the server asked for.
    pub(crate) asked: Option<Duration>,
    /// Since the call began.
    pub(crate) elapsed: Duration,
}

/// What to do after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again after the wait, for the reason given.
    Wait(Duration, &'static str),
    /// Report the failure, for the reason given.
    Stop(&'static str),
}

/// Whether a deletion that finds nothing was done by an earlier attempt of the same call.
pub(crate) fn already_deleted(method: &str, earlier_maybe_done: bool, status: u16) -> bool {
    method == "DELETE" && earlier_maybe_done && status == 404
}

/// Decides. `random` is in 0 to 1.
pub(crate) fn decide(policy: &Policy, attempt: &Attempt, random: f64) -> Decision {
    use Decision::{Stop, Wait};

    let harmless = match (attempt.repeat, attempt.outcome) {
        (_, Outcome::NotSent | Outcome::Status(429)) => true,
        (Repeat::Safe, Outcome::Lost | Outcome::Unreadable) => true,
        (Repeat::Safe, Outcome::Status(408 | 500..=599)) => true,
        (Repeat::IfUnsent, outcome) if outcome.maybe_done() => {
            return Stop("it may have been done");
        }
        _ => false,
    };
    if !harmless {
        return Stop("another attempt would not help");
    }
    if attempt.number > policy.retries {
        return Stop("no attempts are left");
    }
    let wait = match attempt.asked {
        Some(asked) if asked > policy.longest_asked => {
            return Stop("the server asks for a longer wait than allowed");
        }
        Some(asked) => asked,
        None => backoff(policy, attempt.number, random),
    };
    match policy.deadline {
        Some(deadline) if attempt.elapsed.saturating_add(wait) >= deadline => {
            Stop("the deadline would pass while waiting")
        }
        _ => Wait(wait, attempt.outcome.in_words()),
    }
}

/// The wait after the given attempt: doubling, and up to a quarter shorter by chance, so that
/// clients that failed together do not come back together.
fn backoff(policy: &Policy, number: u32, random: f64) -> Duration {
    let doubled = 1_u32.checked_shl(number.saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = policy.first.saturating_mul(doubled).min(policy.longest);
    wait.mul_f64(1.0 - 0.25 * random.clamp(0.0, 1.0))
}

/// The wait that an answer asks for: `Retry-After-Ms`, or `Retry-After` in seconds or as a date,
/// which counts from the answer's own `Date` where there is one, since clocks differ.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str, unit: f64| {
        Duration::try_from_secs_f64(text(name)?.parse::<f64>().ok()? * unit).ok()
    };
    let date = |name: &str| httpdate::parse_http_date(text(name)?).ok();

    let name = RETRY_AFTER.as_str();
    if let Some(wait) = number("retry-after-ms", 0.001).or_else(|| number(name, 1.0)) {
        return Some(wait);
    }
    let from = date(DATE.as_str()).unwrap_or(now);
    date(name).map(|until| until.duration_since(from).unwrap_or_default())
}
