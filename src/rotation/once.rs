//! A key made exactly once, by itself: what to do about an outcome that is unknown.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::api::{self, Api};
use super::effects::clock::Clock;
use super::evidence::delete::{DeleteError, Known};
use super::evidence::marker::Marker;
use super::evidence::orphans;
use super::report::Event;
use super::settings::Common;
use crate::types::CreateApiKeyRequest;
use crate::{Client, Error, Secret};

/// How often a create whose outcome is unknown is followed by another, under another marker.
const CREATES: u32 = 4;
/// Stands in a marker where a rotation has the id of the old key.
const NOBODY: &str = "new";

/// A key that was made exactly once.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedOnce {
    /// Its id.
    pub id: String,
    /// Its plaintext: store it now, it is not shown again.
    pub key: Secret,
    /// The name it still bears when it could not be given its own.
    pub marker: Option<String>,
    /// Names of earlier attempts, under which a key that nobody holds may still exist.
    pub unsettled: Vec<String>,
}

/// Why no key was made, or none that is known.
#[derive(Debug)]
pub struct CreateOnceError {
    error: Error,
    unsettled: Vec<String>,
}

impl CreateOnceError {
    /// The call that failed.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Names under which a key that nobody holds may exist: look for them, and delete what bears
    /// them byte for byte. Empty when nothing was left behind.
    pub fn unsettled(&self) -> &[String] {
        &self.unsettled
    }
}

impl fmt::Display for CreateOnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match &self.unsettled[..] {
            [] => f.write_str("; no key was left behind"),
            names => write!(f, "; a key that nobody holds may be named {}", names.join(" or ")),
        }
    }
}

impl std::error::Error for CreateOnceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A creation in the making: see
/// [`create_exactly_once`](super::RotationExt::create_exactly_once). It is awaited, or
/// [run](Self::run).
#[must_use = "nothing happens before it is awaited"]
pub struct CreateOnce {
    common: Common,
    request: CreateApiKeyRequest,
}

impl CreateOnce {
    pub(crate) fn new(client: &Client, request: CreateApiKeyRequest) -> Self {
        Self { common: Common::new(client), request }
    }

    /// How long what has happened on the server may stay unseen, and a request whose outcome is
    /// unknown may still take effect: without this 30 s, and never less than twice the client's
    /// timeout. It is waited for only after an unknown outcome.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.common.settle = Some(time);
        self
    }

    /// Everything that happens is reported to this, as it happens.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.common.listeners.push(Arc::new(listener));
        self
    }

    /// Takes the time from elsewhere: for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.common.clock = Arc::new(clock);
        self
    }

    /// Makes the key, looks for what was made unseen, and gives the key its name.
    ///
    /// # Errors
    /// No key was made: the error says whether one that nobody holds may exist, and its name.
    pub async fn run(self) -> Result<CreatedOnce, CreateOnceError> {
        create(self.common, self.request).await
    }
}

impl std::future::IntoFuture for CreateOnce {
    type Output = Result<CreatedOnce, CreateOnceError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for CreateOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateOnce").finish_non_exhaustive()
    }
}

async fn create(
    common: Common,
    request: CreateApiKeyRequest,
) -> Result<CreatedOnce, CreateOnceError> {
    let visibility = common.visibility();
    let api = Api::new(&common.client, common.effects());
    let mut once = Once { api, unsettled: Vec::new(), visibility };
    let made = once.make(request).await;
    let settled = match once.unsettled.is_empty() {
        true => Ok(()),
        false => {
            let why = "for requests whose outcome is unknown";
            // Nobody can request a stop of this.
            let _ = once.api.effects.wait(why, visibility).await;
            once.settle(made.as_ref().ok().map(|(made, _)| made.id.as_str())).await
        }
    };
    let unsettled: Vec<String> = once.unsettled.iter().map(ToString::to_string).collect();
    let (mut made, name) = match made {
        Ok(made) => made,
        Err(error) => return Err(CreateOnceError { error, unsettled }),
    };
    if let Err(why) = settled {
        once.api.effects.note(format!("a key that nobody holds may exist: {why}"));
    }
    made.unsettled = unsettled;
    if once.api.rename(&made.id, &name).await.is_ok() {
        made.marker = None;
    }
    Ok(made)
}

struct Once {
    api: Api,
    unsettled: Vec<Marker>,
    visibility: Duration,
}

impl Once {
    async fn make(&mut self, request: CreateApiKeyRequest) -> Result<(CreatedOnce, String), Error> {
        let invalid = |problem: &str| Error::new(crate::ErrorKind::InvalidRequest, problem);
        if !(1..=255).contains(&request.name.chars().count()) {
            return Err(invalid("name must have 1 to 255 characters"));
        }
        let mut attempt = 1;
        loop {
            let marker = Marker::new(NOBODY).ok_or_else(|| invalid("there is no marker"))?;
            let marked =
                CreateApiKeyRequest { name: marker.as_str().to_owned(), ..request.clone() };
            let error = match self.api.create(marked).await {
                Ok((id, key)) => {
                    // A doubled request has made another one, which nobody holds.
                    let _ = self.remove(&marker, Some(&id)).await;
                    let marker = Some(marker.to_string());
                    let made = CreatedOnce { id, key, marker, unsettled: Vec::new() };
                    return Ok((made, request.name));
                }
                Err(error) => error,
            };
            let cleared = api::is_clear(&error) && self.remove(&marker, None).await.is_ok();
            if !api::unsent(&error) && !cleared {
                self.unsettled.push(marker);
            }
            if attempt >= api::most(CREATES, &error) || !api::passes(&error) {
                return Err(error);
            }
            let why = "before creating again";
            if self.api.effects.wait(why, api::wait(attempt, &error)).await.is_err() {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Deletes what appeared under the markers of attempts whose outcome was unknown.
    async fn settle(&mut self, made: Option<&str>) -> Result<(), String> {
        while let Some(marker) = self.unsettled.last().cloned() {
            self.remove(&marker, made).await?;
            self.unsettled.pop();
        }
        Ok(())
    }

    async fn remove(&self, marker: &Marker, made: Option<&str>) -> Result<usize, String> {
        let known =
            Known { adopted_id: made, markers: std::slice::from_ref(marker), ..Known::default() };
        let until = self.api.effects.elapsed().saturating_add(self.visibility);
        let removed = orphans::remove(&self.api, marker, &known, until).await;
        removed.map_err(|error| match error {
            DeleteError::Call(error) => error.to_string(),
            DeleteError::Unproven(why) => why.to_owned(),
        })
    }
}
