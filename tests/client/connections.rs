//! How many connections are opened: one for calls that follow each other, and never more than there
//! are calls at a time.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use onkernel::Client;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

const KEY: &str = r#"{"id": "key_1", "name": "ci", "created_at": "2026-01-01T00:00:00Z",
    "created_by": {"id": "u", "email": "e", "name": null}, "expires_at": null, "deleted_at": null,
    "project_id": null, "project_name": null, "masked_key": "sk_1...2"}"#;

/// A server that responds to each call when so many have come, and the number of its connections.
async fn server(at_a_time: usize) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let barrier = Arc::new(Barrier::new(at_a_time));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let barrier = Arc::clone(&barrier);
            let response = move |request: Request<Incoming>| {
                let barrier = Arc::clone(&barrier);
                async move {
                    request.into_body().collect().await.unwrap();
                    barrier.wait().await;
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
                        KEY.as_bytes(),
                    ))))
                }
            };
            let stream = TokioIo::new(stream);
            tokio::spawn(http1::Builder::new().serve_connection(stream, service_fn(response)));
        }
    });
    let client = Client::builder().base_url(url).api_key("sk_live_0123456789").build().unwrap();
    (client, opened)
}

async fn call(client: &Client) -> onkernel::Result<()> {
    client.api_keys().get("key_1").send().await.map(drop)
}

#[tokio::test]
async fn calls_in_turn_share_one_connection() {
    let (client, opened) = server(1).await;
    for _ in 0..1000 {
        call(&client).await.unwrap();
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn calls_at_a_time_have_a_connection_each() {
    let (client, opened) = server(64).await;
    // A multiple of 64, so that the last of them are not left waiting for others.
    let calls = stream::iter(0..1024).map(|_| call(&client)).buffer_unordered(64);
    calls.try_collect::<()>().await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 64);
}
