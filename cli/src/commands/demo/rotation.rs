//! Rotation by the guide's five steps, while a workload goes on using the key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use onkernel::testing::Server;
use onkernel::{Client, CreateApiKeyExt, Credentials};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::life::{Cast, member};
use super::stage::{Done, Stage};
use super::{PROJECT, client};
use crate::failure::Failure;
use crate::store::replace;
use crate::words::plural;

/// How many calls of the workload with the new key are proof enough.
const PROOF: u64 = 3;

pub(super) async fn rotate(
    stage: &mut Stage<'_>,
    admin: &Client,
    server: &Server,
    cast: &mut Cast,
) -> Result<(), Failure> {
    stage.chapter("Rotate, while a workload uses the key")?;
    let old = member(&cast.in_project)?.clone();
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::new(format!("there is no place for a temporary file: {error}"))
    })?;
    let store = folder.path().join("KERNEL_API_KEY");
    replace(&store, &old.key)?;
    let mut workload = Workload::start(server.url(), &store)?;

    let work = async {
        let call = admin.create_api_key().named(&old.name).for_days(90).in_project(PROJECT.0);
        let new = call.send().await?.into_inner();
        let masked = new.masked_key.clone();
        Ok(Done::new(new, "1  create a replacement: same project, same lifetime").detail(masked))
    };
    let new = stage.step("creating the replacement", work).await?;

    let work = async {
        replace(&store, &new.key)?;
        Ok(Done::new((), "2  store its plaintext").detail("a file for its owner only"))
    };
    stage.step("storing the new plaintext", work).await?;

    let work = async {
        workload.restart()?;
        Ok(Done::new((), "3  deploy: the workload reads the store again"))
    };
    stage.step("restarting the workload", work).await?;

    let work = async {
        workload.makes_calls(PROOF).await?;
        let new_one = |entry: &onkernel::testing::LogEntry| entry.caller.as_ref() == Some(&new.id);
        if !server.log().iter().any(new_one) {
            return Err(Failure::new("the workload does not use the new key"));
        }
        Ok(Done::new((), "4  verify: the workload calls with the new key"))
    };
    stage.step("watching the workload", work).await?;

    let work = async {
        admin.delete_api_key().id(&old.id).send().await?;
        let dead = client(server, old.key.clone())?.list_api_keys().send().await;
        match dead {
            Err(error) if error.is_unauthorized() => {
                Ok(Done::new((), "5  delete the old key").detail("it gets 401 now"))
            }
            _ => Err(Failure::new("the old key still works")),
        }
    };
    stage.step("deleting the old key", work).await?;

    let work = async {
        workload.makes_calls(PROOF).await?;
        let Tally { calls, failures } = workload.stop().await;
        match failures {
            0 => Ok(Done::new(
                (),
                format!("the workload made {}, and none failed", plural(calls, "call")),
            )),
            _ => Err(Failure::new(format!("{failures} of the workload's {calls} calls failed"))),
        }
    };
    stage.step("asking the workload", work).await?;
    cast.fate(&old.id, format!("replaced by {}", new.masked_key));
    cast.fate(&new.id, format!("in use; replaces {}", old.masked_key));
    cast.replacement = Some(new);
    stage.gap()
}

/// A program that calls Kernel all the time, with the key that it read when it started.
struct Workload {
    url: String,
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
    fn start(url: &str, store: &Path) -> Result<Self, Failure> {
        let (client, current) = watch::channel(read(url, store)?);
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
        Ok(Self { url: url.to_owned(), store: store.to_owned(), client, tally, task })
    }

    /// Starts anew, with the key that is in the store by now.
    fn restart(&self) -> Result<(), Failure> {
        self.client.send_replace(read(&self.url, &self.store)?);
        Ok(())
    }

    /// Waits for so many more calls, beyond the one that may be under way.
    async fn makes_calls(&mut self, more: u64) -> Result<(), Failure> {
        let enough = self.tally.borrow().calls + 1 + more;
        let made = self.tally.wait_for(|tally| tally.calls >= enough);
        match tokio::time::timeout(Duration::from_secs(30), made).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Failure::new("the workload makes no calls")),
        }
    }

    async fn stop(&self) -> Tally {
        self.task.abort();
        *self.tally.borrow()
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The client of a program that has just started.
fn read(url: &str, store: &Path) -> Result<Client, Failure> {
    Ok(Client::builder().base_url(url).credentials(Credentials::file(store)).build()?)
}
