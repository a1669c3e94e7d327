//! The HTTP client that carries the calls: no redirects, no retries, no proxy to this machine.

use std::sync::Arc;
use std::time::Duration;

use super::origin::Base;
use super::proxy::Proxy;
use crate::error::{Cause, Error, Result, Scrubber};

/// Connections rest for less than servers and load balancers let them: a POST on one that the other
/// side is closing has an unknown outcome.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// A connection that takes longer is given up: nothing was sent, so that even a POST is retried.
const CONNECT: Duration = Duration::from_secs(10);

/// The client for a base URL, and the proxy that it takes.
pub(crate) fn build(
    base: &Base,
    timeout: Duration,
) -> Result<(reqwest::Client, Option<Arc<Proxy>>)> {
    build_trusting(base, timeout, None)
}

/// The same; it trusts these certificates, as PEM, instead of the system's.
pub(crate) fn build_trusting(
    base: &Base,
    timeout: Duration,
    authorities: Option<&[u8]>,
) -> Result<(reqwest::Client, Option<Arc<Proxy>>)> {
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
    let mut proxy = None;
    if base.is_loopback() {
        builder = builder.no_proxy();
    } else {
        proxy = Proxy::to(base).map(Arc::new);
    }
    let client = tls(builder, base, authorities)?.build().map_err(|error| {
        let cause = Cause::of(&error, &Scrubber::default());
        Error::configuration(format!("the HTTP client cannot be built: {}", cause.root()))
            .caused_by(cause)
    })?;
    Ok((client, proxy))
}

/// Of a file that is said to hold certificates.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
const NO_PEM: &str = "the certificate authorities that are to be trusted are no PEM certificates";

/// As in a container made `FROM scratch`.
#[cfg(feature = "rustls")]
const NO_CERTIFICATES: &str = "this system has no trusted certificates, without which no `https://` server can be trusted: install the package `ca-certificates`, or set `SSL_CERT_FILE` to a file of PEM certificates or `SSL_CERT_DIR` to a folder of them";

#[cfg(feature = "rustls")]
fn tls(
    builder: reqwest::ClientBuilder,
    base: &Base,
    authorities: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder> {
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // Reading the system's certificates takes its time, and plain HTTP needs none.
    let config = match (base.is_https(), authorities) {
        (true, None) => config.and_then(BuilderVerifierExt::with_platform_verifier),
        (false, None) => config.map(|config| config.with_root_certificates(RootCertStore::empty())),
        (_, Some(pem)) => {
            let roots = roots(pem).ok_or_else(|| Error::configuration(NO_PEM))?;
            config.map(|config| config.with_root_certificates(roots))
        }
    };
    let mut config = config
        .map_err(|error| {
            let cause = Cause::of(&error, &Scrubber::default());
            // So the verifier says that it found none.
            let problem = match error {
                rustls::Error::General(_) if base.is_https() => NO_CERTIFICATES.to_owned(),
                _ => format!("TLS cannot be set up: {cause}"),
            };
            Error::configuration(problem).caused_by(cause)
        })?
        .with_no_client_auth();
    if cfg!(feature = "http2") {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(builder.tls_backend_preconfigured(config))
}

/// The certificates of a PEM text; `None` where it holds none, or a damaged one.
#[cfg(feature = "rustls")]
fn roots(pem: &[u8]) -> Option<rustls::RootCertStore> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

#[cfg(not(feature = "rustls"))]
fn tls(
    builder: reqwest::ClientBuilder,
    _base: &Base,
    authorities: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder> {
    #[cfg(feature = "native-tls")]
    let builder = builder.tls_backend_native();
    #[cfg(feature = "native-tls")]
    let builder = match authorities.map(reqwest::Certificate::from_pem_bundle) {
        None => builder,
        Some(Ok(roots)) if !roots.is_empty() => builder.tls_certs_only(roots),
        Some(_) => return Err(Error::configuration(NO_PEM)),
    };
    #[cfg(not(feature = "native-tls"))]
    let _ = authorities;
    Ok(builder)
}

/// Whether the server's certificate is not trusted, which no second attempt changes.
#[cfg(feature = "rustls")]
pub(crate) fn is_untrusted(error: &reqwest::Error) -> bool {
    fn is_about_it(error: &(dyn std::error::Error + 'static)) -> bool {
        // What an I/O error wraps is not its source.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
            || inner.is_some_and(|inner| is_about_it(inner))
            || error.source().is_some_and(is_about_it)
    }
    is_about_it(error)
}

#[cfg(not(feature = "rustls"))]
pub(crate) fn is_untrusted(_: &reqwest::Error) -> bool {
    false
}
