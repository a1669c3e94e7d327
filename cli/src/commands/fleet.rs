//! `audit` and `rotate-all`: which keys a policy picks, and their rotation.

use std::path::{Component, Path};
use std::sync::Arc;

use onkernel::rotation::{Policy, Rotated, RotationExt, Store};
use onkernel::types::ApiKey;
use serde_json::json;

use crate::args::{Global, Pick, RotateAll};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::store::StoreSpec;
use crate::rotation::{journals, tell};
use crate::words::safe;

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
    let client = connect::client(global)?;
    let template = store.clone();
    let stores =
        move |key: &ApiKey| -> Option<Arc<dyn Store>> { fill(&template, key)?.open().ok() };
    let folder = journals::folder(how.journal.as_deref())?;
    let watched = Output::new(output.is_json());
    let each = how.clone();
    let fleet = client
        .rotate_all(policy(&pick), stores)
        .journals(&folder)
        .concurrency(concurrency)
        .stop_after(stop_after)
        .on_event(move |event| {
            if let Some(line) = tell::line(&watched, &event.event) {
                watched.note(&format!("{}: {line}", safe(&event.name)));
            }
        })
        .each(move |rotation, key| {
            let Some(spec) = fill(&store, key) else { return rotation };
            let note = super::rotate::note(&each, spec);
            let rotation = super::rotate::set_up(rotation.clone(), &each).unwrap_or(rotation);
            let rotation = note.on(rotation.clone()).unwrap_or(rotation);
            rotation.note(serde_json::to_value(&note).unwrap_or_default())
        });
    // What cannot be parsed is said before the first rotation.
    for line in how.deploy.iter().chain(&how.verify) {
        crate::rotation::hooks::Program::parse(line, "").map_err(Failure::usage)?;
    }
    let done = tokio::select! {
        done = fleet.run() => done.map_err(|error| tell::failure(&error))?,
        _ = tokio::signal::ctrl_c() => {
            return Err(Failure::attention("stopped in the middle of one or more rotations")
                .advise("Finish or undo them with `kernel-keys resume`."));
        }
    };
    let mut said = Vec::new();
    let (mut failed, mut attention) = (0, false);
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
            Rotated::Skipped(why) => ("skipped", json!(format!("{why:?}"))),
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
        _ if attention => Err(Failure::attention("a rotation needs attention")
            .advise("Run `kernel-keys resume` when what is in the way is gone.")),
        0 => Ok(()),
        _ => Err(Failure::new(format!("{failed} rotations failed"))),
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
