//! Times as people say them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::text::plural;

/// "in 12 days", "3 minutes ago", "just now".
pub(crate) fn relative(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let distance = time - now;
    let seconds = rounded(distance.num_milliseconds().unsigned_abs(), 1000);
    if seconds < 5 {
        return "just now".to_owned();
    }
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        _ if rounded(seconds, 60) < 60 => (rounded(seconds, 60), "minute"),
        _ if rounded(seconds, HOUR) < 24 => (rounded(seconds, HOUR), "hour"),
        // Lifetimes are given in days: years only where nobody counts them any more.
        _ if rounded(seconds, DAY) < 730 => (rounded(seconds, DAY), "day"),
        _ => (rounded(seconds, YEAR), "year"),
    };
    let amount = plural(count, unit);
    if distance > chrono::TimeDelta::zero() {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
    }
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY + DAY / 4;

fn rounded(amount: u64, unit: u64) -> u64 {
    amount.saturating_add(unit / 2) / unit
}

/// The end of a key: "never", "in 12 days", "expired 2 days ago".
pub(crate) fn expiry(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    match end {
        None => "never".to_owned(),
        Some(end) if end > now => relative(end, now).replace("just now", "in a moment"),
        Some(end) => format!("expired {}", relative(end, now)),
    }
}

/// "at once", "30 s", "3 h".
pub(crate) fn within(time: Duration) -> String {
    match time.as_secs() {
        0 if time.is_zero() => "at once".to_owned(),
        seconds @ 3600.. if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds @ 60.. if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{} s", time.as_secs_f64()),
    }
}

/// A time to the minute.
pub(crate) fn exact(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn times_are_rounded_to_the_unit_that_fits() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |seconds: i64| relative(now + TimeDelta::seconds(seconds), now);
        assert_eq!(at(0), "just now");
        assert_eq!(at(-4), "just now");
        assert_eq!(at(59), "in 59 seconds");
        assert_eq!(at(-180), "3 minutes ago");
        assert_eq!(at(3590), "in 1 hour");
        assert_eq!(at(-23 * 3600 - 2400), "1 day ago");
        assert_eq!(at(12 * 86_400 - 5), "in 12 days");
        assert_eq!(at(3650 * 86_400), "in 10 years");
        assert_eq!(relative(DateTime::<Utc>::MAX_UTC, now), "in 260111 years");
    }

    #[test]
    fn an_end_is_never_or_to_come_or_past() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |seconds: i64| expiry(Some(now + TimeDelta::seconds(seconds)), now);
        assert_eq!(expiry(None, now), "never");
        assert_eq!(at(1), "in a moment");
        assert_eq!(at(0), "expired just now");
        assert_eq!(at(-2 * 86_400), "expired 2 days ago");
        assert_eq!(exact(now), "2027-01-15 08:00 UTC");
    }
}
