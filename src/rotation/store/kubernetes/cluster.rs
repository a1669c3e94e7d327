//! The way from within a cluster: its API, as the service account of the pod.

use std::path::PathBuf;
use std::time::Duration;

use hmac_sha256::Hash;
use reqwest::header::HeaderValue;
use reqwest::{Method, Request};
use zeroize::Zeroizing;

use super::call::{CallError, Name, Put, Text};
use crate::rotation::store::StoreError;
use crate::rotation::store::json;
use crate::rotation::store::remote::{NoResponse, Remote, Reply, body, file, segment, variable};

/// What Kubernetes puts into every pod.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where the API is, and with what it is asked.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) address: String,
    pub(super) token_file: PathBuf,
    pub(super) authorities: Option<PathBuf>,
}

pub(super) struct Cluster {
    remote: Remote,
    token_file: PathBuf,
    identity: String,
}

impl Account {
    /// That of the pod in which this runs; `None` elsewhere.
    pub(super) fn of_this_pod() -> Option<Self> {
        let host = variable(&["KUBERNETES_SERVICE_HOST"])?;
        let port = variable(&["KUBERNETES_SERVICE_PORT"]).unwrap_or_else(|| "443".into());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let folder = PathBuf::from(SERVICE_ACCOUNT);
        let token_file = folder.join("token");
        token_file.is_file().then(|| Self {
            address: format!("https://{host}:{port}"),
            token_file,
            authorities: Some(folder.join("ca.crt")),
        })
    }

    pub(super) async fn connect(self, timeout: Duration) -> Result<Cluster, StoreError> {
        let authorities = match &self.authorities {
            Some(path) => Some(file(path).await?),
            None => None,
        };
        let authorities = authorities.as_ref().map(|pem| pem.as_bytes());
        let remote = Remote::new(&self.address, false, authorities, timeout).map_err(|why| {
            StoreError::failed(format!("the cluster's address cannot be used: {why}"))
        })?;
        // Many clusters have the same address within, and none the same authority.
        let print = authorities.map(|pem| {
            Hash::hash(pem)[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        });
        let address = self.address.trim_end_matches('/');
        let identity = match print {
            Some(print) => format!("{address}+{print}"),
            None => address.to_owned(),
        };
        Ok(Cluster { remote, token_file: self.token_file, identity })
    }
}

impl Cluster {
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) async fn get(&self, name: &Name) -> Result<Text, CallError> {
        let reply = self.call(Method::GET, name, "", None).await?;
        match reply.text() {
            Ok(text) if reply.status.is_success() => Ok(Zeroizing::new(text.to_owned())),
            Ok(_) => Err(explain(&reply, name, "get")),
            Err(why) => Err(CallError::Failed(why)),
        }
    }

    pub(super) async fn put(
        &self,
        name: &Name,
        secret: &Text,
        dry_run: bool,
    ) -> Result<Put, CallError> {
        let query = if dry_run { "dryRun=All" } else { "" };
        let reply = self.call(Method::PUT, name, query, Some(secret)).await?;
        match reply.status.as_u16() {
            200 | 201 => Ok(Put::Done),
            409 => Ok(Put::Conflict),
            _ => Err(explain(&reply, name, "update")),
        }
    }

    async fn call(
        &self,
        method: Method,
        name: &Name,
        query: &str,
        secret: Option<&Text>,
    ) -> Result<Reply, CallError> {
        let failed = |why: String| CallError::Failed(why);
        let path = format!(
            "/api/v1/namespaces/{}/secrets/{}",
            segment(&name.namespace),
            segment(&name.secret)
        );
        let mut request =
            Request::new(method, self.remote.base.join(&path, query).map_err(failed)?);
        // It is replaced every hour or so.
        let token = file(&self.token_file).await.map_err(|error| failed(error.to_string()))?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.trim()));
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| failed("the service account's token is damaged".into()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert("authorization", bearer);
        request.headers_mut().insert("accept", HeaderValue::from_static("application/json"));
        if let Some(secret) = secret {
            let kind = HeaderValue::from_static("application/json");
            request.headers_mut().insert("content-type", kind);
            *request.body_mut() = Some(body(secret.clone()).into());
        }
        self.remote.send(request).await.map_err(|error| match error {
            NoResponse::NotSent(why) => CallError::Passing(why),
            NoResponse::Lost(why) => CallError::Lost(why),
        })
    }
}

/// What a status means. What the cluster says to an update is not shown: it may quote it.
fn explain(reply: &Reply, name: &Name, verb: &str) -> CallError {
    let status = reply.status.as_u16();
    if status == 429 {
        return CallError::Passing(
            "the cluster limits the rate of requests; try again later".into(),
        );
    }
    if reply.status.is_server_error() {
        return CallError::Lost(format!("the cluster failed ({status})"));
    }
    let reason = reply.text().ok().and_then(|text| json::string(text, &["reason"]).ok().flatten());
    let reason = reason.filter(|it| it.len() <= 40 && it.bytes().all(|b| b.is_ascii_alphabetic()));
    let said = match verb {
        "update" => String::new(),
        _ => format!("; it says {}", reply.excerpt()),
    };
    let by_status = match status {
        401 => "Unauthorized".to_owned(),
        403 => "Forbidden".to_owned(),
        404 => "NotFound".to_owned(),
        _ => format!("status {status}"),
    };
    let reason = reason.map_or(by_status, |reason| reason.to_string());
    name.explain(verb, &reason, &said)
}
