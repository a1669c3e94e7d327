//! What one profile says.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::output::Format;
use crate::stores::name::StoreName;

/// The settings of a profile, as `config set` names them.
pub(crate) const NAMES: &[&str] = &[
    "base-url",
    "allow-plain-http",
    "key-file",
    "key-env",
    "key-store",
    "project",
    "timeout",
    "output",
];

/// A profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Profile {
    pub(crate) base_url: Option<String>,
    #[serde(default)]
    pub(crate) allow_plain_http: bool,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) key_env: Option<String>,
    pub(crate) key_store: Option<StoreName>,
    pub(crate) project: Option<String>,
    pub(crate) timeout: Option<f64>,
    pub(crate) output: Option<Format>,
}

/// Where a profile's key is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeySource {
    File(PathBuf),
    Env(String),
    Store(StoreName),
}

impl Profile {
    /// Where its key is, if it says so.
    pub(crate) fn key(&self) -> Option<KeySource> {
        let Self { key_file, key_env, key_store, .. } = self;
        key_file
            .clone()
            .map(KeySource::File)
            .or_else(|| key_env.clone().map(KeySource::Env))
            .or_else(|| key_store.clone().map(KeySource::Store))
    }

    /// The time limit of an attempt.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// Checks what its types cannot.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sources = [self.key_file.is_some(), self.key_env.is_some(), self.key_store.is_some()];
        if sources.into_iter().filter(|is_set| *is_set).count() > 1 {
            return Err("only one of key-file, key-env and key-store may be set".to_owned());
        }
        if self.key_file.as_ref().is_some_and(|path| looks_like_key(&path.to_string_lossy())) {
            return Err(format!("key-file must be the path of a file. {NO_KEY}"));
        }
        let is_variable = |name: &str| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.chars().all(word) && !looks_like_key(name)
        };
        if self.key_env.as_deref().is_some_and(|name| !is_variable(name)) {
            return Err(format!("key-env must be the name of a variable. {NO_KEY}"));
        }
        if self.timeout.is_some_and(|time| !(time > 0.0 && time <= 86_400.0)) {
            return Err("timeout must be more than 0 and at most 86400 seconds".to_owned());
        }
        if self.output == Some(Format::Csv) {
            return Err("output must be table, json or ndjson: csv is not for all commands".into());
        }
        Ok(())
    }
}

/// What whoever puts a key into a profile should know.
pub(crate) const NO_KEY: &str =
    "A profile never holds a key: it names a file, a variable or a store";

/// Whether a person seems to have given a key instead of its place.
pub(super) fn looks_like_key(text: &str) -> bool {
    text.starts_with("sk_") || text.starts_with("sk-")
}
