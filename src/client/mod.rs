//! The client: how it is built, what each call may set for itself, and raw access.

mod builder;
mod options;
mod raw;

use std::fmt;
use std::sync::Arc;

pub use self::builder::ClientBuilder;
pub use self::options::CallOptions;
pub use self::raw::{RawBody, RawRequest};
use crate::error::Result;
use crate::model::secret::Secret;
use crate::send::Sender;

/// A client for the Kernel API.
///
/// Clones share the connections and the API key, and cost next to nothing.
///
/// ```no_run
/// # async fn example() -> onkernel::Result<()> {
/// let client = onkernel::Client::from_env()?;
/// let key = client.api_keys().create("ci").days_to_expire(30).send().await?;
/// println!("{}", key.masked_key);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) sender: Sender,
}

impl Client {
    /// The same client with other options: the connections and the API key are shared.
    ///
    /// ```no_run
    /// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
    /// use onkernel::CallOptions;
    /// use std::time::Duration;
    ///
    /// let patient = CallOptions::new().timeout(Duration::from_secs(120)).retries(5);
    /// let keys = client.with(patient).api_keys().list().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        let mut client = self.clone();
        options.apply(Arc::make_mut(&mut client.sender.options));
        client
    }

    /// Replaces the API key, for this client and all its clones at once. Calls that are waiting to
    /// be retried use the new one.
    ///
    /// # Errors
    /// The key is empty or holds a character that no key has; the old one stays in use.
    pub fn swap_api_key(&self, key: impl Into<Secret>) -> Result<()> {
        self.sender.connection.credentials.swap(key)
    }

    /// The API key in use, fetched if there is none yet.
    #[cfg(feature = "api-keys")]
    pub(crate) async fn api_key(&self) -> Result<Secret> {
        Ok(self.sender.connection.credentials.current().await?.key.secret.clone())
    }

    /// The same client with another key: connections, headers and options are shared.
    #[cfg(feature = "rotation")]
    pub(crate) fn with_key(&self, key: &Secret) -> Result<Self> {
        let connection = self.sender.connection.with_key(key)?;
        Ok(Self { sender: Sender { connection: Arc::new(connection), ..self.sender.clone() } })
    }

    /// The base URL.
    pub fn base_url(&self) -> &str {
        self.sender.connection.base.as_str()
    }

    /// The proxy of the environment that calls go through, without its user name and password. `None`
    /// for an API on this machine, and with an HTTP client of your own, whose proxy is its own affair.
    pub fn proxy(&self) -> Option<String> {
        self.sender.connection.proxy.as_ref().map(ToString::to_string)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("credentials", &self.sender.connection.credentials)
            .field("options", &self.sender.options)
            .finish_non_exhaustive()
    }
}
