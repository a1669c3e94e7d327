//! Where journals are: one for each store, in the user's state folder.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use onkernel::rotation::{Pending, journal_name, pending};

use super::store::StoreSpec;
use crate::failure::Failure;

/// The folder of the journals: the one that was asked for, or the user's own.
pub(crate) fn folder(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"))
        .map(|state| state.join("kernel-keys"))
        .ok_or_else(|| {
            Failure::usage("there is no folder for journals").advise("Name one with --journal DIR.")
        })
}

/// The journal of a store, in a folder that exists.
pub(crate) fn of(store: &StoreSpec, asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = folder(asked)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&folder)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", folder.display())))?;
    Ok(folder.join(journal_name(&store.to_string())))
}

/// The journals in a folder that have something left to do, and those that cannot be read.
pub(crate) fn unfinished(folder: &Path) -> Result<Vec<(PathBuf, Left)>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Nobody has rotated anything yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(format!("{} cannot be read: {error}", folder.display())));
        }
    };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let left = pending(&path).map_err(|error| Failure::attention(error.to_string()));
            found.extend(left.transpose().map(|left| (path, left)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// What one journal says.
pub(crate) type Left = Result<Pending, Failure>;
