//! Two rotations by the real engine, while a workload goes on using the key: one in which nothing
//! goes wrong, and one in which the answer to the creation is lost.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, future};
use indicatif::ProgressBar;
use onkernel::rotation::{
    Clock, Event, FileStore, Retirement, Rotation, RotationExt, RotationReport, Step, Store,
};
use onkernel::testing::{Effect, Fault, Server};
use onkernel::{Client, Credentials};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::life::{Cast, is_marker, member};
use super::stage::{Done, Stage};
use crate::failure::Failure;
use crate::words::plural;

/// How many calls of the workload with the new key are proof enough.
const PROOF: u64 = 3;

pub(super) async fn rotate(
    stage: &mut Stage<'_>,
    admin: &Client,
    server: &Server,
    cast: &mut Cast,
) -> Result<(), Failure> {
    let old = member(&cast.in_project)?.clone();
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::new(format!("there is no place for a temporary file: {error}"))
    })?;
    let path = folder.path().join("KERNEL_API_KEY");
    let store = FileStore::new(&path);
    store.write(&old.key).await.map_err(failed)?;
    let workload = Arc::new(Workload::start(server, &path)?);
    let rotation = || {
        let (deployed, verified) = (Arc::clone(&workload), Arc::clone(&workload));
        admin
            .rotation_of(store.clone())
            .journal(folder.path().join("journal.jsonl"))
            .clock(Shortened::new(server))
            .deploy(move |_| future::ready(deployed.restart()))
            .verify(move |_| {
                let workload = Arc::clone(&verified);
                async move { workload.uses_its_store().await }
            })
            .retire(Retirement::Delete)
    };

    stage.chapter("Rotate what a file holds, while a workload uses it")?;
    let report = show(stage, rotation()).await?;
    if server.authenticates(old.key.expose()) {
        return Err(failed("the old key still works"));
    }
    cast.fate(&old.id, "replaced, and deleted");
    workload.has_never_failed(stage).await?;
    stage.gap()?;

    stage.chapter("Once more, and the answer with the new key is lost")?;
    let create = Fault::drop_connection().method("POST").path("/org/api_keys");
    server.faults().add(create.after().times(1));
    let first = report.new_id.unwrap_or_default();
    let report = show(stage, rotation()).await?;
    cast.fate(&first, "replaced, and deleted");
    let latest = report.new_id.unwrap_or_default();
    cast.fate(&latest, "in use, by the workload");
    no_orphan(stage, server, cast, &latest).await?;
    workload.has_never_failed(stage).await?;
    cast.stored = store.read().await.map_err(failed)?;
    stage.gap()
}

/// Runs a rotation and shows each of its steps.
async fn show(stage: &mut Stage<'_>, rotation: Rotation) -> Result<RotationReport, Failure> {
    let (rotation, mut events) = rotation.events();
    let mut spinner = ProgressBar::hidden();
    let showing = async {
        while let Some(event) = events.next().await {
            spinner.finish_and_clear();
            match event {
                Event::Started { step } => spinner = stage.spinner(&step.to_string()),
                Event::Done { step, took } => stage.done(&step.to_string(), detail(step), took)?,
                Event::Failed { step, why, .. } => return Err(failed(format!("{step}: {why}"))),
                // The only thing that is ordered to go wrong.
                Event::Note { .. } => stage.setback(
                    "the connection was lost: was a key made, or not?",
                    "It would bear a name of its own. It is found by that and deleted, and another one is made.",
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

/// What a step is about, for those who see it for the first time.
fn detail(step: Step) -> &'static str {
    match step {
        Step::Plan => "the file holds the key, and can be written",
        Step::Create => "same project, same lifetime",
        Step::Compare => "no other rights than the old one has",
        Step::Store => "the old plaintext is replaced at one stroke",
        Step::Deploy => "the workload reads the file again",
        Step::Verify => "the workload calls with the new key",
        Step::Overlap => "a minute, shortened here",
        Step::Retire => "it gets 401 from now on",
        Step::Settle => "two minutes later, shortened here: there is none",
        _ => "",
    }
}

/// Holds the server's own book-keeping against the claim.
async fn no_orphan(
    stage: &mut Stage<'_>,
    server: &Server,
    cast: &mut Cast,
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
            return Err(Failure::new("a key was left that nobody holds"));
        }
        Ok(Done::new(lost, "the server made two keys, and one is left").detail("no orphan"))
    };
    for id in stage.step("looking for orphans", work).await? {
        cast.fate(&id, "its plaintext was lost: found, deleted");
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the demo failed: {error}"))
}

/// Time that passes at once where a rotation would wait, at the server as well.
struct Shortened {
    server: Server,
    began: Instant,
    skipped: Mutex<Duration>,
}

impl Shortened {
    fn new(server: &Server) -> Self {
        Self { server: server.clone(), began: Instant::now(), skipped: Mutex::default() }
    }
}

impl Clock for Shortened {
    fn elapsed(&self) -> Duration {
        self.began.elapsed() + *self.skipped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        self.server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        *self.skipped.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.server.advance(TimeDelta::from_std(time).unwrap_or_default());
        Box::pin(tokio::task::yield_now())
    }
}

/// A program that calls Kernel all the time, with the key that it read when it started.
struct Workload {
    server: Server,
    store: PathBuf,
    client: watch::Sender<Client>,
    tally: watch::Receiver<Tally>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    calls: u64,
    failures: u64,
}

impl Workload {
    fn start(server: &Server, store: &Path) -> Result<Self, Failure> {
        let (client, current) = watch::channel(read(server, store)?);
        let (counter, tally) = watch::channel(Tally::default());
        let task = tokio::spawn(async move {
            loop {
                let client = current.borrow().clone();
                let outcome = client.list_api_keys().limit(1).send().await;
                counter.send_modify(|tally| {
                    tally.calls += 1;
                    tally.failures += u64::from(outcome.is_err());
                });
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Ok(Self { server: server.clone(), store: store.to_owned(), client, tally, task })
    }

    /// Starts anew, with the key that is in the store by now.
    fn restart(&self) -> Result<(), String> {
        let client = read(&self.server, &self.store).map_err(|f| f.message().to_owned())?;
        self.client.send_replace(client);
        Ok(())
    }

    /// Sees at the server that the workload calls with the key that the store holds.
    async fn uses_its_store(&self) -> Result<(), String> {
        let before = self.server.log().len();
        self.makes_calls(PROOF).await?;
        let held = std::fs::read_to_string(&self.store).map_err(|error| error.to_string())?;
        let held = self.server.key_by_plaintext(held.trim_end());
        let log = self.server.log();
        let calls = log[before..].iter().filter(|entry| entry.method == "GET");
        match held {
            Some(held)
                if calls.filter(|entry| entry.caller.as_ref() == Some(&held.id)).count() > 0 =>
            {
                Ok(())
            }
            _ => Err("the workload does not use what the store holds".to_owned()),
        }
    }

    /// Waits for so many more calls, beyond the one that may be under way.
    async fn makes_calls(&self, more: u64) -> Result<(), String> {
        let mut tally = self.tally.clone();
        let enough = tally.borrow().calls + 1 + more;
        let made = tally.wait_for(|tally| tally.calls >= enough);
        match tokio::time::timeout(Duration::from_secs(30), made).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err("the workload makes no calls".to_owned()),
        }
    }

    async fn has_never_failed(&self, stage: &mut Stage<'_>) -> Result<(), Failure> {
        let work = async {
            self.makes_calls(PROOF).await.map_err(Failure::new)?;
            let Tally { calls, failures } = *self.tally.borrow();
            match failures {
                0 => Ok(Done::new(
                    (),
                    format!("the workload made {}, and none failed", plural(calls, "call")),
                )),
                _ => {
                    Err(Failure::new(format!("{failures} of the workload's {calls} calls failed")))
                }
            }
        };
        stage.step("asking the workload", work).await
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The client of a program that has just started.
fn read(server: &Server, store: &Path) -> Result<Client, Failure> {
    Ok(Client::builder().base_url(server.url()).credentials(Credentials::file(store)).build()?)
}
