//! `dist`: what the packages of `kernel-keys` hold.
//!
//! ```text
//! bin/kernel-keys
//! completions/kernel-keys.bash, _kernel-keys, kernel-keys.fish, _kernel-keys.ps1
//! man/kernel-keys.1, kernel-keys-create.1, …
//! ```

use crate::error::{Error, Outcome};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where each shell's script goes.
const SHELLS: [(&str, &str); 4] = [
    ("bash", "kernel-keys.bash"),
    ("zsh", "_kernel-keys"),
    ("fish", "kernel-keys.fish"),
    ("powershell", "_kernel-keys.ps1"),
];

/// Builds the program and writes the folder, which holds nothing else afterwards.
///
/// # Errors
/// The program cannot be built or run, or the folder cannot be written.
pub fn run(root: &Path, out: &Path, profile: &str) -> Result<Outcome, Error> {
    let built = build(root, profile)?;
    let out = root.join(out);
    for part in ["bin", "completions", "man"] {
        let part = out.join(part);
        if part.exists() {
            fs::remove_dir_all(&part).map_err(|error| cannot_write(&part, &error))?;
        }
        fs::create_dir_all(&part).map_err(|error| cannot_write(&part, &error))?;
    }
    let program = out.join("bin").join(format!("kernel-keys{EXE_SUFFIX}"));
    fs::copy(&built, &program).map_err(|error| cannot_write(&program, &error))?;
    for (shell, name) in SHELLS {
        let path = out.join("completions").join(name);
        let script = output(Command::new(&program).args(["completions", shell]))?;
        fs::write(&path, script).map_err(|error| cannot_write(&path, &error))?;
    }
    output(Command::new(&program).args(["man", "--dir"]).arg(out.join("man")))?;
    Ok(Outcome { text: format!("{} is complete.\n", out.display()), code: 0 })
}

/// Builds the program; yields its path, as cargo reports it.
fn build(root: &Path, profile: &str) -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--package", "kernel-keys", "--bin", "kernel-keys", "--locked"];
    let messages = output(Command::new(cargo).current_dir(root).args(arguments).args([
        "--profile",
        profile,
        "--message-format",
        "json-render-diagnostics",
    ]))?;
    let built = String::from_utf8_lossy(&messages).lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    built.ok_or_else(|| Error::new("cargo reports no program kernel-keys".to_owned()))
}

fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let run = command.stderr(std::process::Stdio::inherit()).output();
    match run {
        Ok(run) if run.status.success() => Ok(run.stdout),
        Ok(run) => Err(Error::new(format!("{shown} failed: {}", run.status))),
        Err(error) => Err(Error::new(format!("cannot run {shown}: {error}"))),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot write {}: {error}", path.display()))
}
