//! What all calls of a client share: where the API is, the key, and the HTTP client.

pub(crate) mod credentials;
pub(crate) mod http;
pub(crate) mod machines;
pub(crate) mod origin;
pub(crate) mod proxy;

use std::sync::Arc;

use reqwest::header::HeaderMap;

use self::credentials::Credentials;
use self::machines::Machines;
use self::origin::Base;
use self::proxy::Proxy;
#[cfg(feature = "rotation")]
use crate::error::Result;
#[cfg(feature = "rotation")]
use crate::model::secret::Secret;

/// What all calls of a client share.
pub(crate) struct Connection {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Base,
    /// The proxy that `http` takes to it, as far as we know.
    pub(crate) proxy: Option<Arc<Proxy>>,
    /// Sent with every request: all but the key.
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    /// The machines of browser sessions, where calls go straight to them.
    pub(crate) machines: Option<Arc<Machines>>,
    /// A number in 0 to 1, for the jitter.
    pub(crate) random: fn() -> f64,
}

#[cfg(feature = "rotation")]
impl Connection {
    /// The same connection with another key.
    pub(crate) fn with_key(&self, key: &Secret) -> Result<Self> {
        let credentials = Credentials::fixed(key.clone());
        credentials.prepare()?;
        let (http, base, headers) = (self.http.clone(), self.base.clone(), self.headers.clone());
        let (proxy, machines) = (self.proxy.clone(), self.machines.clone());
        Ok(Self { http, base, proxy, headers, credentials, machines, random: self.random })
    }
}
