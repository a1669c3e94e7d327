//! `command:FILE`: a TOML file that names the programs of a secret manager.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use onkernel::rotation::{CommandStore, TakesEffect};
use serde::Deserialize;

use crate::program;

/// What the file holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandFile {
    write: Vec<String>,
    read: Option<Vec<String>>,
    /// Whether `read` can be used; without it the store is one-way.
    readable: Option<bool>,
    /// What `write` gets on standard input, with `{key}` in it.
    stdin: Option<String>,
    /// Seconds that each program may take.
    timeout: Option<f64>,
    /// Seconds until a write shows everywhere.
    propagation: Option<f64>,
    /// When a running workload sees a change.
    takes_effect: Option<TakesEffect>,
    /// Whether other hosts reach the same place by the same file.
    #[serde(default)]
    shared: bool,
    lock_file: Option<PathBuf>,
}

/// The store that a file describes.
pub(super) fn open(path: &Path) -> Result<CommandStore, String> {
    let shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let file: CommandFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!(
            "{shown}, line {line}: {}; the file needs `write` and should have `read`, each a list of a program and its arguments",
            error.message()
        )
    })?;
    let folder = path.parent();
    let program = |name: &str, mut argv: Vec<String>| {
        let named = argv.first_mut().filter(|program| !program.is_empty());
        let named = named.ok_or_else(|| format!("{shown}: `{name}` names no program"))?;
        program::find(named, folder).map_err(|why| format!("{shown}: `{name}`: {why}"))?;
        if let (true, Some(folder)) = (named.contains('/'), folder) {
            *named = folder.join(&*named).to_string_lossy().into_owned();
        }
        Ok::<_, String>(argv)
    };
    let mut store = CommandStore::new(shown.to_string(), program("write", file.write)?);
    match (file.readable, file.read) {
        (Some(true), None) => return Err(format!("{shown}: `readable` needs `read`")),
        (Some(false), _) | (None, None) => {}
        (_, Some(read)) => store = store.reading(program("read", read)?),
    }
    if let Some(template) = file.stdin {
        store = store.stdin_template(template).map_err(|error| error.to_string())?;
    }
    let seconds = |name: &str, seconds: f64| {
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("{shown}: `{name}` must be a number of seconds"))
    };
    if let Some(timeout) = file.timeout {
        store = store.timeout(seconds("timeout", timeout)?);
    }
    if let Some(propagation) = file.propagation {
        store = store.propagating(seconds("propagation", propagation)?);
    }
    if let Some(when) = file.takes_effect {
        store = store.taking_effect(when);
    }
    if file.shared {
        store = store.shared_by_hosts();
    }
    // Beside the file, which everyone who rotates this store shares.
    let lock = file.lock_file.unwrap_or_else(|| {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    });
    Ok(store.lock_file(lock))
}

#[cfg(test)]
mod tests {
    use onkernel::rotation::Store;

    use super::*;

    #[test]
    fn a_file_says_what_its_store_is_like() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.toml");
        let base = "write = [\"cat\"]\nread = [\"cat\"]\n";
        let opened = |more: &str| {
            fs::write(&path, format!("{base}{more}")).unwrap();
            open(&path)
        };
        let store = opened("timeout = 5\npropagation = 90.0\nshared = true").unwrap();
        assert_eq!(store.takes_effect(), TakesEffect::Restart);
        let deployed = opened("takes_effect = \"next_deployment\"").unwrap();
        assert_eq!(deployed.takes_effect(), TakesEffect::NextDeployment);
        assert_eq!(store.propagation(), Duration::from_secs(90));
        assert!(store.readable() && store.shared());
        assert!(!opened("readable = false").unwrap().readable());
        assert!(opened("stdin = \"NAME={key}\"").is_ok());
        for wrong in [
            "stdin = \"NAME\"",
            "timeout = -1",
            "propagation = \"soon\"",
            "takes_effect = \"soon\"",
        ] {
            assert!(opened(wrong).is_err(), "{wrong}");
        }
        fs::write(&path, "write = [\"cat\"]\nreadable = true").unwrap();
        assert!(open(&path).unwrap_err().contains("`readable` needs `read`"));
    }

    #[test]
    fn commands_are_lists_and_no_shell_strings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.toml");
        fs::write(&path, "write = [\"cat\", \"-\"]\nread = [\"cat\", \"ci\"]\n").unwrap();
        assert!(open(&path).unwrap().readable());
        for wrong in ["write = \"put ci\"", "read = []", "write = []\nshell = true", "="] {
            fs::write(&path, wrong).unwrap();
            assert!(open(&path).is_err(), "{wrong}");
        }
    }
}
