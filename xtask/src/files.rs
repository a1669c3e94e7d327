//! Files of the workspace: read with an error that says what to do, written all or none.

use crate::error::Error;
use onkernel_codegen::Source;
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
