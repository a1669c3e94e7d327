//! `--deploy` and `--verify`: programs that are told the store, and not the secret.

use std::process::Stdio;

use onkernel::rotation::{HookError, Told};
use tokio::process::Command;

/// A program and its arguments, run without a shell.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    argv: Vec<String>,
    store: String,
}

impl Program {
    /// Splits a command line into words as a shell would, and does nothing else that one does.
    pub(crate) fn parse(line: &str, store: &str) -> Result<Self, String> {
        match shlex::split(line) {
            Some(argv) if !argv.is_empty() => Ok(Self { argv, store: store.to_owned() }),
            _ => Err(format!("{line:?} is no command: are its quotes closed?")),
        }
    }

    /// Runs it. Which key the store holds is said in `KERNEL_KEYS_HOLDS`: `new`, or `old` when the
    /// rotation is undone.
    pub(crate) async fn run(self, told: Option<Told>) -> Result<(), HookError> {
        let (program, arguments) = self.argv.split_first().ok_or("it is empty")?;
        let mut command = Command::new(program);
        // Ctrl-C at the terminal is meant for this program, which lets its hooks finish.
        #[cfg(unix)]
        command.process_group(0);
        let output = command
            .args(arguments)
            .env_remove("KERNEL_API_KEY")
            .env("KERNEL_KEYS_STORE", &self.store)
            .env("KERNEL_KEYS_HOLDS", if told == Some(Told::Old) { "old" } else { "new" })
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        // The library removes keys from what is shown.
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{program}` ended with {}: {}", output.status, said.trim()).into())
    }
}
