//! `rotate`: another key in place of one, without an outage.

use chrono::{DateTime, Utc};
use onkernel::rotation::{Lifetime, Retirement, Rotation, RotationExt, Stop, pending};

use crate::args::{self, Global, HowToRotate, Retire};
use crate::connect;
use crate::failure::Failure;
use crate::output::Output;
use crate::rotation::progress::Progress;
use crate::rotation::{Note, journals, resume_command, tell};
use crate::signals::Signals;

pub(super) async fn run(
    args: args::Rotate,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let args::Rotate { id, store, store_is_new, allow_difference, how } = args;
    let signals = Signals::listen()?;
    let client = connect::client(global)?;
    let opened = store.open().map_err(Failure::usage)?;
    let journal = journals::of(&store, how.journal.as_deref())?;
    let note = note(&how, store.clone());
    let mut rotation = match id {
        Some(id) => client.rotation(id).shared_store(opened),
        None => client.rotation_of_shared(opened),
    };
    rotation = set_up(rotation, &how).journal(&journal);
    if store_is_new {
        rotation = rotation.store_is_new();
    }
    for field in allow_difference {
        rotation = rotation.allow_difference(field);
    }
    rotation = note.on(rotation).map_err(Failure::usage)?;
    let note = serde_json::to_value(&note).map_err(|error| Failure::new(error.to_string()))?;
    let (progress, stop) = (Progress::new(output, Some(how.overlap)), Stop::new());
    let rotation = rotation.note(note).on_event(progress.watch(None)).stop_on(&stop);
    let resume = resume_command(global, how.journal.as_deref());
    let ended = signals.stoppable(&stop, || progress.note(tell::STOPPING), rotation.run()).await;
    match ended {
        Some(ended) => tell::end(output, ended, &resume),
        None if matches!(pending(&journal), Ok(None)) => {
            Err(Failure::new("stopped before anything was touched"))
        }
        None => Err(tell::dropped(&journals::folder(how.journal.as_deref())?, &resume)),
    }
}

/// What is common to one rotation and many.
pub(super) fn set_up(rotation: Rotation, how: &HowToRotate) -> Rotation {
    let rotation = rotation.lifetime(lifetime(how.days, how.expires_at, how.never));
    match how.retire {
        Some(Retire::Delete) => rotation.retire(Retirement::Delete),
        Some(Retire::Keep) => rotation.retire(Retirement::Keep),
        Some(Retire::Grace) => rotation.retire(Retirement::Grace { days: how.grace_days }),
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

pub(super) fn note(how: &HowToRotate, store: crate::rotation::store::StoreSpec) -> Note {
    Note {
        store,
        deploy: how.deploy.clone(),
        verify: how.verify.clone(),
        overlap: how.overlap,
        settle: how.settle,
    }
}
