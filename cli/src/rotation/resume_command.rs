//! The command that continues interrupted rotations.

use std::path::Path;

use crate::args::Global;

/// `kernel-keys resume` with the options that it needs again.
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
    let used = options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
    let words: Vec<String> =
        ["kernel-keys".to_owned(), "resume".to_owned()].into_iter().chain(used.flatten()).collect();
    // Only a NUL cannot be quoted, and no argument holds one.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}
