//! The proxy between this client and the API, by the environment: named when it refuses, never with its
//! password.

use std::fmt;
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::origin::Base;

/// How long a proxy that refused may take to say why.
const ASK: Duration = Duration::from_secs(5);

/// A proxy.
pub(crate) struct Proxy {
    by: Intercept,
    /// The API as a tunnel's end.
    target: String,
}

impl Proxy {
    /// The proxy that the HTTP client takes to this API.
    pub(crate) fn to(base: &Base) -> Option<Self> {
        let by = Matcher::from_system().intercept(&base.as_str().parse().ok()?)?;
        Some(Self { by, target: base.host_and_port() })
    }

    /// What to say when the proxy did not connect, with this status if it is known.
    pub(crate) fn problem(&self, status: Option<StatusCode>) -> String {
        match status {
            _ if self.is_socks() => format!(
                "the proxy `{self}` of the environment speaks SOCKS, which this build does not: add `reqwest` with its feature `socks` to your dependencies, name the API's host in `NO_PROXY`, or give an HTTP client of your own with `http_client`"
            ),
            Some(status) => {
                format!("the proxy `{self}` refused to connect to the API with {status}")
            }
            None => format!("the proxy `{self}` refused to connect to the API"),
        }
    }

    fn is_socks(&self) -> bool {
        self.by.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
    }

    /// The status with which the proxy refuses a tunnel, which the HTTP client does not tell: asked
    /// once more. `None` if it does not refuse, or is not to be understood.
    pub(crate) async fn status(&self) -> Option<StatusCode> {
        let uri = self.by.uri();
        if uri.scheme_str() != Some("http") {
            return None;
        }
        let asked = self.ask(uri.host()?, uri.port_u16().unwrap_or(80));
        let status = timeout(ASK, asked).await.ok()??;
        (!status.is_success()).then_some(status)
    }

    async fn ask(&self, host: &str, port: u16) -> Option<StatusCode> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut stream = TcpStream::connect((host, port)).await.ok()?;
        let target = &self.target;
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(authorization) = self.by.basic_auth() {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.ok()?;
        // `HTTP/1.1 403`
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.ok()?;
        let status = line.strip_prefix(b"HTTP/1.")?.get(2..)?;
        StatusCode::from_bytes(status).ok()
    }
}

impl fmt::Display for Proxy {
    /// Without user name and password, which its URL does not hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.by.uri();
        let scheme = uri.scheme_str().unwrap_or("http");
        write!(f, "{scheme}://{}", uri.authority().map_or("", |it| it.as_str()))
    }
}

/// Why a proxy made no connection.
pub(crate) enum Rejection {
    /// This status, if the HTTP client says it.
    Status(Option<StatusCode>),
    /// It is no proxy that the HTTP client can ask.
    Unknown,
}

/// Whether a connection failed because a proxy refused to make it.
pub(crate) fn rejection(error: &reqwest::Error, proxy: Option<&Proxy>) -> Option<Rejection> {
    // The error's type is not public.
    let first: &dyn std::error::Error = error;
    std::iter::successors(Some(first), |error| error.source()).find_map(|error| {
        match error.to_string().strip_prefix("tunnel error: ")? {
            // Where SOCKS is known, there is no tunnel.
            _ if proxy.is_some_and(Proxy::is_socks) => Some(Rejection::Unknown),
            "proxy authorization required" => {
                Some(Rejection::Status(Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED)))
            }
            "unsuccessful" => Some(Rejection::Status(None)),
            _ => None,
        }
    })
}
