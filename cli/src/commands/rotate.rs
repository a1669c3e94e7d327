//! `rotate`: replaces a key without an outage.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Lifetime, Retirement, Rotation, RotationExt, Stop, pending};

use crate::args::{self, GRACE_DAYS, Global, Retire, RotationOptions};
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::resolutions::ResumeCommand;
use crate::rotation::{journals, plan, report};
use crate::signals::Signals;

pub(super) async fn run(
    args: args::Rotate,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let args::Rotate { id, store, store_is_new, allow_difference, options } = args;
    check(&options)?;
    let signals = Signals::listen()?;
    let client = client::build(global)?;
    let chosen = options.journal.as_deref();
    let (opened, journal) = match options.dry_run {
        true => (store.look(), journals::path_of(&store, chosen)?),
        false => (store.open(), journals::of(&store, chosen)?),
    };
    let opened = opened.map_err(Failure::usage)?;
    let note = Note::new(&options, store.clone());
    let mut rotation = match id {
        Some(id) => client.rotation(id).shared_store(opened),
        None => client.rotation_of_shared(opened),
    };
    rotation = configure(rotation, &options).journal(&journal);
    if store_is_new {
        rotation = rotation.store_is_new();
    }
    for field in allow_difference {
        rotation = rotation.allow_difference(field);
    }
    rotation = note.apply_to(rotation).map_err(Failure::usage)?;
    let resume = ResumeCommand::new(global, options.journal.as_deref());
    if options.dry_run {
        return preview(rotation, &options, &resume, output).await;
    }
    let note = note.to_json().map_err(Failure::new)?;
    let (progress, stop) = (Progress::new(output), Stop::new());
    let rotation = rotation.note(note).on_event(progress.watch(None)).stop_on(&stop);
    let result = signals.stoppable(&stop, || progress.note(report::STOPPING), rotation.run()).await;
    match result {
        Some(result) => report::conclude(output, result, &store, &resume),
        None if matches!(pending(&journal), Ok(None)) => {
            Err(Failure::new("stopped before anything was touched"))
        }
        None => Err(report::dropped(&journals::folder(options.journal.as_deref())?, &resume)),
    }
}

/// Shows what the rotation would do.
async fn preview(
    rotation: Rotation,
    options: &RotationOptions,
    resume: &ResumeCommand,
    output: &Output,
) -> Result<(), Failure> {
    let planned = rotation.plan().await.map_err(|error| report::failure(&error, None, resume))?;
    match output.is_json() {
        true => output.print_json(&plan::json(&planned, options))?,
        false => plan::print(&planned, options, Utc::now(), output)?,
    }
    plan::conclude(&planned.rejected, resume)
}

/// Checks what clap cannot check.
pub(super) fn check(options: &RotationOptions) -> Result<(), Failure> {
    let grace = matches!(options.retire, Some(Retire::Grace));
    if options.grace_days.is_some() && !grace {
        return Err(Failure::usage("--grace-days needs --retire grace"));
    }
    // A plan says so itself, beside whatever else it finds.
    if !options.dry_run
        && options.retire.is_none()
        && options.deploy.is_none()
        && options.verify.is_none()
    {
        return Err(Failure::usage(
            "choose what happens to the old key: --retire delete, keep or grace",
        )
        .advise(
            "With --deploy or --verify the default is delete, since they show that the workload uses the new key.",
        ));
    }
    Ok(())
}

/// Configures what one rotation and many have in common.
pub(super) fn configure(rotation: Rotation, options: &RotationOptions) -> Rotation {
    let rotation = rotation.lifetime(lifetime(options.days, options.expires_at, options.never));
    match options.retire {
        Some(Retire::Delete) => rotation.retire(Retirement::Delete),
        Some(Retire::Keep) => rotation.retire(Retirement::Keep),
        Some(Retire::Grace) => {
            rotation.retire(Retirement::Grace { days: options.grace_days.unwrap_or(GRACE_DAYS) })
        }
        None => rotation,
    }
}

fn lifetime(days: Option<i64>, end: Option<DateTime<Utc>>, never: bool) -> Lifetime {
    match (days, end, never) {
        (Some(days), _, _) => Lifetime::Days(days),
        (_, Some(end), _) => Lifetime::Until(end),
        (_, _, true) => Lifetime::Never,
        _ => Lifetime::AsOld,
    }
}
