//! What a client finds around it: a proxy that refuses, a system that trusts nobody, a server that is
//! not trusted. Each is one error, at once, and says what to do.
//!
//! What depends on the environment runs in a process of its own.

use std::process::Command;

use onkernel::{Client, Error, ErrorKind, Method};

use crate::scripted::{KEY, Server, response};

/// Runs one of the ignored tests below in a process with these environment variables alone.
async fn in_child(test: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("calls::surroundings::{test}"), "--ignored"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.env("RUST_BACKTRACE", "0").envs(variables.iter().copied());
    // Other tasks go on, among them the proxy.
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn client() -> onkernel::Result<Client> {
    Client::builder().api_key(KEY).base_url("https://api.kernel.example").build()
}

/// The error says what is expected of it, and not the password.
fn says(error: &Error, expected: &str) {
    let text = format!("{error} {error:?} {error:#?}");
    for word in expected.split('|') {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!text.contains("hunter22"), "{text}");
    assert!(!error.outcome_unknown(), "{error}");
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_status() {
    for (status, attempts, requests) in [
        ("407 Proxy Authentication Required", "1", 1),
        // Why it refuses is asked once more.
        ("403 Forbidden", "1", 2),
        ("404 Not Found", "1", 2),
        ("503 Service Unavailable", "2", 4),
    ] {
        let proxy = Server::start([response(status, "", "")]).await;
        let address = proxy.url.trim_start_matches("http://");
        for variable in ["HTTPS_PROXY", "ALL_PROXY"] {
            let url = format!("http://hans:hunter22@{address}");
            let expected = format!("the proxy `http://{address}` refused|with {status}");
            let before = proxy.count();
            let variables = [(variable, &*url), ("EXPECT", &expected), ("ATTEMPTS", attempts)];
            in_child("child_creates", &variables).await;
            assert_eq!(proxy.count() - before, requests, "{status}");
        }
        // `hans:hunter22`
        let request = proxy.requests().pop().unwrap().to_lowercase();
        assert!(request.starts_with("connect api.kernel.example:443 "), "{request}");
        assert!(request.contains("proxy-authorization: basic agfuczpodw50zxiymg=="), "{request}");
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let variables = [
        ("HTTPS_PROXY", "http://hans:hunter22@127.0.0.1:1"),
        ("EXPECT", "could not connect (through the proxy `http://127.0.0.1:1`)|refused"),
        ("ATTEMPTS", "2"),
    ];
    in_child("child_creates", &variables).await;
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn a_proxy_of_an_unknown_kind_is_named_with_what_to_do() {
    for scheme in ["socks5h", "socks5", "socks4"] {
        let url = format!("{scheme}://hans:hunter22@127.0.0.1:1080");
        let expected = format!("the proxy `{scheme}://127.0.0.1:1080`|feature `socks`|NO_PROXY");
        let variables = [("ALL_PROXY", &*url), ("EXPECT", &expected), ("ATTEMPTS", "1")];
        in_child("child_creates", &variables).await;
    }
}

#[cfg(all(feature = "rustls", target_os = "linux"))]
#[tokio::test]
async fn a_system_without_certificates_is_an_error_of_the_builder() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("none.pem");
    std::fs::write(&nothing, "").unwrap();
    let variables = [
        ("SSL_CERT_FILE", nothing.to_str().unwrap()),
        ("SSL_CERT_DIR", folder.path().to_str().unwrap()),
        ("EXPECT", "no trusted certificates|ca-certificates|SSL_CERT_FILE"),
    ];
    in_child("child_is_not_built", &variables).await;
}

#[tokio::test]
#[ignore = "run by another test, with its environment"]
async fn child_creates() {
    let millisecond = std::time::Duration::from_millis(1);
    let client = client().unwrap();
    let client =
        client.with(onkernel::CallOptions::new().retries(1).backoff(millisecond, millisecond));
    let error = client.request(Method::POST, "/x").json(&1).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert_eq!(error.attempts().to_string(), std::env::var("ATTEMPTS").unwrap(), "{error}");
    says(&error, &std::env::var("EXPECT").unwrap());
}

#[test]
#[ignore = "run by another test, with its environment"]
fn child_is_not_built() {
    let error = client().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    says(&error, &std::env::var("EXPECT").unwrap());
}

/// A server with a certificate that nobody has signed but itself, and how often it was connected to.
#[cfg(feature = "rustls")]
fn self_signed() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let mut command = Command::new("openssl");
    command.args("req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(' '));
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let output = command.output().expect("this test needs the program `openssl`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let connections = std::sync::Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut tls = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).unwrap();
            // It ends when the client goes.
            let mut stream = stream.unwrap();
            let _ = tls.complete_io(&mut stream);
        }
    });
    (url, count)
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_tried_again() {
    let (url, connections) = self_signed();
    let client = Client::builder().api_key(KEY).base_url(url).http_client(crate::http::http());
    let call = client.build().unwrap().request(Method::POST, "/x");
    let error = call.send().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 1), "{error}");
    says(&error, "the certificate of the server is not trusted");
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}
