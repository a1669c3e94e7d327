//! A file of the requests that came, a line of JSON each.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use onkernel::testing::Recorded;

use crate::failure::Failure;

/// Where requests are written down.
#[derive(Clone)]
pub(super) struct Record(Arc<Mutex<Sink>>);

struct Sink {
    path: PathBuf,
    file: File,
    /// The first line that could not be written.
    failed: Option<io::Error>,
}

impl Record {
    /// Others must not read it: a program under test may send what it holds to be secret.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut options = File::options();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))?;
        let path = path.to_owned();
        Ok(Self(Arc::new(Mutex::new(Sink { path, file, failed: None }))))
    }

    pub(super) fn add(&self, request: &Recorded) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(request).map_err(io::Error::from);
        // As one write, so that who reads it meanwhile sees whole lines.
        let written = line.and_then(|line| sink.file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            sink.failed.get_or_insert(error);
        }
    }

    pub(super) fn finish(&self) -> Result<(), Failure> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sink.failed.take() {
            None => Ok(()),
            Some(error) => Err(Failure::new(format!(
                "not every request is in {}: {error}",
                sink.path.display()
            ))),
        }
    }
}
