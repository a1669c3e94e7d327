//! An HTTP client that does nothing on its own: no redirects, no retries, no proxy.

#[allow(dead_code, reason = "each test target uses a part")]
pub fn http() -> reqwest::Client {
    builder().build().unwrap()
}

#[allow(dead_code, reason = "each test target uses a part")]
pub fn builder() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    // Nothing here speaks TLS, but a client wants to be able to.
    #[cfg(feature = "rustls")]
    let builder = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        builder.tls_certs_only([]).tls_backend_rustls()
    };
    builder
}
