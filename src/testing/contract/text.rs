//! Texts of a schema: by its format, by the name of the field, and if need be by its pattern.

use chrono::{DateTime, Utc};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::check::matches;
use super::document::Schema;
use crate::testing::state::timestamp;

/// A text that the schema allows.
pub(super) fn text(schema: &Schema, name: &str, time: DateTime<Utc>, number: u64) -> String {
    let made = match schema.format.as_deref() {
        Some("date-time") => return timestamp(time),
        Some("date") => return time.date_naive().to_string(),
        Some("uuid") => return format!("00000000-0000-4000-8000-{number:012}"),
        Some("uri") => format!("https://example.com/{name}/{number}"),
        Some("email") => "someone@example.com".to_owned(),
        _ => by_name(name, time, number),
    };
    let made = match &schema.pattern {
        Some(pattern) if !matches(pattern, &made) => by_pattern(pattern).unwrap_or(made),
        _ => made,
    };
    let length = made.chars().count();
    let padding = schema.min_length.unwrap_or(0).saturating_sub(length);
    let most = schema.max_length.or(schema.max_bytes).unwrap_or(usize::MAX);
    made.chars().chain(std::iter::repeat_n('x', padding)).take(most).collect()
}

fn by_name(name: &str, time: DateTime<Utc>, number: u64) -> String {
    let ends = |end: &str| name == end || name.ends_with(&format!("_{end}"));
    match name {
        _ if ends("id") => format!("{}_{number}", name.strip_suffix("_id").unwrap_or(name)),
        _ if ends("name") => format!("{name}-{number}"),
        _ if ends("ws_url") => format!("wss://example.com/{name}/{number}"),
        _ if ends("url") => format!("https://example.com/{name}/{number}"),
        _ if ends("email") => "someone@example.com".to_owned(),
        _ if ends("at") => timestamp(time),
        // "bytes".
        _ if ends("b64") => "Ynl0ZXM=".to_owned(),
        _ => name.to_owned(),
    }
}

/// A text that matches a pattern; none where it is written in another dialect than ours.
fn by_pattern(pattern: &str) -> Option<String> {
    let mut made = String::new();
    push(&regex_syntax::parse(pattern).ok()?, &mut made)?;
    matches(pattern, &made).then_some(made)
}

fn push(part: &Hir, made: &mut String) -> Option<()> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => made.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let holds = |letter: &char| {
                class.iter().any(|range| (range.start()..=range.end()).contains(letter))
            };
            let plain = ('a'..='z').chain('0'..='9').chain('A'..='Z').find(holds);
            made.push(plain.or(class.iter().next().map(|range| range.start()))?);
        }
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Repetition(part) => {
            for _ in 0..part.min.max(1).min(part.max.unwrap_or(u32::MAX)) {
                push(&part.sub, made)?;
            }
        }
        HirKind::Capture(group) => push(&group.sub, made)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|it| push(it, made))?,
        HirKind::Alternation(parts) => push(parts.first()?, made)?,
    }
    Some(())
}
