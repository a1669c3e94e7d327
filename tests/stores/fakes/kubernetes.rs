//! A cluster with one Secret: optimistic concurrency, dry runs, and just enough of discovery for the
//! real `kubectl`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use onkernel::rotation::KubernetesStore;
use serde_json::{Value, json};

use super::http::{Http, Received, Sent, json as respond};

/// What goes wrong with one request to the Secret by this method.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    DropBefore,
    DropAfter,
    FailAfter,
    /// This status and reason, with the request quoted.
    Reject(u16, &'static str),
    /// Somebody else writes this first.
    Foreign(String),
    /// Somebody else changes a label first.
    Label,
    /// No response comes, and it is done only when [`State::land`] says so.
    Late,
}

pub(crate) const TOKEN: &str = "eyJhbGciOiJ-of-the-service-account";

pub(crate) struct State {
    pub(crate) secret: Value,
    version: u64,
    /// `kubectl` is rejected.
    pub(crate) unauthorized: bool,
    pub(crate) faults: VecDeque<(&'static str, Fault)>,
    late: Vec<Value>,
}

pub(crate) struct Kubernetes {
    pub(crate) http: Http,
    state: Arc<Mutex<State>>,
    folder: tempfile::TempDir,
}

impl Kubernetes {
    pub(crate) async fn holding(key: &str) -> Self {
        let secret = json!({
            "kind": "Secret", "apiVersion": "v1", "type": "Opaque",
            "metadata": {
                "name": "kernel", "namespace": "agents", "uid": "u", "labels": { "a": "b" },
                "creationTimestamp": "2026-01-01T00:00:00Z"
            },
            "data": { "other": BASE64_STANDARD.encode(crate::support::OTHER) }
        });
        let mut state = State {
            secret,
            version: 1,
            unauthorized: false,
            faults: VecDeque::new(),
            late: Vec::new(),
        };
        if !key.is_empty() {
            state.foreign(key);
        }
        state.stamp();
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let http = Http::start(move |request| shared.lock().unwrap().handle(request)).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{ "name": "c", "cluster": { "server": http.url } }],
            "users": [{ "name": "u", "user": { "token": TOKEN } }],
            "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        });
        std::fs::write(folder.path().join("config"), config.to_string()).unwrap();
        // The real program, with a configuration of its own, and what it was given written down.
        let program = format!(
            "#!/bin/sh\nexport HOME={0} KUBECONFIG={0}/config\nprintf '%s\\n' \"$*\" >> {0}/arguments\nenv >> {0}/environment\nexec kubectl \"$@\"\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("kubectl"), program).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(folder.path().join("kubectl"), mode).unwrap();
        }
        Self { http, state, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail(&self, method: &'static str, fault: Fault) {
        self.state().faults.push_back((method, fault));
    }

    pub(crate) fn current(&self) -> Option<String> {
        self.holds("key")
    }

    pub(crate) fn holds(&self, key: &str) -> Option<String> {
        let encoded = self.state().secret["data"][key].as_str()?.to_owned();
        Some(String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap())
    }

    /// As from within the cluster.
    pub(crate) fn store(&self) -> KubernetesStore {
        self.field("key")
    }

    pub(crate) fn field(&self, key: &str) -> KubernetesStore {
        KubernetesStore::new("agents", "kernel", key)
            .api(&self.http.url, self.path("token"), None)
            .timeout(Duration::from_secs(10))
    }

    /// As from outside.
    pub(crate) fn by_kubectl(&self) -> KubernetesStore {
        KubernetesStore::new("agents", "kernel", "key")
            .kubectl(self.path("kubectl"))
            .timeout(Duration::from_secs(30))
    }
}

fn status(code: u16, reason: &str, message: &str) -> Sent {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
        "message": message, "code": code
    });
    respond(code, body)
}

impl State {
    pub(crate) fn foreign(&mut self, key: &str) {
        self.secret["data"]["key"] = BASE64_STANDARD.encode(key).into();
        self.stamp();
    }

    /// What is late arrives.
    pub(crate) fn land(&mut self) {
        for new in std::mem::take(&mut self.late) {
            self.put(new, false);
        }
    }

    fn stamp(&mut self) {
        self.version += 1;
        self.secret["metadata"]["resourceVersion"] = self.version.to_string().into();
    }

    fn handle(&mut self, request: &Received) -> Sent {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let resource = json!({
            "name": "secrets", "singularName": "secret", "namespaced": true, "kind": "Secret",
            "verbs": ["get", "update"]
        });
        match path {
            "/api" => return respond(200, json!({ "kind": "APIVersions", "versions": ["v1"] })),
            "/apis" => {
                return respond(
                    200,
                    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
                );
            }
            "/api/v1" => {
                let list = json!({
                    "kind": "APIResourceList", "groupVersion": "v1", "resources": [resource]
                });
                return respond(200, list);
            }
            "/api/v1/namespaces/agents/secrets/kernel" => {}
            _ => return status(404, "NotFound", "secrets \"x\" not found"),
        }
        // `kubectl` sends no token over plain HTTP.
        let by_kubectl =
            request.headers.get("user-agent").is_some_and(|it| it.starts_with("kubectl"))
                && !self.unauthorized;
        let bearer = format!("Bearer {TOKEN}");
        if !by_kubectl && request.headers.get("authorization") != Some(&bearer) {
            return status(401, "Unauthorized", "Unauthorized");
        }
        let at = self.faults.iter().position(|(it, _)| *it == request.method);
        let dry_run = query.contains("dryRun=All");
        let fault = match dry_run {
            true => None,
            false => at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault),
        };
        match &fault {
            Some(Fault::DropBefore) => return None,
            Some(Fault::Reject(code, reason)) => {
                return status(*code, reason, &format!("no: {}", request.body));
            }
            Some(Fault::Foreign(key)) => self.foreign(key),
            Some(Fault::Label) => {
                self.secret["metadata"]["labels"]["a"] = "c".into();
                self.stamp();
            }
            Some(Fault::Late) => {
                self.late.push(serde_json::from_str(&request.body).unwrap());
                return None;
            }
            Some(Fault::DropAfter | Fault::FailAfter) | None => {}
        }
        let done = match request.method.as_str() {
            "GET" => respond(200, &self.secret),
            "PUT" => self.put(serde_json::from_str(&request.body).unwrap(), dry_run),
            other => status(405, "MethodNotAllowed", other),
        };
        match fault {
            Some(Fault::DropAfter) => None,
            Some(Fault::FailAfter) => status(500, "InternalError", "etcd is slow"),
            _ => done,
        }
    }

    fn put(&mut self, new: Value, dry_run: bool) -> Sent {
        let version = &self.secret["metadata"]["resourceVersion"];
        if new["metadata"]["resourceVersion"] != *version {
            let why = "Operation cannot be fulfilled on secrets \"kernel\": the object has been modified; please apply your changes to the latest version and try again";
            return status(409, "Conflict", why);
        }
        let changes = new != self.secret;
        if !dry_run && changes {
            self.secret = new.clone();
            self.stamp();
        }
        respond(200, if dry_run { &new } else { &self.secret })
    }
}
