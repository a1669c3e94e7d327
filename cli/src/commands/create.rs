//! `create`: a key whose plaintext ends up where the caller wants it, or no key at all.

use std::fs;
use std::io;
use std::path::Path;

use onkernel::types::{ApiKeyPolicy, CreatedApiKey};
use onkernel::{Client, Error, Nullable, Secret};
use serde_json::{Value, json};

use crate::args::{Create, Global};
use crate::connect;
use crate::failure::Failure;
use crate::output::{Output, json};
use crate::show;
use crate::signals::Signals;
use crate::store::{NewFile, StoreName};
use crate::words::{expiry, safe};

pub(super) async fn run(args: Create, global: &Global, output: &Output) -> Result<(), Failure> {
    let Create { name, days, never, project_id, policy, store } = args;
    let policy = policy.as_deref().map(read_policy).transpose()?;
    let client = connect::client(global)?;
    // Known to be there before the key is.
    let place = Place::prepare(store)?;

    let call = client.create_api_key().body_map(|mut body| {
        body = body.name(name);
        if let Some(days) = days {
            body = body.days_to_expire(days);
        } else if never {
            body = body.days_to_expire(Nullable::Null);
        }
        if let Some(project) = project_id {
            body = body.project_id(project);
        }
        if let Some(policy) = policy {
            body = body.policy(policy);
        }
        body
    });
    let mut signals = Signals::listen()?;
    let sent = tokio::select! {
        sent = call.send() => sent,
        () = signals.next() => return Err(interrupted()),
    };
    let key = match sent {
        Ok(created) => NewKey::documented(created.into_value()),
        Err(error) => NewKey::salvage(error)?,
    };
    match place.put(&key, output) {
        // From here on somebody holds the plaintext, and nothing is undone.
        Ok(kept) => kept.confirm(&key, output),
        Err(failure) => Err(undo(&client, &key, &failure).await),
    }
}

/// A key that was just made.
struct NewKey {
    id: String,
    plaintext: Secret,
    /// The whole answer, if it is as documented.
    documented: Option<CreatedApiKey>,
}

impl NewKey {
    fn documented(created: CreatedApiKey) -> Self {
        let (id, plaintext) = (created.id.clone(), created.key.clone());
        Self { id, plaintext, documented: Some(created) }
    }

    /// The key in an answer that is not as documented: it exists, and nobody else holds it.
    fn salvage(error: Error) -> Result<Self, Failure> {
        match error.created() {
            Some((id, plaintext)) => {
                Ok(Self { id: id.to_owned(), plaintext: plaintext.clone(), documented: None })
            }
            None => Err(error.into()),
        }
    }

    /// The answer for programs, without the plaintext.
    fn to_json(&self) -> Value {
        let documented = self.documented.as_ref().and_then(|key| serde_json::to_value(key).ok());
        let mut value = documented.unwrap_or_else(|| json!({ "id": self.id }));
        if let Some(fields) = value.as_object_mut() {
            fields.remove("key");
        }
        value
    }

    /// What a person should know of it.
    fn introduction(&self) -> String {
        match self.documented.as_ref().and_then(show::without_plaintext) {
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
                "Created {}. The server's answer is not as documented; `kernel-keys get {0}` shows the key.",
                safe(&self.id)
            ),
        }
    }
}

/// Where the plaintext goes.
enum Place {
    Printed,
    File(NewFile, StoreName),
}

impl Place {
    fn prepare(store: Option<StoreName>) -> Result<Self, Failure> {
        match store {
            Some(StoreName::File(path)) => {
                Ok(Self::File(NewFile::prepare(&path)?, StoreName::File(path)))
            }
            None if is_discarded() => Err(Failure::usage(
                "standard output is thrown away, and the plaintext is shown only once",
            )
            .advise("Pipe it into what keeps it, or use --store file:PATH.")),
            None => Ok(Self::Printed),
        }
    }

    fn put(self, key: &NewKey, output: &Output) -> Result<Kept, Failure> {
        match self {
            Self::Printed => {
                output.note(&key.introduction());
                output.try_answer(&answer(key, output)?).map_err(|error| {
                    Failure::new(format!("the plaintext could not be printed ({error})"))
                        .advise("Pipe it into a program that reads it, or use --store file:PATH.")
                })?;
                Ok(Kept::Printed)
            }
            Self::File(file, store) => {
                file.write(&key.plaintext)?;
                Ok(Kept::Stored(store))
            }
        }
    }
}

/// Where the plaintext is.
enum Kept {
    Printed,
    Stored(StoreName),
}

impl Kept {
    fn confirm(self, key: &NewKey, output: &Output) -> Result<(), Failure> {
        let Self::Stored(store) = self else {
            output.note("Keep the plaintext now: it is not shown again.");
            return Ok(());
        };
        let store = store.to_string();
        output.note(&key.introduction());
        output.note(&format!("Its plaintext is in {}.", safe(&store)));
        if !output.is_json() {
            return Ok(());
        }
        let mut answer = key.to_json();
        answer["store"] = json!(store);
        output.answer_json(&answer)
    }
}

/// The plaintext alone, or one object that holds it.
fn answer(key: &NewKey, output: &Output) -> Result<String, Failure> {
    if !output.is_json() {
        return Ok(key.plaintext.expose().to_owned());
    }
    let mut answer = key.to_json();
    answer["key"] = json!(key.plaintext.expose());
    json(&answer)
}

/// Deletes a key whose plaintext came to nothing.
async fn undo(client: &Client, key: &NewKey, failure: &Failure) -> Failure {
    let id = safe(&key.id);
    let (outcome, advice) = match client.delete_api_key().id(&key.id).send().await {
        Ok(_) => (
            format!("so the new key {id} was deleted again"),
            failure.advice().unwrap_or_default().to_owned(),
        ),
        Err(error) => (
            format!("and the new key {id} could not be deleted again ({error})"),
            format!(
                "Delete it, since nobody holds its plaintext: `kernel-keys delete {id} --yes`."
            ),
        ),
    };
    Failure::new(format!("{}, {outcome}", failure.message())).advise(advice)
}

fn interrupted() -> Failure {
    Failure::new("interrupted while the key was being created").advise(
        "A key may have been created whose plaintext is lost. Look with `kernel-keys list --name NAME`, and delete those you cannot account for.",
    )
}

/// Whether standard output is the null device: a plaintext written there is lost without an error.
/// A closed standard output becomes that device before `main`.
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

/// Reads a policy, and refuses what this program would drop from it: the key would be allowed more
/// than its author meant.
fn read_policy(path: &Path) -> Result<ApiKeyPolicy, Failure> {
    let shown = path.display();
    let wrong = |problem: String| {
        Failure::usage(format!("the policy in {shown} {problem}")).advise(
            "A policy looks so: {\"statements\": [{\"action\": \"browsers:use\", \"resource\": \"projects/*\"}]}",
        )
    };
    let text =
        fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let policy: ApiKeyPolicy =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is not one: {error}")))?;
    let given: Value =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    match serde_json::to_value(&policy) {
        Ok(understood) if understood == given => Ok(policy),
        _ => Err(wrong("holds fields that this version does not know, and would leave out".into())),
    }
}
