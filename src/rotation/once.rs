//! A key made exactly once, by itself: the answer to an outcome that is unknown.

use std::fmt;
use std::sync::Arc;

use super::api::{self, Api};
use super::builder::Common;
use super::guard::{Doomed, Known, may_delete};
use super::marker::Marker;
use super::port::Port;
use crate::types::CreateApiKeyRequest;
use crate::{Error, Secret};

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

/// Makes the key, looks for what was made unseen, and gives the key its name.
pub(crate) async fn create(
    common: Common,
    request: CreateApiKeyRequest,
) -> Result<CreatedOnce, CreateOnceError> {
    let port = common.port();
    let api = Api::new(&common.client, Arc::clone(&port), super::begin::ATTEMPTS);
    let mut once = Once { api, port, unsettled: Vec::new() };
    let made = once.make(request).await;
    let settled = match once.unsettled.is_empty() {
        true => Ok(()),
        false => {
            // Nobody can ask this to stop.
            let _ = once.port.sleep(common.settle()).await;
            once.settle(made.as_ref().ok().map(|(made, _)| made.id.as_str())).await
        }
    };
    let unsettled: Vec<String> = once.unsettled.iter().map(ToString::to_string).collect();
    let (mut made, name) = match made {
        Ok(made) => made,
        Err(error) => return Err(CreateOnceError { error, unsettled }),
    };
    if let Err(error) = settled {
        once.port.note(format!("a key that nobody holds may exist: {error}"));
    }
    made.unsettled = unsettled;
    if once.api.rename(&made.id, &name).await.is_ok() {
        made.marker = None;
    }
    Ok(made)
}

struct Once {
    api: Api,
    port: Arc<Port>,
    unsettled: Vec<Marker>,
}

impl Once {
    async fn make(&mut self, request: CreateApiKeyRequest) -> Result<(CreatedOnce, String), Error> {
        let refused = |problem: &str| Error::new(crate::ErrorKind::InvalidRequest, problem);
        if !(1..=255).contains(&request.name.chars().count()) {
            return Err(refused("name must have 1 to 255 characters"));
        }
        let mut attempt = 1;
        loop {
            let marker = Marker::new(NOBODY).ok_or_else(|| refused("there is no marker"))?;
            let marked =
                CreateApiKeyRequest { name: marker.as_str().to_owned(), ..request.clone() };
            let error = match self.api.create(marked).await {
                Ok((id, key)) => {
                    let marker = Some(marker.to_string());
                    let made = CreatedOnce { id, key, marker, unsettled: Vec::new() };
                    return Ok((made, request.name));
                }
                Err(error) => error,
            };
            if !api::unsent(&error) {
                self.unsettled.push(marker);
            }
            if attempt >= api::most(CREATES, &error) || !api::passes(&error) {
                return Err(error);
            }
            if self.port.sleep(api::wait(attempt, &error)).await.is_err() {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Deletes what appeared under the markers of attempts whose outcome was unknown.
    async fn settle(&mut self, made: Option<&str>) -> Result<(), Error> {
        while let Some(marker) = self.unsettled.last() {
            for key in self.api.named(marker.as_str()).await? {
                let known = Known {
                    adopted_id: made,
                    markers: std::slice::from_ref(marker),
                    ..Known::default()
                };
                let masked = Some(key.masked_key.as_str());
                if may_delete(Doomed::Orphan, &key.id, &key.name, masked, &known).is_ok() {
                    self.api.delete(&key.id, &[&key.name]).await?;
                }
            }
            self.unsettled.pop();
        }
        Ok(())
    }
}
