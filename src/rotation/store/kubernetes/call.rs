//! What both ways to a cluster have in common: what is requested, and what may come of it.

use zeroize::Zeroizing;

/// Which Secret is meant.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) secret: String,
}

/// What the cluster says of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    /// Another version is there than the one that was to be replaced.
    Conflict,
}

/// Why a call failed.
pub(super) enum CallError {
    /// Nothing was done, and another attempt would fail, too.
    Failed(String),
    /// Nothing was done, this time.
    Passing(String),
    /// It may have been done.
    Lost(String),
}

impl CallError {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Passing(why) | Self::Lost(why) => why,
        }
    }
}

/// A Secret as JSON.
pub(super) type Text = Zeroizing<String>;

impl Name {
    /// What a reason of the cluster means.
    pub(super) fn explain(&self, verb: &str, reason: &str, said: &str) -> CallError {
        let Self { namespace, secret } = self;
        CallError::Failed(match reason {
            "NotFound" => format!(
                "there is no such Secret: create it with `kubectl create secret generic {secret} --namespace {namespace}`"
            ),
            "Forbidden" => format!(
                "the cluster forbids to {verb} it: allow the verb `{verb}` on secrets, resourceNames [{secret}], in a Role of the namespace {namespace}{said}"
            ),
            "Unauthorized" => {
                format!("the cluster rejects the credentials (401): renew them{said}")
            }
            _ => format!("the cluster rejects to {verb} it ({reason}){said}"),
        })
    }
}
