//! How a response looks on the wire, and how a fault alters it.

use serde_json::{Value, json};

use super::faults::{Kind, RetryAfter};
use super::merge::merge;
use super::response::{Content, Response, coded_body, error_body};

/// What the caller gets to see.
pub(super) enum Reply {
    /// The connection ends without a word.
    Lost,
    /// The connection is reset.
    Reset,
    Sent {
        status: u16,
        headers: Vec<(String, String)>,
        body: Body,
    },
}

/// How the bytes of a body go out.
pub(super) enum Body {
    Whole(Vec<u8>),
    /// In pieces, each after a pause.
    Slow {
        bytes: Vec<u8>,
        piece: usize,
        every_ms: u64,
    },
    /// Fewer bytes than announced, then the end of the connection.
    Short {
        bytes: Vec<u8>,
        announced: usize,
    },
    /// White space first.
    Padded {
        spaces: u64,
        bytes: Vec<u8>,
    },
    /// White space for ever.
    Endless,
}

const JSON: &str = "application/json";

/// How a gateway says that something behind it is broken.
const GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n\
    <body><h1>502 Bad Gateway</h1><p>The server behind this gateway did not respond.</p></body>\
    </html>\n";

impl Reply {
    /// The response as it is.
    pub(super) fn plain(response: Response) -> Self {
        let mut headers = response.headers;
        let is_cut = matches!(response.content, Content::Bytes { is_cut: true, .. });
        let (media_type, bytes) = match response.content {
            Content::Empty => (None, Vec::new()),
            Content::Json(json) => (Some(JSON.to_owned()), json.to_string().into_bytes()),
            Content::Bytes { media_type, bytes, .. } => (Some(media_type), bytes),
        };
        headers.extend(media_type.map(|it| ("content-type".to_owned(), it)));
        let body = match is_cut {
            true => Body::Short { announced: bytes.len() + 1, bytes },
            false => Body::Whole(bytes),
        };
        Reply::Sent { status: response.status, headers, body }
    }

    /// What a fault makes of the true response; a fault that has its own response does not look at it.
    pub(super) fn altered(kind: &Kind, response: Response) -> Self {
        match kind {
            Kind::Refuse | Kind::Reset => Reply::Reset,
            Kind::Drop | Kind::EffectLater { .. } => Reply::Lost,
            Kind::Delay { .. }
            | Kind::Run(_)
            | Kind::WrongId { .. }
            | Kind::StaleReads(_)
            | Kind::StaleAuth(_)
            | Kind::Doubled { .. }
            | Kind::ClockSkew { .. } => Reply::plain(response),
            Kind::Rejected { status, code } => {
                let status = if (400..=499).contains(status) { *status } else { 400 };
                let body = coded_body(code, "the request was rejected by a fault that was ordered");
                Reply::plain(Response::new(status, body))
            }
            Kind::Status { code, body } => {
                let body = body.clone();
                let body = body.unwrap_or_else(|| error_body(*code, "a fault that was ordered"));
                Reply::plain(Response::new(sendable(*code), body))
            }
            Kind::TooManyRequests(retry_after) => too_many_requests(retry_after),
            Kind::HtmlBadGateway => text(502, "text/html; charset=utf-8", GATEWAY_PAGE),
            Kind::Redirect { location } => {
                Reply::plain(Response::new(307, json!({})).with_header("location", location))
            }
            Kind::Replace { status, headers, body } => Reply::Sent {
                status: sendable(*status),
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                body: Body::Whole(body.clone().into_bytes()),
            },
            Kind::MergeJson(patch) => {
                let mut response = response;
                if let Some(body) = response.content.json() {
                    merge(body, patch);
                }
                Reply::plain(response)
            }
            Kind::Headers { set, remove } => Reply::plain(response).with_headers(|headers| {
                for name in remove.iter().chain(set.keys()) {
                    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                }
                headers.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
            }),
            Kind::WrongContentType => Reply::plain(response).with_headers(|headers| {
                headers.retain(|(name, _)| name != "content-type");
                headers.push(("content-type".into(), "text/plain; charset=utf-8".into()));
            }),
            Kind::GarbageJson => Reply::plain(response).with_body(|mut bytes| {
                bytes.pop();
                bytes.extend_from_slice(b",]");
                Body::Whole(bytes)
            }),
            Kind::SlowBody { bytes: piece, every_ms } => {
                let (piece, every_ms) = ((*piece).max(1), *every_ms);
                Reply::plain(response).with_body(|bytes| Body::Slow { bytes, piece, every_ms })
            }
            Kind::TruncatedBody => Reply::plain(response).cut(|mut bytes| {
                let announced = bytes.len();
                bytes.truncate(announced / 2);
                Body::Short { bytes, announced }
            }),
            Kind::WrongLength => Reply::plain(response).cut(|bytes| {
                let announced = bytes.len() + 100;
                Body::Short { bytes, announced }
            }),
            Kind::OversizedBody { bytes: spaces } => {
                Reply::plain(response).with_body(|bytes| Body::Padded { spaces: *spaces, bytes })
            }
            Kind::EndlessBody => {
                Reply::plain(Response::new(200, Value::Null)).with_body(|_| Body::Endless)
            }
        }
    }

    /// The same with the server's time, unless it says another.
    pub(super) fn dated(self, date: String) -> Self {
        self.with_headers(|headers| {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
                headers.push(("date".into(), date));
            }
        })
    }

    /// The status that goes out, if any.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Reply::Sent { status, .. } => Some(*status),
            Reply::Lost | Reply::Reset => None,
        }
    }

    fn with_headers(mut self, change: impl FnOnce(&mut Vec<(String, String)>)) -> Self {
        if let Reply::Sent { headers, .. } = &mut self {
            change(headers);
        }
        self
    }

    /// Sends the body in another way, where there is one.
    fn with_body(self, change: impl FnOnce(Vec<u8>) -> Body) -> Self {
        match self {
            Reply::Sent { status, headers, body: Body::Whole(bytes) } if !bytes.is_empty() => {
                Reply::Sent { status, headers, body: change(bytes) }
            }
            other => other,
        }
    }

    /// The same for a way that ends the connection: without a body, that is all there is to it.
    fn cut(self, change: impl FnOnce(Vec<u8>) -> Body) -> Self {
        match self {
            Reply::Sent { body: Body::Whole(bytes), .. } if bytes.is_empty() => Reply::Lost,
            other => other.with_body(change),
        }
    }
}

fn text(status: u16, content_type: &str, body: &str) -> Reply {
    let headers = vec![("content-type".into(), content_type.into())];
    Reply::Sent { status, headers, body: Body::Whole(body.as_bytes().to_vec()) }
}

fn too_many_requests(retry_after: &RetryAfter) -> Reply {
    let response = Response::new(429, error_body(429, "too many requests; try again later"));
    Reply::plain(match retry_after {
        RetryAfter::None => response,
        RetryAfter::Seconds(seconds) => response.with_header("retry-after", seconds),
        RetryAfter::Milliseconds(ms) => response.with_header("retry-after-ms", ms),
        RetryAfter::Text(text) => response.with_header("retry-after", text),
        RetryAfter::DateInSeconds(seconds) => {
            // The year 9999 is the last that an HTTP date can write.
            let ahead = std::time::Duration::from_secs((*seconds).min(200_000_000_000));
            let time = httpdate::fmt_http_date(std::time::SystemTime::now() + ahead);
            response.with_header("retry-after", time)
        }
    })
}

/// A status that can be sent as the last word on a request.
fn sendable(status: u16) -> u16 {
    if (200..=599).contains(&status) { status } else { 500 }
}
