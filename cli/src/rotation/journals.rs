//! Where journals are: one for each store, in the user's state folder.

use std::env;
use std::fs;
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

/// The journals that have something left to do.
pub(crate) fn unfinished(asked: Option<&Path>) -> Result<Vec<(PathBuf, Pending)>, Failure> {
    let folder = folder(asked)?;
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let left = pending(&path).map_err(|error| Failure::attention(error.to_string()))?;
            found.extend(left.map(|left| (path, left)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
