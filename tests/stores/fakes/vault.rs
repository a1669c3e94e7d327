//! A KV engine of version 2 with one secret: versions, `cas`, policies, logins, and a standby that lags.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{VaultAuth, VaultStore};
use serde_json::{Value, json};

use super::http::{Http, Received, Sent, json as respond};

/// What goes wrong with one request to the secret by this method.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    DropBefore,
    DropAfter,
    FailAfter,
    Throttle,
    /// This status, with the request quoted.
    Reject(u16),
    /// Somebody else writes this first.
    Foreign(String),
    /// Somebody else changes another field first.
    Beside,
    /// No response comes, and it is done only when [`State::land`] says so.
    Late,
}

pub(crate) const TOKEN: &str = "hvs.0123456789abcdefghij";

pub(crate) struct State {
    /// From version 1 on; `None` is deleted.
    pub(crate) versions: Vec<Option<Value>>,
    pub(crate) token: String,
    pub(crate) capabilities: Vec<&'static str>,
    pub(crate) kv: &'static str,
    pub(crate) faults: VecDeque<(&'static str, Fault)>,
    /// As many reads show the version before, unless they ask for a newer one.
    pub(crate) lag: usize,
    late: Vec<Value>,
}

pub(crate) struct Vault {
    pub(crate) http: Http,
    state: Arc<Mutex<State>>,
}

impl Vault {
    pub(crate) async fn holding(data: Option<Value>) -> Self {
        let state = Arc::new(Mutex::new(State {
            versions: data.map(Some).into_iter().collect(),
            token: TOKEN.into(),
            capabilities: vec!["create", "read", "update"],
            kv: "2",
            faults: VecDeque::new(),
            lag: 0,
            late: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let http = Http::start(move |request| shared.lock().unwrap().handle(request)).await;
        Self { http, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail(&self, method: &'static str, fault: Fault) {
        self.state().faults.push_back((method, fault));
    }

    pub(crate) fn current(&self) -> Option<Value> {
        self.state().versions.last().cloned().flatten()
    }

    pub(crate) fn store(&self) -> VaultStore {
        self.field("key")
    }

    pub(crate) fn field(&self, name: &str) -> VaultStore {
        VaultStore::new("team/kv/ci", name)
            .address(&self.http.url)
            .namespace("org/ci")
            .auth(VaultAuth::Token(Secret::from(TOKEN)))
            .timeout(Duration::from_secs(10))
    }
}

fn errors(status: u16, error: &str) -> Sent {
    respond(status, json!({ "errors": [error] }))
}

impl State {
    pub(crate) fn foreign(&mut self, key: &str) {
        self.versions.push(Some(json!({ "key": key })));
    }

    fn handle(&mut self, request: &Received) -> Sent {
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        assert_eq!(header("x-vault-request"), "true");
        if header("x-vault-namespace") != "org/ci" {
            return errors(404, "namespace not found");
        }
        if let Some(method) = request.path.strip_prefix("/v1/auth/") {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let right = match method {
                "approle/login" => {
                    body == json!({ "role_id": "role", "secret_id": "hunter2hunter2" })
                }
                "k8s/login" => body == json!({ "role": "ci", "jwt": "eyJ.hunter2hunter2" }),
                _ => false,
            };
            return match right {
                true => respond(200, json!({ "auth": { "client_token": self.token } })),
                false => errors(400, "invalid role or secret ID"),
            };
        }
        if header("x-vault-token") != self.token {
            return errors(403, "permission denied");
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match path.strip_prefix("/v1/").unwrap() {
            "sys/internal/ui/mounts/team/kv/ci" => respond(
                200,
                json!({ "data": { "path": "team/kv/", "type": "kv", "options": { "version": self.kv } } }),
            ),
            "sys/capabilities-self" => {
                assert_eq!(request.body, "{\"paths\":[\"team/kv/data/ci\"]}");
                respond(200, json!({ "capabilities": self.capabilities }))
            }
            "team/kv/data/ci" => self.secret(request, query),
            _ => errors(404, "no handler for route"),
        }
    }

    fn secret(&mut self, request: &Received, query: &str) -> Sent {
        let at = self.faults.iter().position(|(it, _)| *it == request.method);
        let fault = at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault);
        match &fault {
            Some(Fault::DropBefore) => return None,
            Some(Fault::Throttle) => return errors(429, "slow down"),
            Some(Fault::Reject(status)) => {
                return errors(*status, &format!("no: {}", request.body));
            }
            Some(Fault::Foreign(key)) => self.foreign(key),
            Some(Fault::Beside) => {
                let mut data = self.versions.last().cloned().flatten().unwrap_or(json!({}));
                data["beside"] = self.versions.len().into();
                self.versions.push(Some(data));
            }
            Some(Fault::Late) => {
                self.late.push(serde_json::from_str(&request.body).unwrap());
                return None;
            }
            Some(Fault::DropAfter | Fault::FailAfter) | None => {}
        }
        let done = match request.method.as_str() {
            "GET" => self.get(query, request.headers.get("x-vault-index")),
            "POST" => self.put(&serde_json::from_str(&request.body).unwrap()),
            other => panic!("{other}"),
        };
        match fault {
            Some(Fault::DropAfter) => None,
            Some(Fault::FailAfter) => errors(500, "internal"),
            _ => done.map(|(status, mut headers, body)| {
                headers.push(("x-vault-index", format!("{}", self.versions.len())));
                (status, headers, body)
            }),
        }
    }

    fn get(&mut self, query: &str, index: Option<&String>) -> Sent {
        let mut shown = self.versions.len();
        if self.lag > 0 {
            self.lag -= 1;
            shown = shown.saturating_sub(1);
            if index.is_some_and(|index| index.parse::<usize>().unwrap() > shown) {
                return errors(412, "required index state not present");
            }
        }
        if let Some(version) = query.strip_prefix("version=") {
            let version: usize = version.parse().unwrap();
            if version > shown {
                return respond(404, json!({ "errors": [] }));
            }
            shown = version;
        }
        match shown.checked_sub(1).map(|at| &self.versions[at]) {
            None => respond(404, json!({ "errors": [] })),
            Some(data) => respond(
                if data.is_some() { 200 } else { 404 },
                json!({ "data": { "data": data, "metadata": { "version": shown } } }),
            ),
        }
    }

    /// What is late arrives.
    pub(crate) fn land(&mut self) {
        for request in std::mem::take(&mut self.late) {
            self.put(&request);
        }
    }

    fn put(&mut self, request: &Value) -> Sent {
        if request["options"]["cas"].as_u64().unwrap() as usize != self.versions.len() {
            return errors(400, "check-and-set parameter did not match the current version");
        }
        self.versions.push(Some(request["data"].clone()));
        respond(200, json!({ "data": { "version": self.versions.len() } }))
    }
}
