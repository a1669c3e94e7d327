//! The commands that continue or end an unfinished rotation.

use std::borrow::Cow;
use std::path::Path;

use onkernel::rotation::Resolution;

use crate::args::Global;
use crate::failure::Resolve;
use crate::output::text::safe;
use crate::rotation::journals::is_postgres;
use crate::stores::name::StoreName;

/// `kernel-keys resume` with the options that it needs again.
#[derive(Clone)]
pub(crate) struct ResumeCommand {
    /// A flag has an empty value.
    options: Vec<(&'static str, String)>,
}

impl ResumeCommand {
    pub(crate) fn new(global: &Global, journal: Option<&Path>) -> Self {
        // It may be run in another folder.
        let path = |path: &Path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path.to_string_lossy().into_owned()
        };
        // Not every journal is at a path.
        let journal_at = |journal: &Path| match is_postgres(Some(journal)) {
            true => journal.to_string_lossy().into_owned(),
            false => path(journal),
        };
        let options = [
            ("--base-url", global.base_url.clone()),
            ("--key-file", global.key_file.as_deref().map(path)),
            ("--allow-plain-http", global.allow_plain_http.then(String::new)),
            ("--profile", global.profile.clone()),
            ("--project", global.project.clone()),
            ("--timeout", global.timeout.map(|timeout| timeout.as_secs_f64().to_string())),
            ("--journal", journal.map(journal_at)),
        ];
        let options = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self { options: options.collect() }
    }

    /// The command for every unfinished rotation.
    pub(crate) fn all(&self) -> String {
        command(self.options.iter().map(|(name, value)| (*name, value.as_str())), "")
    }

    /// The command that looks once more for keys that were left behind.
    pub(crate) fn sweep(&self) -> String {
        self.all().replacen("resume", "sweep", 1)
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
    let words =
        options.flat_map(|(name, value)| [Some(name), Some(value).filter(|it| !it.is_empty())]);
    let words = words.flatten();
    let words: Vec<_> = ["kernel-keys", "resume"].into_iter().chain(words).collect();
    let words: Vec<_> = words.into_iter().map(quoted).collect();
    let line = words.join(" ");
    if more.is_empty() { line } else { format!("{line} {more}") }
}

/// A word for a shell, of characters that a terminal shows as they are.
pub(crate) fn quoted(word: &str) -> String {
    if safe(word) == word {
        // Only a NUL cannot be quoted, and no argument holds one.
        return shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned);
    }
    let mut out = "$'".to_owned();
    for character in word.chars() {
        let shown = character.to_string();
        match character {
            '\\' | '\'' => out.extend(['\\', character]),
            _ if safe(&shown) == shown => out.push(character),
            _ => out.extend(shown.bytes().map(|byte| format!("\\x{byte:02x}"))),
        }
    }
    out + "'"
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_what_a_terminal_shows() {
        assert_eq!(quoted("file:/a/b"), "file:/a/b");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("a\n'b\\\u{200b}"), r"$'a\x0a\'b\\\xe2\x80\x8b'");
    }
}
