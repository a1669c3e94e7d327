//! A lock between processes: a file that exists for as long as somebody holds it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A lock on a file, released and removed when dropped. The system releases it when the process
/// dies, however it dies.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock; `None` when somebody else has it.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, false)
    }

    /// Takes the lock as soon as it is free. For a few instructions only.
    pub(crate) fn wait(path: &Path) -> io::Result<Self> {
        Self::take(path, true)?.ok_or_else(|| io::Error::other("the lock is held by another"))
    }

    fn take(path: &Path, wait: bool) -> io::Result<Option<Self>> {
        // A file that was removed while we waited for it is not the lock any more.
        for _ in 0..1000 {
            let Some(file) = open_locked(path, wait)? else { return Ok(None) };
            if is_at(&file, path) {
                return Ok(Some(Self { path: path.to_owned(), _file: file }));
            }
        }
        Err(io::Error::other(format!("{} is removed again and again", path.display())))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked, so that nobody who gets it believes to hold the one at this path.
        let _ = fs::remove_file(&self.path);
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}

#[cfg(unix)]
fn open_locked(path: &Path, wait: bool) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let mut options = options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let how =
        if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    match flock(&file, how) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is opened without sharing is the lock.
#[cfg(not(unix))]
fn open_locked(path: &Path, wait: bool) -> io::Result<Option<File>> {
    let mut options = options();
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    loop {
        match options.open(path) {
            Ok(file) => return Ok(Some(file)),
            // ERROR_SHARING_VIOLATION
            Err(error) if error.raw_os_error() == Some(32) && !wait => return Ok(None),
            Err(error) if error.raw_os_error() == Some(32) => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
