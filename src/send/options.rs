//! What holds for a call: how long it may take, how large its response may be, how it is retried, and
//! for which project it is.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};

use super::retry::Policy;
use crate::model::operation::Idempotency;
use crate::model::validate::Checks;
use crate::response::Limits;

/// The options of calls, which share them.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) retry: Policy,
    pub(crate) checks: Checks,
    /// What the caller knows of the call, instead of what the document says.
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) project: Option<Arc<Project>>,
}

/// The header that names a project, or why there can be none.
pub(crate) type Project = Result<(HeaderName, HeaderValue), String>;

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits {
                timeout: Duration::from_secs(60),
                idle_timeout: Duration::from_secs(300),
                max_bytes: 16 * 1024 * 1024,
            },
            retry: Policy::default(),
            checks: Checks::default(),
            idempotency: None,
            project: None,
        }
    }
}
