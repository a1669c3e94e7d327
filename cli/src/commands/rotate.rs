//! `rotate`: another key in place of one, without an outage.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Lifetime, Retirement, RotationExt};

use crate::args::{Global, HowToRotate, Retire, Rotate};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::{Note, journals, tell};

pub(super) async fn run(args: Rotate, global: &Global, output: &Output) -> Result<(), Failure> {
    let Rotate { id, store, store_is_new, allow_difference, how } = args;
    let client = connect::client(global)?;
    let opened = store.open().map_err(Failure::usage)?;
    let journal = journals::of(&store, how.journal.as_deref())?;
    let note = note(&how, store.clone());
    let mut rotation = match id {
        Some(id) => client.rotation(id).shared_store(opened),
        None => client.rotation_of_shared(opened),
    };
    rotation = set_up(rotation, &how)?.journal(&journal);
    if store_is_new {
        rotation = rotation.store_is_new();
    }
    for field in allow_difference {
        rotation = rotation.allow_difference(field);
    }
    rotation = note.on(rotation).map_err(Failure::usage)?;
    let note = serde_json::to_value(&note).map_err(|error| Failure::new(error.to_string()))?;
    let watched = crate::output::Output::new(output.is_json());
    let rotation = rotation.note(note).on_event(move |event| {
        if let Some(line) = tell::line(&watched, event) {
            watched.note(&line);
        }
    });
    tokio::select! {
        ended = rotation.run() => tell::end(output, ended),
        _ = tokio::signal::ctrl_c() => Err(stopped(&journal)),
    }
}

/// What is common to one rotation and many.
pub(super) fn set_up(
    mut rotation: onkernel::rotation::Rotation,
    how: &HowToRotate,
) -> Result<onkernel::rotation::Rotation, Failure> {
    match how.retire {
        Some(Retire::Delete) => rotation = rotation.retire(Retirement::Delete),
        Some(Retire::Keep) => rotation = rotation.retire(Retirement::Keep),
        Some(Retire::Grace) => {
            rotation = rotation.retire(Retirement::Grace { days: how.grace_days });
        }
        None => {}
    }
    Ok(rotation.lifetime(lifetime(how.days, how.expires_at, how.never)))
}

fn lifetime(days: Option<i64>, end: Option<DateTime<Utc>>, never: bool) -> Lifetime {
    match (days, end, never) {
        (Some(days), _, _) => Lifetime::Days(days),
        (_, Some(end), _) => Lifetime::Until(end),
        (_, _, true) => Lifetime::Never,
        _ => Lifetime::AsOld,
    }
}

pub(super) fn note(how: &HowToRotate, store: crate::rotation::store::StoreSpec) -> Note {
    Note {
        store,
        deploy: how.deploy.clone(),
        verify: how.verify.clone(),
        overlap: how.overlap,
        settle: how.settle,
    }
}

/// Every point is a safe one: what was under way is in the journal.
pub(super) fn stopped(journal: &std::path::Path) -> Failure {
    match onkernel::rotation::pending(journal) {
        Ok(None) => Failure::new("stopped before anything was touched"),
        _ => Failure::attention(format!(
            "stopped in the middle; what was under way is in {}",
            journal.display()
        ))
        .advise("Finish or undo it with `kernel-keys resume`."),
    }
}
