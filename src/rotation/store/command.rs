//! Any secret manager's own program: one command that takes the key, one that prints it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Deserializer};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{Store, StoreError, TakesEffect};
use crate::Secret;
use crate::error::Scrubber;
use crate::rotation::system::process::{self, Output, ProcessError};

/// Stands in a template for the key.
const KEY: &str = "{key}";

/// A pair of programs: one gets the secret on standard input, one prints it.
///
/// They are started as they are given, without a shell, without `KERNEL_API_KEY`, in a process
/// group of their own that is killed when the time is over. A program is done when it ends: what it
/// leaves in the background goes on, and holds nobody up. Without the second program the store is
/// one-way: see [`Store::readable`].
///
/// ```
/// use std::time::Duration;
/// use onkernel::rotation::{CommandStore, Store};
///
/// let store = CommandStore::new("vault:ci", ["vault", "kv", "put", "kv/ci", "key=-"])
///     .reading(["vault", "kv", "get", "-field=key", "kv/ci"])
///     .timeout(Duration::from_secs(20));
/// assert!(store.readable());
/// ```
#[derive(Clone, Debug)]
pub struct CommandStore {
    name: String,
    description: String,
    write: Vec<String>,
    read: Option<Vec<String>>,
    template: Option<String>,
    json: bool,
    field: Option<String>,
    timeout: Duration,
    propagation: Duration,
    takes_effect: TakesEffect,
    shared: bool,
    lock: Option<PathBuf>,
}

impl CommandStore {
    /// A store of this name, which is written by this program with these arguments.
    ///
    /// The name is what plans show and what a journal is held to. The program gets the key on
    /// standard input, without a line break, and reports success by exit status 0.
    pub fn new<A: Into<String>>(
        name: impl Into<String>,
        write: impl IntoIterator<Item = A>,
    ) -> Self {
        let name = name.into();
        Self {
            description: format!("command:{name}"),
            name,
            write: write.into_iter().map(Into::into).collect(),
            read: None,
            template: None,
            json: false,
            field: None,
            timeout: Duration::from_secs(30),
            propagation: Duration::from_secs(30),
            takes_effect: TakesEffect::Restart,
            shared: false,
            lock: None,
        }
    }

    /// What it calls itself, instead of `command:` and its name. The same place must always have the
    /// same description.
    #[must_use]
    pub fn described_as(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The program that prints the key. Printing nothing means that there is none.
    #[must_use]
    pub fn reading<A: Into<String>>(mut self, read: impl IntoIterator<Item = A>) -> Self {
        self.read = Some(read.into_iter().map(Into::into).collect());
        self
    }

    /// The reading program prints a JSON object, and the key is the string in this field of it. Without
    /// the field there is no key.
    #[must_use]
    pub fn reading_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// How long each program may take (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What the writing program gets on standard input, `{key}` standing for the key:
    /// `KERNEL_API_KEY={key}`, for one that reads lines of an env file.
    ///
    /// # Errors
    /// A template in which `{key}` does not stand exactly once.
    pub fn stdin_template(mut self, template: impl Into<String>) -> Result<Self, StoreError> {
        let template = template.into();
        if template.matches(KEY).count() != 1 {
            return Err(StoreError::failed(format!(
                "{}: the template for standard input must hold {KEY} once",
                self.name
            )));
        }
        self.template = Some(template);
        Ok(self)
    }

    /// As [`stdin_template`](Self::stdin_template), for a program that reads JSON: `{key}` stands
    /// within a JSON string, where the key is escaped.
    ///
    /// # Errors
    /// A template in which `{key}` does not stand exactly once.
    pub fn stdin_json_template(self, template: impl Into<String>) -> Result<Self, StoreError> {
        Ok(Self { json: true, ..self.stdin_template(template)? })
    }

    /// How long it may go on showing something else after a write that it acknowledged (30 s).
    #[must_use]
    pub fn propagating(mut self, time: Duration) -> Self {
        self.propagation = time;
        self
    }

    /// When a running workload sees a change ([`TakesEffect::Restart`]).
    #[must_use]
    pub fn taking_effect(mut self, when: TakesEffect) -> Self {
        self.takes_effect = when;
        self
    }

    /// It is the same place on every host: a rotation may be gone on with on another one.
    #[must_use]
    pub fn shared_by_hosts(mut self) -> Self {
        self.shared = true;
        self
    }

    /// What the writing program gets.
    fn input(&self, secret: &Secret) -> Zeroizing<Vec<u8>> {
        let (before, after) =
            self.template.as_deref().and_then(|text| text.split_once(KEY)).unwrap_or_default();
        let quoted = self.json.then(|| quoted_for_json(secret.expose()));
        let key = match &quoted {
            Some(quoted) => quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default(),
            None => secret.expose().as_bytes(),
        };
        let parts = [before.as_bytes(), key, after.as_bytes()];
        let mut input =
            Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.into_iter().for_each(|part| input.extend_from_slice(part));
        input
    }

    /// A file to lock while a rotation is under way, which all who rotate this store must name.
    #[must_use]
    pub fn lock_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = Some(path.into());
        self
    }

    async fn get(&self) -> Result<Option<Secret>, StoreError> {
        let Some(argv) = &self.read else {
            return Err(StoreError::failed(format!("{} has no command that reads it", self.name)));
        };
        let scrubber = Scrubber::default();
        let output = self.run(argv, None).await?;
        if !output.status.success() {
            return Err(StoreError::failed(self.complaint(argv, &output, &scrubber)));
        }
        let text = std::str::from_utf8(&output.stdout)
            .map_err(|_| StoreError::failed(format!("{}: its output is not text", self.name)))?;
        let of_field = match &self.field {
            Some(field) => Some(self.field_of(text, field)?),
            None => None,
        };
        let key = match &of_field {
            Some(found) => found.as_ref().map_or("", |found| found.as_str()),
            None => text.trim_end_matches(['\r', '\n']),
        };
        if key.contains(['\r', '\n']) {
            let problem = format!("{}: its output has more than one line", self.name);
            return Err(StoreError::failed(problem));
        }
        Ok(Some(key).filter(|key| !key.is_empty()).map(Secret::from))
    }

    /// The string in a field of a JSON object. What else it holds may be secret, too.
    fn field_of(&self, text: &str, field: &str) -> Result<Option<Zeroizing<String>>, StoreError> {
        // serde's own messages may quote what they found.
        let object: BTreeMap<String, OnlyText> = serde_json::from_str(text).map_err(|_| {
            StoreError::failed(format!("{}: its output is no JSON object", self.name))
        })?;
        Ok(object.into_iter().find(|(name, _)| name == field).and_then(|(_, OnlyText(text))| text))
    }

    async fn put(&self, secret: &Secret) -> Result<(), StoreError> {
        let output = self.run(&self.write, Some(&self.input(secret))).await?;
        if output.status.success() {
            return Ok(());
        }
        // A program that fails may have written first.
        let scrubber = Scrubber::new(vec![secret.clone()]);
        Err(StoreError::unknown(self.complaint(&self.write, &output, &scrubber)))
    }

    fn complaint(&self, argv: &[String], output: &Output, scrubber: &Scrubber) -> String {
        let program = argv.first().map_or("", String::as_str);
        let said = scrubber.line(&String::from_utf8_lossy(&output.stderr), 300);
        let said = if said.is_empty() { said } else { format!(": {said}") };
        format!("{}: `{program}` ended with {}{said}", self.name, output.status)
    }

    /// Runs a program to its end, or to the end of its time.
    async fn run(&self, argv: &[String], input: Option<&[u8]>) -> Result<Output, StoreError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(StoreError::failed(format!("{} names no program", self.name)));
        };
        let mut command = Command::new(program);
        command.args(arguments).env_remove("KERNEL_API_KEY");
        process::run(command, input, self.timeout).await.map_err(|error| match error {
            ProcessError::Start(error) => {
                StoreError::failed(format!("{}: `{program}` cannot be started: {error}", self.name))
                    .caused_by(error)
            }
            ProcessError::Lost(error) => StoreError::unknown(format!("{}: {error}", self.name)),
            ProcessError::TimedOut => StoreError::unknown(format!(
                "{}: `{program}` took longer than {} s and was killed",
                self.name,
                self.timeout.as_secs_f32()
            )),
        })
    }
}

impl Store for CommandStore {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(self.get())
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.put(secret))
    }

    fn readable(&self) -> bool {
        self.read.is_some()
    }

    fn propagation(&self) -> Duration {
        self.propagation
    }

    fn takes_effect(&self) -> TakesEffect {
        self.takes_effect
    }

    fn shared(&self) -> bool {
        self.shared
    }

    fn lock_path(&self) -> Option<PathBuf> {
        self.lock.clone()
    }
}

/// A value of a JSON object, of which only a string is kept.
struct OnlyText(Option<Zeroizing<String>>);

impl<'de> Deserialize<'de> for OnlyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Text(text) => Some(Zeroizing::new(text)),
            Value::Other(_) => None,
        }))
    }
}

/// The key as a JSON string.
fn quoted_for_json(key: &str) -> Zeroizing<Vec<u8>> {
    // A character is at most six bytes; never grown, so that no copy is left behind.
    let mut quoted = Zeroizing::new(Vec::with_capacity(key.len() * 6 + 2));
    // Writing text into memory does not fail.
    let _ = serde_json::to_writer(&mut *quoted, key);
    quoted
}
