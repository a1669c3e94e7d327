//! An error in one line for people, and in detail for `Debug`.

use std::fmt;

use reqwest::StatusCode;

use super::{Error, ErrorKind};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(target) = &inner.target {
            write!(f, "{target}: ")?;
        }
        match (inner.kind, inner.status) {
            (ErrorKind::Status, Some(status)) => self.fmt_status(status, f)?,
            _ => f.write_str(&inner.problem)?,
        }
        if inner.created.is_some() {
            f.write_str("; the key was created, see `created()`")?;
        } else if inner.outcome_unknown {
            f.write_str("; the server may have done it all the same")?;
        }
        if inner.attempts > 1 {
            write!(f, " (after {} attempts)", inner.attempts)?;
        }
        if let Some(id) = &inner.request_id {
            write!(f, " [request id {id}]")?;
        }
        Ok(())
    }
}

impl Error {
    fn fmt_status(&self, status: StatusCode, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.0.server;
        f.write_str(status.as_str())?;
        if let Some(reason) = status.canonical_reason() {
            write!(f, " {reason}")?;
        }
        // `400 Bad Request: bad_request` and `name is missing (name is missing)` say it twice.
        let reason = status.canonical_reason().unwrap_or_default().to_lowercase().replace(' ', "_");
        let code = server.code.as_ref().filter(|code| **code != reason);
        for text in [code, server.message.as_ref()].into_iter().flatten() {
            write!(f, ": {text}")?;
        }
        let details = server.details.iter().filter_map(|d| d.message.as_ref().or(d.code.as_ref()));
        let mut details = details.filter(|detail| server.message.as_ref() != Some(*detail));
        if let Some(first) = details.next() {
            write!(f, " ({first}")?;
            details.try_for_each(|detail| write!(f, "; {detail}"))?;
            f.write_str(")")?;
        }
        match &self.0.excerpt {
            Some(excerpt) if server.code.is_none() && server.message.is_none() => {
                write!(f, ": {excerpt}")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind).field("message", &self.to_string());
        if let Some(excerpt) = &inner.excerpt {
            out.field("body_excerpt", excerpt);
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
