//! The demo's workload: it calls Kernel all the time while its key is replaced.

use std::path::{Path, PathBuf};
use std::time::Duration;

use onkernel::testing::Server;
use onkernel::{Client, Credentials};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::presenter::{Done, Presenter};
use crate::failure::Failure;
use crate::output::text::plural;

/// How many calls of the workload with the new key are proof enough.
const PROOF: u64 = 3;

/// A program that calls Kernel all the time, with the key that it read when it started.
pub(super) struct Workload {
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
    pub(super) fn start(server: &Server, store: &Path) -> Result<Self, Failure> {
        let (client, current) = watch::channel(read(server, store)?);
        let (counter, tally) = watch::channel(Tally::default());
        let task = tokio::spawn(async move {
            loop {
                let client = current.borrow().clone();
                let outcome = client.api_keys().list().limit(1).send().await;
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
    pub(super) fn restart(&self) -> Result<(), String> {
        let client = read(&self.server, &self.store).map_err(|f| f.message().to_owned())?;
        self.client.send_replace(client);
        Ok(())
    }

    /// Sees at the server that the workload calls with the key that the store holds.
    pub(super) async fn uses_its_store(&self) -> Result<(), String> {
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

    pub(super) async fn has_never_failed(
        &self,
        presenter: &mut Presenter<'_>,
    ) -> Result<(), Failure> {
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
        presenter.step("asking the workload", work).await
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
