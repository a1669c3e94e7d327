//! The commands that continue or end an unfinished rotation.

use std::path::Path;

use onkernel::rotation::Resolution;

use crate::args::Global;
use crate::failure::Resolve;
use crate::stores::name::StoreName;

/// `kernel-keys resume` with the options that it needs again.
#[derive(Clone)]
pub(crate) struct ResumeCommand {
    options: Vec<(&'static str, String)>,
}

impl ResumeCommand {
    pub(crate) fn new(global: &Global, journal: Option<&Path>) -> Self {
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
        let options = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self { options: options.collect() }
    }

    /// The command for every unfinished rotation.
    pub(crate) fn all(&self) -> String {
        command(self.options.iter().map(|(name, value)| (*name, value.as_str())), "")
    }

    /// The ways to resolve the rotation of one store.
    pub(crate) fn resolve(&self, store: &StoreName, resolutions: &[Resolution]) -> Vec<Resolve> {
        let resolve = |resolution: &Resolution| Resolve {
            command: self.one(store, *resolution),
            explanation: resolution.explain(),
        };
        resolutions.iter().map(resolve).collect()
    }

    fn one(&self, store: &StoreName, resolution: Resolution) -> String {
        let name = store.to_string();
        let mut more = resolution.to_string();
        // Where the store has moved, only a person knows its name.
        let adopts = matches!(resolution, Resolution::Adopt);
        let store = (!adopts || store.exists()).then_some(("--store", name.as_str()));
        if adopts && store.is_some() {
            more.clear();
        }
        let other_key = matches!(resolution, Resolution::Caller);
        let options = self
            .options
            .iter()
            .filter(|(name, _)| !(other_key && *name == "--key-file"))
            .map(|(name, value)| (*name, value.as_str()));
        command(options.chain(store), &more)
    }
}

fn command<'a>(options: impl Iterator<Item = (&'a str, &'a str)>, more: &str) -> String {
    let words = options.flat_map(|(name, value)| [name, value]);
    let words: Vec<_> = ["kernel-keys", "resume"].into_iter().chain(words).collect();
    // Only a NUL cannot be quoted, and no argument holds one.
    let line = shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "));
    if more.is_empty() { line } else { format!("{line} {more}") }
}
