//! One request, described piece by piece: what generated code says of a call.
//!
//! The first value that the document does not allow is remembered, and the call is refused with it
//! before anything is sent. How a call is sent is in [`execute`](crate::execute).

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::Arc;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::encode::{Query, QueryValue, push_encoded};
use crate::error::Result;
use crate::execute::{self, Answer};
use crate::multipart::{Form, Part};
use crate::opened::Opened;
use crate::response::ResponseValue;
use crate::scrub::Scrubber;
use crate::upload::Progress;
use crate::validate::{Checked, Refusal, Rule, Validate};
use crate::{Client, Download, EventStream, Operation, Repeat, Upload, wire};

/// Room for a value in a path or a query: an id mostly.
pub(crate) const USUAL_VALUE: usize = 40;

/// What a call asks for: an operation of the document, or a method and path of the caller's.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Operation(&'static Operation),
    Raw { method: reqwest::Method, path: Arc<str>, repeat: Repeat },
}

impl Target {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.id,
            Self::Raw { .. } => "request",
        }
    }

    pub(crate) fn method(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.method,
            Self::Raw { method, .. } => method.as_str(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.path,
            Self::Raw { path, .. } => path,
        }
    }

    pub(crate) fn repeat(&self) -> Repeat {
        match self {
            Self::Operation(operation) => operation.repeat,
            Self::Raw { repeat, .. } => *repeat,
        }
    }

    /// Whether no part of a successful answer may be shown. Of raw answers nothing is known.
    pub(crate) fn secret_answer(&self) -> bool {
        match self {
            Self::Operation(operation) => operation.secret_answer,
            Self::Raw { .. } => true,
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(operation) => write!(f, "{} ({operation})", operation.id),
            Self::Raw { method, path, .. } => write!(f, "{method} {path}"),
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// Bytes of this type, all in memory.
    Whole(Bytes, &'static str),
    /// Bytes, of this type unless they say another.
    Upload(Upload, &'static str),
    #[allow(dead_code)] // the bundled document has none
    Form(Form),
}

impl Body {
    /// The body for one more attempt, its length if that is known, and its type.
    pub(crate) async fn open(&self, progress: &Progress) -> Result<Option<Ready>, String> {
        let streamed = |chunks, length| {
            let chunks = reqwest::Body::wrap_stream(progress.watch(chunks));
            (chunks, length)
        };
        let ((body, length), content_type) = match self {
            Self::Empty => return Ok(None),
            Self::Whole(bytes, media_type) => {
                let content_type = HeaderValue::from_static(media_type);
                return Ok(Some((bytes.clone().into(), None, content_type)));
            }
            // Boxed, since few calls have such a body and every future would have room for it.
            Self::Upload(upload, media_type) => {
                let (chunks, length) = Box::pin(upload.open()).await?;
                let media_type = upload.content_type.as_deref().unwrap_or(media_type);
                (streamed(chunks, length), media_type.to_owned())
            }
            Self::Form(form) => {
                let opened = Box::pin(form.open()).await?;
                (streamed(opened.chunks, opened.length), opened.content_type)
            }
        };
        let content_type = HeaderValue::try_from(content_type)
            .map_err(|_| "the media type holds a line break or a control character".to_owned())?;
        Ok(Some((body, length, content_type)))
    }

    /// Whether the body can be sent once more.
    pub(crate) fn is_replayable(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(..) => true,
            Self::Upload(upload, _) => upload.is_replayable(),
            Self::Form(form) => form.is_replayable(),
        }
    }
}

/// A body ready to be sent, with its length if that must be said, and its type.
pub(crate) type Ready = (reqwest::Body, Option<u64>, HeaderValue);

/// A call in the making.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) client: Client,
    pub(crate) target: Target,
    /// With the parameters in braces that are not filled in yet.
    pub(crate) path: Cow<'static, str>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The secrets in the body.
    pub(crate) scrubber: Scrubber,
    /// Success promises nothing to read.
    pub(crate) answerless: bool,
    /// The body of a success is read by others.
    pub(crate) left_open: bool,
    refused: Option<String>,
}

impl Call {
    pub(crate) fn new(client: Client, operation: &'static Operation) -> Self {
        Self::to(client, Target::Operation(operation), operation.path)
    }

    pub(crate) fn to(client: Client, target: Target, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            client,
            target,
            path: path.into(),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            scrubber: Scrubber::default(),
            answerless: false,
            left_open: false,
            refused: None,
        }
    }

    /// Fills in a parameter of the path.
    pub(crate) fn path<T>(&mut self, name: &str, value: Result<T, String>, rule: &Rule)
    where
        T: Display + Checked,
    {
        if let Some(value) = self.checked(name, value.map(Some), rule) {
            self.fill_by(name, |path| push_encoded(path, &value));
        }
    }

    /// Fills in a parameter of the path that is encoded already.
    pub(crate) fn fill(&mut self, name: &str, encoded: &str) {
        self.fill_by(name, |path| path.push_str(encoded));
    }

    fn fill_by(&mut self, name: &str, push: impl FnOnce(&mut String)) {
        // What has been filled in holds no brace, for it is encoded.
        let bytes = self.path.bytes().enumerate();
        let found = bytes.filter(|&(_, byte)| byte == b'{').find_map(|(at, _)| {
            Some((at, self.path[at + 1..].strip_prefix(name)?.strip_prefix('}')?))
        });
        let Some((at, rest)) = found else {
            return self.refuse(format!("the path has no parameter `{name}`"));
        };
        let mut path = String::with_capacity(self.path.len() + USUAL_VALUE);
        path.push_str(&self.path[..at]);
        push(&mut path);
        // Either would address another resource: a DELETE depends on it.
        if matches!(&path[at..], "" | "." | "..") {
            return self.refuse(format!("`{name}` must not be empty, `.` or `..`"));
        }
        path.push_str(rest);
        self.path = path.into();
    }

    /// Adds a parameter to the query, unless it is left out.
    pub(crate) fn query<T>(&mut self, name: &str, value: Result<Option<T>, String>, rule: &Rule)
    where
        T: QueryValue + Checked,
    {
        if let Some(value) = self.checked(name, value, rule) {
            value.append(name, &mut self.query);
        }
    }

    /// Adds a header, unless it is left out.
    // The bundled document has no such parameter; others have.
    #[allow(dead_code)]
    pub(crate) fn header<T>(&mut self, name: &str, value: Result<Option<T>, String>, rule: &Rule)
    where
        T: Display + Checked,
    {
        let Some(value) = self.checked(name, value, rule) else { return };
        match header(name, &value.to_string()) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(problem) => self.refuse(problem),
        }
    }

    /// Sets a body of JSON under this media type, unless it is left out.
    pub(crate) fn json<T>(&mut self, value: Result<Option<T>, String>, media_type: &'static str)
    where
        T: Serialize + Validate,
    {
        if let Some(value) = self.valid(value) {
            self.serialise(&value, media_type);
        }
    }

    /// A request body that the document allows; nothing if it is left out or refused.
    pub(crate) fn valid<T: Validate>(&mut self, value: Result<Option<T>, String>) -> Option<T> {
        match value {
            Ok(value) => match value.validate() {
                Ok(()) => return value,
                Err(refusal) => self.refuse(refusal.to_string()),
            },
            Err(problem) => self.refuse(about("the request body", &problem)),
        }
        None
    }

    /// Sets a body of bytes, unless it is left out.
    pub(crate) fn upload(
        &mut self,
        value: Result<Option<Upload>, String>,
        media_type: &'static str,
    ) {
        match value {
            Ok(None) => {}
            Ok(Some(upload)) => self.body = Body::Upload(upload, media_type),
            Err(problem) => self.refuse(about("the request body", &problem)),
        }
    }

    pub(crate) fn serialise<T>(&mut self, value: &T, media_type: &'static str)
    where
        T: Serialize + ?Sized,
    {
        match wire::serialise(value) {
            Ok(serialised) => {
                self.body = Body::Whole(serialised.body.into(), media_type);
                serialised.secrets.iter().for_each(|secret| self.scrubber.knows(secret));
            }
            // The message of a caller's own `Serialize` may quote anything.
            Err(_) => self.refuse("the request body cannot be written as JSON".to_owned()),
        }
    }

    /// Sends the call and reads the answer as JSON.
    pub(crate) fn send_json<T: DeserializeOwned>(
        self,
    ) -> impl Future<Output = Result<ResponseValue<T>>> {
        execute::run(self, |answer| serde_json::from_slice(&answer.body))
    }

    /// Sends the call, whose success says all.
    pub(crate) fn send_empty(mut self) -> impl Future<Output = Result<ResponseValue<()>>> {
        self.answerless = true;
        execute::run(self, |answer| {
            if answer.status == StatusCode::NOT_FOUND || answer.body.trim_ascii().is_empty() {
                return Ok(());
            }
            // JSON does no harm. A page means that something between us and the server answered
            // in its place.
            serde_json::from_slice::<IgnoredAny>(&answer.body).map(drop)
        })
    }

    /// Sends the call, whose answer is read when its status is known, and may be of any type.
    pub(crate) async fn open(mut self) -> Result<Opened> {
        self.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        execute::open(self).await
    }

    /// Sends the call, whose answer is bytes.
    pub(crate) async fn send_download(mut self) -> Result<Download> {
        self.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        Ok(self.open().await?.download())
    }

    /// Sends the call, whose answer is a stream of events that may be resumed.
    pub(crate) async fn send_events<T>(mut self, resume: bool) -> Result<EventStream<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        Ok(self.open().await?.events(resume))
    }

    /// The first value that was refused.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub(crate) fn refuse(&mut self, problem: String) {
        self.refused.get_or_insert(problem);
    }

    fn checked<T: Checked>(
        &mut self,
        name: &str,
        value: Result<Option<T>, String>,
        rule: &Rule,
    ) -> Option<T> {
        let value = match value {
            Ok(value) => value?,
            Err(problem) => {
                self.refuse(about(&format!("`{name}`"), &problem));
                return None;
            }
        };
        match value.check(rule) {
            Ok(()) => Some(value),
            Err(refusal) => {
                self.refuse(refusal.within(name).to_string());
                None
            }
        }
    }
}

/// What the bundled document does not need, and others do.
#[allow(dead_code)]
impl Call {
    /// Sets a body of parts, unless it is left out.
    pub(crate) fn form<T: Part + Validate>(&mut self, value: Result<Option<T>, String>) {
        let Some(value) = self.valid(value) else { return };
        match Form::of(value) {
            Ok(form) => {
                form.secrets.iter().for_each(|secret| self.scrubber.knows(secret));
                self.body = Body::Form(form);
            }
            Err(problem) => self.refuse(about("the request body", &problem)),
        }
    }

    /// Holds the call to a check that was made of a parameter.
    pub(crate) fn hold(&mut self, checked: Result<(), Refusal>) {
        if let Err(refusal) = checked {
            self.refuse(refusal.to_string());
        }
    }

    /// Sends the call and reads the answer by its status.
    pub(crate) fn send_any<T>(
        self,
        read: impl Fn(&Answer) -> Result<T, serde_json::Error>,
    ) -> impl Future<Output = Result<ResponseValue<T>>> {
        execute::run(self, move |answer| read(answer))
    }
}

/// What is wrong with a value, as a sentence about it.
pub(crate) fn about(subject: &str, problem: &str) -> String {
    match problem.starts_with("must ") {
        true => format!("{subject} {problem}"),
        false => format!("{subject}: {problem}"),
    }
}

/// A header, or why it cannot be one. The value is marked sensitive and never shown.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name)
        .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        format!("the value of the header `{parsed}` holds a line break or a control character")
    })?;
    if [AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&parsed) {
        return Err(format!("the header `{parsed}` is set by the client itself"));
    }
    value.set_sensitive(true);
    Ok((parsed, value))
}

impl fmt::Debug for Call {
    /// Where it goes; not what it carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.target)
    }
}
