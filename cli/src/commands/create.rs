//! `create`: creates a key and delivers its plaintext, or deletes the key again.

use std::fs;
use std::io;
use std::path::Path;

use onkernel::types::{ApiKeyPolicy, CreatedApiKey};
use onkernel::{Client, Error, Null, Secret};
use serde_json::{Value, json};

use crate::args::{Create, Global};
use crate::client;
use crate::failure::{Failure, LOST_KEY};
use crate::output::keys;
use crate::output::text::safe;
use crate::output::time::expiry;
use crate::output::{Format, Output, PrintError, json, line};
use crate::rotation::resolutions::quoted;
use crate::signals::Signals;
use crate::stores::new_file::{NewFile, NewFileName};

pub(super) async fn run(args: Create, global: &Global, output: &Output) -> Result<(), Failure> {
    let Create { name, days, never, project_id, policy, store } = args;
    let policy = policy.as_deref().map(read_policy).transpose()?;
    let client = client::build(global)?;
    // Checked before there is a key to put there.
    let destination = Destination::prepare(store)?;

    let call = client.api_keys().create(name).set_project_id(project_id).set_policy(policy);
    let call = match never {
        true => call.days_to_expire(Null),
        false => call.set_days_to_expire(days),
    };
    let mut signals = Signals::listen()?;
    let sent = tokio::select! {
        sent = call.send() => sent,
        () = signals.next() => return Err(interrupted()),
    };
    let key = match sent {
        Ok(created) => NewKey::documented(created),
        Err(error) => NewKey::salvage(error)?,
    };
    match destination.deliver(&key, output) {
        // From here on the caller holds the plaintext, and nothing is undone.
        Ok(delivered) => delivered.confirm(&key, output),
        Err(failure) => Err(undo(&client, &key, &failure).await),
    }
}

/// A key that was just made.
struct NewKey {
    id: String,
    plaintext: Secret,
    /// The whole response, if it is as documented.
    documented: Option<CreatedApiKey>,
}

impl NewKey {
    fn documented(created: CreatedApiKey) -> Self {
        let (id, plaintext) = (created.id.clone(), created.key.clone());
        Self { id, plaintext, documented: Some(created) }
    }

    /// The key in a response that is not as documented: it exists, and nobody else holds it.
    fn salvage(error: Error) -> Result<Self, Failure> {
        match error.created() {
            Some((id, plaintext)) => {
                Ok(Self { id: id.to_owned(), plaintext: plaintext.clone(), documented: None })
            }
            None => Err(error.into()),
        }
    }

    /// The key for programs, without the plaintext.
    fn to_json(&self) -> Value {
        let documented =
            self.documented.as_ref().and_then(|key| onkernel::secret::redacted(key).ok());
        let mut value = documented.unwrap_or_else(|| json!({ "id": self.id }));
        if let Some(fields) = value.as_object_mut() {
            fields.remove("key");
        }
        value
    }

    /// The key for people, without the plaintext.
    fn summary(&self) -> String {
        match self.documented.as_ref().and_then(keys::without_plaintext) {
            Some(key) => {
                let scope = match (&key.project_id, &key.project_name) {
                    (Some(id), Some(name)) => format!("project {} ({})", safe(name), safe(id)),
                    (Some(id), None) => format!("project {}", safe(id)),
                    (None, _) => "org-wide".to_owned(),
                };
                let expires = match expiry(key.expires_at, key.created_at).as_str() {
                    "never" => "never expires".to_owned(),
                    time => format!("expires {time}"),
                };
                format!("Created {} ({}): {scope}, {expires}.", safe(&key.name), safe(&key.id))
            }
            None => format!(
                "Created {}. The response is not as documented; `kernel-keys get {0}` shows the key.",
                safe(&self.id)
            ),
        }
    }
}

/// Where the plaintext goes.
enum Destination {
    Stdout,
    File(NewFile, NewFileName),
}

impl Destination {
    fn prepare(store: Option<NewFileName>) -> Result<Self, Failure> {
        match store {
            Some(name) => Ok(Self::File(NewFile::prepare(&name.0)?, name)),
            None if is_discarded() => Err(Failure::usage(
                "standard output is /dev/null, and the plaintext is shown only once",
            )
            .advise("Pipe it into a secret manager, or use --store file:PATH.")),
            None => Ok(Self::Stdout),
        }
    }

    fn deliver(self, key: &NewKey, output: &Output) -> Result<Delivered, Failure> {
        match self {
            Self::Stdout => {
                output.note(&key.summary());
                output.print(&plaintext(key, output)?).map_err(|PrintError(error)| {
                    Failure::new(format!("the plaintext could not be printed ({error})"))
                        .advise("Pipe it into a program that reads it, or use --store file:PATH.")
                })?;
                Ok(Delivered::Printed)
            }
            Self::File(file, store) => {
                file.write(&key.plaintext)?;
                Ok(Delivered::Stored(store))
            }
        }
    }
}

/// Where the plaintext went.
enum Delivered {
    Printed,
    Stored(NewFileName),
}

impl Delivered {
    fn confirm(self, key: &NewKey, output: &Output) -> Result<(), Failure> {
        let Self::Stored(store) = self else {
            output.note("Save the plaintext now: it is not shown again.");
            return Ok(());
        };
        let store = store.to_string();
        output.note(&key.summary());
        output.note(&format!("Its plaintext is in {}.", safe(&store)));
        output.note(&format!(
            "Next: kernel-keys whoami --key-file {}",
            quoted(store.trim_start_matches("file:"))
        ));
        if !output.is_json() {
            return Ok(());
        }
        let mut result = key.to_json();
        result["store"] = json!(store);
        Ok(output.print_json(&result)?)
    }
}

/// The plaintext alone, or one object that holds it.
fn plaintext(key: &NewKey, output: &Output) -> Result<String, Failure> {
    if !output.is_json() {
        return Ok(key.plaintext.expose().to_owned());
    }
    let mut result = key.to_json();
    result["key"] = json!(key.plaintext.expose());
    Ok(match output.format() {
        Format::Ndjson => line(&result)?,
        _ => json(&result)?,
    })
}

/// Deletes a key whose plaintext was not delivered.
async fn undo(client: &Client, key: &NewKey, failure: &Failure) -> Failure {
    let id = safe(&key.id);
    let (outcome, advice) = match client.api_keys().delete(&key.id).send().await {
        Ok(_) => (
            format!("so the new key {id} was deleted again"),
            failure.advice().unwrap_or_default().to_owned(),
        ),
        Err(error) => (
            format!("and the new key {id} could not be deleted again ({error})"),
            format!(
                "Delete it, because nobody holds its plaintext: `kernel-keys delete {id} --yes`."
            ),
        ),
    };
    Failure::new(format!("{}, {outcome}", failure.message())).advise(advice)
}

fn interrupted() -> Failure {
    Failure::new("interrupted while the key was being created").advise(LOST_KEY)
}

/// Whether standard output is the null device, which loses the plaintext without an error. A closed
/// standard output becomes that device before `main`.
#[cfg(unix)]
fn is_discarded() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let device = |meta: fs::Metadata| meta.rdev();
    let out = io::stdout().as_fd().try_clone_to_owned().map(fs::File::from);
    let out = out.and_then(|out| out.metadata()).map(device);
    let null = fs::metadata("/dev/null").map(device);
    matches!((out, null), (Ok(out), Ok(null)) if out == null)
}

#[cfg(not(unix))]
fn is_discarded() -> bool {
    false
}

/// Reads a policy, and rejects fields that this program would drop: the key would be allowed more
/// than its author meant.
fn read_policy(path: &Path) -> Result<ApiKeyPolicy, Failure> {
    let shown = path.display();
    let wrong = |problem: String| {
        Failure::usage(format!("the policy in {shown} {problem}")).advise(
            "A policy looks like this: {\"statements\": [{\"action\": \"browsers:use\", \"resource\": \"projects/*\"}]}",
        )
    };
    let text =
        fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let policy: ApiKeyPolicy =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is invalid: {error}")))?;
    let read: Value =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    match serde_json::to_value(&policy) {
        Ok(understood) if understood == read => Ok(policy),
        _ => Err(wrong("has fields that this version does not know and would drop".into())),
    }
}
