//! A store as the command line names it: `file:PATH`, `env-file:PATH#NAME`, `command:FILE`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use onkernel::rotation::{CommandStore, EnvFileStore, FileStore, Store};
use serde::{Deserialize, Serialize};

/// Where a workload reads its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum StoreSpec {
    File(PathBuf),
    EnvFile(PathBuf, String),
    Command(PathBuf),
}

/// What a command file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    write: Vec<String>,
    read: Option<Vec<String>>,
    timeout_seconds: Option<f64>,
    lock_file: Option<PathBuf>,
}

impl FromStr for StoreSpec {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let absolute = |path: &str| match path {
            "" => Err("the store names no path".to_owned()),
            // A journal outlives the folder that a command was given in.
            _ => std::path::absolute(path).map_err(|error| format!("{path}: {error}")),
        };
        match name.split_once(':') {
            Some(("file", path)) => Ok(Self::File(absolute(path)?)),
            Some(("env-file", rest)) => match rest.rsplit_once('#') {
                Some((path, name)) => {
                    EnvFileStore::new(path, name).map_err(|error| error.to_string())?;
                    Ok(Self::EnvFile(absolute(path)?, name.to_owned()))
                }
                None => Err("a variable is given as env-file:PATH#NAME".to_owned()),
            },
            Some(("command", path)) => Ok(Self::Command(absolute(path)?)),
            _ => Err("a store is file:PATH, env-file:PATH#NAME or command:FILE".to_owned()),
        }
    }
}

impl TryFrom<String> for StoreSpec {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<StoreSpec> for String {
    fn from(store: StoreSpec) -> Self {
        store.to_string()
    }
}

impl fmt::Display for StoreSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::EnvFile(path, name) => write!(f, "env-file:{}#{name}", path.display()),
            Self::Command(path) => write!(f, "command:{}", path.display()),
        }
    }
}

impl StoreSpec {
    /// Whether its file is there, as far as can be told: where it cannot, opening it says why.
    pub(crate) fn exists(&self) -> bool {
        let (Self::File(path) | Self::EnvFile(path, _) | Self::Command(path)) = self;
        path.try_exists().unwrap_or(true)
    }

    /// The store itself.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, String> {
        Ok(match self {
            Self::File(path) => Arc::new(FileStore::new(path)),
            Self::EnvFile(path, name) => {
                Arc::new(EnvFileStore::new(path, name).map_err(|error| error.to_string())?)
            }
            Self::Command(path) => Arc::new(commands(path)?),
        })
    }
}

fn commands(path: &Path) -> Result<CommandStore, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let file: Commands = toml::from_str(&text).map_err(|error| {
        format!("{shown}: {}: it names `write` and, better, `read`, each a list of a program and its arguments", error.message())
    })?;
    let mut store = CommandStore::new(shown.to_string(), file.write);
    if let Some(read) = file.read {
        store = store.reading(read);
    }
    if let Some(seconds) = file.timeout_seconds {
        let timeout = Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("{shown}: timeout_seconds must be a number of seconds"))?;
        store = store.timeout(timeout);
    }
    // Beside the file that all who rotate this store share.
    let lock = file.lock_file.unwrap_or_else(|| {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    });
    Ok(store.lock_file(lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_kind_and_place() {
        for name in ["file:/a/b:c", "env-file:/a/b#c#KEY", "command:/a.toml"] {
            let store: StoreSpec = name.parse().unwrap();
            assert_eq!(store.to_string(), name);
        }
        let relative: StoreSpec = "file:key".parse().unwrap();
        assert!(relative.to_string().starts_with("file:/"));
        for wrong in ["", "file", "file:", "env-file:/a", "env-file:/a#", "vault:x", "sk_012345678"]
        {
            let error = wrong.parse::<StoreSpec>().unwrap_err();
            assert!(!error.contains("sk_"), "{error}");
        }
    }

    #[test]
    fn commands_are_lists_and_no_shell_strings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.toml");
        fs::write(&path, "write = [\"put\", \"ci\"]\nread = [\"get\", \"ci\"]\n").unwrap();
        assert!(StoreSpec::Command(path.clone()).open().unwrap().readable());
        for wrong in ["write = \"put ci\"", "read = []", "write = []\nshell = true", "="] {
            fs::write(&path, wrong).unwrap();
            assert!(StoreSpec::Command(path.clone()).open().is_err(), "{wrong}");
        }
    }
}
