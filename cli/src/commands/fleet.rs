//! `audit` and `rotate-all`: which keys a policy picks, and their rotation.

use std::path::{Component, Path};
use std::sync::Arc;

use onkernel::rotation::{Policy, Rotated, RotationExt, Skipped, Stop, Store};
use onkernel::types::ApiKey;
use serde_json::json;

use crate::args::{Global, Pick, RotateAll};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::hooks::Program;
use crate::rotation::progress::Progress;
use crate::rotation::store::StoreSpec;
use crate::rotation::{journals, resume_command, tell};
use crate::signals::Signals;
use crate::words::{plural, safe};

fn policy(pick: &Pick) -> Policy {
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
    if pick.own { policy.with_own_key() } else { policy }
}

pub(super) async fn audit(args: Pick, global: &Global, output: &Output) -> Result<(), Failure> {
    let picked = connect::client(global)?.audit(&policy(&args)).await?;
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
    output.note(&format!("{} keys.", picked.len()));
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
    // What cannot be parsed is said before the first rotation.
    for line in how.deploy.iter().chain(&how.verify) {
        Program::parse(line, "").map_err(Failure::usage)?;
    }
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
        .rotate_all(policy(&pick), stores)
        .journals(&folder)
        .concurrency(concurrency)
        .stop_after(stop_after)
        .stop_on(&stop)
        .each(move |rotation, key| {
            let rotation =
                super::rotate::set_up(rotation, &each).on_event(shown.watch(Some(&key.name)));
            let Some(spec) = fill(&store, key) else { return rotation };
            let note = super::rotate::note(&each, spec);
            let told = serde_json::to_value(&note).unwrap_or_default();
            note.on(rotation.clone()).unwrap_or(rotation).note(told)
        });
    let resume = resume_command(global, how.journal.as_deref());
    let done = signals.stoppable(&stop, || progress.note(tell::STOPPING), fleet.run()).await;
    progress.end();
    let done = match done {
        Some(done) => done.map_err(|error| tell::failure(&error, &resume))?,
        None => return Err(tell::dropped(&folder, &resume)),
    };
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
        if !output.is_json() {
            let why = more.get("message").or(Some(&more)).and_then(|why| why.as_str());
            let why = why.map(|why| format!(": {}", safe(why))).unwrap_or_default();
            output.answer(&format!("{}  {} {word}{why}", safe(&key.id), safe(&key.name)))?;
        }
        said.push(json!({ "id": key.id, "name": key.name, "outcome": word, "more": more }));
    }
    if output.is_json() {
        output.answer_json(&said)?;
    }
    match failed {
        _ if attention => {
            Err(Failure::attention("a rotation needs attention").advise(tell::go_on(&resume)))
        }
        0 if left == 0 => Ok(()),
        0 => Err(Failure::new(format!("stopped: {} not begun", plural(left, "key")))),
        _ => Err(Failure::new(format!("{} failed", plural(failed, "rotation")))),
    }
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
