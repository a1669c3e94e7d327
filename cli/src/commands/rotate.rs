//! `rotate`: replaces a key without an outage.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Lifetime, Retirement, Rotation, RotationExt, Stop};

use crate::args::{self, GRACE_DAYS, Global, OVERLAP, Retire, RotationOptions};
use crate::ask;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::text::safe;
use crate::rotation::journals::Kept;
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::resolutions::ResumeCommand;
use crate::rotation::{plan, report};
use crate::signals::Signals;
use crate::stores::name::StoreName;
use clap::ValueEnum;

pub(super) async fn run(
    args: args::Rotate,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let args::Rotate { id, store, store_is_new, allow_difference, mut options } = args;
    decide(&mut options, &store, output)?;
    check(&options)?;
    let signals = Signals::listen()?;
    let client = client::build(global)?;
    let kept = Kept::chosen(&options).await?;
    kept.files_left().iter().for_each(|left| output.note(left));
    let (opened, journal) = match options.dry_run {
        true => {
            let opened = store.look().map_err(Failure::usage)?;
            let journal = kept.look(&store, &*opened);
            (opened, journal)
        }
        false => {
            let opened = store.open().map_err(Failure::usage)?;
            let journal = kept.of(&store, &*opened)?;
            (opened, journal)
        }
    };
    let note = Note::new(&options, store.clone());
    let mut rotation = match id {
        Some(id) => client.rotation(id).shared_store(opened),
        None => client.rotation_of_shared(opened),
    };
    rotation = configure(rotation, &options).journal(journal.clone());
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
    let rotation =
        rotation.note(note).on_event(progress.watch(&store.to_string(), None)).stop_on(&stop);
    let result = signals.stoppable(&stop, || progress.note(report::STOPPING), rotation.run()).await;
    match result {
        Some(result) => {
            report::conclude(output, result, &store, &resume)?;
            if matches!(options.retire, Some(Retire::Keep)) {
                output.note("Next: kernel-keys delete the old key when nothing uses it any more.");
            }
            Ok(())
        }
        None if matches!(journal.pending().await, Ok(None)) => {
            Err(Failure::new("stopped before anything was touched"))
        }
        None => Err(report::dropped(&kept, &resume)),
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

/// Whether nothing says what happens to the old key. A plan says so itself, beside whatever else it
/// finds.
fn is_undecided(options: &RotationOptions) -> bool {
    let RotationOptions { dry_run, retire, deploy, verify, .. } = options;
    !dry_run && retire.is_none() && deploy.is_none() && verify.is_none()
}

/// Asks a person on a terminal for what is not decided. Elsewhere nothing is asked.
fn decide(
    options: &mut RotationOptions,
    store: &StoreName,
    output: &Output,
) -> Result<(), Failure> {
    if !is_undecided(options) || !ask::is_possible(output) {
        return Ok(());
    }
    output.error(&format!(
        "What happens to the old key when {} holds the new one?
  grace   it expires after {GRACE_DAYS} days: time to notice
  keep    it stays until you delete it
  delete  it stops working, once both have worked a while",
        safe(&store.to_string())
    ));
    let retire = ask::until(output, "grace, keep or delete?", "grace", |reply| {
        Retire::from_str(reply, true).map_err(|_| "Reply grace, keep or delete.".to_owned())
    })?;
    options.retire = Some(retire);
    if matches!(retire, Retire::Delete) && options.overlap == OVERLAP {
        let question = "For how many seconds do both keys work?";
        options.overlap = ask::until(output, question, &OVERLAP.to_string(), |reply| {
            reply.parse().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds)).ok_or_else(
                || "Reply with 0 to 86400 seconds, longer than your workload needs to read its key.".to_owned(),
            )
        })?;
    }
    Ok(())
}

/// Checks what clap cannot check.
pub(super) fn check(options: &RotationOptions) -> Result<(), Failure> {
    let grace = matches!(options.retire, Some(Retire::Grace));
    if options.grace_days.is_some() && !grace {
        return Err(Failure::usage("--grace-days needs --retire grace"));
    }
    if is_undecided(options) {
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
