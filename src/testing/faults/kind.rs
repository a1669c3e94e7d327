//! What can go wrong with one request.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::testing::state::Stale;

/// What goes wrong.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::testing) enum Kind {
    Refuse,
    Drop,
    Reset,
    Status {
        code: u16,
        #[serde(default)]
        body: Option<Value>,
    },
    TooManyRequests(RetryAfter),
    Delay {
        ms: u64,
    },
    SlowBody {
        bytes: usize,
        every_ms: u64,
    },
    TruncatedBody,
    WrongLength,
    GarbageJson,
    HtmlBadGateway,
    WrongContentType,
    Redirect {
        location: String,
    },
    OversizedBody {
        bytes: u64,
    },
    EndlessBody,
    Replace {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    Headers {
        #[serde(default)]
        set: BTreeMap<String, String>,
        #[serde(default)]
        remove: Vec<String>,
    },
    MergeJson(Value),
    EffectLater {
        ms: u64,
    },
    Rejected {
        status: u16,
        code: String,
    },
    WrongId {
        #[serde(default)]
        id: Option<String>,
    },
    StaleReads(Stale),
    StaleAuth(Stale),
    Doubled {
        response: Which,
    },
    ClockSkew {
        ms: i64,
    },
    #[serde(skip)]
    Run(Action),
}

/// Code of the test's own; what it is called with is the server, of which faults know nothing.
#[derive(Clone)]
pub(in crate::testing) struct Action(pub(in crate::testing) Arc<Code>);

type Code = dyn Fn(&dyn Any) + Send + Sync;

/// The delay that a 429 asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RetryAfter {
    /// It does not say.
    None,
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `Retry-After` as an HTTP date, so many seconds from the machine's (not the server's) now.
    DateInSeconds(u64),
    /// `Retry-After-Ms`, in milliseconds.
    Milliseconds(u64),
    /// `Retry-After` with exactly this text.
    Text(String),
}

/// Which of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Kind {
    /// Whether it is how things are, beside whatever else goes wrong.
    pub(super) fn is_condition(&self) -> bool {
        matches!(
            self,
            Kind::StaleReads(_)
                | Kind::StaleAuth(_)
                | Kind::Doubled { .. }
                | Kind::ClockSkew { .. }
        )
    }

    /// Whether it needs the true response, to send it badly.
    pub(in crate::testing) fn alters_response(&self) -> bool {
        match self {
            Kind::SlowBody { .. }
            | Kind::TruncatedBody
            | Kind::WrongLength
            | Kind::GarbageJson
            | Kind::WrongContentType
            | Kind::OversizedBody { .. }
            | Kind::Headers { .. }
            | Kind::MergeJson(_)
            | Kind::WrongId { .. } => true,
            Kind::Refuse
            | Kind::Drop
            | Kind::Reset
            | Kind::Status { .. }
            | Kind::TooManyRequests(_)
            | Kind::Delay { .. }
            | Kind::HtmlBadGateway
            | Kind::Redirect { .. }
            | Kind::EndlessBody
            | Kind::Replace { .. }
            | Kind::EffectLater { .. }
            | Kind::Rejected { .. }
            | Kind::StaleReads(_)
            | Kind::StaleAuth(_)
            | Kind::Doubled { .. }
            | Kind::ClockSkew { .. }
            | Kind::Run(_) => false,
        }
    }
}

/// Without what a test put into it: a replaced body may hold a plaintext.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Refuse => f.write_str("refuse"),
            Kind::Drop => f.write_str("drop"),
            Kind::Reset => f.write_str("reset"),
            Kind::Status { code, .. } => write!(f, "status {code}"),
            Kind::TooManyRequests(_) => f.write_str("too many requests"),
            Kind::Delay { ms } => write!(f, "delay of {ms} ms"),
            Kind::SlowBody { .. } => f.write_str("slow body"),
            Kind::TruncatedBody => f.write_str("truncated body"),
            Kind::WrongLength => f.write_str("wrong length"),
            Kind::GarbageJson => f.write_str("garbage JSON"),
            Kind::HtmlBadGateway => f.write_str("HTML bad gateway"),
            Kind::WrongContentType => f.write_str("wrong content type"),
            Kind::Redirect { .. } => f.write_str("redirect"),
            Kind::OversizedBody { bytes } => write!(f, "body oversized by {bytes} bytes"),
            Kind::EndlessBody => f.write_str("endless body"),
            Kind::Replace { status, .. } => write!(f, "replaced by status {status}"),
            Kind::Headers { .. } => f.write_str("other headers"),
            Kind::MergeJson(_) => f.write_str("other JSON"),
            Kind::EffectLater { ms } => write!(f, "drop with the effect {ms} ms later"),
            Kind::Rejected { status, code } => write!(f, "rejected with {status} {code}"),
            Kind::WrongId { .. } => f.write_str("wrong id"),
            Kind::StaleReads(stale) => write!(f, "reads stale by {}", stale.lag),
            Kind::StaleAuth(stale) => write!(f, "authentication stale by {}", stale.lag),
            Kind::Doubled { .. } => f.write_str("sent twice"),
            Kind::ClockSkew { ms } => write!(f, "clock off by {ms} ms"),
            Kind::Run(_) => f.write_str("code of the test"),
        }
    }
}
