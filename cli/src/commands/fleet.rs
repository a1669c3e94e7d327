//! `audit` and `rotate-all`: which keys a policy picks, and their rotation.

use std::path::{Component, Path};
use std::sync::Arc;

use onkernel::rotation::{Policy, Rotated, Rotation, RotationExt, Skipped, Stop, Store};
use onkernel::types::ApiKey;
use serde_json::{Value, json};

use crate::args::{Global, HowToRotate, Pick, RotateAll};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::progress::Progress;
use crate::rotation::store::StoreSpec;
use crate::rotation::{journals, resume_command, tell};
use crate::signals::Signals;
use crate::words::{plural, safe};

fn policy(pick: &Pick) -> Result<Policy, Failure> {
    let reason = pick.older_than.is_some() || pick.expiring_within.is_some() || pick.never_expiring;
    if !reason && pick.name.is_none() && pick.in_project.is_none() {
        return Err(Failure::usage("which keys are meant must be said").advise(
            "Say --older-than, --expiring-within, --never-expiring, --name or --in-project.",
        ));
    }
    let mut policy = Policy::new();
    if let Some(age) = pick.older_than {
        policy = policy.older_than(age);
    }
    if let Some(time) = pick.expiring_within {
        policy = policy.expiring_within(time);
    }
    if let Some(name) = &pick.name {
        policy = policy.named(name);
    }
    if let Some(project) = &pick.in_project {
        policy = policy.in_project(project);
    }
    if pick.never_expiring {
        policy = policy.never_expiring();
    }
    Ok(if pick.own { policy.with_own_key() } else { policy })
}

pub(super) async fn audit(args: Pick, global: &Global, output: &Output) -> Result<(), Failure> {
    let picked = connect::client(global)?.audit(&policy(&args)?).await?;
    if output.is_json() {
        let picked: Vec<_> = picked
            .iter()
            .map(|audited| json!({ "key": audited.key, "why": audited.why, "own": audited.own }))
            .collect();
        return output.answer_json(&picked);
    }
    for audited in &picked {
        let own = if audited.own { " (looks like your own)" } else { "" };
        let (id, name) = (safe(&audited.key.id), safe(&audited.key.name));
        output.answer(&format!("{id}  {name}: {}{own}", audited.why))?;
    }
    output.note(&format!("{}.", plural(picked.len() as u64, "key")));
    Ok(())
}

pub(super) async fn rotate_all(
    args: RotateAll,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let RotateAll { pick, store, concurrency, stop_after, how } = args;
    // Without one all keys would share a store.
    let named = store.to_string();
    if !named.contains("{name}") && !named.contains("{id}") {
        return Err(Failure::usage(format!("--store {named} is the same for every key"))
            .advise("Put {name} or {id} into it, such as file:DIR/{name}."));
    }
    super::rotate::check(&how)?;
    let client = connect::client(global)?;
    let folder = journals::folder(how.journal.as_deref())?;
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::of_many(output, Some(how.overlap));
    let (template, expected) = (store.clone(), progress.clone());
    let stores = move |key: &ApiKey| -> Option<Arc<dyn Store>> {
        let store = fill(&template, key).filter(StoreSpec::exists)?.open().ok()?;
        expected.expect();
        Some(store)
    };
    let (each, shown) = (how.clone(), progress.clone());
    let fleet = client
        .rotate_all(policy(&pick)?, stores)
        .journals(&folder)
        .concurrency(concurrency)
        .stop_after(stop_after)
        .stop_on(&stop)
        .each(move |rotation, key| {
            let rotation =
                super::rotate::set_up(rotation, &each).on_event(shown.watch(Some(&key.name)));
            match prepare(rotation.clone(), &each, fill(&store, key)) {
                Ok(rotation) => rotation,
                Err(why) => {
                    shown.note(&format!("{}: {}", safe(&key.name), safe(&why)));
                    // Nothing is touched where not all that was asked for can be done.
                    let never = Stop::new();
                    never.stop();
                    rotation.stop_on(&never)
                }
            }
        });
    let resume = resume_command(global, how.journal.as_deref());
    let done = signals.stoppable(&stop, || progress.note(tell::STOPPING), fleet.run()).await;
    progress.end();
    let done = match done {
        Some(done) => done.map_err(|error| tell::failure(&error, &resume))?,
        None => return Err(tell::dropped(&folder, &resume)),
    };
    if done.is_empty() {
        output.note("No key is picked.");
    }
    let mut said = Vec::new();
    let (mut failed, mut attention, mut left) = (0, false, 0);
    for (key, what) in &done {
        let (word, more) = match what {
            Rotated::Done(report) => {
                attention |= !report.is_settled();
                ("rotated", json!(report))
            }
            Rotated::Failed(error) => {
                failed += 1;
                attention |= error.needs_attention();
                ("failed", tell::failure_json(error))
            }
            Rotated::Skipped(why) => {
                left += u64::from(matches!(why, Skipped::Stopped | Skipped::AskedToStop));
                ("skipped", json!(skipped(why)))
            }
            _ => ("unknown", json!(null)),
        };
        said.push(json!({ "id": key.id, "name": key.name, "outcome": word, "more": more }));
    }
    tell::told(output, answer(&said, output));
    match failed {
        _ if attention => {
            Err(Failure::attention("a rotation needs attention").advise(tell::go_on(&resume)))
        }
        0 if left == 0 => Ok(()),
        0 => Err(Failure::new(format!("stopped: {} not begun", plural(left, "key")))),
        _ => Err(Failure::new(format!("{} failed", plural(failed, "rotation")))),
    }
}

/// What became of each key.
fn answer(said: &[Value], output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.answer_json(&said);
    }
    said.iter().try_for_each(|key| {
        let text = |value: &Value| value.as_str().map(safe);
        let words = ["id", "name", "outcome"].map(|field| text(&key[field]).unwrap_or_default());
        let more = &key["more"];
        let why = text(more).or_else(|| text(&more["message"]));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let [id, name, outcome] = words;
        output.answer(&format!("{id}  {name} {outcome}{why}"))
    })
}

/// Gives a rotation its hooks, and what resuming it needs.
fn prepare(
    rotation: Rotation,
    how: &HowToRotate,
    store: Option<StoreSpec>,
) -> Result<Rotation, String> {
    let note = super::rotate::note(how, store.ok_or("it has no store")?);
    let told = serde_json::to_value(&note).map_err(|error| error.to_string())?;
    Ok(note.on(rotation)?.note(told))
}

/// Why a key was left alone.
fn skipped(why: &Skipped) -> &'static str {
    match why {
        Skipped::Own => "it looks like the key that this program uses; say --own to rotate it, too",
        Skipped::NoStore => "its store is not there",
        Skipped::SharedStore => "another key has the same store",
        Skipped::Stopped => "not begun, since others had failed",
        Skipped::AskedToStop => "not begun, since it was asked to stop",
        _ => "it was left alone",
    }
}

/// The store of one key: its name or id in place of `{name}` or `{id}`.
///
/// A name is remote input: it must be one plain component of a path, or the key has no store.
fn fill(template: &StoreSpec, key: &ApiKey) -> Option<StoreSpec> {
    let text = template.to_string();
    for (place, value) in [("{name}", &key.name), ("{id}", &key.id)] {
        if text.contains(place) && !is_plain(value) {
            return None;
        }
    }
    text.replace("{id}", &key.id).replace("{name}", &key.name).parse().ok()
}

fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
        && !name.contains(['/', '\\', '#', ':', '{', '}'])
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_name_is_one_component_or_none() {
        for good in ["ci", "ci-7", "a b", "ü", ".env", "..a"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../a", "/a", "a\\b", "a\nb", "a#B", "a:b", "{id}", "a/"]
        {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
