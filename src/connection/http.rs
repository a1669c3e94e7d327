//! The HTTP client that carries the calls: no redirects, no retries, no proxy to this machine.

use std::time::Duration;

use super::origin::Base;
use crate::error::{Cause, Error, Result, Scrubber};

/// Connections rest for less than servers and load balancers let them: a POST on one that the other
/// side is closing has an unknown outcome.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// A connection that takes longer is given up: nothing was sent, so that even a POST is retried.
const CONNECT: Duration = Duration::from_secs(10);

/// The client for a base URL.
pub(crate) fn build(base: &Base, timeout: Duration) -> Result<reqwest::Client> {
    if base.is_https() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
        return Err(Error::configuration(
            "this build has no TLS for `https://`: enable the feature `rustls` or `native-tls` of `onkernel`, or give an HTTP client of your own with `http_client`",
        ));
    }
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(POOL_IDLE)
        .connect_timeout(CONNECT.min(timeout / 2));
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    tls(builder, base)?.build().map_err(|error| {
        let cause = Cause::of(&error, &Scrubber::default());
        Error::configuration(format!("the HTTP client cannot be built: {}", cause.root()))
            .caused_by(cause)
    })
}

#[cfg(feature = "rustls")]
fn tls(builder: reqwest::ClientBuilder, base: &Base) -> Result<reqwest::ClientBuilder> {
    use std::sync::Arc;

    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // Reading the system's certificates takes its time, and plain HTTP needs none.
    let config = match base.is_https() {
        true => config.and_then(BuilderVerifierExt::with_platform_verifier),
        false => config.map(|config| config.with_root_certificates(RootCertStore::empty())),
    };
    let mut config = config
        .map_err(|error| {
            let cause = Cause::of(&error, &Scrubber::default());
            Error::configuration(format!("TLS cannot be set up: {cause}")).caused_by(cause)
        })?
        .with_no_client_auth();
    if cfg!(feature = "http2") {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(not(feature = "rustls"))]
fn tls(builder: reqwest::ClientBuilder, _base: &Base) -> Result<reqwest::ClientBuilder> {
    #[cfg(feature = "native-tls")]
    let builder = builder.tls_backend_native();
    Ok(builder)
}
