//! What holds for a call: how long it may take, how large its response may be, how it is retried.

use std::time::Duration;

use super::retry::Policy;
use crate::response::Limits;

/// The options of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) retry: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits {
                timeout: Duration::from_secs(60),
                idle_timeout: Duration::from_secs(300),
                max_bytes: 16 * 1024 * 1024,
            },
            retry: Policy::default(),
        }
    }
}
