//! The requests to Vault that a store makes, and what their failures mean.

use std::sync::{Mutex as Lock, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Method, Request};
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::auth::VaultAuth;
use crate::Secret;
use crate::rotation::store::json;
use crate::rotation::store::remote::{NoResponse, Patience, Remote, Reply, body, segment};
use crate::rotation::store::{StoreError, json::quoted};

/// Where reads and writes of a cluster have come to, where it says so: a standby that lags behind that
/// is no good for the next read.
const INDEX: &str = "x-vault-index";

/// One server, as one caller in one namespace.
pub(super) struct Api {
    pub(super) remote: Remote,
    pub(super) namespace: Option<String>,
    pub(super) auth: VaultAuth,
    pub(super) patience: Duration,
    pub(super) token: Mutex<Option<Secret>>,
    pub(super) index: Lock<Option<HeaderValue>>,
}

/// Why a request failed.
pub(super) enum CallError {
    /// It was never sent, or clearly rejected.
    Failed(String),
    /// It may have been done.
    Lost(String),
}

impl CallError {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Lost(why) => why,
        }
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a secret holds.
pub(in crate::rotation::store) struct Seen {
    /// 0 where there never was one.
    pub(super) version: u64,
    /// A JSON object; `None` where the version was deleted.
    pub(super) data: Option<Zeroizing<String>>,
}

/// A mount as Vault describes it to whoever has access to something in it.
#[derive(Deserialize)]
pub(super) struct Mount {
    pub(super) path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) options: Option<std::collections::BTreeMap<String, String>>,
}

impl Api {
    /// The mount that a path is in; `None` where this caller is not told.
    pub(super) async fn mount(&self, path: &str) -> Result<Option<Mount>, CallError> {
        #[derive(Deserialize)]
        struct Response {
            data: Mount,
        }
        let path = format!("sys/internal/ui/mounts/{}", escaped(path));
        let reply = self.patiently(Method::GET, &path, None).await?;
        if !reply.status.is_success() {
            return Ok(None);
        }
        let parsed = reply.text().ok().and_then(|text| serde_json::from_str::<Response>(text).ok());
        Ok(parsed.map(|response| response.data))
    }

    /// What this caller may do with a path; `None` where it is not told.
    pub(super) async fn may(&self, path: &str) -> Result<Option<Vec<String>>, CallError> {
        #[derive(Deserialize)]
        struct Response {
            capabilities: Vec<String>,
        }
        let request = format!("{{\"paths\":[{}]}}", &*quoted(path));
        let request = Some(Zeroizing::new(request));
        let reply = self.patiently(Method::POST, "sys/capabilities-self", request).await?;
        let parsed = reply.text().ok().and_then(|text| serde_json::from_str::<Response>(text).ok());
        Ok(parsed.map(|response| response.capabilities))
    }

    /// The secret at a path of the API, in its latest version or this one.
    pub(super) async fn get(&self, path: &str, version: Option<u64>) -> Result<Seen, CallError> {
        let mut url = escaped(path);
        if let Some(version) = version {
            url = format!("{url}?version={version}");
        }
        let reply = self.patiently(Method::GET, &url, None).await?;
        let status = reply.status.as_u16();
        if !matches!(status, 200 | 404) {
            return Err(explain(&reply, "read", path));
        }
        let damaged =
            |why: String| CallError::Failed(format!("its response cannot be read: {why}"));
        let text = reply.text().map_err(damaged)?;
        let number = json::find(text, &["data", "metadata", "version"]).map_err(damaged)?;
        let version = match number {
            Some(at) => text[at].parse().map_err(|_| damaged("it names no version".into()))?,
            // There is no such secret, and nothing else is wrong.
            None if status == 404 && no_errors(text) => 0,
            None if status == 404 => return Err(explain(&reply, "read", path)),
            None => return Err(damaged("it names no version".into())),
        };
        let data = json::find(text, &["data", "data"]).map_err(damaged)?;
        let data = data.map(|at| &text[at]).filter(|data| *data != "null");
        Ok(Seen { version, data: data.map(|data| Zeroizing::new(data.to_owned())) })
    }

    /// Writes the version after this one, if there is none yet.
    pub(super) async fn put(&self, path: &str, after: u64, data: &str) -> Result<bool, CallError> {
        let head = format!("{{\"options\":{{\"cas\":{after}}},\"data\":");
        let mut request = Zeroizing::new(String::with_capacity(head.len() + data.len() + 1));
        [&*head, data, "}"].into_iter().for_each(|part| request.push_str(part));
        let reply = self.call(Method::POST, &escaped(path), Some(&request)).await?;
        match reply.status.as_u16() {
            200 | 204 => Ok(true),
            400 if reply.text().is_ok_and(|text| text.contains("check-and-set parameter did")) => {
                Ok(false)
            }
            _ => Err(explain(&reply, "write", path)),
        }
    }

    /// A request that may be made again, as long as there is time.
    async fn patiently(
        &self,
        method: Method,
        path: &str,
        request: Option<Zeroizing<String>>,
    ) -> Result<Reply, CallError> {
        let mut patience = Patience::new(self.patience);
        loop {
            let called = self.call(method.clone(), path, request.as_ref()).await;
            let passes = match &called {
                // A standby that lags, a rate limit, a change of the active node.
                Ok(reply) => {
                    matches!(reply.status.as_u16(), 412 | 429) || reply.status.is_server_error()
                }
                Err(_) => true,
            };
            let wait = called.as_ref().ok().and_then(Reply::retry_after);
            if !passes || !patience.again(wait).await {
                let reply = called?;
                return match passes {
                    true => Err(explain(&reply, "use", path)),
                    false => Ok(reply),
                };
            }
        }
    }

    /// Sends a request once, or twice where the token has to be renewed first.
    async fn call(
        &self,
        method: Method,
        path: &str,
        request: Option<&Zeroizing<String>>,
    ) -> Result<Reply, CallError> {
        let token = self.token().await?;
        let reply = self.send(method.clone(), path, Some(&token), request).await?;
        if reply.status.as_u16() != 403 || !self.auth.renews() {
            return Ok(reply);
        }
        self.token.lock().await.take_if(|it| *it == token);
        let renewed = self.token().await?;
        match renewed == token {
            true => Ok(reply),
            false => self.send(method, path, Some(&renewed), request).await,
        }
    }

    async fn token(&self) -> Result<Secret, CallError> {
        let mut known = self.token.lock().await;
        if let Some(token) = &*known {
            return Ok(token.clone());
        }
        let token = match self.auth.token().await? {
            Some(token) => token,
            None => self.log_in().await?,
        };
        *known = Some(token.clone());
        Ok(token)
    }

    async fn log_in(&self) -> Result<Secret, CallError> {
        let (mount, request) = self.auth.login().await?;
        let path = format!("auth/{}/login", escaped(mount));
        // Nothing is written by that, so that a response that is lost is none.
        let known = |error: CallError| CallError::Failed(format!("log in: {}", error.why()));
        let reply = self.send(Method::POST, &path, None, Some(&request)).await.map_err(known)?;
        let token = reply
            .text()
            .ok()
            .filter(|_| reply.status.is_success())
            .and_then(|text| json::string(text, &["auth", "client_token"]).ok().flatten());
        token.map(|token| Secret::from(token.as_str())).ok_or_else(|| {
            CallError::Failed(format!(
                "Vault rejects the login at auth/{mount} ({}): see that the method is mounted there, and that the role and its secret are right",
                reply.status.as_u16()
            ))
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        request: Option<&Zeroizing<String>>,
    ) -> Result<Reply, CallError> {
        let failed = |why: String| CallError::Failed(format!("it cannot be requested: {why}"));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let url = self.remote.base.join(&format!("/v1/{path}"), query).map_err(failed)?;
        let mut made = Request::new(method, url);
        let headers = made.headers_mut();
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| {
                failed("the token or namespace holds characters that no header may hold".into())
            })
        };
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        if let Some(token) = token {
            let mut token = header(token.expose())?;
            token.set_sensitive(true);
            headers.insert("x-vault-token", token);
        }
        if let Some(namespace) = &self.namespace {
            headers.insert("x-vault-namespace", header(namespace)?);
        }
        if let Some(index) = &*self.index.lock().unwrap_or_else(PoisonError::into_inner) {
            headers.insert(INDEX, index.clone());
        }
        if let Some(request) = request {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            *made.body_mut() = Some(body(request.clone()).into());
        }
        let reply = self.remote.send(made).await.map_err(|error| match error {
            NoResponse::NotSent(why) => CallError::Failed(why),
            NoResponse::Lost(why) => CallError::Lost(why),
        })?;
        if let Some(index) = reply.headers.get(INDEX) {
            *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(index.clone());
        }
        Ok(reply)
    }
}

/// A path, escaped but for its slashes.
fn escaped(path: &str) -> String {
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn no_errors(text: &str) -> bool {
    json::find(text, &["errors"]).ok().flatten().is_some_and(|at| &text[at] == "[]")
}

/// What a status means. What the server says to a write is not shown: it may quote it.
fn explain(reply: &Reply, what: &str, path: &str) -> CallError {
    let status = reply.status.as_u16();
    let said = if what == "write" { status.to_string() } else { reply.excerpt() };
    let path = path.split('?').next().unwrap_or_default();
    match status {
        403 => CallError::Failed(format!(
            "Vault denies to {what} `{path}` (403): the token has expired, or its policy lacks that capability on this path"
        )),
        404 => CallError::Failed(format!(
            "Vault does not know `{path}` ({said}): see that mount and namespace are right"
        )),
        307 => {
            CallError::Failed("this node is a standby: name the address of the active one".into())
        }
        412 => CallError::Failed("the node lags behind what was written: try again later".into()),
        429 => CallError::Failed("Vault limits the rate of requests: try again later".into()),
        500.. => CallError::Lost(format!("Vault failed ({said}): see that it is not sealed")),
        _ => CallError::Failed(format!("Vault rejects to {what} `{path}` ({said})")),
    }
}
