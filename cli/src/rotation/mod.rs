//! What the commands that rotate share: stores by name, hooks by command line, journals by store.

pub(crate) mod hooks;
pub(crate) mod journals;
pub(crate) mod progress;
pub(crate) mod store;
pub(crate) mod tell;

use std::path::Path;
use std::time::Duration;

use onkernel::rotation::{Resume, Rotation};
use serde::{Deserialize, Serialize};

use self::hooks::Program;
use crate::args::Global;

/// How a rotation was asked for on the command line: kept in its journal, so that `resume` needs
/// nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) store: store::StoreSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deploy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verify: Option<String>,
    pub(crate) overlap: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settle: Option<f64>,
}

/// The command that goes on with what the journals say, with the options that it needs again.
pub(crate) fn resume_command(global: &Global, journal: Option<&Path>) -> String {
    // It may be run in another folder.
    let path = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.to_string_lossy().into_owned()
    };
    let options = [
        ("--base-url", global.base_url.clone()),
        ("--key-file", global.key_file.as_deref().map(path)),
        ("--project", global.project.clone()),
        ("--timeout", global.timeout.map(|timeout| timeout.as_secs_f64().to_string())),
        ("--journal", journal.map(path)),
    ];
    let given = options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
    let words: Vec<String> = ["kernel-keys".to_owned(), "resume".to_owned()]
        .into_iter()
        .chain(given.flatten())
        .collect();
    // Only a NUL cannot be quoted, and no argument holds one.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

macro_rules! apply {
    ($note:expr, $target:expr) => {{
        let (note, mut target) = ($note, $target);
        let store = note.store.to_string();
        if let Some(deploy) = &note.deploy {
            let program = Program::parse(deploy, &store)?;
            target = target.deploy(move |told| program.clone().run(Some(told)));
        }
        if let Some(verify) = &note.verify {
            let program = Program::parse(verify, &store)?;
            target = target.verify(move |_| program.clone().run(None));
        }
        if let Some(settle) = note.settle {
            target = target.settle_time(Duration::from_secs_f64(settle));
        }
        Ok(target.overlap(Duration::from_secs_f64(note.overlap)))
    }};
}

impl Note {
    pub(crate) fn on(&self, rotation: Rotation) -> Result<Rotation, String> {
        apply!(self, rotation)
    }

    pub(crate) fn on_resume(&self, resume: Resume) -> Result<Resume, String> {
        apply!(self, resume)
    }
}
