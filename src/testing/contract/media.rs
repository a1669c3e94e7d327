//! Bodies that are not JSON.

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

/// Server-sent events with their ids, from behind the one that the caller has seen last; cut off after so
/// many of them, where that is not the end.
pub(in crate::testing) fn events(all: &[Value], last: Option<&str>, cut: Option<usize>) -> Content {
    let seen = last.and_then(|it| it.parse::<usize>().ok()).unwrap_or(0);
    let later = (1_usize..).zip(all).skip(seen);
    let is_cut = cut.is_some_and(|cut| all.len().saturating_sub(seen) > cut);
    let sent = later.take(cut.unwrap_or(usize::MAX));
    let text: String = sent.map(|(id, data)| format!("id: {id}\ndata: {data}\n\n")).collect();
    Content::Bytes { media_type: "text/event-stream".to_owned(), bytes: text.into_bytes(), is_cut }
}
