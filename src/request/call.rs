//! One request, described piece by piece: what generated code says of a call.
//!
//! The first value that the document does not allow is remembered, and the call is rejected with it
//! before anything is sent. How a call is sent is in [`send`](crate::send).

use std::borrow::Cow;
use std::fmt::{self, Display};

use reqwest::header::HeaderMap;
use serde::Serialize;

use super::body::Body;
use super::dates;
use super::encode::{Query, QueryValue, USUAL_VALUE, push_encoded};
use super::header::header;
use super::multipart::{Form, Part};
use super::upload::Upload;
use crate::error::Scrubber;
use crate::model::operation::Operation;
use crate::model::secret;
use crate::model::target::Target;
use crate::model::validate::{Bounded, Checked, Checks, Rule, Validate};

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
    /// The body of a success is of no interest.
    pub(crate) ignores_body: bool,
    /// The body of a success is streamed.
    pub(crate) streaming: bool,
    checks: Checks,
    invalid: Option<String>,
}

impl Call {
    pub(crate) fn new(operation: &'static Operation, checks: Checks) -> Self {
        Self { checks, ..Self::to(Target::Operation(operation), operation.path) }
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
            ignores_body: false,
            streaming: false,
            checks: Checks::default(),
            invalid: None,
        }
    }

    /// Fills in a parameter of the path.
    pub(crate) fn path<T>(&mut self, name: &str, value: &T, rule: &Rule)
    where
        T: Display + Bounded,
    {
        if self.is_valid(name, value, rule) {
            self.fill_by(name, |path| push_encoded(path, value));
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
            return self.invalidate(format!("the path has no parameter `{name}`"));
        };
        let mut path = String::with_capacity(self.path.len() + USUAL_VALUE);
        path.push_str(&self.path[..at]);
        push(&mut path);
        // Either would address another resource: a DELETE depends on it.
        if matches!(&path[at..], "" | "." | "..") {
            return self.invalidate(format!("`{name}` must not be empty, `.` or `..`"));
        }
        path.push_str(rest);
        self.path = path.into();
    }

    /// Adds a parameter to the query, unless it is left out.
    pub(crate) fn query<T>(&mut self, name: &str, value: Option<&T>, rule: &Rule)
    where
        T: QueryValue + Bounded,
    {
        if let Some(value) = value.filter(|value| self.is_valid(name, *value, rule)) {
            value.append(name, &mut self.query);
        }
    }

    /// Adds a header, unless it is left out.
    // The bundled document has no such parameter; others have.
    #[allow(dead_code)]
    pub(crate) fn header<T>(&mut self, name: &str, value: Option<&T>, rule: &Rule)
    where
        T: Display + Bounded,
    {
        let Some(value) = value.filter(|value| self.is_valid(name, *value, rule)) else { return };
        match header(name, &value.to_string()) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(problem) => self.invalidate(problem),
        }
    }

    /// Sets a body of JSON under this media type, unless it is left out.
    pub(crate) fn json<T>(&mut self, value: Option<&T>, media_type: &'static str)
    where
        T: Serialize + Validate,
    {
        let checks = self.checks;
        if let Some(value) = value.filter(|value| self.holds(value.validate(checks))) {
            self.serialise(value, media_type);
        }
    }

    /// Sets a body of bytes, unless it is left out.
    pub(crate) fn upload(&mut self, value: Option<Upload>, media_type: &'static str) {
        if let Some(upload) = value {
            self.body = Body::Upload(upload, media_type);
        }
    }

    pub(crate) fn serialise<T>(&mut self, value: &T, media_type: &'static str)
    where
        T: Serialize + ?Sized,
    {
        match secret::serialise(value) {
            Ok(serialised) => {
                if let Some(problem) = dates::problem(&serialised.body) {
                    self.invalidate(problem);
                }
                self.body = Body::Whole(serialised.body.into(), media_type);
                serialised.secrets.iter().for_each(|secret| self.scrubber.knows(secret));
            }
            // The message of a caller's own `Serialize` may quote anything.
            Err(_) => self.invalidate("the request body cannot be written as JSON".to_owned()),
        }
    }

    /// The first value that is not valid.
    pub(crate) fn invalid(&self) -> Option<&str> {
        self.invalid.as_deref()
    }

    pub(crate) fn invalidate(&mut self, problem: String) {
        self.invalid.get_or_insert(problem);
    }

    fn is_valid<T: Bounded>(&mut self, name: &str, value: &T, rule: &Rule) -> bool {
        match value.check(rule) {
            Err(error) if !(error.is_unknown() && self.checks.allow_unknown) => {
                self.invalidate(error.within(name).to_string());
                false
            }
            _ => true,
        }
    }

    /// Holds the call to a check.
    pub(crate) fn holds(&mut self, checked: Checked) -> bool {
        checked.map_err(|error| self.invalidate(error.to_string())).is_ok()
    }
}

/// What the bundled document does not need, and others do.
#[allow(dead_code)]
impl Call {
    /// Sets a body of parts, unless it is left out.
    pub(crate) fn form<T: Part + Validate>(&mut self, value: Option<T>) {
        let checks = self.checks;
        let Some(value) = value.filter(|value| self.holds(value.validate(checks))) else { return };
        match Form::of(value) {
            Ok(form) => {
                form.secrets.iter().for_each(|secret| self.scrubber.knows(secret));
                self.body = Body::Form(form);
            }
            Err(problem) => self.invalidate(about("the request body", &problem)),
        }
    }

    /// What its values are held to.
    pub(crate) fn checks(&self) -> Checks {
        self.checks
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
