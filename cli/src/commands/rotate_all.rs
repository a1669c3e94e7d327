//! `rotate-all`: rotates every key that a policy selects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use onkernel::rotation::{
    Decision, Elsewhere, Planned, Rotated, Rotation, RotationExt, Skipped, Stop, Store,
};
use onkernel::types::ApiKey;
use serde_json::{Value, json};

use super::audit::policy;
use super::rotate::{check, configure};
use crate::args::{Global, RotateAll, RotationOptions};
use crate::client;
use crate::failure::Failure;
use crate::output::text::{plural, safe};
use crate::output::{Output, PrintError};
use crate::rotation::journals::Kept;
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::resolutions::ResumeCommand;
use crate::rotation::{events, plan, report};
use crate::signals::Signals;
use crate::stores::name::StoreName;

pub(super) async fn run(args: RotateAll, global: &Global, output: &Output) -> Result<(), Failure> {
    let RotateAll { selection, store, concurrency, stop_after, keep, options } = args;
    let name = store.to_string();
    if !name.contains("{name}") && !name.contains("{id}") {
        return Err(Failure::usage(format!("--store {name} is the same for every key"))
            .advise("Put {name} or {id} into it, such as file:DIR/{name}."));
    }
    check(&options)?;
    let client = client::build(global)?;
    let kept = Kept::chosen(&options).await?;
    kept.files_left().iter().for_each(|left| output.note(left));
    kept.keeps(keep)?;
    if !options.dry_run {
        kept.prune(keep).await?;
    }
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::of_many(output);
    let (template, named, expected) = (store.clone(), store.clone(), progress.clone());
    // Why a store that is there cannot be used, by the id of its key.
    let unusable = Arc::new(Mutex::new(HashMap::<String, String>::new()));
    let found_unusable = Arc::clone(&unusable);
    let open = if options.dry_run { StoreName::look } else { StoreName::open };
    let stores = move |key: &ApiKey| -> Option<Arc<dyn Store>> {
        match template
            .filled(&key.name, &key.id)
            .filter(StoreName::exists)
            .map(|store| open(&store))?
        {
            Ok(store) => {
                expected.expect();
                Some(store)
            }
            Err(why) => {
                let mut all = found_unusable.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(key.id.clone(), why);
                None
            }
        }
    };
    let resume = ResumeCommand::new(global, options.journal.as_deref());
    let (shown, asked) = (progress.clone(), options.clone());
    let fleet = client
        .rotate_all(policy(&selection)?, stores)
        .journals(kept.journals())
        .named(&name)
        .concurrency(concurrency)
        .stop_after(stop_after)
        .stop_on(&stop)
        .each(move |rotation, key| {
            let rotation = configure(rotation, &options)
                .on_event(shown.watch(&store_of(&store, key), Some(&key.name)));
            match prepare(rotation.clone(), &options, store.filled(&key.name, &key.id)) {
                Ok(rotation) => rotation,
                Err(why) => {
                    shown.note(&format!("{}: {}", safe(&key.name), safe(&why)));
                    // A rotation that lacks one of its options must not start.
                    let never = Stop::new();
                    never.stop();
                    rotation.stop_on(&never)
                }
            }
        });
    if asked.dry_run {
        let planned = fleet.plan().await;
        progress.end();
        let planned = planned.map_err(|error| report::failure(&error, None, &resume))?;
        let unusable = unusable.lock().unwrap_or_else(PoisonError::into_inner);
        return preview(&planned, &unusable, &asked, &resume, output);
    }
    let rotated = signals.stoppable(&stop, || progress.note(report::STOPPING), fleet.run()).await;
    progress.end();
    let rotated = match rotated {
        Some(rotated) => rotated.map_err(|error| report::failure(&error, None, &resume))?,
        None => return Err(report::dropped(&kept, &resume)),
    };
    if rotated.is_empty() {
        output.note("The policy selects no key.");
    }
    let mut results = Vec::new();
    let (mut failed, mut attention, mut not_started) = (0, false, 0);
    let mut without_journal = false;
    let unusable = unusable.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, result) in &rotated {
        if events::are_wanted(output) {
            print_event(output, &named, key, result, unusable.get(&key.id));
        }
        let (outcome, more) = match result {
            Rotated::Skipped(Skipped::NoStore) if unusable.contains_key(&key.id) => {
                failed += 1;
                ("failed", json!({ "message": unusable[&key.id] }))
            }
            Rotated::Done(report) => {
                attention |= !report.is_settled();
                ("rotated", json!(report))
            }
            Rotated::Failed(error) => {
                failed += 1;
                attention |= report::needs_attention(error);
                // Found on the server, and in no journal of ours.
                without_journal |= error.decision() == Some(Decision::Marked);
                (
                    "failed",
                    report::failure_json(error, named.filled(&key.name, &key.id).as_ref(), &resume),
                )
            }
            Rotated::Elsewhere(how) => {
                // Whoever has seen it fail may be dead: every worker says so.
                failed += u64::from(matches!(how, Elsewhere::Failed { .. }));
                ("elsewhere", json!(elsewhere(how)))
            }
            Rotated::Skipped(why) => {
                not_started += u64::from(matches!(why, Skipped::Stopped | Skipped::StopRequested));
                ("skipped", json!(reason(why)))
            }
            _ => ("unknown", json!(null)),
        };
        results.push(json!({ "id": key.id, "name": key.name, "outcome": outcome, "more": more }));
    }
    if !events::are_wanted(output) {
        report::report_print_error(output, print(&results, output));
    }
    match failed {
        _ if attention && without_journal => {
            let advice = format!("Run for each of these: {} --store STORE", resume.all());
            Err(Failure::attention("a rotation needs attention").advise(advice))
        }
        _ if attention => {
            Err(Failure::attention("a rotation needs attention")
                .advise(report::resume_advice(&resume)))
        }
        0 if not_started == 0 => Ok(()),
        0 => Err(Failure::new(format!("stopped: {} not started", plural(not_started, "rotation")))),
        _ => Err(Failure::new(format!("{} failed", plural(failed, "rotation")))),
    }
}

/// What the store of a key is called.
fn store_of(template: &StoreName, key: &ApiKey) -> String {
    template.filled(&key.name, &key.id).as_ref().unwrap_or(template).to_string()
}

/// Prints how the rotation of one key ended, as an event.
fn print_event(
    output: &Output,
    template: &StoreName,
    key: &ApiKey,
    result: &Rotated,
    unusable: Option<&String>,
) {
    let (store, named) = (store_of(template, key), (&*key.id, &*key.name));
    match (result, unusable) {
        (Rotated::Done(report), _) => events::ended(output, &store, report),
        (Rotated::Failed(error), _) => events::failed(output, &store, error),
        (Rotated::Skipped(Skipped::NoStore), Some(why)) => {
            events::not_begun(output, &store, named, "rejected", why);
        }
        (Rotated::Skipped(why), _) => {
            events::not_begun(output, &store, named, "skipped", reason(why));
        }
        (Rotated::Elsewhere(how), _) => {
            events::not_begun(output, &store, named, "elsewhere", &elsewhere(how));
        }
        _ => {}
    }
}

/// Shows what would be done with each key.
fn preview(
    planned: &[(ApiKey, Planned)],
    unusable: &HashMap<String, String>,
    options: &RotationOptions,
    resume: &ResumeCommand,
    output: &Output,
) -> Result<(), Failure> {
    let (mut rejected, mut failed, mut shown) = (Vec::new(), 0, Vec::new());
    for (key, planned) in planned {
        let outcome = match planned {
            Planned::Rotation(one) if output.is_json() => plan::json(one, options),
            Planned::Rotation(one) => {
                plan::print(one, options, Utc::now(), output)?;
                output.print("")?;
                json!(null)
            }
            Planned::Skipped(Skipped::NoStore) if unusable.contains_key(&key.id) => {
                failed += 1;
                json!({ "message": unusable[&key.id] })
            }
            Planned::Skipped(why) => json!(reason(why)),
            _ => json!(null),
        };
        let outcome_word = match planned {
            Planned::Rotation(one) => {
                rejected.extend(one.rejected.iter().cloned());
                if one.rejected.is_empty() { "planned" } else { "rejected" }
            }
            Planned::Skipped(_) if outcome.is_object() => "failed",
            _ => "skipped",
        };
        shown.push(
            json!({ "id": key.id, "name": key.name, "outcome": outcome_word, "more": outcome }),
        );
    }
    if planned.is_empty() {
        output.note("The policy selects no key.");
    }
    print(&shown, output)?;
    plan::conclude(&rejected, resume)?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(format!("{} cannot be used", plural(failed, "store")))),
    }
}

/// Prints the outcome for each key.
fn print(results: &[Value], output: &Output) -> Result<(), PrintError> {
    if output.is_json() {
        return output.print_each(results);
    }
    results.iter().try_for_each(|key| {
        let text = |value: &Value| value.as_str().map(safe);
        let [id, name, outcome] =
            ["id", "name", "outcome"].map(|field| text(&key[field]).unwrap_or_default());
        let more = &key["more"];
        let why = text(more).or_else(|| text(&more["message"]));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        output.print(&format!("{id}  {name} {outcome}{why}"))
    })
}

/// Gives a rotation its hooks, and the note that resuming it needs.
fn prepare(
    rotation: Rotation,
    options: &RotationOptions,
    store: Option<StoreName>,
) -> Result<Rotation, String> {
    let note = Note::new(options, store.ok_or("it has no store")?);
    Ok(note.apply_to(rotation)?.note(note.to_json()?))
}

/// Why a key was skipped.
fn reason(why: &Skipped) -> &'static str {
    match why {
        Skipped::Own => "it looks like the key that you are using; use --own to rotate it, too",
        Skipped::NoStore => "its store does not exist",
        Skipped::SharedStore => "another key has the same store",
        Skipped::Stopped => "not started, because other rotations failed",
        Skipped::StopRequested => "not started, because of the signal to stop",
        Skipped::JustMade => "a rotation has made it within the last hour",
        _ => "it was left alone",
    }
}

/// What others do with a key, or have done.
fn elsewhere(how: &Elsewhere) -> String {
    match how {
        Elsewhere::Rotated(worker) => format!("rotated by {worker}"),
        Elsewhere::UnderWay(worker) => format!("{worker} is at it"),
        Elsewhere::Failed { worker, why } => format!("failed at {worker}: {why}"),
        Elsewhere::OfHost(host) => format!("left to {host}, where its store is"),
        Elsewhere::OfOthers => "left to the other workers".to_owned(),
        Elsewhere::OfFleet => "left to another fleet, which selects it too".to_owned(),
        _ => "left to others".to_owned(),
    }
}
