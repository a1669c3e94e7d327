//! The keys of a large organization behind a rate limit. The embedded server reads all of its keys for
//! every request, which a fleet of 100,000 would wait for; this one finds them by id, name and plaintext.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::limit::Limit;
use super::time::Time;

const KEYS: &str = "/org/api_keys";

/// A key that there is, or was.
#[derive(Clone)]
struct Key {
    id: String,
    name: String,
    plaintext: String,
    created: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
    deleted: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct Keys {
    /// In the order of their creation.
    all: Vec<Key>,
    by_id: HashMap<String, usize>,
    by_plaintext: HashMap<String, usize>,
    /// Those that are not deleted.
    live: BTreeSet<usize>,
    by_name: BTreeSet<(String, usize)>,
}

/// What it was asked.
#[derive(Clone, Default)]
pub struct Requests {
    pub served: u64,
    /// The same in each second.
    pub by_second: Vec<u32>,
    /// Because there were too many.
    pub rejected: u64,
}

/// A server, which ends with the runtime that it was started on.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    keys: Mutex<Keys>,
    limit: Mutex<Option<Limit>>,
    requests: Mutex<Requests>,
    latency: Duration,
    time: Time,
    url: String,
}

impl Server {
    /// Starts one that takes so long for each response.
    pub async fn start(latency: Duration, time: Time) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, limit, requests) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { keys, limit, requests, latency, time, url });
        let server = Self(Arc::clone(&shared));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| Arc::clone(&shared).serve(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        server
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Adds a key; its plaintext.
    pub fn add(&self, name: &str) -> String {
        let end = TimeDelta::days(90);
        let now = self.0.time.now();
        let mut keys = self.0.keys.lock().unwrap();
        let at = keys.add(name.to_owned(), now, Some(now + end));
        keys.all[at].plaintext.clone()
    }

    /// From now on there is a limit.
    pub fn limit(&self, limit: Limit) {
        *self.0.limit.lock().unwrap() = Some(limit);
    }

    pub fn requests(&self) -> Requests {
        self.0.requests.lock().unwrap().clone()
    }

    /// The names and plaintexts of all keys that are not deleted.
    pub fn live(&self) -> Vec<(String, String)> {
        let keys = self.0.keys.lock().unwrap();
        let live = keys.live.iter().map(|at| &keys.all[*at]);
        live.map(|key| (key.name.clone(), key.plaintext.clone())).collect()
    }
}

impl Shared {
    async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        self.time.happens();
        let allowed = match self.limit.lock().unwrap().as_mut() {
            Some(limit) => limit.allows(),
            None => true,
        };
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        self.time.happens();
        let now = self.time.now();
        let response = Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header(DATE, now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        let mut requests = self.requests.lock().unwrap();
        if !allowed {
            requests.rejected += 1;
            let body = json!({"code": "too_many_requests", "message": "too many requests"});
            let response = response.status(429).header(RETRY_AFTER, "1");
            return Ok(response.body(Full::new(body.to_string().into())).unwrap());
        }
        requests.served += 1;
        let second = self.time.elapsed().as_secs() as usize;
        if requests.by_second.len() <= second {
            requests.by_second.resize(second + 1, 0);
        }
        requests.by_second[second] += 1;
        let mut keys = self.keys.lock().unwrap();
        let authorization = head.headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let (status, body, next) = match keys.caller(authorization) {
            Some(caller) => {
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let query = head.uri.query().unwrap_or_default();
                keys.respond(&caller, head.method.as_str(), head.uri.path(), query, &body, now)
            }
            None => Reply::error(StatusCode::UNAUTHORIZED, "unauthorized"),
        }
        .parts();
        let response = response.status(status);
        let response = match next {
            Some(next) => response
                .header("x-has-more", if next > 0 { "true" } else { "false" })
                .header("x-next-offset", next),
            None => response,
        };
        Ok(response.body(Full::new(body)).unwrap())
    }
}

struct Reply {
    status: StatusCode,
    body: Value,
    /// Of a list: where it goes on, or 0.
    next: Option<usize>,
}

impl Reply {
    fn of(status: StatusCode, body: Value) -> Self {
        Self { status, body, next: None }
    }

    fn error(status: StatusCode, code: &str) -> Self {
        Self::of(status, json!({"code": code, "message": code}))
    }

    fn parts(self) -> (StatusCode, Bytes, Option<usize>) {
        let body = match self.status {
            StatusCode::NO_CONTENT => Bytes::new(),
            _ => self.body.to_string().into(),
        };
        (self.status, body, self.next)
    }
}

impl Keys {
    fn add(&mut self, name: String, now: DateTime<Utc>, expires: Option<DateTime<Utc>>) -> usize {
        let at = self.all.len();
        // In no order, as those of the API.
        let scattered = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (id, plaintext) = (
            format!("c{scattered:016x}0abcdefg"),
            format!("sk_{scattered:016x}{at:016}{scattered:016x}"),
        );
        self.by_id.insert(id.clone(), at);
        self.by_plaintext.insert(plaintext.clone(), at);
        self.live.insert(at);
        self.by_name.insert((name.clone(), at));
        self.all.push(Key { id, name, plaintext, created: now, expires, deleted: None });
        at
    }

    fn caller(&self, authorization: Option<&str>) -> Option<String> {
        let plaintext = authorization?.strip_prefix("Bearer ")?;
        let key = &self.all[*self.by_plaintext.get(plaintext)?];
        key.deleted.is_none().then(|| key.id.clone())
    }

    fn respond(
        &mut self,
        caller: &str,
        method: &str,
        path: &str,
        query: &str,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Reply {
        let pairs: HashMap<_, _> = form(query);
        match (method, path) {
            ("GET", "/auth/context") => Reply::of(
                StatusCode::OK,
                json!({
                    "authentication": {"method": "api_key", "credential_id": caller},
                    "organization": {"id": "org_main"},
                }),
            ),
            ("GET", KEYS) => self.list(&pairs),
            ("POST", KEYS) => {
                let days = body["days_to_expire"].as_i64().map(|days| now + TimeDelta::days(days));
                let time = body["expires_at"].as_str().and_then(|time| time.parse().ok());
                let name = body["name"].as_str().unwrap_or_default().to_owned();
                let at = self.add(name, now, days.or(time));
                let mut shown = self.all[at].to_json();
                shown["key"] = json!(self.all[at].plaintext);
                Reply::of(StatusCode::CREATED, shown)
            }
            _ => {
                let id = path.strip_prefix(KEYS).and_then(|it| it.strip_prefix('/'));
                let deleted = pairs.contains_key("include_deleted");
                let at = id.and_then(|id| self.by_id.get(id)).copied();
                match at.filter(|at| deleted || self.all[*at].deleted.is_none()) {
                    Some(at) => self.one(method, at, body, now),
                    None => Reply::error(StatusCode::NOT_FOUND, "not_found"),
                }
            }
        }
    }

    fn one(&mut self, method: &str, at: usize, body: &Value, now: DateTime<Utc>) -> Reply {
        let name = self.all[at].name.clone();
        match method {
            "GET" => Reply::of(StatusCode::OK, self.all[at].to_json()),
            "PATCH" => {
                let next = body["name"].as_str().unwrap_or_default().to_owned();
                self.by_name.remove(&(name, at));
                self.by_name.insert((next.clone(), at));
                self.all[at].name = next;
                Reply::of(StatusCode::OK, self.all[at].to_json())
            }
            "DELETE" => {
                self.all[at].deleted = Some(now);
                self.live.remove(&at);
                self.by_name.remove(&(name, at));
                Reply::of(StatusCode::NO_CONTENT, Value::Null)
            }
            _ => Reply::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        }
    }

    /// By exact name, by the beginning of the name, or all: those made last first.
    fn list(&self, pairs: &HashMap<String, String>) -> Reply {
        let number =
            |name: &str, default| pairs.get(name).map_or(default, |it| it.parse().unwrap());
        let (offset, limit) = (number("offset", 0), number("limit", 20));
        let shown = |at: &usize| self.all[*at].to_json();
        let (page, total): (Vec<_>, _) = match (pairs.get("name"), pairs.get("query")) {
            (None, None) => {
                let page = self.live.iter().rev().skip(offset).take(limit).map(shown);
                (page.collect(), self.live.len())
            }
            (name, query) => {
                let begins = name.or(query).unwrap();
                let found = self.by_name.range((begins.clone(), 0)..);
                let found = found.take_while(|(name, _)| name.starts_with(begins.as_str()));
                let found: Vec<_> =
                    found.filter(|(it, _)| name.is_none_or(|name| it == name)).collect();
                let page = found.iter().skip(offset).take(limit).map(|(_, at)| shown(at));
                (page.collect(), found.len())
            }
        };
        let end = offset + page.len();
        let next = Some(if end < total { end } else { 0 });
        Reply { status: StatusCode::OK, body: page.into(), next }
    }
}

impl Key {
    fn to_json(&self) -> Value {
        let (start, end) = (&self.plaintext[3..7], &self.plaintext[self.plaintext.len() - 4..]);
        json!({
            "id": self.id,
            "name": self.name,
            "created_at": self.created,
            "created_by": {"id": "user_main", "email": "ada@example.com", "name": "Ada"},
            "expires_at": self.expires,
            "deleted_at": self.deleted,
            "project_id": null,
            "project_name": null,
            "masked_key": format!("sk_{start}...{end}"),
        })
    }
}

/// The pairs of a query. Names and markers have `~` as the only character that may be escaped.
fn form(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%7E", "~"))).collect()
}
