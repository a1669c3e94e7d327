//! Building a client: every setting checked, every error saying which one and how to set it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};

use super::Client;
use super::options::CallOptions;
use crate::connection::credentials::Credentials;
use crate::connection::machines::Machines;
use crate::connection::origin::Base;
use crate::connection::{Connection, http};
use crate::error::{Error, Result};
use crate::model::secret::Secret;
use crate::request;
use crate::send::{Options, Sender};

const API_KEY: &str = "KERNEL_API_KEY";
const BASE_URL: &str = "KERNEL_BASE_URL";
/// Where the API is, as its document says.
const DEFAULT_BASE_URL: &str = "https://api.onkernel.com";
const OUR_USER_AGENT: &str = concat!("onkernel/", env!("CARGO_PKG_VERSION"));

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
}

/// The settings of a [`Client`].
///
/// ```
/// use onkernel::Client;
/// use std::time::Duration;
///
/// let client = Client::builder()
///     .api_key("sk_live_0123456789")
///     .base_url("http://127.0.0.1:8080")
///     .project("proj_abc123")
///     .timeout(Duration::from_secs(10))
///     .build()?;
/// # Ok::<(), onkernel::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    credentials: Option<Credentials>,
    base_url: Option<String>,
    /// Where the base URL comes from, for the error.
    base_url_from_env: bool,
    allow_plain_http: bool,
    user_agent: Option<String>,
    headers: Vec<(String, String)>,
    http: Option<reqwest::Client>,
    direct_to_vm: bool,
    options: CallOptions,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The API key from `KERNEL_API_KEY` and the base URL from `KERNEL_BASE_URL`, until they are
    /// set otherwise.
    pub fn from_env() -> Self {
        Self {
            credentials: Some(Credentials::env(API_KEY)),
            // What is not text becomes a URL that is rejected.
            base_url: std::env::var_os(BASE_URL)
                .filter(|text| !text.is_empty())
                .map(|text| text.to_string_lossy().into_owned()),
            base_url_from_env: true,
            ..Self::default()
        }
    }

    /// The API key.
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.credentials(Credentials::fixed(key))
    }

    /// Where the API key comes from.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Where the API is. The URL may have a path, which all paths are appended to. Default:
    /// `https://api.onkernel.com`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.base_url_from_env = false;
        self
    }

    /// Allows `http://` to another machine, where the API key travels in the clear.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// The project of all calls, by its id or its name: see [`CallOptions::project`].
    pub fn project(mut self, id_or_name: impl AsRef<str>) -> Self {
        self.options = self.options.project(id_or_name);
        self
    }

    /// The project of all calls, by its id: see [`CallOptions::project_id`].
    pub fn project_id(mut self, id: impl AsRef<str>) -> Self {
        self.options = self.options.project_id(id);
        self
    }

    /// The `User-Agent`. Default: `onkernel/` and this crate's version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// A header of all requests. Its value is never shown.
    pub fn default_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// An HTTP client of your own, for its proxies, certificates or pools. Let it follow no
    /// redirects (`redirect::Policy::none()`) and retry nothing (`retry::never()`): what it has
    /// followed is rejected, and what it retries this client cannot see.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Whether calls of a browser session go straight to the machine that runs it: `computer`, `curl`,
    /// `fs`, `playwright`, `process`, and the streams of `logs` and `telemetry`. Default: no; they go
    /// through the API as its document says.
    ///
    /// The client learns where a machine is from each session that the API shows it: one that is made,
    /// listed, fetched, or acquired from a pool. Calls that name the session by its id then take the
    /// shorter way. The machine is sent the session's token in the query, and neither the API key, nor
    /// the project, nor [`default_header`](Self::default_header)s. It must be reached as safely as the
    /// API: by `https://`, if the base URL is.
    ///
    /// Where the machine cannot be reached, or responds with 401, 403, 404, 502 or 503, the call goes
    /// through the API after all, unless it may have been done and must not be done twice.
    ///
    /// ```no_run
    /// # async fn example() -> onkernel::Result<()> {
    /// use onkernel::ClientBuilder;
    ///
    /// let kernel = ClientBuilder::from_env().direct_to_vm(true).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn direct_to_vm(mut self, direct: bool) -> Self {
        self.direct_to_vm = direct;
        self
    }

    /// The time for one attempt: see [`CallOptions::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// The time for a call in all: see [`CallOptions::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options = self.options.deadline(deadline);
        self
    }

    /// How often a failed call is retried: see [`CallOptions::retries`].
    pub fn retries(mut self, retries: u32) -> Self {
        self.options = self.options.retries(retries);
        self
    }

    /// The first and the longest wait between attempts: see [`CallOptions::backoff`].
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.options = self.options.backoff(first, longest);
        self
    }

    /// The longest wait that the server may ask for: see [`CallOptions::max_retry_after`].
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.options = self.options.max_retry_after(longest);
        self
    }

    /// The most bytes that a response may have: see [`CallOptions::max_response_bytes`].
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.options = self.options.max_response_bytes(bytes);
        self
    }

    /// Builds the client. A key's file is read here.
    ///
    /// # Errors
    /// A setting is missing or malformed; the error says which one and how to set it.
    pub fn build(self) -> Result<Client> {
        let credentials = self.credentials.clone().ok_or_else(|| {
            Error::configuration(format!(
                "there is no API key: set it with `api_key` or `credentials`, or set `{API_KEY}` and use `Client::from_env`"
            ))
        })?;
        credentials.prepare()?;

        let url = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let base = Base::parse(url, self.allow_plain_http).map_err(|problem| {
            let what = if self.base_url_from_env {
                format!("the base URL in `{BASE_URL}`")
            } else {
                "the base URL".to_owned()
            };
            Error::configuration(format!("{what} cannot be used: {problem}"))
        })?;

        let headers = self.headers()?;
        if let Some(problem) = self.options.problem() {
            return Err(Error::configuration(problem));
        }
        let mut options = Options::default();
        self.options.apply(&mut options);
        let (http, proxy) = match self.http {
            Some(http) => (http, None),
            None => http::build(&base, options.limits.timeout)?,
        };
        let random = fastrand::f64;
        let machines = self.direct_to_vm.then(|| Machines::new(&base, self.allow_plain_http));
        let machines = machines.map(Arc::new);
        let connection = Connection { http, base, proxy, headers, credentials, machines, random };
        Ok(Client {
            sender: Sender { connection: Arc::new(connection), options: Arc::new(options) },
        })
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
        if self.http.is_none() {
            // Silence would permit any encoding, and ours reads none.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let mut set = |setting: &str, name: &str, value: &str| match request::header(name, value) {
            Ok((name, value)) => {
                headers.insert(name, value);
                Ok(())
            }
            Err(problem) => Err(Error::configuration(format!("`{setting}`: {problem}"))),
        };
        for (name, value) in &self.headers {
            set("default_header", name, value)?;
        }
        if let Some(user_agent) = &self.user_agent {
            set("user_agent", USER_AGENT.as_str(), user_agent)?;
        }
        Ok(headers)
    }
}

impl fmt::Debug for ClientBuilder {
    /// Without what may be secret: headers, and a base URL that was not yet checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
