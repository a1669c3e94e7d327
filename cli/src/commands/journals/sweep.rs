//! `sweep`: deletes keys that interrupted rotations may have left behind.

use std::time::Duration;

use onkernel::rotation::{RotationExt, Stop};
use serde_json::json;

use crate::args::{Global, Sweep};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::{plural, safe};
use crate::rotation::journals::Kept;
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::report;
use crate::rotation::resolutions::ResumeCommand;
use crate::signals::Signals;

pub(in crate::commands) async fn run(
    args: Sweep,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let kept = Kept::opened(args.journal.as_deref(), args.lease).await?;
    kept.files_left().iter().for_each(|left| output.note(left));
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::new(output);
    let command = ResumeCommand::new(global, args.journal.as_deref());
    let work = async {
        let (mut swept, mut failures) = (0, Vec::new());
        for (journal, pending) in kept.unfinished().await? {
            if let Some(why) = pending.as_ref().ok().and_then(|it| kept.left_alone(it)) {
                progress.note(&safe(&why));
                continue;
            }
            let done = match pending {
                Err(failure) => Err(failure),
                Ok(pending) if pending.under_way => Err(Failure::attention(format!(
                    "{}: the rotation of {} ({}) is not finished{}",
                    pending.store,
                    pending.name,
                    pending.old_id,
                    pending.host.map(|host| format!("; it began on {host}")).unwrap_or_default(),
                ))
                .advise(format!("Resume it, which sweeps too: {}", command.all()))),
                Ok(pending) => {
                    let mut sweep = client::build(global)?.resume(journal).stop_on(&stop);
                    // After a self-rotation only the key in the store is let in.
                    let watched = pending.store.clone();
                    let note: Option<Note> = serde_json::from_value(pending.note).ok();
                    let store = note.map(|note| note.store);
                    if let Some(opened) = store.as_ref().and_then(|store| store.open().ok()) {
                        sweep = sweep.shared_store(opened);
                    }
                    if let Some(settle) = args.settle {
                        sweep = sweep.settle_time(Duration::from_secs_f64(settle));
                    }
                    let swept = sweep.on_event(progress.watch(&watched, None)).sweep().await;
                    swept.map_err(|error| {
                        let failure = report::failure(&error, store.as_ref(), &command);
                        failure.into_attention().or_advise(|| report::resume_advice(&command))
                    })
                }
            };
            match done {
                Ok(deleted) => swept += deleted,
                Err(failure) => failures.push(failure),
            }
        }
        let printed = match output.is_json() {
            true => output.print_json(&json!({ "deleted": swept })),
            false => output.print(&format!("Deleted {}.", plural(swept as u64, "orphaned key"))),
        };
        report::report_print_error(output, printed);
        Failure::all(failures)
    };
    match signals.stoppable(&stop, || progress.note(report::STOPPING), work).await {
        Some(done) => done,
        None => Err(report::dropped(&kept, &command)),
    }
}
