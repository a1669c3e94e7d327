//! Two rotations by the real engine while a workload uses the key: one in which nothing fails, and
//! one in which the response to the create is lost.

use std::sync::Arc;

use futures_util::future;
use indicatif::ProgressBar;
use onkernel::Client;
use onkernel::rotation::{
    Event, FileStore, Retirement, Rotation, RotationExt, RotationReport, Step, Store,
};
use onkernel::testing::{Effect, Fault, Server};

use super::clock::FastClock;
use super::keys::{DemoKeys, created, is_marker};
use super::presenter::{Done, Presenter};
use super::workload::Workload;
use crate::failure::Failure;

pub(super) async fn rotate(
    presenter: &mut Presenter<'_>,
    admin: &Client,
    server: &Server,
    keys: &mut DemoKeys,
) -> Result<(), Failure> {
    let old = created(&keys.in_project)?.clone();
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("cannot create a temporary folder: {error}")))?;
    let path = folder.path().join("KERNEL_API_KEY");
    let store = FileStore::new(&path);
    store.write(&old.key).await.map_err(failed)?;
    let workload = Arc::new(Workload::start(server, &path)?);
    let rotation = || {
        let (deployed, verified) = (Arc::clone(&workload), Arc::clone(&workload));
        admin
            .rotation_of(store.clone())
            .journal(folder.path().join("journal.jsonl"))
            .clock(FastClock::new(server))
            .deploy(move |_| future::ready(deployed.restart()))
            .verify(move |_| {
                let workload = Arc::clone(&verified);
                async move { workload.uses_its_store().await }
            })
            .retire(Retirement::Delete)
    };

    presenter.section("Rotate the key in a file while a workload uses it")?;
    let report = show(presenter, rotation()).await?;
    if server.authenticates(old.key.expose()) {
        return Err(failed("the old key still works"));
    }
    keys.set_outcome(&old.id, "replaced, and deleted");
    workload.has_never_failed(presenter).await?;
    presenter.gap()?;

    presenter.section("Once more, and the response with the new key is lost")?;
    let create = Fault::drop_connection().method("POST").path("/org/api_keys");
    server.faults().add(create.after().times(1));
    let first = report.new_id.unwrap_or_default();
    let report = show(presenter, rotation()).await?;
    keys.set_outcome(&first, "replaced, and deleted");
    let latest = report.new_id.unwrap_or_default();
    keys.set_outcome(&latest, "in use, by the workload");
    no_orphan(presenter, server, keys, &latest).await?;
    workload.has_never_failed(presenter).await?;
    keys.stored = store.read().await.map_err(failed)?;
    presenter.gap()
}

/// Runs a rotation and shows each of its steps.
async fn show(
    presenter: &mut Presenter<'_>,
    rotation: Rotation,
) -> Result<RotationReport, Failure> {
    let (rotation, mut events) = rotation.events();
    let mut spinner = ProgressBar::hidden();
    let showing = async {
        while let Some(event) = events.next().await {
            spinner.finish_and_clear();
            match event {
                Event::Started { step } => spinner = presenter.spinner(&step.to_string()),
                Event::Done { step, took } => presenter.done(&step.to_string(), detail(step), took)?,
                Event::Failed { step, why, .. } => return Err(failed(format!("{step}: {why}"))),
                // The only fault that is injected.
                Event::Note { .. } => presenter.setback(
                    "the connection was lost: was a key created, or not?",
                    "Such a key has a unique name. It is found by that name and deleted, and another one is created.",
                )?,
                _ => {}
            }
        }
        Ok(())
    };
    let (ended, shown) = future::join(rotation.run(), showing).await;
    shown?;
    ended.map_err(failed)
}

/// What a step does, for people who see it for the first time.
fn detail(step: Step) -> &'static str {
    match step {
        Step::Plan => "the file holds the key and can be written",
        Step::Create => "same project, same lifetime",
        Step::Compare => "the same rights as the old one",
        Step::Store => "the file is replaced atomically",
        Step::Deploy => "the workload reads the file again",
        Step::Verify => "the workload calls with the new key",
        Step::Overlap => "a minute, shortened here",
        Step::Retire => "it gets a 401 from now on",
        Step::Settle => "two minutes later, shortened here",
        _ => "",
    }
}

/// Checks in the server's own records that no orphan is left.
async fn no_orphan(
    presenter: &mut Presenter<'_>,
    server: &Server,
    keys: &mut DemoKeys,
    in_use: &str,
) -> Result<(), Failure> {
    let work = async {
        let keys = server.keys();
        let named = |id: &str| keys.iter().find(|key| key.id == id);
        let made = server.log().into_iter().filter(|entry| entry.fault.is_some());
        let lost = made.filter_map(|entry| match entry.effect {
            Some(Effect::Created { id }) => Some(id),
            _ => None,
        });
        let lost: Vec<String> = lost.collect();
        let alive = keys.iter().filter(|key| {
            key.works_at(server.now()) && (is_marker(&key.name) || lost.contains(&key.id))
        });
        let settled = named(in_use).is_some_and(|key| key.works_at(server.now()));
        if lost.len() != 1 || alive.count() != 0 || !settled {
            return Err(Failure::new("an orphan was left"));
        }
        Ok(Done::new(lost, "the server created two keys, and one is left").detail("no orphan"))
    };
    for id in presenter.step("looking for orphans", work).await? {
        keys.set_outcome(&id, "orphan: found and deleted");
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the demo failed: {error}"))
}
