//! The client: what all calls share, and what each may set for itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::Secret;
use crate::configure::ClientBuilder;
use crate::credentials::Credentials;
use crate::error::Result;
use crate::origin::Base;
use crate::raw::RawRequest;
use crate::retry::Policy;

/// A client for the Kernel API.
///
/// Clones share the connections and the API key, and cost next to nothing.
///
/// ```no_run
/// # async fn example() -> onkernel::Result<()> {
/// let client = onkernel::Client::from_env()?;
/// let key = client.create_api_key().body_map(|key| key.name("ci").days_to_expire(30)).send().await?;
/// println!("{}", key.masked_key);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
}

/// What does not differ between the calls of a client.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Base,
    /// Sent with every request: all but the key.
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    /// A number in 0 to 1, for the jitter.
    pub(crate) random: fn() -> f64,
}

impl Client {
    /// A client by the environment: the API key from `KERNEL_API_KEY`, the base URL from
    /// `KERNEL_BASE_URL` (without it `https://api.onkernel.com`).
    ///
    /// # Errors
    /// A variable is missing or malformed; the error says which.
    pub fn from_env() -> Result<Self> {
        ClientBuilder::from_env().build()
    }

    /// A client by its settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// The same client with other options: the connections and the API key are shared.
    ///
    /// ```no_run
    /// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
    /// use onkernel::CallOptions;
    /// use std::time::Duration;
    ///
    /// let patient = CallOptions::new().timeout(Duration::from_secs(120)).retries(5);
    /// let keys = client.with(patient).list_api_keys().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        let mut client = self.clone();
        options.apply(&mut client.options);
        client
    }

    /// Replaces the API key, for this client and all its clones at once. Calls that are waiting to
    /// be repeated use the new one.
    ///
    /// # Errors
    /// The key is empty or holds a character that no key has; the old one stays in use.
    pub fn swap_api_key(&self, key: impl Into<Secret>) -> Result<()> {
        self.shared.credentials.swap(key)
    }

    /// Any method and path, for what the document lacks: with the key, the limits, the
    /// repetitions and the errors of every other call.
    ///
    /// The path begins with `/` and is appended to the base URL. It is sent as it is, so what
    /// comes from elsewhere must be percent-encoded.
    ///
    /// ```no_run
    /// # async fn example(client: onkernel::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use onkernel::Method;
    ///
    /// let answer = client.request(Method::GET, "/org/limits").query("verbose", true).send().await?;
    /// let limits: serde_json::Value = answer.json()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: &str) -> RawRequest {
        RawRequest::new(self.clone(), method, path)
    }

    /// The API key in use, fetched if there is none yet.
    pub(crate) async fn api_key(&self) -> Result<Secret> {
        Ok(self.shared.credentials.current().await?.secret.clone())
    }

    /// The base URL.
    pub fn base_url(&self) -> &str {
        self.shared.base.as_str()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("credentials", &self.shared.credentials)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a call may set for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) retry: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            max_response_bytes: 16 * 1024 * 1024,
            retry: Policy::default(),
        }
    }
}

/// Options of a client's calls: see [`Client::with`]. What is not set stays as it is.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct CallOptions {
    timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    deadline: Option<Duration>,
    retries: Option<u32>,
    backoff: Option<(Duration, Duration)>,
    max_retry_after: Option<Duration>,
    max_response_bytes: Option<usize>,
}

impl CallOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time for one attempt, the reading of the answer included. Default: 60 seconds.
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

    /// How often a failed call is repeated where that is safe. Default: 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The wait before the first repetition, and the longest: each is twice as long as the one
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

    /// The most bytes that an answer may have. Default: 16 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = Some(bytes);
        self
    }

    pub(crate) fn apply(self, options: &mut Options) {
        fn set<T>(value: Option<T>, place: &mut T) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(self.timeout, &mut options.timeout);
        set(self.idle_timeout, &mut options.idle_timeout);
        set(self.max_response_bytes, &mut options.max_response_bytes);
        let retry = &mut options.retry;
        set(self.deadline.map(Some), &mut retry.deadline);
        set(self.retries, &mut retry.retries);
        set(self.max_retry_after, &mut retry.longest_asked);
        if let Some((first, longest)) = self.backoff {
            (retry.first, retry.longest) = (first, longest);
        }
    }
}
