//! The calls of Secrets Manager that a store makes, and what their failures mean.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqsign_aws_v4::Credential;
use reqsign_core::Signer;
use reqwest::Request;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::error::Scrubber;
use crate::rotation::store::json;
use crate::rotation::store::remote::{NoResponse, Patience, Remote, Reply, body};

/// The version that readers get.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The one that is to become it.
pub(super) const PENDING: &str = "AWSPENDING";
/// There is a version of that id, with another value.
pub(super) const TAKEN: &str = "ResourceExistsException";

/// One secret in one region.
pub(super) struct Api {
    pub(super) remote: Remote,
    pub(super) signer: Signer<Credential>,
    pub(super) region: String,
    pub(super) secret: String,
    pub(super) patience: Duration,
}

/// A version of a secret.
pub(super) struct Version {
    pub(super) id: String,
    pub(super) arn: String,
    /// `None` where it is binary.
    pub(super) text: Option<Zeroizing<String>>,
    pub(super) created: Option<DateTime<Utc>>,
}

/// What is known of a secret beside its value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    #[serde(rename = "ARN")]
    pub(super) arn: String,
    pub(super) deleted_date: Option<serde::de::IgnoredAny>,
    pub(super) primary_region: Option<String>,
    pub(super) rotation_enabled: Option<bool>,
    /// In seconds since 1970.
    pub(super) last_rotated_date: Option<f64>,
    #[serde(default)]
    pub(super) version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

/// The last failure of a call that was made again.
struct Failed {
    error: CallError,
    /// An attempt before it may have had its effect.
    lost: bool,
}

impl From<Failed> for CallError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// Why a call failed.
pub(super) enum CallError {
    /// It was never made.
    NotSent(String),
    /// It may have been made.
    Lost(String),
    /// Not just now.
    Throttled(Option<Duration>),
    /// It was rejected, and nothing was done.
    Rejected { code: String, said: String },
}

impl CallError {
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == wanted)
    }

    pub(super) fn is_missing(&self) -> bool {
        self.is("ResourceNotFoundException")
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// Whether another attempt may go better.
    pub(super) fn passes(&self) -> bool {
        !matches!(self, Self::Rejected { .. })
    }

    pub(super) fn wait(&self) -> Option<Duration> {
        if let Self::Throttled(wait) = self { *wait } else { None }
    }

    /// What happened and what to do, after the name of the store.
    pub(super) fn explain(&self, action: &str, region: &str) -> String {
        let (code, said) = match self {
            Self::NotSent(why) | Self::Lost(why) => {
                return format!("Secrets Manager in {region}, {action}: {why}");
            }
            Self::Throttled(_) => {
                return format!(
                    "AWS limits the rate of {action}, and went on to do so: try again later"
                );
            }
            Self::Rejected { code, said } => (code.as_str(), said),
        };
        let said = if said.is_empty() { said.clone() } else { format!(", \"{said}\"") };
        match code {
            "AccessDeniedException" => format!(
                "AWS denies secretsmanager:{action} on it ({code}{said}): allow that action, and the use of the secret's KMS key, in a policy of this caller"
            ),
            "ResourceNotFoundException" => format!(
                "there is no such secret in {region}: create it there, or name its region in AWS_REGION"
            ),
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException" => format!(
                "AWS rejects the credentials ({code}{said}): renew them, for example with `aws sso login`, and see that this machine's clock is right"
            ),
            "DecryptionFailure" | "EncryptionFailure" => format!(
                "AWS cannot use the secret's KMS key ({code}{said}): allow this caller kms:Decrypt and kms:GenerateDataKey on it"
            ),
            "Credentials" => format!(
                "no credentials of AWS were found{said}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached"
            ),
            _ => format!("AWS rejects {action} ({code}{said})"),
        }
    }
}

impl Api {
    /// The version that bears this label, or has this id.
    pub(super) async fn get(
        &self,
        id: Option<&str>,
        stage: Option<&str>,
    ) -> Result<Version, CallError> {
        let mut request = json!({ "SecretId": self.secret });
        if let Some(id) = id {
            request["VersionId"] = id.into();
        }
        if let Some(stage) = stage {
            request["VersionStage"] = stage.into();
        }
        let reply = self.patiently("GetSecretValue", request.to_string()).await?;
        let damaged = |why: String| CallError::Lost(format!("its response cannot be read: {why}"));
        let text = reply.text().map_err(damaged)?;
        let part = |name: &str| json::string(text, &[name]).map_err(damaged);
        let (Some(id), Some(arn)) = (part("VersionId")?, part("ARN")?) else {
            return Err(damaged("it names no version".into()));
        };
        let created = json::find(text, &["CreatedDate"]).map_err(damaged)?;
        let created = created.and_then(|at| text[at].parse().ok()).and_then(moment);
        let text = part("SecretString")?;
        Ok(Version { id: id.to_string(), arn: arn.to_string(), text, created })
    }

    pub(super) async fn describe(&self) -> Result<Description, CallError> {
        let request = json!({ "SecretId": self.secret }).to_string();
        let reply = self.patiently("DescribeSecret", request).await?;
        let parsed = reply.text().ok().and_then(|text| serde_json::from_str(text).ok());
        parsed.ok_or_else(|| CallError::Lost("its response cannot be read".into()))
    }

    /// Adds a version under this id. The same again does nothing. Says which labels it got.
    pub(super) async fn put(&self, id: &str, value: &str) -> Result<Vec<String>, CallError> {
        let (name, value) = (json::quoted(&self.secret), json::quoted(value));
        let parts = [
            "{\"SecretId\":",
            &name,
            ",\"ClientRequestToken\":\"",
            id,
            "\",\"VersionStages\":[\"",
            PENDING,
            "\"],\"SecretString\":",
            &value,
            "}",
        ];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut request = Zeroizing::new(String::with_capacity(length));
        parts.iter().for_each(|part| request.push_str(part));
        let reply = self.patiently("PutSecretValue", request).await.map_err(|failed| {
            // A rejection says nothing of an attempt before it; that the id is taken says all.
            let told = failed.error.is_lost() || failed.error.is(TAKEN);
            match failed.lost && !told {
                true => CallError::Lost("the response was lost".into()),
                false => failed.error,
            }
        })?;
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Put {
            #[serde(default)]
            version_stages: Vec<String>,
        }
        let parsed = reply.text().ok().and_then(|text| serde_json::from_str::<Put>(text).ok());
        Ok(parsed.map_or_else(Vec::new, |put| put.version_stages))
    }

    /// Moves a label from one version to another, or only takes it away. Made once: what a lost
    /// response means, the caller must look.
    pub(super) async fn label(
        &self,
        stage: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), CallError> {
        let mut request = json!({ "SecretId": self.secret, "VersionStage": stage });
        if let Some(to) = to {
            request["MoveToVersionId"] = to.into();
        }
        if let Some(from) = from {
            request["RemoveFromVersionId"] = from.into();
        }
        self.call("UpdateSecretVersionStage", body(request.to_string().into())).await.map(drop)
    }

    /// A call that may be made again, as long as there is time.
    async fn patiently(
        &self,
        action: &str,
        request: impl Into<Zeroizing<String>>,
    ) -> Result<Reply, Failed> {
        let request = body(request.into());
        let mut patience = Patience::new(self.patience);
        let mut failure: Option<CallError> = None;
        loop {
            let error = match self.call(action, request.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if !error.passes() {
                let lost = failure.is_some_and(|failure| failure.is_lost());
                return Err(Failed { error, lost });
            }
            let more = patience.again(error.wait()).await;
            // One that was lost may have had its effect, whatever a later one says.
            let error = failure.take().filter(CallError::is_lost).unwrap_or(error);
            if !more {
                return Err(Failed { lost: error.is_lost(), error });
            }
            failure = Some(error);
        }
    }

    async fn call(&self, action: &str, body: Bytes) -> Result<Reply, CallError> {
        let request = self.sign(action, body).await?;
        let reply = self.remote.send(request).await.map_err(|error| match error {
            NoResponse::NotSent(why) => CallError::NotSent(why),
            NoResponse::Lost(why) => CallError::Lost(why),
        })?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let code = code(&reply);
        let throttled = ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"];
        if reply.status.as_u16() == 429 || throttled.contains(&code.as_str()) {
            return Err(CallError::Throttled(reply.retry_after()));
        }
        if reply.status.is_server_error() {
            let status = reply.status.as_u16();
            return Err(CallError::Lost(format!("AWS failed ({status} {code})")));
        }
        // An error may quote the request, and with it values that are not known to be secret.
        let said = if action == "PutSecretValue" { String::new() } else { message(&reply) };
        Err(CallError::Rejected { code, said })
    }

    async fn sign(&self, action: &str, body: Bytes) -> Result<Request, CallError> {
        let failed = |why: String| CallError::NotSent(format!("it cannot be requested: {why}"));
        let url = self.remote.base.join("/", "").map_err(failed)?;
        let request = http::Request::post(url.as_str())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("x-amz-content-sha256", reqsign_core::hash::hex_sha256(&body))
            .body(body)
            .map_err(|error| failed(error.to_string()))?;
        let (mut head, body) = request.into_parts();
        if let Err(error) = self.signer.sign(&mut head, None).await {
            // What was read may be in the text of an error behind it, so that only its own is shown.
            let said = Scrubber::default().line(&error.to_string(), 200);
            return Err(CallError::Rejected { code: "Credentials".into(), said });
        }
        let request = http::Request::from_parts(head, body);
        Request::try_from(request).map_err(|error| failed(error.without_url().to_string()))
    }
}

/// A moment as AWS writes it.
pub(super) fn moment(seconds_since_1970: f64) -> Option<DateTime<Utc>> {
    let since = Duration::try_from_secs_f64(seconds_since_1970).ok()?;
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::from_std(since).ok()?)
}

/// The name of an error, if it is one.
fn code(reply: &Reply) -> String {
    let header = reply.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let typed = || {
        let text = reply.text().ok()?;
        json::string(text, &["__type"]).ok().flatten().map(|code| code.to_string())
    };
    let code = header.map(str::to_owned).or_else(typed).unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let is_name = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_name { code.to_owned() } else { format!("status {}", reply.status.as_u16()) }
}

fn message(reply: &Reply) -> String {
    let Ok(text) = reply.text() else { return String::new() };
    let part = |name: &str| json::string(text, &[name]).ok().flatten();
    let said = part("message").or_else(|| part("Message"));
    said.map(|said| Scrubber::default().line(&said, 300)).unwrap_or_default()
}
