//! The configuration file: profiles, each with what the options of a command line would say.
//!
//! What counts, the strongest first: an option, the environment, the profile, the default. A profile
//! never holds a plaintext key; it says where the key is.

mod file;
mod profile;

use std::env;
use std::path::{Path, PathBuf};

pub(crate) use self::file::ConfigFile;
pub(crate) use self::profile::{KeySource, NAMES, Profile};
use crate::failure::Failure;

/// The profile that is used when nothing names another.
pub(crate) const DEFAULT: &str = "default";

/// The profile in use, and what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    name: Option<String>,
    profile: Profile,
    chosen: bool,
}

impl Settings {
    /// Reads the profile that the option names, or `KERNEL_PROFILE`, or the file.
    pub(crate) fn load(named: Option<&str>) -> Result<Self, Failure> {
        let from_env = env::var("KERNEL_PROFILE").ok().filter(|name| !name.is_empty());
        let chosen = named.map(str::to_owned).or(from_env);
        let Some(path) = path() else {
            return match chosen {
                Some(name) => Err(unknown(&name, &[], None)),
                None => Ok(Self::default()),
            };
        };
        let file = ConfigFile::read(&path)?;
        let is_chosen = chosen.is_some();
        let name = chosen.or_else(|| file.default_profile());
        let name = name.unwrap_or_else(|| DEFAULT.to_owned());
        match file.profile(&name)? {
            Some(profile) => Ok(Self { name: Some(name), profile, chosen: is_chosen }),
            // Without a file, or with one that does not have it, nothing is set.
            None if name == DEFAULT && !is_chosen => Ok(Self::default()),
            None => Err(unknown(&name, &file.names(), Some(&path))),
        }
    }

    /// What the profile in use says.
    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The name of the profile in use.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether a person has named the profile for this call.
    pub(crate) fn is_chosen(&self) -> bool {
        self.chosen
    }
}

/// Where the configuration file is, which need not exist.
pub(crate) fn path() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .or_else(|| absolute("APPDATA"))
        .map(|config| config.join("kernel-keys/config.toml"))
}

fn unknown(name: &str, known: &[String], path: Option<&Path>) -> Failure {
    let place = path.map_or("no configuration file".to_owned(), |path| path.display().to_string());
    let failure = Failure::usage(format!("there is no profile {name:?} in {place}"));
    match known {
        [] => failure.advise(format!(
            "Make it: kernel-keys config set --profile {name} key-env KERNEL_API_KEY"
        )),
        known => failure.advise(format!("Choose one of these: {}.", known.join(", "))),
    }
}
