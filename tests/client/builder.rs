//! Building a client, and what it sends.

use std::process::Command;

use onkernel::{Client, ClientBuilder, Error, ErrorKind, Method};

use crate::scripted::{KEY, SECRET, Server, json};

fn problem(builder: ClientBuilder) -> Error {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error
}

#[test]
fn every_bad_setting_is_named() {
    let good = || Client::builder().api_key(KEY);
    for (builder, words) in [
        (Client::builder(), "`KERNEL_API_KEY`"),
        (Client::builder().api_key(""), "the API key is empty"),
        (Client::builder().api_key("\n"), "the API key is empty"),
        (Client::builder().api_key(format!("{KEY} x")), "the API key holds a space"),
        (Client::builder().api_key(format!("{KEY}\nx")), "the API key holds a line break"),
        (Client::builder().api_key(format!(" {KEY}")), "the API key holds a space"),
        (Client::builder().api_key(format!("{KEY}\u{0}")), "the API key holds a control character"),
        (
            Client::builder().api_key(format!("{KEY}é")),
            "the API key holds a character that no API key has",
        ),
        (good().base_url("api.onkernel.com"), "the base URL cannot be used: it is not a URL"),
        (good().base_url(""), "the base URL cannot be used"),
        (good().base_url("ftp://api.onkernel.com"), "`https://`"),
        (good().base_url(format!("https://u:{KEY}@api.onkernel.com")), "password"),
        (good().base_url(format!("https://api.onkernel.com?key={KEY}")), "query"),
        (good().base_url("https://api.onkernel.com#a"), "fragment"),
        (good().base_url("http://api.onkernel.com"), "allow_plain_http"),
        (good().base_url("http://127.0.0.1.example.com"), "allow_plain_http"),
        (good().project(""), "`project` is empty"),
        (good().project("a\nb"), "`project`"),
        (good().project_id(" "), "`project_id` is empty"),
        (good().user_agent("a\r\nb"), "`user_agent`"),
        (good().default_header("x y", "1"), "`default_header`: \"x y\""),
        (
            good().default_header("x-y", format!("{KEY}\n")),
            "`default_header`: the value of the header `x-y`",
        ),
        (
            good().default_header("Authorization", format!("Bearer {KEY}")),
            "is set by the client itself",
        ),
    ] {
        let error = problem(builder);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.operation().is_none() && error.status().is_none());
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn good_settings_are_taken() {
    let good = || Client::builder().api_key(KEY);
    for builder in [
        good(),
        good().base_url("https://proxy.example/kernel/"),
        good().base_url("http://localhost:1"),
        good().base_url("http://[::1]:1"),
        good().base_url("http://10.1.2.3").allow_plain_http(true),
        Client::builder().api_key(format!("{KEY}\r\n")).base_url("http://127.0.0.1"),
    ] {
        builder.build().unwrap();
    }
    assert_eq!(good().build().unwrap().base_url(), "https://api.onkernel.com");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn without_tls_a_client_of_ones_own_is_requested_for() {
    let error = problem(Client::builder().api_key(KEY));
    assert!(error.to_string().contains("`rustls` or `native-tls`"), "{error}");
    let own = Client::builder().api_key(KEY).http_client(reqwest::Client::new());
    assert_eq!(own.build().unwrap().base_url(), "https://api.onkernel.com");
}

#[tokio::test]
async fn a_request_carries_what_was_set_and_no_more() {
    let server = Server::start([json("200 OK", "[]")]).await;
    server.client().api_keys().list().send().await.unwrap();
    let mut head: Vec<_> = server.requests()[0].trim_end().lines().map(str::to_owned).collect();
    head[1..].sort();
    let host = server.url.trim_start_matches("http://");
    assert_eq!(
        head,
        [
            "GET /org/api_keys HTTP/1.1".to_owned(),
            "accept-encoding: identity".to_owned(),
            "accept: application/json".to_owned(),
            format!("authorization: Bearer {KEY}"),
            format!("host: {host}"),
            concat!("user-agent: onkernel/", env!("CARGO_PKG_VERSION")).to_owned(),
        ]
    );

    let client = server
        .builder()
        .base_url(format!("{}/stem/", server.url))
        .project("proj_abc123")
        .user_agent("mine/1")
        .default_header("X-Team", "ops")
        .build()
        .unwrap();
    client.api_keys().list().name("a b&c").send().await.unwrap();
    let request = &server.requests()[1];
    assert!(request.starts_with("GET /stem/org/api_keys?name=a%20b%26c HTTP/1.1\r\n"), "{request}");
    for line in ["x-kernel-project: proj_abc123", "user-agent: mine/1", "x-team: ops"] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn connections_are_shared_by_clones() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut seen).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await.unwrap();
        }
    });
    let client = Client::builder().api_key(KEY).base_url(url).build().unwrap();
    client.api_keys().list().send().await.unwrap();
    client.clone().api_keys().list().send().await.unwrap();
    client.with(onkernel::CallOptions::new().retries(0)).api_keys().list().send().await.unwrap();
    server.await.unwrap();
}

/// A connection dies with the runtime that made it; the client does not.
#[test]
fn a_client_outlives_a_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let (mut stream, mut seen) = (stream.unwrap(), [0; 4096]);
                while stream.read(&mut seen).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
                }
            });
        }
    });
    let client = Client::builder().api_key(KEY).base_url(url).retries(0).build().unwrap();
    for _ in 0..20 {
        runtime().block_on(client.api_keys().list().send()).unwrap();
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn an_http_client_that_follows_redirects_takes_the_key_nowhere() {
    let elsewhere = Server::start([json("200 OK", "[]")]).await;
    let location = format!("location: {}/org/api_keys\r\n", elsewhere.url);
    let server =
        Server::start([crate::scripted::response("307 Temporary Redirect", &location, "")]).await;
    let own = own_http_client();
    let client = server.builder().http_client(own).build().unwrap();
    let error = client.api_keys().list().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert!(elsewhere.requests().iter().all(|request| !request.contains(SECRET)));
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

/// A client as a user would make one, with TLS that this test does not need.
#[cfg(feature = "rustls")]
fn own_http_client() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

#[test]
fn nothing_prints_the_key() {
    let builder =
        || Client::builder().api_key(KEY).default_header("x-own", KEY).user_agent(KEY).project(KEY);
    let client = builder().base_url("http://127.0.0.1:1").build().unwrap();
    let request = client.request(Method::GET, "/x").header("x-own", KEY).json(&KEY);
    let call = client.api_keys().create("ci");
    let text = format!("{:?} {client:?} {client:#?} {request:?} {call:?}", builder());
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.contains("http://127.0.0.1:1"));
}

#[test]
fn a_client_and_its_calls_can_go_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send + 'static>(_: T) {}
    fn moved<T: Send + Unpin + 'static>(_: T) {}
    anywhere::<Client>();
    anywhere::<ClientBuilder>();
    anywhere::<onkernel::Credentials>();
    let client = Client::builder().api_key(KEY).base_url("http://127.0.0.1:1").build().unwrap();
    sent(client.api_keys().list().send());
    moved(client.api_keys().list().items());
    moved(client.api_keys().list().pages().ahead(3));
    sent(client.api_keys().delete("key_1").send());
    sent(client.request(Method::GET, "/").send());
}

/// Runs one of the tests below in a process with these environment variables.
fn in_child(test: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("builder::{test}"), "--ignored"]).env_remove("KERNEL_API_KEY");
    child.env_remove("KERNEL_BASE_URL").envs(variables.iter().copied());
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_read_and_loopback_needs_no_proxy() {
    let server = Server::start([json("200 OK", "[]")]).await;
    let variables = [
        ("KERNEL_API_KEY", "sk_env_0123456789abcdef"),
        ("KERNEL_BASE_URL", &server.url),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    in_child("child_lists_keys", &variables);
    assert!(server.requests()[0].contains("authorization: Bearer sk_env_0123456789abcdef\r\n"));
}

#[test]
fn a_bad_environment_is_named() {
    in_child("child_is_told_of_the_variable", &[("EXPECT", "`KERNEL_API_KEY` is not set")]);
    let key = ("KERNEL_API_KEY", "sk_env_0123456789abcdef ");
    in_child("child_is_told_of_the_variable", &[key, ("EXPECT", "`KERNEL_API_KEY` holds a space")]);
    in_child(
        "child_is_told_of_the_variable",
        &[("KERNEL_API_KEY", ""), ("EXPECT", "`KERNEL_API_KEY` is empty")],
    );
    let key = ("KERNEL_API_KEY", "sk_env_0123456789abcdef");
    let url = ("KERNEL_BASE_URL", "http://example.com");
    in_child(
        "child_is_told_of_the_variable",
        &[key, url, ("EXPECT", "`KERNEL_BASE_URL` cannot be used")],
    );
}

#[tokio::test]
#[ignore = "run by another test, with its environment"]
async fn child_lists_keys() {
    Client::from_env().unwrap().api_keys().list().send().await.unwrap();
}

#[test]
#[ignore = "run by another test, with its environment"]
fn child_is_told_of_the_variable() {
    let error = problem(ClientBuilder::from_env());
    let expected = std::env::var("EXPECT").unwrap();
    assert!(error.to_string().contains(&expected), "{error}");
}
