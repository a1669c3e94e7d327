//! The calls that a rotation makes, each with the one rule for trying again.
//!
//! The client's own retries are off: waiting is done on the rotation's clock, and every request
//! is an effect of its own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::effects::Effects;
use super::effects::stop::StopRequested;
use crate::error::{Error, ErrorKind, Result};
use crate::model::validate::{Checks, Rule};
use crate::request::Call;
use crate::types::{ApiKey, CreateApiKeyRequest, RotateApiKeyRequest};
use crate::{CallOptions, Client, Secret, StatusCode, operations};

/// The waits between attempts.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The longest that the server's `Retry-After` is followed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);
/// How many times as often a call is tried while the server says that there are too many: that
/// passes, however many others call it.
const PATIENCE: u32 = 4;

/// Attempts at a call that can be retried.
pub(crate) const ATTEMPTS: u32 = 3;

/// A key's JSON as the server sent it.
pub(crate) type Json = Map<String, Value>;

/// What one look for a key shows. Only the first two are evidence: see
/// [`sight`](super::evidence::sight).
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    Present(Json),
    /// The server says when it was deleted.
    Deleted(Json),
    Absent,
}

impl Sight {
    /// The key, if it is there.
    pub(crate) fn present(self) -> Option<Json> {
        match self {
            Self::Present(json) => Some(json),
            Self::Deleted(_) | Self::Absent => None,
        }
    }

    /// Whether this caller sees the key at all.
    pub(crate) fn is_seen(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// Who a caller is. Nothing where that cannot be asked, or its key is dead.
#[derive(Default)]
pub(crate) struct Caller {
    /// The organization that it acts in.
    pub(crate) organization: Option<String>,
    /// The id of its own key.
    pub(crate) key_id: Option<String>,
}

/// The API as one caller sees it.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    pub(crate) effects: Arc<Effects>,
    /// Attempts at a call that can be retried.
    pub(crate) attempts: u32,
}

impl Api {
    pub(crate) fn new(client: &Client, effects: Arc<Effects>) -> Self {
        let client = client.with(CallOptions::new().retries(0));
        Self { client, effects, attempts: ATTEMPTS }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The same API, asked with another key.
    pub(crate) fn with_key(&self, key: &Secret) -> Result<Self> {
        Ok(Self { client: self.client.with_key(key)?, ..self.clone() })
    }

    pub(crate) fn patient(&self, attempts: u32) -> Self {
        Self { attempts, ..self.clone() }
    }

    /// Looks for a key, once. One that was deleted is seen as such.
    pub(crate) async fn look(&self, id: &str) -> Result<Sight> {
        let got = self
            .again("get the key", || async {
                let mut call = Call::new(&operations::API_KEYS_GET, Checks::default());
                call.path("id", &id.to_owned(), &Rule::NONE);
                call.query("include_deleted", Some(&true), &Rule::NONE);
                self.client.sender.clone().json_raw::<Json>(call).await
            })
            .await;
        match got {
            Ok(json) => {
                self.hear_time(json.headers());
                let json = json.into_value();
                Ok(match json.get("deleted_at").is_some_and(|at| !at.is_null()) {
                    true => Sight::Deleted(json),
                    false => Sight::Present(json),
                })
            }
            Err(error) if error.is_not_found() => Ok(Sight::Absent),
            Err(error) => Err(error),
        }
    }

    pub(super) fn hear_time(&self, headers: &reqwest::header::HeaderMap) {
        let date = headers.get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        if let Some(time) = date.and_then(|date| httpdate::parse_http_date(date).ok()) {
            self.effects.hear_server_time(DateTime::<Utc>::from(time));
        }
    }

    /// Who this caller is, as far as the server says it, once.
    pub(crate) async fn caller(&self) -> Result<Caller> {
        let asked = self
            .again("look up the caller", || async {
                let sent =
                    self.client.request(reqwest::Method::GET, "/auth/context").send().await?;
                Ok(sent.into_value().json::<Value>().ok())
            })
            .await;
        match asked {
            Ok(context) => {
                let text = |pointer| context.as_ref()?.pointer(pointer)?.as_str();
                Ok(Caller {
                    organization: text("/organization/id").map(str::to_owned),
                    key_id: text("/authentication/credential_id").map(str::to_owned),
                })
            }
            Err(error) if passes(&error) || error.kind() == ErrorKind::Stopped => Err(error),
            Err(_) => Ok(Caller::default()),
        }
    }

    /// The keys of exactly this name, byte for byte.
    pub(crate) async fn named(&self, name: &str) -> Result<Vec<ApiKey>> {
        let found = self
            .again("look for keys by name", || async {
                // They are on one page, as a rule.
                let listed = self.client.api_keys().list().limit(100).name(name);
                listed.items().ahead(0).all().await
            })
            .await?;
        Ok(found.into_iter().filter(|key| key.name.as_bytes() == name.as_bytes()).collect())
    }

    /// The keys whose name begins with this, byte for byte.
    pub(crate) async fn beginning(&self, start: &str) -> Result<Vec<ApiKey>> {
        let found = self.mentioning(start).await?;
        Ok(found.into_iter().filter(|key| key.name.starts_with(start)).collect())
    }

    /// The keys that the server finds by a part of their name, and maybe by something else.
    pub(crate) async fn mentioning(&self, part: &str) -> Result<Vec<ApiKey>> {
        self.again("look for markers", || async {
            let listed = self.client.api_keys().list().limit(100).query(part);
            listed.items().ahead(0).all().await
        })
        .await
    }

    /// Whether the server lets this key in, asked once. One that may not list keys is alive too.
    pub(crate) async fn lets_in(&self, key: &Secret) -> Result<bool> {
        self.with_key(key)?.is_let_in().await
    }

    /// Whether the server lets this caller in, likewise.
    pub(crate) async fn is_let_in(&self) -> Result<bool> {
        let asked = self
            .again("try the key", || async {
                self.client.api_keys().list().limit(1).send_raw().await
            })
            .await;
        match asked {
            Ok(keys) => {
                self.hear_time(keys.headers());
                Ok(true)
            }
            Err(error) if error.is_unauthorized() => Ok(false),
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Fails unless the API is there: a server that finds nothing at all, such as a proxy that has
    /// lost it, says nothing about one key.
    pub(crate) async fn is_there(&self) -> Result<()> {
        let asked = self
            .again("list the keys", || async {
                self.client.api_keys().list().limit(1).send_raw().await
            })
            .await;
        match asked {
            Ok(_) => Ok(()),
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn rename(&self, id: &str, name: &str) -> Result<()> {
        self.again("rename the key", || async {
            self.client.api_keys().update(id, name).send().await
        })
        .await
        .map(drop)
    }

    /// Renames a key, sent once: one that takes effect late would undo a later one.
    pub(crate) async fn rename_once(&self, id: &str, name: &str) -> Result<()> {
        let call = self.client.api_keys().update(id, name);
        self.once("rename the key", call.send()).await.map(drop)
    }

    /// Sends the deletion; `false` when the server finds nothing to delete. Called only by the one
    /// function that has the proof: [`delete`](super::evidence::delete::delete).
    pub(super) async fn delete(&self, id: &str) -> Result<bool> {
        let deleted = self
            .again("delete the key", || async { self.client.api_keys().delete(id).send().await })
            .await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a key. Sent once: what came of a failure is the caller's to find out.
    pub(crate) async fn create(
        &self,
        body: CreateApiKeyRequest,
    ) -> Result<(String, Secret), Error> {
        let call = self.client.api_keys().create(body.name);
        let call = call
            .set_days_to_expire(body.days_to_expire)
            .set_expires_at(body.expires_at)
            .set_policy(body.policy)
            .set_project_id(body.project_id);
        let made = self.once("create a key", call.send()).await;
        read_created(made.map(|made| (made.id, made.key)))
    }

    /// Has the server replace a key. Sent once, too.
    pub(crate) async fn rotate(
        &self,
        id: &str,
        body: RotateApiKeyRequest,
    ) -> Result<(String, Secret), Error> {
        let call = self.client.api_keys().rotate(id);
        let call =
            call.set_days_to_expire(body.days_to_expire).set_expire_in_days(body.expire_in_days);
        let made = self.once("rotate the key", call.send()).await;
        read_created(made.map(|made| (made.id, made.key)))
    }

    /// Sends when the rate limit allows it, and keeps to the one that the response sets.
    async fn once<T>(
        &self,
        effect: &'static str,
        send: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.effects.turn().await?;
        let sent = self.effects.effect(effect, send).await;
        if let Err(error) = &sent
            && error.status().is_some_and(|status| matches!(status.as_u16(), 429 | 503))
        {
            self.effects.rate_limit.hold_back(wait(1, error));
        }
        sent
    }

    /// Sends what can be retried until it succeeds, is rejected, or the attempts are spent.
    pub(super) async fn again<T, F, Fut>(&self, effect: &'static str, send: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let mut attempt = 1;
        loop {
            let error = match self.once(effect, send()).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if attempt >= most(self.attempts, &error) || !passes(&error) {
                return Err(error);
            }
            self.effects.note(format!("trying again to {effect}: {error}"));
            let why = format!("before trying again to {effect}");
            if self.effects.wait(&why, wait(attempt, &error)).await.is_err() {
                return Err(error);
            }
            attempt += 1;
        }
    }
}

impl From<StopRequested> for Error {
    fn from(stop: StopRequested) -> Self {
        Self::new(ErrorKind::Stopped, stop.to_string())
    }
}

/// A key was made also when the response was not quite the documented one.
fn read_created(made: Result<(String, Secret)>) -> Result<(String, Secret)> {
    match made {
        Ok(made) => Ok(made),
        Err(error) => match error.created() {
            Some((id, key)) => Ok((id.to_owned(), key.clone())),
            None => Err(error),
        },
    }
}

/// Whether a failure may pass.
pub(crate) fn passes(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Connect
        | ErrorKind::ConnectionLost
        | ErrorKind::Timeout
        | ErrorKind::Deadline
        | ErrorKind::Decode
        | ErrorKind::TooLarge
        | ErrorKind::Paging => true,
        ErrorKind::Status => {
            error.status().is_some_and(|status| matches!(status.as_u16(), 408 | 429 | 500..=599))
        }
        _ => false,
    }
}

/// Whether the server clearly did nothing, and would do nothing if it were sent the same again.
pub(crate) fn is_clear(error: &Error) -> bool {
    let clear = |status: u16| matches!(status, 400 | 402 | 403 | 404 | 409 | 422);
    error.kind() == ErrorKind::Status && error.status().is_some_and(|s| clear(s.as_u16()))
}

/// How often a call is tried in all, when it fails like this.
pub(crate) fn most(attempts: u32, error: &Error) -> u32 {
    match error.status().is_some_and(|status| status.as_u16() == 429) {
        true => attempts.saturating_mul(PATIENCE),
        false => attempts,
    }
}

/// Whether the request did not leave this process, so that nothing can have come of it.
pub(crate) fn unsent(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connect
            | ErrorKind::Stopped
            | ErrorKind::InvalidRequest
            | ErrorKind::Configuration
            | ErrorKind::Credentials
    )
}

/// The wait before the next attempt.
pub(crate) fn wait(attempt: u32, error: &Error) -> Duration {
    let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let backoff = FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
    let backoff = backoff.mul_f64(1.0 - 0.25 * fastrand::f64());
    error.retry_after().map_or(backoff, |wanted| wanted.min(LONGEST_RETRY_AFTER).max(backoff))
}
