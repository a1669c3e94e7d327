//! Files of the workspace: read with an error that says what to do, written all or none.

use crate::error::Error;
use onkernel_codegen::Source;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub use onkernel_codegen::{DOCUMENT, OVERLAYS};

/// Where the document came from.
pub const PROVENANCE: &str = "spec/provenance.json";
/// What changed for users.
pub const CHANGELOG: &str = "CHANGELOG.md";
/// The outlines of the surface.
pub const SNAPSHOTS: &str = "tests/snapshots";

/// One file to be written, or to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// From the workspace's folder, with `/`.
    pub path: String,
    /// What it is to hold; none removes it.
    pub content: Option<String>,
}

/// Reads a file that a person named.
///
/// # Errors
/// One sentence that names the file.
pub fn read(path: &Path) -> Result<String, String> {
    read_as(path, &path.display().to_string())
}

/// Reads a file of the workspace, by its path from there.
///
/// # Errors
/// One sentence that names the file.
pub fn read_in(root: &Path, name: &str) -> Result<String, String> {
    read_as(&root.join(name), name)
}

/// Reads the overlays that are applied to every document, in their order.
///
/// # Errors
/// The first that cannot be read.
pub fn overlays(root: &Path) -> Result<Vec<Source>, Error> {
    let overlay = |name: &&str| {
        let text = read_in(root, name).map_err(Error::new)?;
        Ok(Source { name: (*name).to_owned(), text })
    };
    OVERLAYS.iter().map(overlay).collect()
}

fn read_as(path: &Path, name: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    Ok(lf(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// Source files written by hand below a folder (`""` for the whole workspace), sorted: by extension,
/// or a script by its first line.
#[must_use]
pub fn sources(root: &Path, folder: &str) -> Vec<String> {
    let mut files = below(root, folder);
    files.retain(|file| match Path::new(file).extension().and_then(OsStr::to_str) {
        Some(extension) => ["rs", "py", "sh", "mjs"].contains(&extension),
        None => fs::read(root.join(file)).is_ok_and(|bytes| bytes.starts_with(b"#!")),
    });
    files
}

/// The folders directly in a folder, without those that hold no files of ours, sorted.
#[must_use]
pub fn folders(root: &Path, folder: &str) -> Vec<String> {
    let mut folders = entries(root, folder);
    folders.retain(|(_, is_folder)| *is_folder);
    folders.into_iter().map(|(path, _)| path).collect()
}

/// Files below a folder, sorted.
fn below(root: &Path, folder: &str) -> Vec<String> {
    let entries = entries(root, folder).into_iter();
    entries
        .flat_map(|(path, is_folder)| if is_folder { below(root, &path) } else { vec![path] })
        .collect()
}

/// What is directly in a folder, and whether it is a folder, sorted.
fn entries(root: &Path, folder: &str) -> Vec<(String, bool)> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().ok()?.is_dir();
            // What git ignores, and what belongs to tools.
            let foreign =
                matches!(name.as_str(), "target" | "node_modules" | "corpus" | "artifacts")
                    || name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".github");
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            (!(is_folder && foreign)).then_some((path, is_folder))
        })
        .collect();
    entries.sort();
    entries
}

/// Line ends as git keeps them.
#[must_use]
pub fn lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Leaves out what is on the disk already.
#[must_use]
pub fn only_changes(root: &Path, writes: Vec<Edit>) -> Vec<Edit> {
    let stands = |write: &Edit| match &write.content {
        Some(content) => read_in(root, &write.path).is_ok_and(|now| now == *content),
        None => !root.join(&write.path).exists(),
    };
    writes.into_iter().filter(|write| !stands(write)).collect()
}

/// Writes all files or none: everything is on the disk, beside its place, before the first file is
/// replaced.
///
/// # Errors
/// The file that could not be written.
pub fn write_all(root: &Path, writes: &[Edit]) -> Result<(), Error> {
    let failed = |path: &Path, error: std::io::Error| {
        Error::new(format!("{}: {error}; nothing was changed", path.display()))
    };
    let mut beside = Vec::new();
    for write in writes {
        let path = root.join(&write.path);
        if let Some(content) = &write.content {
            let temporary = Temporary::beside(&path);
            temporary.fill(content).map_err(|error| failed(&temporary.path, error))?;
            beside.push((temporary, path));
        }
    }
    for (temporary, path) in &beside {
        fs::rename(&temporary.path, path).map_err(|error| {
            Error::new(format!(
                "{}: {error}; files before it may be written, `git status` shows them",
                path.display()
            ))
        })?;
    }
    for write in writes.iter().filter(|write| write.content.is_none()) {
        let path = root.join(&write.path);
        fs::remove_file(&path)
            .map_err(|error| Error::new(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// A file that is gone when it is not needed.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self { path: path.with_file_name(format!(".{name}.{}.tmp", std::process::id())) }
    }

    fn fill(&self, content: &str) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&self.path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}
