//! A program as a hook.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use crate::rotation::settings::HookError;
use crate::rotation::system::process::{self, ProcessError};

/// A program as a [deploy](crate::rotation::Rotation::deploy) or [verify](crate::rotation::Rotation::verify) hook.
///
/// It runs without a shell, without `KERNEL_API_KEY` and without standard input, in a process group
/// of its own. It is done when it ends: what it leaves in the background goes on, and holds nobody
/// up. If it runs out of its [time](crate::rotation::Rotation::hook_timeout), the whole group is killed.
///
/// ```no_run
/// use onkernel::prelude::*;
/// use onkernel::rotation::{FileStore, HookCommand, RotationExt};
///
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// client
///     .rotation_of(FileStore::new("/etc/agent/kernel-key"))
///     .journal("/var/lib/agent/rotation.jsonl")
///     .deploy(|_| HookCommand::new(["systemctl", "restart", "agent"]).run())
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it runs by `run`"]
pub struct HookCommand {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

impl HookCommand {
    /// A program and its arguments.
    pub fn new<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self { argv, env: Vec::new(), folder: None }
    }

    /// Sets an environment variable. It must not hold a secret.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs in this folder instead of the caller's.
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// A program that cannot be started, or that reports a failure: its status, and the beginning of
    /// what it printed to standard error.
    pub async fn run(self) -> Result<(), HookError> {
        let (program, arguments) = self.argv.split_first().ok_or("it names no program")?;
        let shown = program.display();
        let mut command = Command::new(program);
        command.args(arguments).env_remove("KERNEL_API_KEY").envs(self.env.iter().cloned());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        // The rotation has the clock, and drops this when the time is over.
        let output = match process::run(command, None, Duration::MAX).await {
            Ok(output) => output,
            Err(ProcessError::Start(error)) => {
                // The system reports a folder that is missing as if the program were.
                return Err(match self.folder.filter(|folder| !folder.is_dir()) {
                    Some(folder) => format!(
                        "`{shown}` cannot be started: its folder {} does not exist",
                        folder.display()
                    ),
                    None => format!("`{shown}` cannot be started: {error}"),
                }
                .into());
            }
            Err(ProcessError::Lost(error)) => {
                return Err(format!("the end of `{shown}` was missed: {error}").into());
            }
            Err(ProcessError::TimedOut) => return Err(format!("`{shown}` was killed").into()),
        };
        if output.status.success() {
            return Ok(());
        }
        let failed = format!("`{shown}` failed with {}", output.status);
        match String::from_utf8_lossy(&output.stderr).trim() {
            "" => Err(failed.into()),
            stderr => Err(format!("{failed}: {stderr}").into()),
        }
    }
}
