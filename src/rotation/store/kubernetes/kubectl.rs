//! The way from outside of a cluster: the user's own `kubectl`, with whatever it logs in by. The Secret
//! goes to it on standard input, and nowhere else.

use std::ffi::OsString;
use std::time::Duration;

use tokio::process::Command;
use zeroize::Zeroizing;

use super::call::{CallError, Name, Put, Text};
use crate::error::Scrubber;
use crate::rotation::store::StoreError;
use crate::rotation::system::process::{self, Output, ProcessError};

/// As large as a Secret can be, in Base64 and with all that the cluster adds.
const MOST_OUTPUT: usize = 4 << 20;

#[derive(Clone, Debug)]
pub(super) struct Kubectl {
    pub(super) program: OsString,
    pub(super) context: Option<String>,
    pub(super) timeout: Duration,
}

impl Kubectl {
    /// The address of the cluster that is meant.
    pub(super) async fn cluster(&self) -> Result<String, StoreError> {
        let wanted = "jsonpath={.clusters[0].cluster.server}";
        let output = self.run(&["config", "view", "--minify", "--output", wanted], None).await;
        let output = output.map_err(|error| StoreError::failed(error.why().to_owned()))?;
        let address = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.success() && !address.is_empty() {
            true => Ok(address),
            false => Err(StoreError::failed(format!(
                "kubectl knows no cluster{}: choose one with `kubectl config use-context`",
                said(&output)
            ))),
        }
    }

    pub(super) async fn get(&self, name: &Name) -> Result<Text, CallError> {
        let Name { namespace, secret } = name;
        let arguments = ["get", "secret", secret, "--namespace", namespace, "--output", "json"];
        let output = self.run(&arguments, None).await?;
        match (output.status.success(), std::str::from_utf8(&output.stdout)) {
            (true, Ok(text)) => Ok(Zeroizing::new(text.to_owned())),
            (true, Err(_)) => Err(CallError::Failed("what kubectl prints is not text".into())),
            (false, _) => Err(self.explain(&output, name, "get")),
        }
    }

    pub(super) async fn put(
        &self,
        name: &Name,
        secret: &Text,
        dry_run: bool,
    ) -> Result<Put, CallError> {
        // It comes from the cluster as it is: nothing is gained by validating it with a schema that is
        // fetched each time.
        let mut arguments = vec![
            "replace",
            "--namespace",
            &name.namespace,
            "--filename",
            "-",
            "--output",
            "name",
            "--validate=false",
        ];
        if dry_run {
            arguments.push("--dry-run=server");
        }
        let output = self.run(&arguments, Some(secret.as_bytes())).await?;
        match output.status.success() {
            true => Ok(Put::Done),
            false if reason(&output) == Some("Conflict") => Ok(Put::Conflict),
            false => Err(self.explain(&output, name, "update")),
        }
    }

    fn explain(&self, output: &Output, name: &Name, verb: &str) -> CallError {
        // What it says to an update may quote the Secret.
        let said = if verb == "update" { String::new() } else { said(output) };
        match reason(output) {
            Some("Timeout" | "ServerTimeout" | "InternalError") => {
                CallError::Lost(format!("the cluster failed{said}"))
            }
            Some("TooManyRequests") => CallError::Passing("the cluster limits the rate".into()),
            Some(reason) => name.explain(verb, reason, &said),
            None if verb == "get" => CallError::Passing(format!(
                "`{}` ended with {}{said}",
                self.program.display(),
                output.status
            )),
            None => CallError::Lost(format!(
                "`{}` ended with {}",
                self.program.display(),
                output.status
            )),
        }
    }

    async fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output, CallError> {
        let mut command = Command::new(&self.program);
        if let Some(context) = &self.context {
            command.arg("--context").arg(context);
        }
        command.args(arguments).env_remove("KERNEL_API_KEY");
        let program = self.program.display();
        let ran = process::run_with_room(command, input, self.timeout, MOST_OUTPUT).await;
        ran.map_err(|error| match error {
            ProcessError::Start(error) => CallError::Failed(format!(
                "`{program}` cannot be started ({error}): install kubectl, or run in the cluster"
            )),
            ProcessError::Lost(error) => CallError::Lost(format!("`{program}`: {error}")),
            ProcessError::TimedOut => CallError::Lost(format!(
                "`{program}` took longer than {} s and was killed",
                self.timeout.as_secs_f32()
            )),
        })
    }
}

/// The word for what went wrong: `Error from server (Conflict): …`.
fn reason(output: &Output) -> Option<&str> {
    let text = std::str::from_utf8(&output.stderr).ok()?;
    if text.contains("You must be logged in to the server") {
        return Some("Unauthorized");
    }
    if text.starts_with("The ") && text.contains(" is invalid") {
        return Some("Invalid");
    }
    let (_, rest) = text.split_once("Error from server (")?;
    let (reason, _) = rest.split_once(')')?;
    (reason.len() <= 40 && reason.bytes().all(|b| b.is_ascii_alphabetic())).then_some(reason)
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    match Scrubber::default().line(&text, 200) {
        said if said.is_empty() => said,
        said => format!("; it says: {said}"),
    }
}
