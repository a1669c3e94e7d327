//! `file:PATH` of `create`: a new file for a plaintext.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use onkernel::Secret;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A new file as the command line names it: `file:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFileName(pub(crate) PathBuf);

impl FromStr for NewFileName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self(path.into())),
            _ => Err("name the file as file:PATH".to_owned()),
        }
    }
}

impl std::fmt::Display for NewFileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file:{}", self.0.display())
    }
}

/// An empty file beside its final place, which shows that the plaintext can be written before
/// there is one.
pub(crate) struct NewFile {
    beside: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Checks that a file of this name can exist and does not.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(exists(path));
        }
        // Readable by its owner only, by the library's default.
        let beside = tempfile::Builder::new().prefix(".kernel-keys-").tempfile_in(folder(path));
        match beside {
            Ok(beside) if path.file_name().is_some() => Ok(Self { beside, path: path.to_owned() }),
            Ok(_) => Err(cannot_write(path, &"it does not name a file")),
            Err(error) => Err(cannot_write(path, &error)),
        }
    }

    /// Writes the plaintext and a line break. The file appears whole or not at all, never replaces
    /// another, and is on disk when this returns.
    pub(crate) fn write(self, plaintext: &Secret) -> Result<(), Failure> {
        let path = self.path.clone();
        self.finish(plaintext).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => cannot_write(&path, &error),
        })
    }

    fn finish(self, plaintext: &Secret) -> io::Result<()> {
        let Self { mut beside, path } = self;
        beside.write_all(plaintext.expose().as_bytes())?;
        beside.write_all(b"\n")?;
        beside.as_file().sync_all()?;
        beside.persist_noclobber(&path)?;
        // What is not safely on disk counts as not written: the caller deletes the key again.
        sync_folder(&path).inspect_err(|_| drop(fs::remove_file(&path)))
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file's name is on the disk only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn exists(path: &Path) -> Failure {
    Failure::new(format!("{} already exists", path.display()))
        .advise("Choose a new file: this one may hold the only copy of a key.")
}

fn cannot_write(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{} cannot be written: {reason}", path.display()))
        .advise("Choose a file in a folder that exists and that you can write to.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_stores() {
        assert_eq!("file:a/b:c".parse(), Ok(NewFileName("a/b:c".into())));
        assert_eq!(NewFileName("a".into()).to_string(), "file:a");
        for wrong in ["", "file", "file:", "env:A", "sk_0123456789"] {
            let error = wrong.parse::<NewFileName>().unwrap_err();
            assert!(!error.contains("sk_"), "{error}");
        }
    }

    #[test]
    fn a_file_appears_whole_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let file = NewFile::prepare(&path).unwrap();
        assert!(!path.exists());
        file.write(&Secret::from("sk_0123456789abcdef")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "sk_0123456789abcdef\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn no_file_is_ever_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let late = NewFile::prepare(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(NewFile::prepare(&path).is_err());
        let failure = late.write(&Secret::from("sk_0123456789abcdef")).unwrap_err();
        assert!(failure.message().contains("already exists"), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(NewFile::prepare(&folder.path().join("none/key")).is_err());
        assert!(NewFile::prepare(folder.path()).is_err());
        assert!(NewFile::prepare(Path::new("/")).is_err());
        assert!(NewFile::prepare(Path::new("")).is_err());
    }
}
