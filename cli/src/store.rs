//! Where `create` puts a plaintext: so far a new file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use onkernel::Secret;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A store as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreName {
    /// `file:PATH`
    File(PathBuf),
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("a store is given as file:PATH".to_owned()),
        }
    }
}

impl std::fmt::Display for StoreName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// A new file that holds nothing yet, beside its final place: that it can be written is known
/// before there is anything to write.
pub(crate) struct NewFile {
    beside: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Makes sure that there can be a file of this name, and that there is none.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(exists(path));
        }
        // Readable by its owner only, by the library's default.
        let beside = tempfile::Builder::new().prefix(".kernel-keys-").tempfile_in(folder(path));
        match beside {
            Ok(beside) if path.file_name().is_some() => Ok(Self { beside, path: path.to_owned() }),
            Ok(_) => Err(cannot_write(path, &"it is no name of a file")),
            Err(error) => Err(cannot_write(path, &error)),
        }
    }

    /// Writes the plaintext and a line break. The file appears whole or not at all, never in place
    /// of another, and is on the disk when this returns.
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
        // What is not safely on the disk is as good as not written: the caller will undo it.
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
    Failure::new(format!("{} exists already", path.display())).advise(
        "Name a file that does not exist yet: what is in this one may be the only copy of a key.",
    )
}

fn cannot_write(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{} cannot be written: {reason}", path.display()))
        .advise("Name a file in a folder that exists and may be written to.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_stores() {
        assert_eq!("file:a/b:c".parse(), Ok(StoreName::File("a/b:c".into())));
        assert_eq!(StoreName::File("a".into()).to_string(), "file:a");
        for wrong in ["", "file", "file:", "env:A", "sk_0123456789"] {
            let error = wrong.parse::<StoreName>().unwrap_err();
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
        assert!(failure.message().contains("exists already"), "{failure:?}");
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
