//! A small file replaced as a whole: at every instant it has the old content or the new one.
//!
//! A write waits for the disk off the runtime's thread, in a way that lets nothing land later:
//! `system/forced.rs`. A read of so little is done at once, on it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{StoreError, attributes};
use crate::rotation::system::folder::sync_folder;
use crate::rotation::system::lock::Lock;

/// A store's file is a key or a short list of settings.
const LARGEST: u64 = 1024 * 1024;

/// A file, and how it may be replaced.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) in_place: bool,
}

impl Target {
    /// The path without a dependence on the working folder, so that it names the file for good.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path, in_place: false }
    }

    /// The content; `None` when there is no file.
    pub(super) fn read(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        // Before it is opened: opening a pipe waits for somebody to write.
        match fs::metadata(&self.path) {
            Ok(metadata) => self.ordinary(&metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error("cannot be read", error)),
        }
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error("cannot be read", error)),
        };
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST + 1)
            .read_to_string(&mut text)
            .map_err(|e| self.error("cannot be read as text", e))?;
        if text.len() as u64 > LARGEST {
            return Err(self.problem("is larger than 1 MiB, which no file of keys is"));
        }
        Ok(Some(text))
    }

    /// Keeps all other writers out of the file for a few instructions, and removes what one that was
    /// killed has left beside it.
    pub(super) fn writing(&self) -> Result<Writing, StoreError> {
        let real = self.real()?;
        let lock = Lock::wait(&hidden(&real, "onkernel-write")).map_err(|error| {
            self.error("cannot be replaced: its folder cannot be written", error)
        })?;
        let beside = hidden(&real, "onkernel-tmp");
        match fs::remove_file(&beside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.error("cannot be replaced", error)),
        }
        Ok(Writing { beside, _lock: lock })
    }

    /// Makes the file hold this, durably. A new file can be read by its owner only.
    pub(super) fn replace(&self, writing: &Writing, content: &str) -> Result<(), StoreError> {
        let real = self.real()?;
        match fs::symlink_metadata(&real) {
            Ok(metadata) => {
                self.ordinary(&metadata)?;
                if self.in_place {
                    return self.overwrite(&real, content);
                }
                self.replaceable(&real, &metadata)?;
                self.rename_over(writing, &real, content, Some(&metadata))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.rename_over(writing, &real, content, None)
            }
            Err(error) => Err(self.error("cannot be written", error)),
        }
    }

    /// Whether [`replace`](Self::replace) would work, as far as that can be told beforehand.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let real = self.real()?;
        let existing = match fs::symlink_metadata(&real) {
            Ok(metadata) => {
                self.ordinary(&metadata)?;
                if self.in_place {
                    let opened = OpenOptions::new().write(true).open(&real);
                    return opened.map(drop).map_err(|e| self.error("cannot be written", e));
                }
                self.replaceable(&real, &metadata)?;
                Some(metadata)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.error("cannot be looked at", error)),
        };
        let writing = self.writing()?;
        let file = self.beside(&writing)?;
        let kept = existing.map_or(Ok(()), |old| keep(&real, &old, &file));
        drop(file);
        let removed = fs::remove_file(&writing.beside);
        kept.and(removed).map_err(|e| self.error("cannot be replaced", e))
    }

    /// Removes the file.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        let real = self.real()?;
        match fs::remove_file(&real) {
            Ok(()) => sync_folder(&real).map_err(|e| self.uncertain(e)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error("cannot be removed", error)),
        }
    }

    /// Which file it really is: the end of every symbolic link, in its real folder. Never an inode,
    /// which changes whenever the file is replaced.
    pub(super) fn identity(&self) -> PathBuf {
        let real = self.real().unwrap_or_else(|_| self.path.clone());
        let folder = real.parent().and_then(|folder| fs::canonicalize(folder).ok());
        match (folder, real.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => real,
        }
    }

    /// The file to lock while a rotation is under way: a hidden one beside it. Whatever the part is
    /// called, it is not the lock of a [`Writing`].
    pub(super) fn lock_path(&self, part: &str) -> PathBuf {
        let real = self.real().unwrap_or_else(|_| self.path.clone());
        hidden(&real, &format!("{part}onkernel-lock"))
    }

    /// The file that a symbolic link leads to, whether or not it exists yet.
    fn real(&self) -> Result<PathBuf, StoreError> {
        let mut path = self.path.clone();
        for _ in 0..40 {
            match fs::read_link(&path) {
                Ok(to) => {
                    path = path.parent().map_or_else(|| to.clone(), |folder| folder.join(&to))
                }
                Err(_) => return Ok(path),
            }
        }
        Err(self.problem("is a symbolic link that leads nowhere"))
    }

    fn ordinary(&self, metadata: &fs::Metadata) -> Result<(), StoreError> {
        match metadata.is_file() {
            true => Ok(()),
            false => Err(self.problem("is not an ordinary file")),
        }
    }

    /// Whether another file can take this one's name.
    fn replaceable(&self, real: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
        if is_mounted(real, metadata) {
            return Err(self.only_in_place(
                "is mounted by itself, so that it cannot be replaced: mount its folder instead, or ask for it to be written in place",
            ));
        }
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(metadata) > 1 {
            return Err(self.only_in_place(
                "has several names (hard links), of which only one would be replaced: ask for it to be written in place",
            ));
        }
        Ok(())
    }

    fn rename_over(
        &self,
        writing: &Writing,
        real: &Path,
        content: &str,
        existing: Option<&fs::Metadata>,
    ) -> Result<(), StoreError> {
        let mut file = self.beside(writing)?;
        let written = file
            .write_all(content.as_bytes())
            .and_then(|()| existing.map_or(Ok(()), |old| keep(real, old, &file)))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&writing.beside, real));
        if let Err(error) = written {
            // Nothing but a copy that nobody reads; the error that counts is the first.
            let _ = fs::remove_file(&writing.beside);
            return Err(self.error("cannot be replaced", error));
        }
        sync_folder(real).map_err(|error| self.uncertain(error))
    }

    /// A new file in the same folder, which only its owner can read.
    fn beside(&self, writing: &Writing) -> Result<File, StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&writing.beside)
            .map_err(|e| self.error("cannot be replaced: its folder cannot be written", e))
    }

    /// For a file that cannot be replaced. One write of a few bytes, then the length.
    fn overwrite(&self, real: &Path, content: &str) -> Result<(), StoreError> {
        let mut file = OpenOptions::new()
            .write(true)
            .open(real)
            .map_err(|error| self.error("cannot be written", error))?;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(content.as_bytes()))
            .and_then(|()| file.set_len(content.len() as u64))
            .and_then(|()| file.sync_all())
            .map_err(|error| self.uncertain(error))
    }

    fn only_in_place(&self, problem: &str) -> StoreError {
        StoreError::only_in_place(format!("{} {problem}", self.path.display()))
    }

    fn problem(&self, problem: &str) -> StoreError {
        StoreError::failed(format!("{} {problem}", self.path.display()))
    }

    fn error(&self, problem: &str, error: io::Error) -> StoreError {
        // The io error's text is a system message about the path; it quotes no content.
        StoreError::failed(format!("{} {problem}: {error}", self.path.display())).caused_by(error)
    }

    fn uncertain(&self, error: io::Error) -> StoreError {
        let problem = format!("{} was not written durably: {error}", self.path.display());
        StoreError::unknown(problem).caused_by(error)
    }
}

/// The only writer of a file. The one temporary name that there is for it is free.
pub(super) struct Writing {
    beside: PathBuf,
    _lock: Lock,
}

/// A hidden file beside another one.
fn hidden(real: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(real.file_name().unwrap_or_default());
    name.push(".");
    name.push(what);
    real.with_file_name(name)
}

/// Gives the file that takes this one's place what it has beside its content.
fn keep(real: &Path, old: &fs::Metadata, new: &File) -> io::Result<()> {
    attributes::copy(&File::open(real)?, old, new)
}

/// Whether the file is a mount of its own, as containers mount single secrets.
#[cfg(unix)]
fn is_mounted(real: &Path, metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let folder = real.parent().and_then(|folder| fs::metadata(folder).ok());
    if folder.is_some_and(|folder| folder.dev() != metadata.dev()) {
        return true;
    }
    // A mount from the same file system shows only in the list of mounts, where there is one.
    let Ok(real) = fs::canonicalize(real) else { return false };
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return false };
    let point = real.to_string_lossy().replace('\\', "\\134").replace(' ', "\\040");
    let point = point.replace('\t', "\\011").replace('\n', "\\012");
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(&point))
}

#[cfg(not(unix))]
fn is_mounted(_: &Path, _: &fs::Metadata) -> bool {
    false
}
