//! How a rotation was requested on the command line. Its journal keeps this, so that `resume` needs
//! nothing else.

use std::path::PathBuf;
use std::time::Duration;

use onkernel::rotation::{Resume, Rotation};
use serde::{Deserialize, Serialize};

use crate::args::RotationOptions;
use crate::program::Program;
use crate::stores::name::StoreName;

/// The note in a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) store: StoreName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deploy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verify: Option<String>,
    /// The folder in which the command was called: hooks run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    overlap: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settle: Option<f64>,
}

macro_rules! apply {
    ($note:expr, $target:expr) => {{
        let (note, mut target) = ($note, $target);
        let store = note.store.to_string();
        if let Some(deploy) = &note.deploy {
            let program = Program::parse(deploy, &store, note.folder.as_deref())?;
            target = target.deploy(move |told| program.clone().run(Some(told)));
        }
        if let Some(verify) = &note.verify {
            let program = Program::parse(verify, &store, note.folder.as_deref())?;
            target = target.verify(move |_| program.clone().run(None));
        }
        if let Some(settle) = note.settle {
            target = target.settle_time(Duration::from_secs_f64(settle));
        }
        Ok(target.overlap(Duration::from_secs_f64(note.overlap)))
    }};
}

impl Note {
    /// The options that a resumed rotation needs again.
    pub(crate) fn new(options: &RotationOptions, store: StoreName) -> Self {
        Self {
            store,
            deploy: options.deploy.clone(),
            verify: options.verify.clone(),
            // A journal is JSON, which cannot hold every path.
            folder: std::env::current_dir().ok().filter(|folder| folder.to_str().is_some()),
            overlap: options.overlap,
            settle: options.settle,
        }
    }

    /// Gives a rotation its hooks and times.
    pub(crate) fn apply_to(&self, rotation: Rotation) -> Result<Rotation, String> {
        apply!(self, rotation)
    }

    /// Gives a resumed rotation its hooks and times.
    pub(crate) fn apply_to_resume(&self, resume: Resume) -> Result<Resume, String> {
        apply!(self, resume)
    }
}
