//! How a rotation was requested on the command line. Its journal keeps this, so that `resume` needs
//! nothing else.

use std::path::PathBuf;
use std::time::Duration;

use onkernel::rotation::{Resume, Rotation};
use serde::{Deserialize, Serialize};

use crate::args::{self, RotationOptions, Times};
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hook_timeout: Option<f64>,
}

macro_rules! apply {
    ($note:expr, $target:expr) => {{
        let (note, mut target) = ($note, $target);
        let store = note.store.to_string();
        if let Some(deploy) = &note.deploy {
            let program = Program::parse(deploy, &store, note.folder.as_deref())?;
            target = target.deploy(move |holds| program.run(Some(holds)));
        }
        if let Some(verify) = &note.verify {
            let program = Program::parse(verify, &store, note.folder.as_deref())?;
            target = target.verify(move |_| program.run(None));
        }
        if let Some(settle) = note.settle {
            target = target.settle_time(Duration::from_secs_f64(settle));
        }
        if let Some(limit) = note.hook_timeout {
            target = target.hook_timeout(Duration::from_secs_f64(limit));
        }
        Ok(target.overlap(Duration::from_secs_f64(note.overlap)))
    }};
}

impl Note {
    /// The options that a resumed rotation needs again.
    pub(crate) fn new(options: &RotationOptions, store: StoreName) -> Self {
        let mut note = Self::of_lost_journal(store);
        note.overlap = options.overlap;
        note.set_hooks(options.deploy.as_ref(), options.verify.as_ref());
        note.set_times(options.times);
        note
    }

    /// What is known of a rotation whose journal is lost.
    pub(crate) fn of_lost_journal(store: StoreName) -> Self {
        Self {
            store,
            deploy: None,
            verify: None,
            folder: current_folder(),
            overlap: args::OVERLAP,
            settle: None,
            hook_timeout: None,
        }
    }

    /// Takes over what `resume` says anew.
    pub(crate) fn update(&mut self, args: &args::Resume) {
        if let Some(store) = &args.store {
            self.store = store.clone();
        }
        self.set_hooks(args.deploy.as_ref(), args.verify.as_ref());
        self.set_times(args.times);
        if args.deployed {
            self.deploy = None;
        }
    }

    fn set_hooks(&mut self, deploy: Option<&String>, verify: Option<&String>) {
        if deploy.is_some() || verify.is_some() {
            self.folder = current_folder();
        }
        self.deploy = deploy.cloned().or(self.deploy.take());
        self.verify = verify.cloned().or(self.verify.take());
    }

    fn set_times(&mut self, times: Times) {
        self.settle = times.settle.or(self.settle);
        let limit = times.hook_timeout.map(|limit| limit.as_secs_f64());
        self.hook_timeout = limit.or(self.hook_timeout);
    }

    /// Gives a rotation its hooks and times.
    pub(crate) fn apply_to(&self, rotation: Rotation) -> Result<Rotation, String> {
        apply!(self, rotation)
    }

    /// Gives a resumed rotation its hooks and times.
    pub(crate) fn apply_to_resume(&self, resume: Resume) -> Result<Resume, String> {
        apply!(self, resume)
    }

    /// The note as a journal keeps it.
    pub(crate) fn to_json(&self) -> Result<serde_json::Value, String> {
        serde_json::to_value(self).map_err(|error| error.to_string())
    }
}

/// None where a journal, which is JSON, cannot hold the path.
fn current_folder() -> Option<PathBuf> {
    std::env::current_dir().ok().filter(|folder| folder.to_str().is_some())
}
