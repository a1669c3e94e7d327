//! Those who resume a rotation, or sweep after it, from where it is not: they change nothing.

use std::fs;

use onkernel::Client;
use onkernel::rotation::{RotationExt, Store, pending};
use onkernel::testing::LogEntry;

use super::case::Visit;
use crate::support::{World, connect};

/// Somebody of another organization, and what the file of this host is called on another.
pub struct Visitor {
    stranger: Client,
    id: String,
}

impl Visitor {
    pub fn new(world: &mut World, http: &reqwest::Client) -> Self {
        let plaintext = world.server.add_organization("org_other");
        let id = world.server.key_by_plaintext(&plaintext).unwrap().id;
        world.bystanders.push(id.clone());
        Self { stranger: connect(&world.server, http, &plaintext), id }
    }

    /// Comes before a resumption. The caller who adopts it stays.
    pub async fn comes(&self, world: &World, visit: Visit) -> Result<(), String> {
        let journal = fs::read(&world.journal).unwrap_or_default();
        let left = pending(&world.journal).map_err(|error| error.to_string())?;
        let Some(left) = left else { return Ok(()) };
        let held = world.store.held();
        let changed = |by: &str| match fs::read(&world.journal).unwrap_or_default() == journal {
            _ if world.store.held() != held => Err(format!("{by} changed the store")),
            false => Err(format!("{by} changed the journal")),
            true => Ok(()),
        };
        match visit {
            Visit::StrangerResumes | Visit::StrangerSweeps => {
                let from = world.server.log().len();
                let resume = self
                    .stranger
                    .resume(&world.journal)
                    .store(world.store.clone())
                    .clock(world.clock.clone());
                let done = match visit {
                    Visit::StrangerSweeps => resume.sweep().await.map(drop),
                    _ => resume.run().await.map(drop),
                };
                // Whoever seems to have a key that is dead asks with the one that the store holds,
                // where that is to replace itself.
                let rejected = |entry: &LogEntry| entry.status == Some(401);
                if world.settings.own && world.server.log()[from..].iter().any(rejected) {
                    return Ok(());
                }
                if done.is_ok() {
                    return Err("a stranger has ended it".to_owned());
                }
                let asked = |entry: &LogEntry| {
                    entry.caller.as_ref() == Some(&self.id) && entry.method != "GET"
                };
                if world.server.log().iter().any(asked) {
                    return Err("a stranger changed something on the server".to_owned());
                }
                changed("a stranger")
            }
            Visit::OtherHost | Visit::OtherHostAdopts
                if left.under_way && !world.store.shared() =>
            {
                let text = String::from_utf8_lossy(&journal).into_owned();
                let Some(elsewhere) = elsewhere(&text) else {
                    return Err("the journal says nothing of the host".to_owned());
                };
                fs::write(&world.journal, &elsewhere).unwrap();
                let resume = world.resume();
                let done = match visit {
                    Visit::OtherHostAdopts => resume.adopt().run().await,
                    _ => resume.run().await,
                };
                let adopts = visit == Visit::OtherHostAdopts;
                let now = fs::read_to_string(&world.journal).unwrap();
                let untouched = now == elsewhere;
                if untouched {
                    // Back where it was begun.
                    fs::write(&world.journal, &journal).unwrap();
                }
                match (adopts, untouched) {
                    (false, true) if done.is_ok() => Err("another host has ended it".to_owned()),
                    (false, false) => Err("another host changed the journal".to_owned()),
                    (_, true) => changed("another host"),
                    (true, false) => Ok(()),
                }
            }
            Visit::OtherHost | Visit::OtherHostAdopts => Ok(()),
        }
    }
}

/// The journal as one that was begun on another host: the last plan's, or that of who adopted it.
fn elsewhere(journal: &str) -> Option<String> {
    let (before, host) = journal.split_at(journal.rfind("\"host\":{")?);
    Some(format!("{before}{}", host.replacen("\"name\":\"", "\"name\":\"not-", 1)))
}
