//! `resume` and `sweep`: what is left to do by the journals.

use onkernel::rotation::{Pending, RotationExt};
use std::path::Path;

use crate::args::{Global, Journals};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::{Note, journals, tell};

pub(super) async fn run(args: Journals, global: &Global, output: &Output) -> Result<(), Failure> {
    let unfinished = journals::unfinished(args.journal.as_deref())?;
    if unfinished.is_empty() {
        output.note("Nothing is left to do.");
        return if output.is_json() { output.answer_json(&Vec::<()>::new()) } else { Ok(()) };
    }
    let mut worst = None;
    for (journal, left) in unfinished {
        let done = tokio::select! {
            done = one(&journal, &left, global, output) => done,
            _ = tokio::signal::ctrl_c() => return Err(super::rotate::stopped(&journal)),
        };
        if let Err(failure) = done {
            output.note(&format!("{}: {}", left.store, failure.message()));
            worst = Some(failure);
        }
    }
    worst.map_or(Ok(()), Err)
}

async fn one(
    journal: &Path,
    left: &Pending,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let note: Note = serde_json::from_value(left.note.clone()).map_err(|_| {
        Failure::attention(format!(
            "the journal {} was not written by this program: resume it with the one that did",
            journal.display()
        ))
    })?;
    let store = note.store.open().map_err(Failure::attention)?;
    let watched = Output::new(output.is_json());
    let resume =
        connect::client(global)?.resume(journal).shared_store(store).on_event(move |event| {
            if let Some(line) = tell::line(&watched, event) {
                watched.note(&line);
            }
        });
    match note.on_resume(resume).map_err(Failure::attention)?.run().await {
        Ok(Some(report)) => tell::report(output, &report),
        Ok(None) => Ok(()),
        Err(error) => Err(tell::failure(&error)),
    }
}

/// Looks only for keys that may have been made unseen.
pub(super) async fn sweep(args: Journals, global: &Global, output: &Output) -> Result<(), Failure> {
    let mut swept = 0;
    for (journal, left) in journals::unfinished(args.journal.as_deref())? {
        if left.under_way {
            output.note(&format!(
                "{}: a rotation is not finished; `kernel-keys resume` sweeps it, too",
                left.store
            ));
            continue;
        }
        let client = connect::client(global)?;
        swept += client.sweep(&journal).await.map_err(|error| tell::failure(&error))?;
    }
    match output.is_json() {
        true => output.answer_json(&serde_json::json!({ "deleted": swept })),
        false => output.answer(&format!("{swept} keys that nobody held were deleted.")),
    }
}
