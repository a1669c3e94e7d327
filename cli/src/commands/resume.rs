//! `resume`: finishes or undoes interrupted rotations.

use std::path::Path;

use onkernel::rotation::{Pending, RotationExt, RotationReport, Stop};

use crate::args::{Global, Journals};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::safe;
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::resume_command::resume_command;
use crate::rotation::{journals, report};
use crate::signals::Signals;

pub(super) async fn run(args: Journals, global: &Global, output: &Output) -> Result<(), Failure> {
    let folder = journals::folder(args.journal.as_deref())?;
    let unfinished = journals::unfinished(&folder)?;
    if unfinished.is_empty() {
        output.note("Nothing is left to do.");
    }
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::new(output, None);
    let command = resume_command(global, args.journal.as_deref());
    let work = async {
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for (journal, pending) in unfinished {
            let resumed = match pending {
                Err(failure) => Err(failure),
                Ok(pending) => one(&journal, &pending, global, &progress, &stop, &command)
                    .await
                    .map_err(|failure| failure.explain(|why| format!("{}: {why}", pending.store))),
            };
            match resumed {
                Ok(None) => {}
                Ok(Some(report)) => {
                    if !output.is_json() {
                        report::report_print_error(output, report::print(output, &report));
                    }
                    failures.extend(report::is_settled(&report, &command).err());
                    reports.push(report);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if output.is_json() {
            report::report_print_error(output, output.print_json(&reports));
        }
        Failure::all(failures, output)
    };
    match signals.stoppable(&stop, || progress.note(report::STOPPING), work).await {
        Some(done) => done,
        None => Err(report::dropped(&folder, &command)),
    }
}

/// Finishes or undoes the rotation of one journal.
async fn one(
    journal: &Path,
    pending: &Pending,
    global: &Global,
    progress: &Progress,
    stop: &Stop,
    command: &str,
) -> Result<Option<RotationReport>, Failure> {
    if stop.is_requested() {
        return Err(Failure::attention("stopped before this rotation was resumed"));
    }
    let note: Note = serde_json::from_value(pending.note.clone()).map_err(|_| {
        Failure::attention(format!(
            "another program wrote the journal {}: resume it with that program",
            journal.display()
        ))
    })?;
    progress.note(&format!("{}, {}:", safe(&pending.name), safe(&pending.store)));
    let store = note.store.open().map_err(Failure::attention)?;
    let resume = client::build(global)?.resume(journal).stop_on(stop).shared_store(store);
    let resume = resume.on_event(progress.watch(None));
    let resumed = note.apply_to_resume(resume).map_err(Failure::attention)?.run().await;
    // Whatever the reason, the rotation is not finished.
    resumed.map_err(|error| report::failure(&error, command).into_attention())
}
