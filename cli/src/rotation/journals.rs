//! Where journals are: one per store, in the user's state folder.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use onkernel::rotation::{Pending, journal_name, pending};

use crate::failure::Failure;
use crate::stores::name::StoreName;
use crate::stores::state;

/// The folder of the journals: the chosen one, or the user's own.
pub(crate) fn folder(chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(chosen) = chosen {
        return Ok(chosen.to_owned());
    }
    state::folder().ok_or_else(|| {
        Failure::usage("no folder for journals is known: HOME is not set")
            .advise("Choose one with --journal DIR.")
    })
}

/// The journal of a store, in a folder that exists.
pub(crate) fn of(store: &StoreName, chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = folder(chosen)?;
    state::create(&folder).map_err(|error| cannot_create(&folder, &error))?;
    Ok(folder.join(journal_name(&store.to_string())))
}

/// The same, wherever it is: nothing is created.
pub(crate) fn path_of(store: &StoreName, chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(folder(chosen)?.join(journal_name(&store.to_string())))
}

fn cannot_create(folder: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot create {} for journals: {error}", folder.display()))
        .advise("Choose another folder with --journal DIR.")
}

/// All journals in a folder.
pub(crate) fn all(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Nothing has been rotated yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(format!("cannot read {}: {error}", folder.display())));
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    paths.sort();
    Ok(paths)
}

/// The journals in a folder that are not finished, and those that cannot be read.
pub(crate) fn unfinished(folder: &Path) -> Result<Vec<(PathBuf, Unfinished)>, Failure> {
    let mut found = Vec::new();
    for path in all(folder)? {
        let pending = pending(&path).map_err(|error| Failure::attention(error.to_string()));
        found.extend(pending.transpose().map(|unfinished| (path, unfinished)));
    }
    Ok(found)
}

/// What one journal holds.
pub(crate) type Unfinished = Result<Pending, Failure>;
