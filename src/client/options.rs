//! What a call may set for itself.

use std::sync::Arc;
use std::time::Duration;

use crate::model::operation::Idempotency;
use crate::request::header;
use crate::send::{Options, Project};

/// Options of a client's calls: see [`Client::with`](crate::Client::with). What is not set stays as it
/// is.
///
/// ```no_run
/// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
/// use onkernel::{CallOptions, Method};
///
/// let staging = client.with(CallOptions::new().project("staging").retries(5));
/// staging.request(Method::GET, "/browsers").send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CallOptions {
    timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    deadline: Option<Duration>,
    retries: Option<u32>,
    backoff: Option<(Duration, Duration)>,
    max_retry_after: Option<Duration>,
    max_response_bytes: Option<usize>,
    allow_unknown_values: Option<bool>,
    idempotency: Option<Idempotency>,
    project: Option<Arc<Project>>,
}

impl CallOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time for one attempt, the reading of the response included. Default: 60 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The longest silence while a download or a stream of events is read, which have no other
    /// limit of time. Default: 5 minutes.
    pub fn idle_timeout(mut self, silence: Duration) -> Self {
        self.idle_timeout = Some(silence);
        self
    }

    /// The time for a call in all: attempts, waits between them, and the fetching of a key.
    /// Default: no bound but that of the attempts. Each page of a stream is a call.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How often a failed call is retried where that is safe. Default: 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The wait before the first retry, and the longest: each is twice as long as the one
    /// before, less up to a quarter by chance. Default: 0.5 and 8 seconds.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Some((first, longest));
        self
    }

    /// The longest wait that the server may ask for with `Retry-After`; if it asks for more, the
    /// call fails, and the error says for how much. Default: 60 seconds.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = Some(longest);
        self
    }

    /// The most bytes that a response may have. Default: 16 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = Some(bytes);
        self
    }

    /// Whether a value of an enum that the document does not name, `Unknown("…")`, may be sent: one
    /// that a server newer than this client has sent, say. Default: no; it is rejected.
    pub fn allow_unknown_values(mut self, allow: bool) -> Self {
        self.allow_unknown_values = Some(allow);
        self
    }

    /// Whether a call may be sent again after a failure that leaves open whether it was done. Default:
    /// by the operation. Say `true` where doing it twice is harmless to you, and `false` where it
    /// is not: a second browser costs money.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotency = Some(match idempotent {
            true => Idempotency::Idempotent,
            false => Idempotency::NotIdempotent,
        });
        self
    }

    /// The project, by its id or its name, that calls are scoped to (`X-Kernel-Project`). Default: the
    /// whole organization, or the API key's own project. Replaces [`project_id`](Self::project_id).
    pub fn project(self, id_or_name: impl AsRef<str>) -> Self {
        self.scoped("project", "x-kernel-project", id_or_name.as_ref())
    }

    /// The project, by its id alone, that calls are scoped to (`X-Kernel-Project-Id`): a name is not
    /// found. Replaces [`project`](Self::project).
    pub fn project_id(self, id: impl AsRef<str>) -> Self {
        self.scoped("project_id", "x-kernel-project-id", id.as_ref())
    }

    fn scoped(mut self, setting: &str, name: &str, project: &str) -> Self {
        let project = match project.trim() {
            "" => Err(format!(
                "`{setting}` is empty: give a project, or leave it out for the whole organization"
            )),
            project => header(name, project).map_err(|problem| format!("`{setting}`: {problem}")),
        };
        self.project = Some(Arc::new(project));
        self
    }

    /// What cannot be sent, if anything.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.project.as_deref()?.as_ref().err().map(String::as_str)
    }

    pub(crate) fn apply(self, options: &mut Options) {
        fn set<T>(value: Option<T>, place: &mut T) {
            if let Some(value) = value {
                *place = value;
            }
        }
        let limits = &mut options.limits;
        set(self.timeout, &mut limits.timeout);
        set(self.idle_timeout, &mut limits.idle_timeout);
        set(self.max_response_bytes, &mut limits.max_bytes);
        set(self.allow_unknown_values, &mut options.checks.allow_unknown);
        let retry = &mut options.retry;
        set(self.deadline.map(Some), &mut retry.deadline);
        set(self.retries, &mut retry.retries);
        set(self.max_retry_after, &mut retry.longest_asked);
        if let Some((first, longest)) = self.backoff {
            (retry.first, retry.longest) = (first, longest);
        }
        set(self.idempotency.map(Some), &mut options.idempotency);
        set(self.project.map(Some), &mut options.project);
    }
}
