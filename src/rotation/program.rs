//! A program as a hook.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::settings::HookError;
use super::system::process::{self, ProcessError};

/// Longer than any hook may take: its time is the rotation's to keep.
const UNLIMITED: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A program that deploys or verifies: run without a shell and without `KERNEL_API_KEY`, in a process
/// group of its own, with nothing on standard input.
///
/// It is done when it ends. What it leaves in the background goes on, and holds nobody up. When its
/// future is dropped, as [`hook_timeout`](super::Rotation::hook_timeout) does, it is killed with all
/// that it has started.
///
/// ```no_run
/// use onkernel::rotation::{FileStore, Program, RotationExt};
///
/// # async fn example(client: onkernel::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let restart = Program::new(["systemctl", "restart", "agent"]);
/// client
///     .rotation_of(FileStore::new("/etc/agent/kernel-key"))
///     .journal("/var/lib/agent/rotation.jsonl")
///     .deploy(move |_| restart.clone().run())
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `run`"]
pub struct Program {
    argv: Vec<String>,
    folder: Option<PathBuf>,
    env: Vec<(String, String)>,
}

impl Program {
    /// This program with these arguments.
    pub fn new<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self { argv, folder: None, env: Vec::new() }
    }

    /// The folder in which it runs: by default that of this process.
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Adds a variable to its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, or ends with another status than 0: then the error shows the beginning
    /// of what it wrote to standard error.
    pub async fn run(self) -> Result<(), HookError> {
        let (program, arguments) = self.argv.split_first().ok_or("it names no program")?;
        let mut command = Command::new(program);
        command.args(arguments).env_remove("KERNEL_API_KEY").envs(self.env);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let output = process::run(command, None, UNLIMITED).await.map_err(|error| match error {
            ProcessError::Start(error) => format!("`{program}` cannot be started: {error}"),
            ProcessError::Lost(error) => format!("`{program}` was lost sight of: {error}"),
            ProcessError::TimedOut => format!("`{program}` took too long and was killed"),
        })?;
        if output.status.success() {
            return Ok(());
        }
        // The rotation removes keys from what is shown.
        let wrote = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{program}` ended with {}: {}", output.status, wrote.trim()).into())
    }
}
