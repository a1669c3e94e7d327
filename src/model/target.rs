//! What a call is for: known to errors and responses, which need not know calls.

use std::fmt::{self, Display};
use std::sync::Arc;

use super::operation::{Idempotency, Operation};

/// What a call is for: an operation of the document, or a method and path of the caller's.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Operation(&'static Operation),
    Raw { method: reqwest::Method, path: Arc<str>, idempotency: Idempotency },
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

    pub(crate) fn idempotency(&self) -> Idempotency {
        match self {
            Self::Operation(operation) => operation.idempotency,
            Self::Raw { idempotency, .. } => *idempotency,
        }
    }

    /// Whether no part of a successful response may be shown. Of raw responses nothing is known.
    pub(crate) fn secret_response(&self) -> bool {
        match self {
            Self::Operation(operation) => operation.secret_response,
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
