//! Credentials of AWS, found where its own programs find them, and signatures made with them.
//!
//! `reqsign` knows the places and the order; here is what it reads them with: the environment, files,
//! programs, and the HTTP client that is there.

use std::time::Duration;

use bytes::Bytes;
use reqsign_aws_v4::{
    Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider,
};
use reqsign_core::{
    CommandExecute, CommandOutput, Context, Error, FileRead, HttpSend, OsEnv, Result, Signer,
};
use tokio::process::Command;

use crate::Secret;
use crate::rotation::system::process::{self, ProcessError};

/// A machine that has no metadata service does not reject the connection.
const METADATA: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(10);
/// A program may ask for a second factor.
const PROGRAM: Duration = Duration::from_secs(60);

/// Credentials that are given instead of found.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) session: Option<Secret>,
}

/// What signs requests to this region.
pub(super) fn signer(
    region: &str,
    fixed: Option<&Fixed>,
    http: reqwest::Client,
) -> Signer<Credential> {
    let context = Context::new()
        .with_env(OsEnv)
        .with_file_read(Files)
        .with_command_execute(Programs)
        .with_http_send(Http(http));
    let signer = RequestSigner::new("secretsmanager", region);
    match fixed {
        None => Signer::new(context, DefaultCredentialProvider::new(), signer),
        Some(fixed) => {
            let mut given = StaticCredentialProvider::new(&fixed.id, fixed.secret.expose());
            if let Some(session) = &fixed.session {
                given = given.with_session_token(session.expose());
            }
            Signer::new(context, given, signer)
        }
    }
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        tokio::fs::read(path).await.map_err(Error::from)
    }
}

#[derive(Debug)]
struct Http(reqwest::Client);

impl HttpSend for Http {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        // The error may hold the URL, and that a token.
        let failed = |error: reqwest::Error| Error::unexpected(error.without_url().to_string());
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        let is_metadata = request.url().host_str() == Some("169.254.169.254");
        *request.timeout_mut() = Some(if is_metadata { METADATA } else { TIMEOUT });
        let response = self.0.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut made = http::Response::new(response.bytes().await.map_err(failed)?);
        *made.status_mut() = status;
        *made.headers_mut() = headers;
        Ok(made)
    }
}

#[derive(Debug)]
struct Programs;

impl CommandExecute for Programs {
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        arguments: &'a [&'a str],
    ) -> Result<CommandOutput> {
        let mut command = Command::new(program);
        command.args(arguments).env_remove("KERNEL_API_KEY");
        let output = process::run(command, None, PROGRAM).await.map_err(|error| match error {
            ProcessError::Start(error) | ProcessError::Lost(error) => Error::from(error),
            ProcessError::TimedOut => Error::unexpected("the credential process took too long"),
        })?;
        Ok(CommandOutput {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout.to_vec(),
            stderr: output.stderr.to_vec(),
        })
    }
}
