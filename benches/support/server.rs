//! A server that responds from memory, as a process of its own: what it costs is not ours.
//!
//! The bench starts itself anew with an environment variable set, and `serve` takes over.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SERVES: &str = "ONKERNEL_BENCH_SERVES";
/// How many keys it claims to have.
const KEYS: &str = "ONKERNEL_BENCH_KEYS";
/// How many milliseconds it takes for each response.
const TAKES: &str = "ONKERNEL_BENCH_TAKES";

/// A running server, which ends with this value.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    /// Starts a server with this many keys, which responds at once.
    pub fn start(keys: usize) -> Self {
        Self::taking(0, keys)
    }

    /// Starts a server that takes so many milliseconds for each response.
    pub fn taking(milliseconds: u64, keys: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(SERVES, "1")
            .env(KEYS, keys.to_string())
            .env(TAKES, milliseconds.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// To be called first in `main`: does not return in the process that is the server.
pub fn serve_if_asked() {
    if std::env::var_os(SERVES).is_none() {
        return;
    }
    // A parent that was killed closes the pipe.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let number = |name| std::env::var(name).unwrap().parse().unwrap();
    let takes = Duration::from_millis(number(TAKES));
    let keys = usize::try_from(number(KEYS)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(keys, takes))
}

async fn serve(keys: usize, takes: Duration) -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let responses: &'static Responses = Box::leak(Box::new(Responses::new(keys)));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = service_fn(move |request| async move {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            responses.respond(request).await
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The bodies, written once.
struct Responses {
    keys: usize,
    one: Bytes,
    created: Bytes,
    /// An item of a list is the same wherever it stands.
    pages: Vec<Bytes>,
}

impl Responses {
    fn new(keys: usize) -> Self {
        let key = key();
        let mut created = key.clone();
        created["key"] = json!("sk_live_0123456789abcdefghijklmnop");
        let page = |size| serde_json::to_vec(&vec![&key; size]).unwrap().into();
        Self {
            keys,
            one: serde_json::to_vec(&key).unwrap().into(),
            created: serde_json::to_vec(&created).unwrap().into(),
            pages: (0..=100).map(page).collect(),
        }
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        body.collect().await.unwrap();
        let response = Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header("x-request-id", "req_01jabcdefghijklmnopqrstuvw");
        let lists = head.uri.path() == "/org/api_keys";
        let response = if head.method == Method::POST {
            response.status(201).body(self.created.clone())
        } else if lists {
            let number = |name: &str, default| {
                let pairs = head.uri.query().unwrap_or_default().split('&');
                pairs
                    .filter_map(|it| it.split_once('='))
                    .find(|it| it.0 == name)
                    .map_or(default, |it| it.1.parse().unwrap())
            };
            let (offset, limit) = (number("offset", 0), number("limit", 20));
            let end = self.keys.min(offset + limit);
            response
                .header("x-has-more", if end < self.keys { "true" } else { "false" })
                .header("x-next-offset", if end < self.keys { end } else { 0 })
                .body(self.pages[end.saturating_sub(offset)].clone())
        } else {
            response.body(self.one.clone())
        };
        Ok(response.unwrap().map(Full::new))
    }
}

fn key() -> Value {
    json!({
        "id": "key_01jabcdefghijklmnopqrstuvw",
        "name": "nightly-build",
        "created_at": "2026-07-01T12:34:56.789Z",
        "created_by": {"id": "user_01jabcdefghijklmnopqrstuvw", "email": "ada@example.com", "name": "Ada"},
        "expires_at": "2026-10-01T12:34:56.789Z",
        "deleted_at": null,
        "project_id": "proj_01jabcdefghijklmnopqrstuvw",
        "project_name": "Shop",
        "masked_key": "sk_live...mnop"
    })
}
