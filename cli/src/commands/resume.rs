//! `resume` and `sweep`: what is left to do by the journals.

use std::path::Path;

use onkernel::rotation::{Pending, Resume, RotationExt, RotationReport, Stop};
use serde_json::json;

use crate::args::{Global, Journals};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::progress::Progress;
use crate::rotation::{Note, journals, resume_command, tell};
use crate::signals::Signals;
use crate::words::{plural, safe};

pub(super) async fn run(args: Journals, global: &Global, output: &Output) -> Result<(), Failure> {
    let folder = journals::folder(args.journal.as_deref())?;
    let found = journals::unfinished(&folder)?;
    if found.is_empty() {
        output.note("Nothing is left to do.");
    }
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::new(output, None);
    let command = resume_command(global, args.journal.as_deref());
    let work = async {
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for (journal, left) in found {
            let done = match left {
                Err(failure) => Err(failure),
                Ok(left) => one(&journal, &left, global, &progress, &stop, &command)
                    .await
                    .map_err(|failure| failure.explain(|why| format!("{}: {why}", left.store))),
            };
            match done {
                Ok(None) => {}
                Ok(Some(report)) => {
                    if !output.is_json() {
                        tell::report(output, &report)?;
                    }
                    failures.extend(tell::settled(&report, &command).err());
                    reports.push(report);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if output.is_json() {
            output.answer_json(&reports)?;
        }
        Failure::all(failures, output)
    };
    match signals.stoppable(&stop, || progress.note(tell::STOPPING), work).await {
        Some(done) => done,
        None => Err(tell::dropped(&folder, &command)),
    }
}

/// Finishes or undoes the rotation of one journal.
async fn one(
    journal: &Path,
    left: &Pending,
    global: &Global,
    progress: &Progress,
    stop: &Stop,
    command: &str,
) -> Result<Option<RotationReport>, Failure> {
    if stop.is_asked() {
        return Err(Failure::attention("stopped before this one was looked at"));
    }
    let note: Note = serde_json::from_value(left.note.clone()).map_err(|_| {
        Failure::attention(format!(
            "the journal {} was not written by this program: resume it with the one that did",
            journal.display()
        ))
    })?;
    progress.note(&format!("{}, {}:", safe(&left.name), safe(&left.store)));
    let store = note.store.open().map_err(Failure::attention)?;
    let resume = resumption(journal, global, stop)?.shared_store(store);
    let resume = resume.on_event(progress.watch(None));
    let resumed = note.on_resume(resume).map_err(Failure::attention)?.run().await;
    // Whatever was in the way: the rotation is not finished.
    resumed.map_err(|error| tell::failure(&error, command).into_attention())
}

fn resumption(journal: &Path, global: &Global, stop: &Stop) -> Result<Resume, Failure> {
    Ok(connect::client(global)?.resume(journal).stop_on(stop))
}

/// Looks only for keys that may have been made unseen.
pub(super) async fn sweep(args: Journals, global: &Global, output: &Output) -> Result<(), Failure> {
    let folder = journals::folder(args.journal.as_deref())?;
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::new(output, None);
    let command = resume_command(global, args.journal.as_deref());
    let work = async {
        let (mut swept, mut failures) = (0, Vec::new());
        for (journal, left) in journals::unfinished(&folder)? {
            let done = match left {
                Err(failure) => Err(failure),
                Ok(left) if left.under_way => Err(Failure::attention(format!(
                    "{}: the rotation of {} is not finished",
                    left.store, left.name
                ))
                .advise(format!("Resuming sweeps, too: {command}"))),
                Ok(_) => {
                    let sweep = resumption(&journal, global, &stop)?.on_event(progress.watch(None));
                    sweep.sweep().await.map_err(|e| tell::failure(&e, &command).into_attention())
                }
            };
            match done {
                Ok(deleted) => swept += deleted,
                Err(failure) => failures.push(failure),
            }
        }
        match output.is_json() {
            true => output.answer_json(&json!({ "deleted": swept }))?,
            false => {
                let keys = plural(swept as u64, "key");
                output.answer(&format!("{keys} that nobody held: deleted."))?;
            }
        }
        Failure::all(failures, output)
    };
    match signals.stoppable(&stop, || progress.note(tell::STOPPING), work).await {
        Some(done) => done,
        None => Err(tell::dropped(&folder, &command)),
    }
}
