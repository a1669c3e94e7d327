//! Values of options, each with the reason why one is invalid.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub(super) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "it must be 1 or more".to_owned())
}

pub(super) fn days(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(days @ 1..=3650) => Ok(days),
        _ => Err("it must be 1 to 3650 days".to_owned()),
    }
}

pub(super) fn grace_days(text: &str) -> Result<i64, String> {
    days(text).map_err(|must| match text {
        "0" => {
            format!("{must}: without a grace period a lost response would lock the workload out")
        }
        _ => must,
    })
}

pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    text.parse().map_err(|_| "it must be a time such as 2027-01-31T12:00:00Z".to_owned())
}

/// Seconds that may be none.
pub(super) fn pause(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("it must be 0 to 86400 seconds".to_owned()),
    }
}

/// Seconds above none.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && seconds <= 86_400.0 => Ok(time),
        _ => Err("it must be more than 0 and at most 86400 seconds".to_owned()),
    }
}

/// Seconds for which a lease can be renewed in time.
#[cfg(feature = "postgres")]
const SHORTEST_LEASE: Duration = onkernel::rotation::PostgresJournals::SHORTEST_LEASE;
#[cfg(not(feature = "postgres"))]
const SHORTEST_LEASE: Duration = Duration::ZERO;

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let least = SHORTEST_LEASE.as_secs();
    seconds(text)
        .ok()
        .filter(|time| *time >= SHORTEST_LEASE)
        .ok_or_else(|| format!("it must be {least} to 86400 seconds"))
}

/// A number and its unit: `60d`, `12h`, `30m`, `5s`.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let invalid = || "it must be a number above 0 and d, h, m or s, such as 60d".to_owned();
    let unit = text.chars().next_back().ok_or_else(invalid)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| invalid())?;
    let duration = match unit {
        'd' => TimeDelta::try_days(number),
        'h' => TimeDelta::try_hours(number),
        'm' => TimeDelta::try_minutes(number),
        's' => TimeDelta::try_seconds(number),
        _ => None,
    };
    duration.filter(|_| number > 0).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_positive_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for wrong in ["0", "-1", "NaN", "inf", "86401", "1m", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("60d"), Ok(TimeDelta::days(60)));
        assert_eq!(duration("5s"), Ok(TimeDelta::seconds(5)));
        for wrong in ["", "d", "0d", "-1d", "60", "1.5h", "1ü", "99999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
