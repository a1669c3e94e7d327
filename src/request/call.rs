//! One request, described piece by piece: what generated code says of a call.
//!
//! The first value that the document does not allow is remembered, and the call is refused with it
//! before anything is sent. How a call is sent is in [`send`](crate::send).

use std::borrow::Cow;
use std::fmt::{self, Display};

use reqwest::header::HeaderMap;
use serde::Serialize;

use super::body::Body;
use super::encode::{Query, QueryValue, USUAL_VALUE, push_encoded};
use super::header::header;
use super::multipart::{Form, Part};
use super::upload::Upload;
use crate::error::Scrubber;
use crate::model::operation::Operation;
use crate::model::secret;
use crate::model::target::Target;
use crate::model::validate::{Checked, Rule, Validate, ValidationError};

/// A call in the making.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) target: Target,
    /// With the parameters in braces that are not filled in yet.
    pub(crate) path: Cow<'static, str>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The secrets in the body.
    pub(crate) scrubber: Scrubber,
    /// Success promises nothing to read.
    pub(crate) no_content: bool,
    /// The body of a success is streamed.
    pub(crate) streaming: bool,
    invalid: Option<String>,
}

impl Call {
    pub(crate) fn new(operation: &'static Operation) -> Self {
        Self::to(Target::Operation(operation), operation.path)
    }

    pub(crate) fn to(target: Target, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            target,
            path: path.into(),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            scrubber: Scrubber::default(),
            no_content: false,
            streaming: false,
            invalid: None,
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

    /// A request body that the document allows; nothing if it is left out or not valid.
    pub(crate) fn valid<T: Validate>(&mut self, value: Result<Option<T>, String>) -> Option<T> {
        match value {
            Ok(value) => match value.validate() {
                Ok(()) => return value,
                Err(error) => self.refuse(error.to_string()),
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
        match secret::serialise(value) {
            Ok(serialised) => {
                self.body = Body::Whole(serialised.body.into(), media_type);
                serialised.secrets.iter().for_each(|secret| self.scrubber.knows(secret));
            }
            // The message of a caller's own `Serialize` may quote anything.
            Err(_) => self.refuse("the request body cannot be written as JSON".to_owned()),
        }
    }

    /// The first value that is not valid.
    pub(crate) fn invalid(&self) -> Option<&str> {
        self.invalid.as_deref()
    }

    pub(crate) fn refuse(&mut self, problem: String) {
        self.invalid.get_or_insert(problem);
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
            Err(error) => {
                self.refuse(error.within(name).to_string());
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
    pub(crate) fn hold(&mut self, checked: Result<(), ValidationError>) {
        if let Err(error) = checked {
            self.refuse(error.to_string());
        }
    }
}

/// What is wrong with a value, as a sentence about it.
pub(crate) fn about(subject: &str, problem: &str) -> String {
    match problem.starts_with("must ") {
        true => format!("{subject} {problem}"),
        false => format!("{subject}: {problem}"),
    }
}

impl fmt::Debug for Call {
    /// Where it goes; not what it carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.target)
    }
}
