//! The name of a store on the command line and in a journal: `file:PATH`, `env-file:PATH#NAME`,
//! either of them as `in-place:…`, `command:FILE`, `aws:NAME#FIELD`, `vault:PATH#FIELD`,
//! `k8s:NAMESPACE/NAME#KEY`, or `preset:NAME#…`.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use onkernel::rotation::{EnvFileStore, FileStore, Store, journal_name};
use serde::{Deserialize, Serialize};

use super::preset::PresetName;
use super::state;

/// Where a workload reads its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum StoreName {
    File(PathBuf),
    EnvFile(PathBuf, String),
    Command(PathBuf),
    Preset(PresetName),
    /// A file that is written over instead of being replaced.
    InPlace(Box<Self>),
    /// A secret of AWS, and a field of it.
    Aws(String, Option<String>),
    /// The path of a secret of Vault, and a field of it.
    Vault(String, String),
    /// Namespace and name of a Secret of Kubernetes, and a key in it.
    Kubernetes(String, String, String),
}

/// A name with what stands after its last `#`.
fn parts(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((name, part)) => (name, Some(part)),
        None => (name, None),
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let absolute = |path: &str| match path {
            "" => Err("the store has no path".to_owned()),
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
                None => Err("name the variable, too: env-file:PATH#NAME".to_owned()),
            },
            Some(("command", path)) => Ok(Self::Command(absolute(path)?)),
            Some(("preset", name)) => Ok(Self::Preset(name.parse()?)),
            Some(("in-place", file)) => match file.parse()? {
                file @ (Self::File(_) | Self::EnvFile(..)) => Ok(Self::InPlace(Box::new(file))),
                _ => Err("in-place: is for file:PATH and env-file:PATH#NAME".to_owned()),
            },
            Some(("aws", rest)) => match parts(rest) {
                ("", _) | (_, Some("")) => Err("name the secret: aws:NAME or aws:NAME#FIELD".into()),
                (name, field) => Ok(Self::Aws(name.to_owned(), field.map(str::to_owned))),
            },
            Some(("vault", rest)) => match parts(rest) {
                (path, Some(field)) if !path.is_empty() && !field.is_empty() => {
                    Ok(Self::Vault(path.to_owned(), field.to_owned()))
                }
                _ => Err("name path and field: vault:PATH#FIELD, as vault:secret/ci#key".into()),
            },
            Some(("k8s", rest)) => match (parts(rest), parts(rest).0.split_once('/')) {
                ((_, Some(key)), Some((namespace, name)))
                    if ![namespace, name, key].contains(&"") && !name.contains('/') =>
                {
                    Ok(Self::Kubernetes(namespace.to_owned(), name.to_owned(), key.to_owned()))
                }
                _ => Err("name namespace, Secret and key: k8s:NAMESPACE/NAME#KEY".to_owned()),
            },
            _ => Err(
                "a store is file:PATH, env-file:PATH#NAME, command:FILE, aws:NAME#FIELD, vault:PATH#FIELD, k8s:NAMESPACE/NAME#KEY or preset:NAME#…: see kernel-keys stores"
                    .to_owned(),
            ),
        }
    }
}

impl TryFrom<String> for StoreName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<StoreName> for String {
    fn from(store: StoreName) -> Self {
        store.to_string()
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::EnvFile(path, name) => write!(f, "env-file:{}#{name}", path.display()),
            Self::Command(path) => write!(f, "command:{}", path.display()),
            Self::Preset(name) => name.fmt(f),
            Self::InPlace(file) => write!(f, "in-place:{file}"),
            Self::Aws(name, None) => write!(f, "aws:{name}"),
            Self::Aws(name, Some(field)) => write!(f, "aws:{name}#{field}"),
            Self::Vault(path, field) => write!(f, "vault:{path}#{field}"),
            Self::Kubernetes(namespace, name, key) => write!(f, "k8s:{namespace}/{name}#{key}"),
        }
    }
}

impl StoreName {
    /// Whether its file is there, as far as can be told: where it cannot, opening or reading it says
    /// why.
    pub(crate) fn exists(&self) -> bool {
        self.path().is_none_or(|path| path.try_exists().unwrap_or(true))
    }

    /// Its file, if it has one on this host.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::EnvFile(path, _) | Self::Command(path) => Some(path),
            Self::Preset(_) => None,
            Self::InPlace(file) => file.path(),
            Self::Aws(..) | Self::Vault(..) | Self::Kubernetes(..) => None,
        }
    }

    /// The store of one key, whose values stand in place of `{name}` and `{id}`. They are remote
    /// input: none if one would be more than a part of the name.
    pub(crate) fn filled(&self, name: &str, id: &str) -> Option<Self> {
        let text = self.to_string();
        let separates = |value: &str| match self {
            Self::Preset(_) => value.contains([',', '=']),
            Self::Aws(..) | Self::Vault(..) | Self::Kubernetes(..) => value.contains('#'),
            _ => false,
        };
        for (place, value) in [("{name}", name), ("{id}", id)] {
            if text.contains(place) && (!is_plain(value) || separates(value)) {
                return None;
            }
        }
        text.replace("{id}", id).replace("{name}", name).parse().ok()
    }

    /// The store itself, ready to be locked.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, String> {
        if let (Self::Preset(_), Some(folder)) = (self, state::folder()) {
            state::create(&folder).map_err(|error| {
                format!("cannot create {} for locks: {error}", folder.display())
            })?;
        }
        self.look()
    }

    /// The store itself, to be looked at.
    pub(crate) fn look(&self) -> Result<Arc<dyn Store>, String> {
        let folder = self.path().and_then(Path::parent);
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!(
                "the store {self} cannot exist: {} is not a folder",
                folder.display()
            ));
        }
        let (named, in_place) = match self {
            Self::InPlace(file) => (&**file, true),
            named => (named, false),
        };
        Ok(match named {
            Self::File(path) if in_place => Arc::new(FileStore::new(path).in_place()),
            Self::File(path) => Arc::new(FileStore::new(path)),
            Self::EnvFile(path, name) => {
                let store = EnvFileStore::new(path, name).map_err(|error| error.to_string())?;
                Arc::new(if in_place { store.in_place() } else { store })
            }
            Self::Command(path) => Arc::new(super::command::open(path)?),
            Self::Preset(name) => {
                let store = name.open()?;
                // Beside the journals: a preset has no file of its own.
                Arc::new(match state::folder() {
                    Some(folder) => store.lock_file(folder.join(lock_name(self))),
                    None => store,
                })
            }
            Self::InPlace(_) => return Err("in-place: can be given only once".to_owned()),
            Self::Aws(name, field) => super::native::aws(name, field.as_deref())?,
            Self::Vault(path, field) => super::native::vault(path, field)?,
            Self::Kubernetes(namespace, name, key) => {
                super::native::kubernetes(namespace, name, key)?
            }
        })
    }
}

fn lock_name(store: &StoreName) -> String {
    format!("{}.store.lock", journal_name(&store.to_string()))
}

/// Whether it is one plain component of a path.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
        && !name.contains(['/', '\\', '#', ':', '{', '}'])
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component_or_none() {
        for good in ["ci", "ci-7", "a b", "ü", ".env", "..a"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../a", "/a", "a\\b", "a\nb", "a#B", "a:b", "{id}", "a/"]
        {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_name_of_a_key_becomes_no_parameter() {
        let gh: StoreName = "preset:gh#{name},repo=a/b".parse().unwrap();
        let filled = |name| gh.filled(name, "id").map(|store| store.to_string());
        assert_eq!(filled("CI").as_deref(), Some("preset:gh#CI,repo=a/b"));
        for bad in ["CI,env=x", "CI=x", "-CI", "a b", "{id}", "a/b"] {
            assert_eq!(filled(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_preset_has_one_name_and_no_parameter_is_an_option() {
        for (given, wanted) in [
            ("preset:gh#A,repo=o/r", "preset:gh#A,repo=o/r"),
            ("preset:vercel#A,cwd=/w", "preset:vercel#A,cwd=/w,environment=production"),
            ("preset:kubectl#s,namespace=n,field=f", "preset:kubectl#s,field=f,namespace=n"),
        ] {
            assert_eq!(given.parse::<StoreName>().unwrap().to_string(), wanted);
            assert_eq!(wanted.parse::<StoreName>().unwrap().to_string(), wanted);
        }
        for wrong in [
            "preset:",
            "preset:none#A",
            "preset:gh",
            "preset:gh#A",
            "preset:gh#A,repo",
            "preset:gh#A,repo=",
            "preset:gh#A,repo=o/r,repo=p/r",
            "preset:gh#A,repo=o/r,org=o",
            "preset:gh#A,repo=-o/r",
            "preset:gh#--org=x,repo=o/r",
            "preset:gh#A,repo=@o",
            "preset:aws-ssm#file://x,region=r",
            "preset:aws-ssm#@x,region=r",
            "preset:aws-ssm#-x,region=r",
            "preset:aws-ssm#x,region=-r",
            "preset:aws-ssm#x\n,region=r",
            "preset:systemd-creds#k,file=key",
            "preset:systemd-creds#k,file=-",
            "preset:fly#A\nB,app=a",
            "preset:sk_0123456789#A",
        ] {
            let error = wrong.parse::<StoreName>().unwrap_err();
            assert!(!error.contains("sk_"), "{error}");
        }
    }

    #[test]
    fn stores_are_named_by_kind_and_place() {
        for name in [
            "file:/a/b:c",
            "env-file:/a/b#c#KEY",
            "command:/a.toml",
            "in-place:file:/a",
            "aws:kernel/ci",
            "aws:kernel/ci#key",
            "aws:arn:aws:secretsmanager:eu-west-1:123456789012:secret:kernel/ci-AbCdEf#key",
            "vault:team/kv/ci#key",
            "k8s:agents/kernel#api-key",
        ] {
            let store: StoreName = name.parse().unwrap();
            assert_eq!(store.to_string(), name);
        }
        let relative: StoreName = "file:key".parse().unwrap();
        assert!(relative.to_string().starts_with("file:/"));
        for wrong in [
            "",
            "file",
            "file:",
            "env-file:/a",
            "env-file:/a#",
            "in-place:command:/a",
            "in-place:in-place:file:/a",
            "vault:x",
            "vault:#key",
            "aws:",
            "aws:x#",
            "k8s:agents/kernel",
            "k8s:kernel#key",
            "k8s:a/b/c#key",
            "in-place:aws:x",
            "sk_012345678",
        ] {
            let error = wrong.parse::<StoreName>().unwrap_err();
            assert!(!error.contains("sk_"), "{error}");
        }
    }
}
