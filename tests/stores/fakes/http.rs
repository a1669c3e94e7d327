//! An HTTP server on a real socket, whose handler may also close the connection without a response,
//! before or after it has done what was requested.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What goes out; `None` closes the connection.
pub(crate) type Sent = Option<(u16, Vec<(&'static str, String)>, String)>;

pub(crate) fn json(status: u16, body: impl ToString) -> Sent {
    let headers = vec![("content-type", "application/json".to_owned())];
    Some((status, headers, body.to_string()))
}

pub(crate) struct Http {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Http {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http {
    pub(crate) async fn start(handler: impl Fn(&Received) -> Sent + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (seen, handler) = (Arc::clone(&received), Arc::new(handler));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
                        let text = |value: &hyper::header::HeaderValue| {
                            String::from_utf8_lossy(value.as_bytes()).into_owned()
                        };
                        let request = Received {
                            method: head.method.to_string(),
                            path: head.uri.to_string(),
                            headers: head
                                .headers
                                .iter()
                                .map(|(name, value)| (name.to_string(), text(value)))
                                .collect(),
                            body: String::from_utf8_lossy(&body).into_owned(),
                        };
                        seen.lock().unwrap().push(request.clone());
                        let (status, headers, body) = handler(&request).ok_or(Closed)?;
                        let mut response = hyper::Response::builder().status(status);
                        for (name, value) in headers {
                            response = response.header(name, value);
                        }
                        Ok::<_, Closed>(response.body(Full::new(Bytes::from(body))).unwrap())
                    }
                });
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { url, received, task }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Ends a connection without a response.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed")
    }
}

impl std::error::Error for Closed {}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
