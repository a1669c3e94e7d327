//! Any method and path: for what the document lacks.

use std::fmt::{self, Display};
use std::ops::Deref;

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::error::{Cause, Error, ErrorKind, Result, Scrubber};
use crate::model::operation::Idempotency;
use crate::model::target::Target;
use crate::request::upload::Upload;
use crate::request::{Call, header};
use crate::response::download::Download;
use crate::response::sse::EventStream;
use crate::response::{BufferedResponse, Response};
use crate::send::{Sender, whole};

impl Client {
    /// Any method and path, for what the document lacks: with the key, the limits, the
    /// retries and the errors of every other call.
    ///
    /// The path begins with `/` and is appended to the base URL. It is sent as it is, so what
    /// comes from elsewhere must be percent-encoded.
    ///
    /// ```no_run
    /// # async fn example(client: onkernel::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use onkernel::{Method, serde_json};
    ///
    /// let response = client.request(Method::GET, "/org/limits").query("verbose", true).send().await?;
    /// let limits: serde_json::Value = response.json()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: &str) -> RawRequest {
        RawRequest::new(self.clone(), method, path)
    }
}

/// A request of the caller's own: see [`Client::request`].
#[must_use = "nothing is sent before `send`"]
pub struct RawRequest {
    sender: Sender,
    call: Call,
}

impl RawRequest {
    pub(crate) fn new(client: Client, method: Method, path: &str) -> Self {
        // PATCH may be relative, so that asking twice may do it twice.
        let idempotency = match method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE => {
                Idempotency::Idempotent
            }
            _ => Idempotency::NotIdempotent,
        };
        // Shown in errors and traces; what is sent is the path itself.
        let shown = Scrubber::default().line(path, 512);
        let target = Target::Raw { method, path: shown.into(), idempotency };
        let mut call = Call::to(target, path.to_owned());
        // What a success holds is the caller's to judge.
        call.no_content = true;
        Self { sender: client.sender, call }
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.call.query.push(name, &value);
        self
    }

    /// Sets a header, instead of the client's own of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match header(name, value) {
            Ok((name, value)) => {
                self.call.headers.insert(name, value);
            }
            Err(problem) => self.call.invalidate(problem),
        }
        self
    }

    /// Sets the body. A [`Secret`](crate::Secret) in it is sent in the clear.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.call.serialise(body, "application/json");
        self
    }

    /// Sets a body of bytes, of the media type `application/octet-stream` unless it says another.
    pub fn upload(mut self, body: impl Into<Upload>) -> Self {
        self.call.upload(Some(body.into()), "application/octet-stream");
        self
    }

    /// Says whether the request may be sent again after a failure. Default: GET, HEAD, OPTIONS, PUT
    /// and DELETE are idempotent, the others are not.
    pub fn idempotency(mut self, value: Idempotency) -> Self {
        if let Target::Raw { idempotency, .. } = &mut self.call.target {
            *idempotency = value;
        }
        self
    }

    /// Sends the request.
    ///
    /// A DELETE that is retried and then finds nothing to delete has succeeded, with status 404.
    ///
    /// # Errors
    /// As with every operation; an error status is an error here too.
    pub async fn send(self) -> Result<Response<RawBody>> {
        let target = self.call.target.clone();
        let read = move |response: &mut BufferedResponse| {
            let bytes = response.body.take();
            Ok(RawBody { bytes, target: target.clone() })
        };
        self.sender.buffered(self.call, read, whole).await
    }

    /// Sends the request, whose response is bytes that are read as they come.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn download(self) -> Result<Download> {
        self.sender.download(self.call).await
    }

    /// Sends the request, whose response is a stream of events. A broken stream of a GET is taken up
    /// again after the last event that had an id.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn events<T: DeserializeOwned + Send + 'static>(self) -> Result<EventStream<T>> {
        let resume = self.call.target.method() == "GET";
        self.sender.events(self.call, resume).await
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRequest({})", self.call.target)
    }
}

/// The body of a raw response. Derefs to its bytes; `Debug` does not show them, since they may hold a
/// key.
#[derive(Clone)]
pub struct RawBody {
    bytes: Bytes,
    target: Target,
}

impl RawBody {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// It is not JSON, or of another shape than `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            let cause = Cause::of_json(&error, &self.bytes);
            Error::new(ErrorKind::Decode, format!("the response is not as expected: {cause}"))
                .of(&self.target)
                .caused_by(cause)
        })
    }

    /// The bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl Deref for RawBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for RawBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawBody({} bytes)", self.bytes.len())
    }
}
