//! A crate in a folder of its own. All of them share one target folder, so that the dependencies are
//! built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The folder of this project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One crate at a time, since all are called alike in the shared target folder.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) struct Outside {
    folder: tempfile::TempDir,
    pub(crate) target: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Outside {
    /// A crate with these lines below `[dependencies]`.
    pub(crate) fn new(dependencies: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let outside = Self { folder, target: root().join("target/dependent"), _turn: turn };
        outside.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"dependent\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [dependencies]\n{dependencies}\n[profile.dev]\ndebug = false\n"
            ),
        );
        outside.write("src/main.rs", "fn main() {}");
        // The versions of this workspace, which are there already.
        fs::copy(root().join("Cargo.lock"), outside.path("Cargo.lock")).unwrap();
        outside
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Sets `[env]` and checks the crate.
    pub(crate) fn check(&self, env: &str) -> Output {
        self.write(".cargo/config.toml", &format!("[env]\n{env}"));
        self.cargo(&[])
    }

    /// Checks the crate as things are.
    pub(crate) fn cargo(&self, more: &[&str]) -> Output {
        self.command("check").args(more).output().unwrap()
    }

    /// Runs the crate with these environment variables.
    pub(crate) fn run(&self, variables: &[(&str, &str)]) -> Output {
        self.command("run").envs(variables.iter().copied()).output().unwrap()
    }

    fn command(&self, command: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([command, "--offline", "--quiet"]).current_dir(self.folder.path());
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        for variable in ["ONKERNEL_SPEC", "ONKERNEL_OVERLAY", "RUSTFLAGS", "RUST_BACKTRACE"] {
            cargo.env_remove(variable);
        }
        cargo
    }
}
