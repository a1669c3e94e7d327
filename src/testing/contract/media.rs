//! Bodies that are not JSON.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::testing::response::Content;

/// A picture of one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\x0bIDATx\x9cc\xf8\x0f\x04\0\x09\xfb\x03\xfd\xfb^k+\0\0\0\0IEND\xaeB`\x82";

/// An archive that holds nothing.
const ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The first box of a film, which names its format.
const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";

/// A few bytes of a media type.
pub(super) fn bytes(media_type: &str) -> &'static [u8] {
    match media_type.split(';').next().unwrap_or_default().trim() {
        "image/png" => PNG,
        "application/zip" => ZIP,
        "video/mp4" => MP4,
        _ => b"bytes\n",
    }
}

/// Where a stream of events begins.
#[derive(Default)]
pub(in crate::testing) struct Resume {
    /// Behind the event of this id.
    last_event: usize,
    /// With those that are not older.
    since: Option<DateTime<Utc>>,
}

impl Resume {
    /// As `Last-Event-ID` and `since` say, each as far as it can be read.
    pub(in crate::testing) fn of(
        last_event: Option<&str>,
        since: Option<&str>,
        now: DateTime<Utc>,
    ) -> Self {
        let last_event = last_event.and_then(|it| it.parse().ok()).unwrap_or(0);
        Self { last_event, since: since.and_then(|it| time(it, now)) }
    }

    fn is_old(&self, event: &Value) -> bool {
        let made = event["timestamp"].as_str().and_then(|it| DateTime::parse_from_rfc3339(it).ok());
        self.since.zip(made).is_some_and(|(since, made)| made < since)
    }
}

/// A time in RFC 3339, or so long ago: `5m`.
fn time(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let unit = text.chars().last()?;
    let count = text.strip_suffix(unit)?.parse().ok()?;
    let ago = match unit {
        's' => TimeDelta::try_seconds(count),
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    };
    now.checked_sub_signed(ago?)
}

/// Server-sent events with their ids, from where the caller resumes; cut off after so many of them,
/// where that is not the end.
pub(in crate::testing) fn events(all: &[Value], resume: &Resume, cut: Option<usize>) -> Content {
    let later = (1_usize..).zip(all).skip(resume.last_event);
    let later: Vec<_> = later.filter(|(_, event)| !resume.is_old(event)).collect();
    let is_cut = cut.is_some_and(|cut| later.len() > cut);
    let sent = later.iter().take(cut.unwrap_or(usize::MAX));
    let text: String = sent.map(|(id, data)| format!("id: {id}\ndata: {data}\n\n")).collect();
    Content::Bytes { media_type: "text/event-stream".to_owned(), bytes: text.into_bytes(), is_cut }
}
