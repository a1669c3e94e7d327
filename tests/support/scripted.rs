//! A server that responds as it is told, byte for byte, over a real socket: also what no sound
//! server would send.

#![allow(dead_code, reason = "each test target uses a part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use onkernel::{CallOptions, Client, ClientBuilder, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A plaintext that must not be seen anywhere but in its header.
pub(crate) const KEY: &str = "sk_live_0123456789abcdef";
/// What of it must not be seen.
pub(crate) const SECRET: &str = "0123456789abcdef";

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes and closes.
    Send(Vec<u8>),
    /// Sends these bytes and keeps the connection open, silent.
    SendAndHang(Vec<u8>),
    /// Sends these bytes, and then these again and again.
    SendForEver(Vec<u8>, Vec<u8>),
    /// Closes without a word.
    Drop,
    /// Responds after the other request has arrived.
    After(usize, Vec<u8>),
}

/// A whole response, its length and end of connection announced.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
            .into_bytes(),
    )
}

pub(crate) fn json(status: &str, body: &str) -> Act {
    response(status, "content-type: application/json\r\n", body)
}

/// A response as it is written here, with `\n` for the line ends of the head.
pub(crate) fn raw(text: &str) -> Vec<u8> {
    let (head, body) = text.split_once("\n\n").unwrap();
    format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n")).into_bytes()
}

/// What is done with a request: the number of it, from one, and its text.
type Script = Arc<dyn Fn(usize, &str) -> Option<Act> + Send + Sync>;

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Each request gets the next act; when they are used up, the last one again.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let acts: Vec<Act> = acts.into_iter().collect();
        Self::play(Arc::new(move |number, _| acts.get(number - 1).or(acts.last()).cloned())).await
    }

    /// Each request gets what this says of its text.
    pub(crate) async fn saying(act: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        Self::play(Arc::new(move |_, request| Some(act(request)))).await
    }

    async fn play(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { url, requests, task }
    }

    /// The requests so far, whole.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// A client that waits for milliseconds where others wait for seconds.
    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .api_key(KEY)
            .base_url(&self.url)
            .timeout(Duration::from_secs(20))
            .backoff(Duration::from_millis(1), Duration::from_millis(4))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Script, log: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len()
    };
    let Some(act) = script(number, &request) else { return };
    // The client may be gone: that is its right.
    match act {
        Act::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Act::SendAndHang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // Until the client goes.
            let _ = stream.read(&mut [0; 1]).await;
        }
        Act::SendForEver(first, again) => {
            let _ = stream.write_all(&first).await;
            while stream.write_all(&again).await.is_ok() {}
        }
        Act::Drop => {}
        Act::After(count, bytes) => {
            while log.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The error of a creation.
pub(crate) async fn create(server: &Server) -> Error {
    let client = server.client();
    client.api_keys().create("ci").send().await.unwrap_err()
}

/// The error of a call that may be sent again, sent once.
pub(crate) async fn get(server: &Server) -> Error {
    server
        .client()
        .with(CallOptions::new().retries(0))
        .api_keys()
        .get("key_1")
        .send()
        .await
        .unwrap_err()
}

/// All that can be seen of an error.
pub(crate) fn seen(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{:?}", error.details());
    text += &format!("{:?} {:?} {:?}", error.inner_error(), error.path(), error.created());
    for part in [error.message(), error.code(), error.body_excerpt(), error.request_id()] {
        text += part.unwrap_or_default();
    }
    text += error.advice().unwrap_or_default();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!("\n{cause} {cause:?}");
        source = cause.source();
    }
    text
}
