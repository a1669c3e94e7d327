//! What an HTTP/2 server says that it has not processed is sent again; the frames are written by hand,
//! for no sound server would send them so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onkernel::{Client, ErrorKind, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// What a connection does with its first request.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// 204.
    Respond,
    /// The stream ends with this code.
    Reset(u32),
    /// The last stream that is processed, and a code; then the connection ends.
    GoAway(u32, u32),
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

async fn serve(mut stream: TcpStream, act: Act) -> Option<()> {
    stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        if kind == SETTINGS && flags == 0 {
            stream.write_all(&frame(SETTINGS, 1, 0, &[])).await.ok()?;
        }
        // The end of the request.
        if !([HEADERS, DATA].contains(&kind) && flags & 1 == 1) {
            continue;
        }
        let bytes = match act {
            // `:status: 204`, by its number in the static table.
            Act::Respond => frame(HEADERS, 5, id, &[0x89]),
            Act::Reset(code) => frame(RST_STREAM, 0, id, &code.to_be_bytes()),
            Act::GoAway(last, code) => {
                frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
            }
        };
        stream.write_all(&bytes).await.ok()?;
        if matches!(act, Act::GoAway(..)) {
            stream.shutdown().await.ok()?;
        }
    }
}

/// A client of a server whose connections or requests, in turn, do this; and how many there were.
async fn start(first: Act) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, if number == 0 { first } else { Act::Respond }));
        }
    });
    // Each attempt has a connection of its own.
    let http = crate::http::builder().http2_prior_knowledge().pool_max_idle_per_host(0);
    let client = Client::builder()
        .api_key("sk_live_0123456789")
        .base_url(url)
        .http_client(http.build().unwrap())
        .backoff(Duration::from_millis(1), Duration::from_millis(1));
    (client.build().unwrap(), count)
}

#[tokio::test]
async fn what_was_not_processed_is_sent_again() {
    for first in
        [Act::Reset(REFUSED_STREAM), Act::GoAway(0, NO_ERROR), Act::GoAway(0, INTERNAL_ERROR)]
    {
        for body in [None, Some("bytes")] {
            let (client, connections) = start(first).await;
            let mut call = client.request(Method::POST, "/x");
            if let Some(body) = body {
                call = call.upload(body);
            }
            let response = call.send().await;
            assert_eq!(response.map(|it| it.status().as_u16()).ok(), Some(204), "{first:?}");
            assert_eq!(connections.load(Ordering::SeqCst), 2, "{first:?}");

            let (client, _) = start(first).await;
            let call = client.with(onkernel::CallOptions::new().retries(0));
            let error = call.request(Method::POST, "/x").send().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
            assert!(!error.outcome_unknown(), "{error}");
        }
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_not() {
    for first in [
        Act::Reset(INTERNAL_ERROR),
        Act::Reset(CANCEL),
        Act::GoAway(1, NO_ERROR),
        Act::GoAway(1, INTERNAL_ERROR),
    ] {
        let (client, connections) = start(first).await;
        let error = client.request(Method::POST, "/x").send().await.unwrap_err();
        assert!(error.outcome_unknown(), "{first:?} {error}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{first:?}");
        // What is harmless is.
        let (client, connections) = start(first).await;
        client.request(Method::GET, "/x").send().await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), 2, "{first:?}");
    }
}
