//! Whether a failed attempt is retried, and when: a pure decision.
//!
//! What may have been done already is never asked for again unless asking twice is harmless.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::model::operation::Idempotency;

/// How often and how patiently to retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Retries after the first attempt.
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

impl Policy {
    /// The wait after the given attempt: doubling, and up to a quarter shorter by chance, so that
    /// clients that failed together do not come back together.
    pub(crate) fn backoff(&self, number: u32, random: f64) -> Duration {
        let doubled = 1_u32.checked_shl(number.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        wait - wait.mul_f64(0.25 * random.clamp(0.0, 1.0))
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was sent, and nothing would be.
    Invalid,
    /// Nothing was sent.
    NotSent,
    /// It was sent, and the server says that it did nothing with it.
    NotProcessed,
    /// The connection was lost, or the time ran out, with the request on its way.
    Lost,
    /// A success whose response could not be read to its end, or is not of the promised kind.
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
            Self::Invalid | Self::NotSent | Self::NotProcessed => false,
            Self::Lost | Self::Unreadable | Self::Final => true,
            // 307 and 308 ask for the same request elsewhere; the other redirects may follow a deed.
            Self::Status(status) => {
                matches!(status, 300..=306 | 408 | 500..) || !(300..500).contains(&status)
            }
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotSent => "not connected",
            Self::NotProcessed => "not processed",
            Self::Lost => "connection lost or timed out",
            Self::Unreadable => "unreadable response",
            Self::Status(408) => "request timeout",
            Self::Status(409) => "conflict",
            Self::Status(429) => "rate limited",
            Self::Status(500..) => "server error",
            Self::Status(_) => "the server says to try again",
            Self::Final => "final",
        }
    }
}

/// An attempt and what led to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) idempotency: Idempotency,
    /// How many attempts there were, with this one.
    pub(crate) number: u32,
    pub(crate) outcome: Outcome,
    /// Whether the server says to try again.
    pub(crate) should_retry: Option<bool>,
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

    let Attempt { idempotency, outcome, .. } = *attempt;
    if idempotency == Idempotency::NotIdempotent && outcome.maybe_done() {
        return Stop("it may have been done");
    }
    // Twice is no worse than once; whether it helps is another question.
    let helps = match (outcome, attempt.should_retry) {
        (Outcome::Status(400..), Some(false)) => return Stop("the server says not to try again"),
        (Outcome::Status(400..), Some(true)) => true,
        (Outcome::NotSent | Outcome::NotProcessed, _) => true,
        (Outcome::Lost | Outcome::Unreadable, _) => true,
        (Outcome::Status(408 | 429 | 500..=599), _) => true,
        // A lock that someone else holds, mostly.
        (Outcome::Status(409), _) => idempotency == Idempotency::Idempotent,
        _ => false,
    };
    if !helps {
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
        None => policy.backoff(attempt.number, random),
    };
    match policy.deadline {
        Some(deadline) if attempt.elapsed.saturating_add(wait) >= deadline => {
            Stop("the deadline would pass while waiting")
        }
        _ => Wait(wait, attempt.outcome.in_words()),
    }
}

/// Whether a response says to try again: `x-should-retry`.
pub(crate) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// The wait that a response asks for: `Retry-After-Ms`, or `Retry-After` in seconds or as a date,
/// which counts from the response's own `Date` where there is one, since clocks differ.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str, unit: f64| {
        let text = text(name)?;
        let wait = Duration::try_from_secs_f64(text.parse::<f64>().ok()? * unit).ok();
        // More seconds than can be counted are a wait all the same.
        let endless = || text.bytes().all(|byte| byte.is_ascii_digit()).then_some(Duration::MAX);
        wait.or_else(endless)
    };
    let date = |name: &str| httpdate::parse_http_date(text(name)?).ok();

    let name = RETRY_AFTER.as_str();
    if let Some(wait) = number("retry-after-ms", 0.001).or_else(|| number(name, 1.0)) {
        return Some(wait);
    }
    let from = date(DATE.as_str()).unwrap_or(now);
    date(name).map(|until| until.duration_since(from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        retries: 2,
        first: Duration::from_millis(500),
        longest: Duration::from_secs(8),
        longest_asked: Duration::from_secs(60),
        deadline: None,
    };

    fn attempt(idempotency: Idempotency, outcome: Outcome) -> Attempt {
        Attempt {
            idempotency,
            number: 1,
            outcome,
            should_retry: None,
            asked: None,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn the_table() {
        use Outcome::{Final, Invalid, Lost, NotProcessed, NotSent, Status, Unreadable};
        // The outcome; whether what is safe is retried, whether what is not; whether it may have
        // been done.
        for (outcome, safe, unsafe_, maybe_done) in [
            (NotSent, true, true, false),
            (NotProcessed, true, true, false),
            (Invalid, false, false, false),
            (Lost, true, false, true),
            (Unreadable, true, false, true),
            (Final, false, false, true),
            (Status(303), false, false, true),
            (Status(304), false, false, true),
            (Status(307), false, false, false),
            (Status(308), false, false, false),
            (Status(400), false, false, false),
            (Status(401), false, false, false),
            (Status(403), false, false, false),
            (Status(404), false, false, false),
            (Status(408), true, false, true),
            (Status(409), true, false, false),
            (Status(425), false, false, false),
            (Status(429), true, true, false),
            (Status(499), false, false, false),
            (Status(500), true, false, true),
            (Status(502), true, false, true),
            (Status(503), true, false, true),
            (Status(504), true, false, true),
            (Status(599), true, false, true),
            (Status(600), false, false, true),
        ] {
            for (idempotency, expected) in
                [(Idempotency::Idempotent, safe), (Idempotency::NotIdempotent, unsafe_)]
            {
                let decision = decide(&POLICY, &attempt(idempotency, outcome), 0.0);
                let waits = matches!(decision, Decision::Wait(..));
                assert_eq!(waits, expected, "{idempotency:?} {outcome:?}");
            }
            assert_eq!(outcome.maybe_done(), maybe_done, "{outcome:?}");
        }
    }

    #[test]
    fn what_the_server_says_goes_first_where_it_is_safe() {
        use Idempotency::{Idempotent, NotIdempotent};
        use Outcome::{Lost, NotSent, Status};
        // What is safe and what is not: retried if the server says yes, and if it says no.
        for (idempotency, outcome, yes, no) in [
            (Idempotent, Status(400), true, false),
            (Idempotent, Status(404), true, false),
            (Idempotent, Status(409), true, false),
            (Idempotent, Status(429), true, false),
            (Idempotent, Status(500), true, false),
            (Idempotent, Status(600), true, false),
            // The server has done nothing, and says that it may do it yet.
            (NotIdempotent, Status(400), true, false),
            (NotIdempotent, Status(409), true, false),
            (NotIdempotent, Status(429), true, false),
            // It may have.
            (NotIdempotent, Status(408), false, false),
            (NotIdempotent, Status(500), false, false),
            (NotIdempotent, Status(303), false, false),
            // A redirect is never followed.
            (Idempotent, Status(303), false, false),
            (Idempotent, Status(307), false, false),
            // No response, no word of the server.
            (Idempotent, Lost, true, true),
            (NotIdempotent, NotSent, true, true),
        ] {
            for (says, expected) in [(true, yes), (false, no)] {
                let attempt = Attempt { should_retry: Some(says), ..attempt(idempotency, outcome) };
                let decision = decide(&POLICY, &attempt, 0.0);
                let waits = matches!(decision, Decision::Wait(..));
                assert_eq!(waits, expected, "{idempotency:?} {outcome:?} {says}");
            }
        }
        let header = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-should-retry", value.parse().unwrap());
            should_retry(&headers)
        };
        assert_eq!([header("true"), header("false")], [Some(true), Some(false)]);
        assert_eq!([header("maybe"), should_retry(&HeaderMap::new())], [None, None]);
    }

    #[test]
    fn attempts_run_out() {
        for (retries, number, waits) in
            [(0, 1, false), (1, 1, true), (1, 2, false), (2, 2, true), (2, 3, false)]
        {
            let policy = Policy { retries, ..POLICY };
            let attempt = Attempt { number, ..attempt(Idempotency::Idempotent, Outcome::NotSent) };
            let decision = decide(&policy, &attempt, 0.0);
            assert_eq!(matches!(decision, Decision::Wait(..)), waits, "{retries} {number}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_shrink_by_a_quarter_at_most() {
        let policy = Policy { retries: u32::MAX, ..POLICY };
        let wait = |number, random| {
            let attempt = Attempt { number, ..attempt(Idempotency::Idempotent, Outcome::Lost) };
            match decide(&policy, &attempt, random) {
                Decision::Wait(wait, _) => wait.as_millis(),
                Decision::Stop(reason) => panic!("{reason}"),
            }
        };
        for (number, longest) in [
            (1, 500),
            (2, 1000),
            (3, 2000),
            (4, 4000),
            (5, 8000),
            (6, 8000),
            (40, 8000),
            (u32::MAX - 1, 8000),
        ] {
            assert_eq!(wait(number, 0.0), longest);
            assert_eq!(wait(number, 1.0), longest * 3 / 4);
            assert_eq!(wait(number, f64::INFINITY), longest * 3 / 4);
        }
    }

    #[test]
    fn the_server_is_obeyed_up_to_the_cap() {
        let asked = |asked| Attempt {
            asked: Some(Duration::from_secs(asked)),
            ..attempt(Idempotency::NotIdempotent, Outcome::Status(429))
        };
        for seconds in [0, 1, 60] {
            let expected = Decision::Wait(Duration::from_secs(seconds), "rate limited");
            assert_eq!(decide(&POLICY, &asked(seconds), 1.0), expected);
        }
        let expected = Decision::Stop("the server asks for a longer wait than allowed");
        assert_eq!(decide(&POLICY, &asked(61), 0.0), expected);
    }

    #[test]
    fn a_wait_that_would_pass_the_deadline_is_not_begun() {
        let policy = Policy { deadline: Some(Duration::from_secs(10)), ..POLICY };
        for (elapsed_ms, waits) in [(0, true), (9499, true), (9500, false), (20_000, false)] {
            let attempt = Attempt {
                elapsed: Duration::from_millis(elapsed_ms),
                ..attempt(Idempotency::Idempotent, Outcome::Lost)
            };
            let decision = decide(&policy, &attempt, 0.0);
            assert_eq!(matches!(decision, Decision::Wait(..)), waits, "{elapsed_ms}");
        }
    }

    #[test]
    fn only_a_repeated_deletion_is_done_when_nothing_is_there() {
        assert!(already_deleted("DELETE", true, 404));
        assert!(!already_deleted("DELETE", false, 404));
        assert!(!already_deleted("DELETE", true, 410));
        assert!(!already_deleted("GET", true, 404));
    }

    #[test]
    fn all_forms_of_retry_after() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (headers, expected) in [
            (&[][..], None),
            (&[("retry-after-ms", "1500")], Some(1500)),
            (&[("retry-after-ms", "0.5")], Some(0)),
            (&[("retry-after-ms", "20"), ("retry-after", "9")], Some(20)),
            (&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9000)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", " 7 ")], Some(7000)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after", date)], Some(30_000)),
            // The server's clock runs ten seconds behind ours.
            (&[("retry-after", date), ("date", "Sun, 06 Nov 1994 08:48:57 GMT")], Some(40_000)),
            (&[("retry-after", date), ("date", "today")], Some(30_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")], Some(0)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", "99999999999999999999")], Some(Duration::MAX.as_millis())),
            (&[("retry-after", "")], None),
            (&[("retry-after", "later")], None),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>>()
                .into_iter()
                .collect();
            let wait = asked_wait(&map, now).map(|wait| wait.as_millis());
            assert_eq!(wait, expected, "{headers:?}");
        }
    }
}
