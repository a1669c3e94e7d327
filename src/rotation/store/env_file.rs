//! One variable of an env file; every other byte stays as it is.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;
use zeroize::Zeroizing;

use super::atomic::Target;
use super::{Store, StoreError};
use crate::Secret;
use crate::rotation::system::forced::off_thread;

/// A variable in an env file: a line such as `export KERNEL_API_KEY="sk_…"  # for the agent`.
///
/// Only the value is replaced: `export`, the kind of quotes, comments, line ends and every other
/// line stay. A variable that is set twice is rejected, since readers differ on which one counts.
///
/// ```
/// use onkernel::rotation::{EnvFileStore, Store};
///
/// let store = EnvFileStore::new("/etc/agent/env", "KERNEL_API_KEY")?;
/// assert_eq!(store.describe(), "env-file:/etc/agent/env#KERNEL_API_KEY");
/// assert!(EnvFileStore::new("/etc/agent/env", "NO SUCH NAME").is_err());
/// # Ok::<(), onkernel::rotation::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EnvFileStore {
    target: Target,
    name: String,
}

impl EnvFileStore {
    /// The variable of this name in the file at this path, which need not exist.
    ///
    /// # Errors
    /// A name that is not letters, digits and `_`, or that begins with a digit.
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Result<Self, StoreError> {
        let name = name.into();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(word)
        {
            return Err(StoreError::failed(format!("{name:?} cannot be the name of a variable")));
        }
        Ok(Self { target: Target::new(path), name })
    }

    /// Writes over the file's content instead of replacing the file: see
    /// [`FileStore::in_place`](super::FileStore::in_place).
    #[must_use]
    pub fn in_place(mut self) -> Self {
        self.target.in_place = true;
        self
    }

    fn get(&self) -> Result<Option<Secret>, StoreError> {
        let Some(text) = self.target.read()? else { return Ok(None) };
        let value = self.find(&text)?.map(|value| &text[value.range]);
        Ok(value.filter(|value| !value.is_empty()).map(Secret::from))
    }

    /// Replaces the value, or removes the line.
    fn put(&self, secret: Option<&Secret>) -> Result<(), StoreError> {
        // Other variables of the same file may be in rotation too.
        let writing = self.target.writing()?;
        let text = self.target.read()?.unwrap_or_default();
        let mut new = Zeroizing::new(String::with_capacity(text.len() + 128));
        match (self.find(&text)?, secret) {
            (Some(value), Some(secret)) => {
                let written = value.write(secret.expose()).ok_or_else(|| self.unfit())?;
                let range = if written.1 { value.with_quotes() } else { value.range.clone() };
                new.push_str(&text[..range.start]);
                new.push_str(&written.0);
                new.push_str(&text[range.end..]);
            }
            (Some(value), None) => {
                new.push_str(&text[..value.line.start]);
                new.push_str(&text[value.line.end..]);
            }
            (None, Some(secret)) => {
                self.appendable(&text)?;
                let value = quoted(secret.expose()).ok_or_else(|| self.unfit())?;
                let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
                new.push_str(&text);
                if !text.is_empty() && !text.ends_with('\n') {
                    new.push_str(end);
                }
                new.push_str(&format!("{}={}{end}", self.name, *value));
            }
            (None, None) => return Ok(()),
        }
        self.target.replace(&writing, &new)
    }

    /// Whether a line could be added.
    fn appendable(&self, text: &str) -> Result<(), StoreError> {
        match is_continued(text) {
            false => Ok(()),
            true => Err(StoreError::failed(format!(
                "{} ends with a backslash, so that some readers would join the next line to it: take it away",
                self.target.path.display()
            ))),
        }
    }

    fn unfit(&self) -> StoreError {
        StoreError::failed(format!(
            "the key holds characters that cannot be written into {}",
            self.target.path.display()
        ))
    }

    /// Where the variable's value stands.
    fn find(&self, text: &str) -> Result<Option<Value>, StoreError> {
        let problem = |line: usize, problem: &str| {
            StoreError::failed(format!("{}, line {line}: {problem}", self.target.path.display()))
        };
        let mut found = None;
        let (mut at, mut number) = (if text.starts_with('\u{feff}') { 3 } else { 0 }, 1);
        while at < text.len() {
            let (value, next) = match assignment(text, at) {
                Ok(scanned) => scanned,
                Err(Unclosed) => return Err(problem(number, "a quote is opened and never closed")),
            };
            if let Some(value) = value.filter(|value| text[value.name.clone()] == self.name) {
                if value.range.is_empty() && value.commented {
                    let why = format!(
                        "{} is empty and a comment stands behind it, which some readers take for the value: put the comment on a line of its own",
                        self.name
                    );
                    return Err(problem(number, &why));
                }
                if is_continued(&text[..value.line.start]) {
                    let why = "the line before ends with a backslash, so that some readers join the two: take it away";
                    return Err(problem(number, why));
                }
                if found.is_some() {
                    return Err(problem(number, &format!("{} is set a second time", self.name)));
                }
                if text[value.range.clone()].contains(['\n', '\r', '\\']) {
                    let why = format!("the value of {} is not a plain key", self.name);
                    return Err(problem(number, &why));
                }
                found = Some(value);
            }
            number += text[at..next].matches('\n').count();
            at = next;
        }
        Ok(found)
    }
}

/// One assignment: its places in the text.
struct Value {
    line: Range<usize>,
    name: Range<usize>,
    range: Range<usize>,
    quote: Option<char>,
    /// A comment stands behind the value.
    commented: bool,
}

impl Value {
    fn with_quotes(&self) -> Range<usize> {
        match self.quote {
            Some(_) => self.range.start - 1..self.range.end + 1,
            None => self.range.clone(),
        }
    }

    /// The new text of the value, and whether it brings quotes of its own.
    fn write(&self, key: &str) -> Option<(Zeroizing<String>, bool)> {
        let fits = match self.quote {
            Some('\'') => !key.contains(['\'', '\n', '\r', '\\']),
            Some(_) => key.chars().all(plain),
            None => key.chars().all(plain),
        };
        match fits {
            true => Some((Zeroizing::new(key.to_owned()), false)),
            false => quoted(key).map(|text| (text, true)),
        }
    }
}

/// Characters that no shell and no reader of env files takes for anything else.
fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.~+/=:@%,".contains(c)
}

fn quoted(key: &str) -> Option<Zeroizing<String>> {
    if key.chars().all(plain) {
        return Some(Zeroizing::new(key.to_owned()));
    }
    let fits = !key.contains(['\'', '\\']) && !key.chars().any(char::is_control);
    fits.then(|| Zeroizing::new(format!("'{key}'")))
}

/// Whether what comes next is joined to the last line, as systemd does it.
fn is_continued(before: &str) -> bool {
    let line = before.strip_suffix('\n').unwrap_or(before);
    line.strip_suffix('\r').unwrap_or(line).ends_with('\\')
}

/// A quote that runs to the end of the file.
struct Unclosed;

/// The assignment that begins at `at`, if there is one, and where the next line begins.
fn assignment(text: &str, at: usize) -> Result<(Option<Value>, usize), Unclosed> {
    let end_of_line = |from: usize| text[from..].find('\n').map_or(text.len(), |n| from + n + 1);
    let skip =
        |from: usize| from + text[from..].bytes().take_while(|b| *b == b' ' || *b == b'\t').count();
    let mut start = skip(at);
    if let Some(rest) = text[start..].strip_prefix("export")
        && rest.starts_with([' ', '\t'])
    {
        start = skip(start + "export".len());
    }
    let length = text[start..]
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b))
        .count();
    let name = start..start + length;
    let equals = skip(name.end);
    if name.is_empty() || !text[equals..].starts_with('=') {
        return Ok((None, end_of_line(at)));
    }
    let start = skip(equals + 1);
    let mut commented = false;
    let (range, quote, next) = match text[start..].chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => {
            let end = closing(text, start + 1, quote).ok_or(Unclosed)?;
            (start + 1..end, Some(quote), end_of_line(end))
        }
        _ => {
            let next = end_of_line(start);
            let mut value = text[start..next].trim_end_matches(['\n', '\r']);
            // A `#` begins a comment only after white space.
            let comment = value.char_indices().find(|(n, c)| {
                *c == '#' && value[..*n].chars().next_back().is_none_or(char::is_whitespace)
            });
            if let Some((comment, _)) = comment {
                commented = true;
                value = &value[..comment];
            }
            (start..start + value.trim_end().len(), None, next)
        }
    };
    Ok((Some(Value { line: at..next, name, range, quote, commented }), next))
}

fn closing(text: &str, from: usize, quote: char) -> Option<usize> {
    let mut escaped = false;
    text[from..]
        .char_indices()
        .find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && quote == '"' && !escaped;
            closes
        })
        .map(|(n, _)| from + n)
}

impl Store for EnvFileStore {
    fn describe(&self) -> String {
        format!("env-file:{}#{}", self.target.path.display(), self.name)
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async { self.get() })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        let (store, secret) = (self.clone(), secret.clone());
        Box::pin(off_thread(move || store.put(Some(&secret))))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let store = self.clone();
        Box::pin(off_thread(move || store.put(None)))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let store = self.clone();
        Box::pin(off_thread(move || {
            let text = store.target.read()?.unwrap_or_default();
            if store.find(&text)?.is_none() {
                store.appendable(&text)?;
            }
            store.target.check()
        }))
    }

    fn identity(&self) -> String {
        format!("env-file:{}#{}", self.target.identity().display(), self.name)
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    fn may_land_late(&self) -> bool {
        false
    }

    fn lock_path(&self) -> Option<PathBuf> {
        Some(self.target.lock_path(&format!("{}.", self.name)))
    }
}
