//! Secrets Manager's contract, also where moto is known to differ: a token that is there with another
//! value is rejected, exactly one version is the current one, a label is moved only from where it is, a
//! rotation begins with a label on a version without a value.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use onkernel::rotation::AwsStore;
use serde_json::{Value, json};

use super::http::{Http, Received, Sent, json as respond};
use onkernel::Secret;

/// What goes wrong with one call of this action.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing is done, and no response comes.
    DropBefore,
    /// All is done, and no response comes.
    DropAfter,
    /// The same, and as many reads by label show what was there before.
    DropAndLag(usize),
    /// HTTP 500, after all was done.
    FailAfter,
    Throttle,
    /// This error, with the request quoted.
    Reject(&'static str),
    /// Somebody else makes this the current value before the call.
    Foreign(&'static str),
    /// Somebody else changes another field before the call.
    Beside,
    /// No response comes, and it is done only when [`State::land`] says so.
    Late,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) exists: bool,
    /// In the order in which they were made.
    pub(crate) versions: Vec<(String, Option<String>)>,
    pub(crate) stages: BTreeMap<String, String>,
    pub(crate) more: BTreeMap<&'static str, Value>,
    pub(crate) faults: VecDeque<(&'static str, Fault)>,
    /// As often a version that is new cannot be read by its id.
    pub(crate) lag_by_id: usize,
    /// As often a description shows the labels as they were before the last change.
    pub(crate) lag_of_labels: usize,
    /// Other secrets, which are only read.
    pub(crate) others: BTreeMap<String, String>,
    /// What time it is, in seconds since 1970; this machine's without it.
    pub(crate) now: Option<Now>,
    lag_by_stage: usize,
    stages_before: BTreeMap<String, String>,
    created: BTreeMap<String, f64>,
    foreign: usize,
    late: Vec<(String, Value)>,
}

/// A clock.
pub(crate) struct Now(pub(crate) Box<dyn Fn() -> f64 + Send>);

impl std::fmt::Debug for Now {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Now")
    }
}

pub(crate) struct Aws {
    pub(crate) http: Http,
    state: Arc<Mutex<State>>,
}

pub(crate) const ARN: &str =
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kernel/ci-AbCdEf";

impl Aws {
    pub(crate) async fn holding(value: Option<&str>) -> Self {
        let mut state = State { exists: true, ..State::default() };
        if let Some(value) = value {
            state.foreign(value);
        }
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let http = Http::start(move |request| shared.lock().unwrap().handle(request)).await;
        Self { http, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail(&self, action: &'static str, fault: Fault) {
        self.state().faults.push_back((action, fault));
    }

    pub(crate) fn current(&self) -> Option<String> {
        let state = self.state();
        let id = state.stages.get("AWSCURRENT")?;
        state.value(id).cloned()
    }

    /// Which version bears this label.
    pub(crate) fn stage(&self, stage: &str) -> Option<String> {
        self.state().stages.get(stage).cloned()
    }

    pub(crate) fn calls(&self, action: &str) -> usize {
        let target = format!("secretsmanager.{action}");
        let is_it = |request: &&Received| request.headers["x-amz-target"] == target;
        self.http.received().iter().filter(is_it).count()
    }

    pub(crate) fn store(&self) -> AwsStore {
        AwsStore::new("kernel/ci")
            .region("eu-west-1")
            .endpoint(&self.http.url)
            .credentials("AKIDEXAMPLE", Secret::from("wJalrXUtnFEMI"), None)
            .timeout(std::time::Duration::from_secs(10))
    }
}

type Outcome = Result<Value, (&'static str, String)>;

fn reject<T>(code: &'static str, message: &str) -> Result<T, (&'static str, String)> {
    Err((code, message.to_owned()))
}

impl State {
    fn value(&self, id: &str) -> Option<&String> {
        self.versions.iter().find(|(it, _)| it == id).and_then(|(_, value)| value.as_ref())
    }

    /// What somebody else puts there.
    pub(crate) fn foreign(&mut self, value: &str) {
        self.foreign += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.foreign);
        self.add(&id, value);
        self.promote(&id);
    }

    fn add(&mut self, id: &str, value: &str) {
        let now = match &self.now {
            Some(Now(now)) => now(),
            None => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64(),
        };
        self.created.insert(id.to_owned(), now);
        let value = Some(value.to_owned());
        match self.versions.iter_mut().find(|(it, _)| it == id) {
            Some(version) => version.1 = value,
            None => self.versions.push((id.to_owned(), value)),
        }
    }

    /// `RotateSecret`: the label goes to a version that has no value yet. Not while a rotation before is
    /// under way, or has left its label on a version that is not the current one.
    #[allow(dead_code, reason = "the tests of AWS's rotation function use it")]
    pub(crate) fn rotate(&mut self, token: &str) -> Result<(), &'static str> {
        let pending = self.stages.get("AWSPENDING");
        if pending.is_some_and(|pending| Some(pending) != self.stages.get("AWSCURRENT")) {
            return Err("a previous rotation is in progress");
        }
        self.more.insert("RotationEnabled", true.into());
        self.stages_before.clone_from(&self.stages);
        self.stages.insert("AWSPENDING".into(), token.to_owned());
        self.versions.push((token.to_owned(), None));
        Ok(())
    }

    fn promote(&mut self, id: &str) {
        self.stages_before.clone_from(&self.stages);
        if let Some(before) = self.stages.insert("AWSCURRENT".into(), id.to_owned()) {
            self.stages.insert("AWSPREVIOUS".into(), before);
        }
    }

    fn handle(&mut self, request: &Received) -> Sent {
        let action = request.headers["x-amz-target"].strip_prefix("secretsmanager.").unwrap();
        let authorization = &request.headers["authorization"];
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
        assert!(authorization.contains("/eu-west-1/secretsmanager/aws4_request"));
        let at = self.faults.iter().position(|(it, _)| *it == action);
        let fault = at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault);
        match &fault {
            Some(Fault::DropBefore) => return None,
            Some(Fault::Throttle) => {
                return respond(400, json!({ "__type": "ThrottlingException", "message": "Rate" }));
            }
            Some(Fault::Reject(code)) => {
                let said = format!("no: {}", request.body);
                return respond(400, json!({ "__type": code, "Message": said }));
            }
            Some(Fault::Foreign(value)) => self.foreign(value),
            Some(Fault::Beside) => {
                let now = self.value(&self.stages["AWSCURRENT"]).unwrap();
                let mut now: Value = serde_json::from_str(now).unwrap();
                now["beside"] = self.versions.len().into();
                self.foreign(&now.to_string());
            }
            Some(Fault::Late) => {
                let request = serde_json::from_str(&request.body).unwrap();
                self.late.push((action.to_owned(), request));
                return None;
            }
            Some(Fault::DropAfter | Fault::DropAndLag(_) | Fault::FailAfter) | None => {}
        }
        let done = self.act(action, &serde_json::from_str(&request.body).unwrap());
        match fault {
            Some(Fault::DropAfter) => return None,
            Some(Fault::DropAndLag(reads)) => {
                self.lag_by_stage = reads;
                return None;
            }
            Some(Fault::FailAfter) => return respond(500, "{\"__type\":\"InternalServiceError\"}"),
            _ => {}
        }
        match done {
            Ok(value) => respond(200, value),
            Err((code, message)) => respond(
                400,
                json!({ "__type": format!("com.amazonaws#{code}"), "Message": message }),
            ),
        }
    }

    /// What is late arrives.
    pub(crate) fn land(&mut self) {
        for (action, request) in std::mem::take(&mut self.late) {
            let _ = self.act(&action, &request);
        }
    }

    fn act(&mut self, action: &str, request: &Value) -> Outcome {
        let secret = request["SecretId"].as_str().unwrap();
        if let Some(value) = self.others.get(secret) {
            assert_eq!(action, "GetSecretValue", "{secret} is only read");
            return Ok(json!({ "ARN": secret, "VersionId": "other", "SecretString": value }));
        }
        assert!(secret == "kernel/ci" || secret == ARN, "{secret}");
        if !self.exists {
            return reject("ResourceNotFoundException", "Secrets Manager can't find the secret.");
        }
        let text = |name: &str| request[name].as_str();
        match action {
            "GetSecretValue" => self.get(text("VersionId"), text("VersionStage")),
            "DescribeSecret" => {
                let mut versions = BTreeMap::<&str, Vec<&str>>::new();
                let stages = match self.lag_of_labels.checked_sub(1) {
                    Some(left) => {
                        self.lag_of_labels = left;
                        &self.stages_before
                    }
                    None => &self.stages,
                };
                for (stage, id) in stages {
                    versions.entry(id).or_default().push(stage);
                }
                let mut described = json!({ "ARN": ARN, "VersionIdsToStages": versions });
                for (name, value) in &self.more {
                    described[*name] = value.clone();
                }
                Ok(described)
            }
            "PutSecretValue" => self.put(
                text("ClientRequestToken").unwrap(),
                text("SecretString").unwrap(),
                request["VersionStages"].as_array().unwrap(),
            ),
            "UpdateSecretVersionStage" => self.label(
                text("VersionStage").unwrap(),
                text("MoveToVersionId"),
                text("RemoveFromVersionId"),
            ),
            _ => panic!("{action}"),
        }
    }

    fn get(&mut self, id: Option<&str>, stage: Option<&str>) -> Outcome {
        assert!(id.is_some() || stage.is_some(), "moto gives an old version for neither");
        let id = match (id, stage) {
            (Some(id), _) => {
                if self.lag_by_id > 0 {
                    self.lag_by_id -= 1;
                    return reject("ResourceNotFoundException", "can't find the version");
                }
                Some(id.to_owned())
            }
            (None, Some(_)) if self.lag_by_stage > 0 => {
                self.lag_by_stage -= 1;
                self.stages.get("AWSPREVIOUS").or(self.stages.get("AWSCURRENT")).cloned()
            }
            (None, stage) => self.stages.get(stage.unwrap()).cloned(),
        };
        match id.as_deref().and_then(|id| Some((id, self.value(id)?))) {
            Some((id, value)) => {
                let binary = value.starts_with('\u{0}');
                let field = if binary { "SecretBinary" } else { "SecretString" };
                let mut found = json!({ "ARN": ARN, "Name": "kernel/ci", "VersionId": id });
                found["CreatedDate"] = self.created[id].into();
                found[field] = value.trim_start_matches('\u{0}').into();
                Ok(found)
            }
            None => reject("ResourceNotFoundException", "can't find the value for the label"),
        }
    }

    fn put(&mut self, token: &str, value: &str, stages: &[Value]) -> Outcome {
        assert!((32..=64).contains(&token.len()), "{token}");
        match self.value(token) {
            Some(there) if there != value => {
                return reject("ResourceExistsException", "the token is taken");
            }
            Some(_) => {}
            None => {
                let first = self.versions.iter().all(|(_, value)| value.is_none());
                self.add(token, value);
                if first {
                    self.promote(token);
                }
                self.stages_before.clone_from(&self.stages);
                for stage in stages {
                    self.stages.insert(stage.as_str().unwrap().to_owned(), token.to_owned());
                }
            }
        }
        let bears = self.stages.iter().filter(|(_, id)| *id == token).map(|(stage, _)| stage);
        let bears: Vec<_> = bears.collect();
        Ok(json!({ "ARN": ARN, "VersionId": token, "VersionStages": bears }))
    }

    fn label(&mut self, stage: &str, to: Option<&str>, from: Option<&str>) -> Outcome {
        if self.stages.get(stage).map(String::as_str) != from {
            return reject("InvalidParameterException", "the label is on another version");
        }
        self.stages_before.clone_from(&self.stages);
        match to {
            Some(to) if self.value(to).is_none() => {
                return reject("ResourceNotFoundException", "no such version");
            }
            Some(to) if stage == "AWSCURRENT" => self.promote(to),
            Some(to) => drop(self.stages.insert(stage.to_owned(), to.to_owned())),
            None => drop(self.stages.remove(stage)),
        }
        Ok(json!({ "ARN": ARN, "Name": "kernel/ci" }))
    }
}
