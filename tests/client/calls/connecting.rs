//! What was not sent: nothing is, while there is no connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onkernel::{CallOptions, Client, Error, ErrorKind, Method};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::scripted::KEY;

/// The URL of a server whose connections never come to be: it says nothing to a TLS handshake; and how
/// many were tried.
async fn never_connects() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(
                async move { while stream.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {} },
            );
        }
    });
    (url, tried)
}

fn client(url: &str) -> onkernel::ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(url)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
}

async fn post(client: &Client) -> Error {
    client
        .request(Method::POST, "/org/api_keys")
        .json(&serde_json::json!({ "name": "ci" }))
        .send()
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_timeout_while_connecting_leaves_nothing_done_and_is_retried() {
    let (url, tried) = never_connects().await;
    let client = client(&url).http_client(crate::http::http()).build().unwrap();
    let options = CallOptions::new().timeout(Duration::from_millis(50)).retries(1);
    let error = post(&client.with(options.clone())).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2), "{error}");
    assert!(!error.outcome_unknown() && error.is_timeout(), "{error}");
    assert!(error.to_string().contains("passed while connecting"), "{error}");
    assert_eq!(tried.load(Ordering::SeqCst), 2);

    // Without a body it is no other.
    let delete = client.with(options).request(Method::POST, "/x").send().await.unwrap_err();
    assert_eq!((delete.outcome_unknown(), delete.attempts()), (false, 2), "{delete}");

    let options = CallOptions::new().deadline(Duration::from_millis(50));
    let error = post(&client.with(options)).await;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    assert!(!error.outcome_unknown(), "{error}");
}

/// As a host that is overloaded, or behind a wall that drops what it does not let in.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn so_does_a_server_that_never_accepts() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // As many as wait to be accepted; who comes then is not let in.
    let mut waiting = Vec::new();
    let limit = Duration::from_millis(200);
    let connect = || tokio::time::timeout(limit, tokio::net::TcpStream::connect(address));
    while let Ok(stream) = connect().await {
        waiting.push(stream.unwrap());
    }
    let client = client(&format!("http://{address}")).build().unwrap();
    let options = CallOptions::new().timeout(Duration::from_millis(50)).retries(1);
    let error = post(&client.with(options)).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2), "{error}");
    assert!(!error.outcome_unknown(), "{error}");
    assert!(error.to_string().contains("passed while connecting"), "{error}");
    let error = post(&client.with(CallOptions::new().deadline(Duration::from_millis(50)))).await;
    assert!(error.is_timeout() && !error.outcome_unknown(), "{error}");
    drop(listener);
}

#[tokio::test]
async fn so_does_the_own_timeout_of_a_callers_client() {
    let (url, tried) = never_connects().await;
    let own = crate::http::builder().timeout(Duration::from_millis(50)).build().unwrap();
    let client = client(&url).http_client(own).retries(2).build().unwrap();
    let error = post(&client).await;
    assert!(!error.outcome_unknown(), "{error}");
    assert_eq!((error.attempts(), tried.load(Ordering::SeqCst)), (3, 3), "{error}");
}
