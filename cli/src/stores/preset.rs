//! `preset:NAME#…`: the programs of a vendor, as `presets.toml` has them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use onkernel::rotation::{CommandStore, TakesEffect};
use serde::Deserialize;

use super::parameter::Parameter;
use crate::program;

/// The parameter that is given without its name.
const NAME: &str = "name";

/// One table of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preset {
    pub(crate) title: String,
    write: Vec<String>,
    read: Option<Vec<String>>,
    stdin: Option<String>,
    #[serde(default)]
    json: bool,
    field: Option<String>,
    parameters: BTreeMap<String, Parameter>,
    propagation: u64,
    timeout: Option<u64>,
    takes_effect: TakesEffect,
    #[serde(default)]
    shared: bool,
    /// With which versions; untried without.
    pub(crate) tried: Option<String>,
    /// What the program needs: a login, a permission.
    pub(crate) needs: String,
}

/// All presets by name.
pub(crate) fn all() -> Result<&'static BTreeMap<String, Preset>, String> {
    static ALL: OnceLock<Result<BTreeMap<String, Preset>, String>> = OnceLock::new();
    let read = || {
        toml::from_str(include_str!("presets.toml"))
            .map_err(|error| format!("the presets of this program cannot be read: {error}"))
    };
    ALL.get_or_init(read).as_ref().map_err(Clone::clone)
}

fn find(name: &str) -> Result<&'static Preset, String> {
    let all = all()?;
    all.get(name).ok_or_else(|| {
        let names: Vec<_> = all.keys().map(String::as_str).collect();
        format!("there is no such preset; the presets are {}", names.join(", "))
    })
}

/// A preset and its parameters, all that are known, so that a place has one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PresetName {
    preset: String,
    values: BTreeMap<String, String>,
}

impl FromStr for PresetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('#').unwrap_or((text, ""));
        let preset = find(name)?;
        let mut values = BTreeMap::new();
        for (n, part) in rest.split(',').enumerate() {
            let (key, value) = match part.split_once('=') {
                _ if n == 0 => (NAME, part),
                Some(pair) => pair,
                None => {
                    return Err(format!(
                        "write each parameter as name=value: {}",
                        preset.form(name)
                    ));
                }
            };
            let known = preset.parameters.get(key).ok_or_else(|| {
                format!("there is no such parameter; write {}", preset.form(name))
            })?;
            known.check(value).map_err(|why| {
                format!("the parameter `{key}` {why}; write {}", preset.form(name))
            })?;
            if values.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(format!("the parameter `{key}` is given twice"));
            }
        }
        for (key, parameter) in &preset.parameters {
            match &parameter.default {
                _ if values.contains_key(key) || parameter.optional => {}
                Some(default) => _ = values.insert(key.clone(), default.clone()),
                None => {
                    return Err(format!(
                        "the parameter `{key}` is missing; write {}",
                        preset.form(name)
                    ));
                }
            }
        }
        Ok(Self { preset: name.to_owned(), values })
    }
}

impl fmt::Display for PresetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.values.get(NAME).map_or("", String::as_str);
        write!(f, "preset:{}#{name}", self.preset)?;
        let others = self.values.iter().filter(|(key, _)| *key != NAME);
        others.into_iter().try_for_each(|(key, value)| write!(f, ",{key}={value}"))
    }
}

impl PresetName {
    /// The store itself, unlocked as yet.
    pub(super) fn open(&self) -> Result<CommandStore, String> {
        let preset = find(&self.preset)?;
        // Placeholders of many keys are filled by now.
        for (key, value) in &self.values {
            preset.parameters[key]
                .check_filled(value)
                .map_err(|why| format!("{self}: the parameter `{key}` {why}"))?;
        }
        program::find(preset.program(), None).map_err(|why| format!("{self}: {why}"))?;
        let store = CommandStore::new(self.to_string(), self.fill(preset, &preset.write));
        let store = store
            .described_as(self.to_string())
            .propagating(Duration::from_secs(preset.propagation))
            .taking_effect(preset.takes_effect);
        let mut store = match &preset.stdin {
            None => store,
            Some(text) if preset.json => {
                store.stdin_json_template(self.filled(text)).map_err(|error| error.to_string())?
            }
            Some(text) => {
                store.stdin_template(self.filled(text)).map_err(|error| error.to_string())?
            }
        };
        if let Some(read) = &preset.read {
            store = store.reading(self.fill(preset, read));
        }
        if let Some(field) = &preset.field {
            store = store.reading_field(self.filled(field));
        }
        if let Some(timeout) = preset.timeout {
            store = store.timeout(Duration::from_secs(timeout));
        }
        Ok(if preset.shared { store.shared_by_hosts() } else { store })
    }

    /// The arguments, without those of parameters that are not given.
    fn fill(&self, preset: &Preset, argv: &[String]) -> Vec<String> {
        let lacks = |word: &&String| {
            let mut absent = preset.parameters.keys().filter(|key| !self.values.contains_key(*key));
            absent.any(|key| word.contains(&placeholder(key)))
        };
        argv.iter().filter(|word| !lacks(word)).map(|word| self.filled(word)).collect()
    }

    fn filled(&self, text: &str) -> String {
        // No value holds a brace, so that none is taken for a placeholder.
        let fill =
            |text: String, (key, value): (&String, &String)| text.replace(&placeholder(key), value);
        self.values.iter().fold(text.to_owned(), fill)
    }
}

fn placeholder(key: &str) -> String {
    format!("{{{key}}}")
}

impl Preset {
    /// How a store of it is named.
    pub(crate) fn form(&self, name: &str) -> String {
        let can_be_left_out =
            |parameter: &Parameter| parameter.optional || parameter.default.is_some();
        let others = self.parameters.iter().filter(|(key, _)| *key != NAME);
        let (optional, required): (Vec<_>, Vec<_>) =
            others.partition(|(_, parameter)| can_be_left_out(parameter));
        let pair = |key: &str| format!(",{key}={}", key.to_uppercase());
        let required: String = required.iter().map(|(key, _)| pair(key)).collect();
        let optional: String = optional.iter().map(|(key, _)| format!("[{}]", pair(key))).collect();
        format!("preset:{name}#NAME{required}{optional}")
    }

    /// The vendor's program.
    pub(crate) fn program(&self) -> &str {
        self.write.first().map_or("", String::as_str)
    }

    pub(crate) fn readable(&self) -> bool {
        self.read.is_some()
    }

    pub(crate) fn shared(&self) -> bool {
        self.shared
    }

    pub(crate) fn propagation(&self) -> Duration {
        Duration::from_secs(self.propagation)
    }

    pub(crate) fn takes_effect(&self) -> TakesEffect {
        self.takes_effect
    }
}
