//! A journal in a file, which is locked while it is held.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::error::JournalError;
use super::records::{Claim, LARGEST, Lines, Records, whole_lines};
use crate::rotation::system::folder::sync_folder;
use crate::rotation::system::forced::off_thread;
use crate::rotation::system::lock::Lock;

/// The lines of this file.
#[derive(Debug)]
pub(super) struct FileRecords {
    path: PathBuf,
}

impl FileRecords {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Records for FileRecords {
    fn name(&self) -> String {
        name(&self.path)
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<u8>, JournalError>> {
        Box::pin(async { read(&self.path) })
    }

    fn claim(&self) -> BoxFuture<'_, Result<Lines, JournalError>> {
        // It forces the folder to the disk.
        let path = self.path.clone();
        Box::pin(off_thread(move || claim(&path)))
    }
}

pub(super) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// All that is in the file. One that does not exist is empty.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, JournalError> {
    match File::open(path) {
        Ok(mut file) => read_file(path, &mut file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(JournalError::io(&name(path), "cannot be read", error)),
    }
}

fn read_file(path: &Path, file: &mut File) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| JournalError::io(&name(path), "cannot be read", error))?;
    Ok(bytes)
}

/// Opens a journal, or makes one, and keeps all others out of it.
fn claim(path: &Path) -> Result<Lines, JournalError> {
    let path = std::path::absolute(path)
        .map_err(|error| JournalError::io(&name(path), "has no place", error))?;
    let shown = name(&path);
    let cannot = |error| JournalError::io(&shown, "cannot be opened", error);
    let mut lock_path = path.clone().into_os_string();
    lock_path.push(".lock");
    let lock = Lock::try_take(Path::new(&lock_path))
        .map_err(|error| JournalError::io(&shown, "cannot be locked", error))?
        .ok_or_else(|| JournalError::in_use(&shown))?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(cannot)?;
    let bytes = read_file(&path, &mut file)?;
    sync_folder(&path).map_err(cannot)?;
    // What is behind the last whole line was not finished.
    let end = whole_lines(&bytes) as u64;
    let claim = FileClaim { path, file: Arc::new(file), end, _lock: lock };
    Ok(Lines { bytes, claim: Box::new(claim) })
}

/// The file, locked for as long as this lives.
struct FileClaim {
    path: PathBuf,
    file: Arc<File>,
    /// Where the next line begins: what is behind it is not ours, or was not finished.
    end: u64,
    _lock: Lock,
}

impl Claim for FileClaim {
    fn append(&mut self, mut line: Vec<u8>, _: bool) -> BoxFuture<'_, Result<(), JournalError>> {
        line.push(b'\n');
        Box::pin(async move {
            let (file, end) = (Arc::clone(&self.file), self.end);
            self.end = off_thread(move || write(&file, end, &line))
                .await
                .map_err(|error| JournalError::io(&name(&self.path), "cannot be written", error))?;
            Ok(())
        })
    }
}

/// Writes a line there, durably: where the next one begins.
fn write(mut file: &File, at: u64, line: &[u8]) -> io::Result<u64> {
    let end = at + line.len() as u64;
    let written = file
        .seek(SeekFrom::Start(at))
        .and_then(|_| file.write_all(line))
        .and_then(|()| file.set_len(end))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // A line of which it is not known whether it will be there is taken back.
        let _ = file.set_len(at).and_then(|()| file.sync_all());
    }
    written.map(|()| end)
}

impl Drop for FileClaim {
    /// A rotation that was refused before its first line leaves nothing behind.
    fn drop(&mut self) {
        // Still locked, so nobody else is about to write into it. A link or a device is not ours.
        if fs::symlink_metadata(&self.path).is_ok_and(|it| it.is_file() && it.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
