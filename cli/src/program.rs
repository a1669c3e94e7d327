//! Programs of a command line: found before they are needed, and run without a shell. The hooks
//! `--deploy` and `--verify` get the name of the store, never the key.

use std::path::{Path, PathBuf};

use onkernel::rotation::{DeployTarget, HookCommand, HookError};

/// A program and its arguments, run without a shell.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    argv: Vec<String>,
    store: String,
    folder: Option<PathBuf>,
}

impl Program {
    /// Reads a command line. The program runs in `folder`, where the rotation was started, even when
    /// it is resumed from another one.
    pub(crate) fn parse(line: &str, store: &str, folder: Option<&Path>) -> Result<Self, String> {
        let folder = folder.map(Path::to_owned);
        let argv = words(line)?;
        if let Some(missing) = folder.as_deref().filter(|folder| !folder.is_dir()) {
            return Err(format!(
                "the folder {}, in which the rotation was started, does not exist any more",
                missing.display()
            ));
        }
        if let Some(program) = argv.first() {
            // Better found out now than after the store has changed.
            find(program, folder.as_deref())?;
        }
        Ok(Self { argv, store: store.to_owned(), folder })
    }

    /// Runs it. `KERNEL_KEYS_HOLDS` says which key the store holds: `new`, or `old` when the rotation
    /// is being undone.
    pub(crate) fn run(
        &self,
        holds: Option<DeployTarget>,
    ) -> impl Future<Output = Result<(), HookError>> + use<> {
        let old = holds == Some(DeployTarget::Old);
        let mut hook = HookCommand::new(&self.argv)
            .env("KERNEL_KEYS_STORE", &self.store)
            .env("KERNEL_KEYS_HOLDS", if old { "old" } else { "new" });
        if let Some(folder) = &self.folder {
            hook = hook.current_dir(folder);
        }
        hook.run()
    }
}

/// Splits a command line into words as a shell does, without any expansion.
fn words(line: &str) -> Result<Vec<String>, String> {
    match shlex::split(line) {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
        Some(_) => Err("it names no program".to_owned()),
        None => Err("a quote is not closed".to_owned()),
    }
}

/// Checks a command line, for clap.
pub(crate) fn command_line(line: &str) -> Result<String, String> {
    Program::parse(line, "", None).map(|_| line.to_owned())
}

/// Checks that a program can be started: a path, or a name to look up in `PATH`.
pub(crate) fn find(program: &str, folder: Option<&Path>) -> Result<(), String> {
    let path = Path::new(program);
    let found = match path.components().count() {
        // Windows tries extensions of its own.
        _ if !cfg!(unix) => true,
        1 if !program.contains('/') => std::env::var_os("PATH")
            .is_some_and(|all| std::env::split_paths(&all).any(|one| can_run(&one.join(path)))),
        _ => can_run(&folder.unwrap_or(Path::new("")).join(path)),
    };
    match found {
        true => Ok(()),
        false => Err(format!("the program `{program}` does not exist or is not executable")),
    }
}

#[cfg(unix)]
fn can_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn can_run(path: &Path) -> bool {
    path.is_file()
}
