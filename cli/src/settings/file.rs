//! The configuration file itself, which a person may edit too: what is written keeps its comments.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value, value};

use super::profile::{NAMES, NO_KEY, Profile, looks_like_key};
use crate::failure::Failure;
use crate::stores::state;

const PROFILES: &str = "profiles";
const DEFAULT_PROFILE: &str = "default-profile";

/// The file as it was read.
pub(crate) struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
}

impl ConfigFile {
    /// Reads it; one that does not exist is empty.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                String::new()
            }
            Err(error) => {
                let problem = format!("cannot read the configuration {}: {error}", path.display());
                return Err(Failure::usage(problem)
                    .advise("Make it readable, or set XDG_CONFIG_HOME to another folder."));
            }
        };
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let place = place(&text, error.span().map_or(0, |span| span.start));
            // The message alone: the whole error would show the line, and a key in it.
            wrong(path, &place, error.message())
        })?;
        for (name, item) in document.iter() {
            if name != PROFILES && name != DEFAULT_PROFILE {
                let known = format!(
                    "{name:?} is unknown; there are {DEFAULT_PROFILE} and [{PROFILES}.NAME]"
                );
                return Err(wrong(path, "", &known));
            }
            if name == PROFILES && !item.is_table_like() {
                return Err(wrong(path, "", "profiles must be tables: [profiles.NAME]"));
            }
        }
        Ok(Self { path: path.to_owned(), document })
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> Vec<String> {
        let profiles = self.document.get(PROFILES).and_then(Item::as_table_like);
        profiles.into_iter().flat_map(|all| all.iter().map(|(name, _)| name.to_owned())).collect()
    }

    /// The profile that is used when nothing names another.
    pub(crate) fn default_profile(&self) -> Option<String> {
        self.document.get(DEFAULT_PROFILE)?.as_str().map(str::to_owned)
    }

    /// A profile.
    pub(crate) fn profile(&self, name: &str) -> Result<Option<Profile>, Failure> {
        let read = self.read_profile(name);
        read.map_err(|problem| wrong(&self.path, &format!(" profiles.{name}"), &problem))
    }

    fn read_profile(&self, name: &str) -> Result<Option<Profile>, String> {
        let profiles = self.document.get(PROFILES).and_then(Item::as_table_like);
        let Some(table) = profiles.and_then(|all| all.get(name)).and_then(Item::as_table_like)
        else {
            return Ok(None);
        };
        let mut one = DocumentMut::new();
        for (setting, item) in table.iter() {
            if !NAMES.contains(&setting) {
                let more = if is_like_key(setting) { format!(". {NO_KEY}") } else { String::new() };
                let known = NAMES.join(", ");
                return Err(format!("{setting:?} is unknown; there are {known}{more}"));
            }
            one.insert(setting, item.clone());
        }
        let profile: Profile =
            toml::from_str(&one.to_string()).map_err(|error| error.message().to_owned())?;
        profile.check()?;
        Ok(Some(profile))
    }

    /// Sets one setting of a profile.
    pub(crate) fn set(&mut self, profile: &str, name: &str, text: &str) -> Result<(), Failure> {
        known(name)?;
        if looks_like_key(text) {
            // Not repeated: it may be a key.
            return Err(Failure::usage(format!("the value of {name} looks like a key"))
                .advise(format!("{NO_KEY}.")));
        }
        let invalid = |must: &str| Failure::usage(format!("{name} {must}"));
        let new: Value = match name {
            "allow-plain-http" => {
                text.parse::<bool>().map_err(|_| invalid("must be true or false"))?.into()
            }
            "timeout" => {
                text.parse::<f64>().map_err(|_| invalid("must be a number of seconds"))?.into()
            }
            "key-file" => {
                let path =
                    std::path::absolute(text).map_err(|error| invalid(&error.to_string()))?;
                path.to_string_lossy().into_owned().into()
            }
            _ => text.into(),
        };
        let table = self.table(profile)?;
        if name.starts_with("key-") {
            for other in NAMES.iter().filter(|other| other.starts_with("key-") && **other != name) {
                table.remove(other);
            }
        }
        table.insert(name, value(new));
        // Nothing is written that could not be read.
        self.read_profile(profile).map_err(Failure::usage).map(|_| ())
    }

    /// Removes one setting of a profile; whether it was there.
    pub(crate) fn unset(&mut self, profile: &str, name: &str) -> Result<bool, Failure> {
        known(name)?;
        Ok(self.table(profile)?.remove(name).is_some())
    }

    /// Makes a profile the one that is used when nothing names another.
    pub(crate) fn set_default(&mut self, profile: &str) {
        self.document.insert(DEFAULT_PROFILE, value(profile));
    }

    /// Writes the file as a whole, for its owner only.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let shown = self.path.display();
        let cannot = |error: std::io::Error| {
            Failure::new(format!("cannot write the configuration {shown}: {error}"))
                .advise("Set XDG_CONFIG_HOME to a folder that you may write to.")
        };
        // Where it is a link, what it leads to is written.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("."));
        state::create(folder).map_err(cannot)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
        file.write_all(self.document.to_string().as_bytes()).map_err(cannot)?;
        file.as_file().sync_all().map_err(cannot)?;
        file.persist(&path).map_err(|error| cannot(error.error))?;
        Ok(())
    }

    fn table(&mut self, profile: &str) -> Result<&mut Table, Failure> {
        let not_a_table = || Failure::usage(format!("profiles.{profile} must be a table"));
        let profiles = self.document.entry(PROFILES).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let profiles = profiles.as_table_mut().ok_or_else(not_a_table)?;
        let table = profiles.entry(profile).or_insert_with(|| Item::Table(Table::new()));
        table.as_table_mut().ok_or_else(not_a_table)
    }
}

fn known(name: &str) -> Result<(), Failure> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no setting {name:?}"));
    Err(failure.advise(match is_like_key(name) {
        true => format!("{NO_KEY}: set key-file, key-env or key-store."),
        false => format!("The settings are {}.", NAMES.join(", ")),
    }))
}

fn is_like_key(name: &str) -> bool {
    matches!(name.replace(['_', '-'], "").as_str(), "key" | "apikey" | "kernelapikey" | "token")
}

fn wrong(path: &Path, place: &str, problem: &str) -> Failure {
    Failure::usage(format!("the configuration {}{place}: {problem}", path.display()))
        .advise("Correct the file, or see what it may hold: kernel-keys config set --help")
}

/// `:line:column` of a byte.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}
