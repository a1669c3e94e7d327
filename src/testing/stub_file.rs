//! Stubs as a file writes them: each is checked, so that a slip of the pen does not make a test pass.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::stub::Stub;

/// A stub as a file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    operation: String,
    merge: Option<Value>,
    json: Option<Value>,
    text: Option<String>,
    media_type: Option<String>,
    events: Option<Vec<Value>>,
    cut_after: Option<usize>,
    error: Option<Failure>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    status: u16,
    code: String,
    message: String,
}

impl Stub {
    /// Reads stubs as a file writes them, each with the operation that it is for:
    /// [`Server::respond`](super::Server::respond) takes them one by one.
    ///
    /// A JSON array of objects with `operation` and one of `merge`, `json`, `text` (with
    /// `media_type`, without it `text/plain`), `events` (with `cut_after`, if the connection is to
    /// break) and `error`. `status` and `headers` change what is sent besides.
    ///
    /// ```
    /// use onkernel::testing::Stub;
    ///
    /// let stubs = Stub::all_from_json(r#"[
    ///     {"operation": "browsers.playwright.execute", "merge": {"result": 2}},
    ///     {"operation": "deployments.get", "merge": {"status": "queued"}},
    ///     {"operation": "browsers.fs.read_file", "text": "a,b", "media_type": "text/csv"},
    ///     {"operation": "browsers.create",
    ///      "error": {"status": 402, "code": "payment_required", "message": "the trial is over"}}
    /// ]"#)?;
    /// assert_eq!(stubs.len(), 4);
    ///
    /// let error = Stub::all_from_json(r#"[{"operation": "browsers.get"}]"#).unwrap_err();
    /// assert!(error.to_string().contains("line 1"));
    /// # Ok::<(), onkernel::testing::StubsError>(())
    /// ```
    ///
    /// # Errors
    /// Text that is not such an array, with line and column; unknown names are invalid too.
    pub fn all_from_json(text: &str) -> Result<Vec<(String, Self)>, StubsError> {
        let all: Vec<Ordered> = serde_json::from_str(text).map_err(StubsError)?;
        Ok(all.into_iter().map(|Ordered(operation, stub)| (operation, stub)).collect())
    }
}

struct Ordered(String, Stub);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut order = Order::deserialize(deserializer)?;
        let operation = std::mem::take(&mut order.operation);
        let stub = Stub::try_from(order)
            .map_err(|problem| D::Error::custom(format!("`{operation}` {problem}")))?;
        Ok(Self(operation, stub))
    }
}

impl TryFrom<Order> for Stub {
    type Error = &'static str;

    fn try_from(order: Order) -> Result<Self, Self::Error> {
        let Order { merge, json, text, media_type, events, cut_after, error, .. } = order;
        if media_type.is_some() && text.is_none() {
            return Err("has a `media_type` without a `text`");
        }
        if cut_after.is_some() && events.is_none() {
            return Err("has `cut_after` without `events`");
        }
        let media_type = media_type.unwrap_or_else(|| "text/plain".to_owned());
        let ways = [
            merge.map(Self::merge),
            json.map(Self::json),
            text.map(|text| Self::bytes(media_type, text)),
            events.map(Self::events),
            error.map(|it| Self::error(it.status, it.code, it.message)),
        ];
        let mut ways = ways.into_iter().flatten();
        let (Some(mut stub), None) = (ways.next(), ways.next()) else {
            return Err("needs one of `merge`, `json`, `text`, `events` and `error`");
        };
        if let Some(events) = cut_after {
            stub = stub.cut_after(events);
        }
        if let Some(status) = order.status {
            stub = stub.status(status);
        }
        let headers = order.headers.into_iter();
        Ok(headers.fold(stub, |stub, (name, value)| stub.header(name, value)))
    }
}

/// Stubs that cannot be read; says what is wrong, in which line and column.
#[derive(Debug)]
pub struct StubsError(serde_json::Error);

impl fmt::Display for StubsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stubs cannot be read: {}", self.0)
    }
}

impl std::error::Error for StubsError {}
