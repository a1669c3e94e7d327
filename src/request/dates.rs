//! Dates that RFC 3339 cannot write: of years before 0000 and after 9999.
//!
//! chrono writes them with a sign and more digits, which servers read as they please. They are found
//! in what has been written, since a date can stand anywhere in a body.

use serde_json::Value;

/// The first date of a body that no RFC 3339 date is, and where it stands, as a sentence.
pub(super) fn problem(body: &[u8]) -> Option<String> {
    let begins = |two: &[u8]| (two[0] == b'"') & ((two[1] == b'+') | (two[1] == b'-'));
    // Bodies are parsed only where there may be one. To look at all of it is faster than to stop at the
    // first: many bytes are looked at at once.
    if !body.windows(2).fold(false, |found, two| found | begins(two)) {
        return None;
    }
    let mut path = String::new();
    let date = find(&serde_json::from_slice(body).ok()?, &mut path)?;
    let subject = if path.is_empty() { "the request body" } else { &path };
    Some(format!("{subject} must be a date of the years 0000 to 9999, but is {date}"))
}

/// Finds such a date; the path leads to it.
fn find(value: &Value, path: &mut String) -> Option<String> {
    let length = path.len();
    let found = match value {
        Value::String(text) => return is_signed_date(text).then(|| text.clone()),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            path.truncate(length);
            path.push_str(&format!("[{index}]"));
            find(item, path)
        }),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            path.truncate(length);
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            find(member, path)
        }),
        _ => None,
    };
    if found.is_none() {
        path.truncate(length);
    }
    found
}

/// `+262142-12-31T23:59:59Z`, `-0001-01-01`.
fn is_signed_date(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let mut parts = rest.splitn(2, 'T');
    let (date, time) = (parts.next().unwrap_or_default(), parts.next());
    let is_number = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut date = date.split('-');
    let is_date = date.next().is_some_and(|year| is_number(year, 4, 6))
        && date.next().is_some_and(|month| is_number(month, 2, 2))
        && date.next().is_some_and(|day| is_number(day, 2, 2))
        && date.next().is_none();
    is_date && time.is_none_or(|time| time.ends_with('Z') && time.get(2..3) == Some(":"))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> Option<String> {
        problem(value.to_string().as_bytes())
    }

    #[test]
    fn dates_of_other_years_are_found_where_they_stand() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        for (value, words) in [
            (json!(last), "the request body must be a date of the years 0000 to 9999, but is +262"),
            (json!({ "a": 1, "expires_at": last }), "expires_at must be"),
            (json!({ "a": [{ "b": "-" }, { "b": first }] }), "a[1].b must be"),
            (json!([NaiveDate::MAX, 1]), "[0] must be"),
            (json!({ "a": { "b": NaiveDate::MIN } }), "a.b must be"),
        ] {
            let problem = of(&value).unwrap();
            assert!(problem.starts_with(words), "{problem}");
        }
        for value in [
            json!(DateTime::<Utc>::UNIX_EPOCH),
            json!("0000-01-01T00:00:00Z"),
            json!("9999-12-31T23:59:59.999Z"),
            json!({ "phone": "+49-30-123456", "minus": "-1", "plus": "+", "n": -1, "w": "-2026" }),
            json!("+2026-01"),
        ] {
            assert_eq!(of(&value), None);
        }
        assert_eq!(problem(b"\"-not JSON"), None);
    }
}
