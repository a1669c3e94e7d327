//! Times in words, and text from elsewhere made fit for a terminal.

use chrono::{DateTime, Utc};

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

/// A time to the minute.
pub(crate) fn exact(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// "1 key", "2 keys".
pub(crate) fn plural(count: u64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Text from elsewhere: nothing in it can move the cursor, colour or turn around what follows.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => out.extend(character.escape_unicode()),
            _ if character.is_control() => out.extend(character.escape_default()),
            _ => out.push(character),
        }
    }
    out
}

/// The first characters of a text, and a sign where it was cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// The text in lines of at most `width` characters, where its words allow it.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

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

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\n\t\u{7}\u{9b}"), "a\\u{1b}[31mb\\n\\t\\u{7}\\u{9b}");
        assert_eq!(safe("\u{202e}gpj"), "\\u{202e}gpj");
        assert_eq!(safe("Zoë's key — 日本 'x' \"y\" \\"), "Zoë's key — 日本 'x' \"y\" \\");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurable", 3), ["immeasurable"]);
        assert_eq!(wrap("one two", usize::MAX), ["one two"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn a_cut_shows() {
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüß!", 4), "äöü…");
        assert_eq!(cut("ab", 0), "…");
    }
}
