//! A worker in a process of its own: this test program, which rotates the key that its environment
//! names, and says each step before and after it is done.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use futures_core::future::BoxFuture;
use onkernel::rotation::{PostgresJournals, Probe};
use onkernel::testing::Server;

use crate::database::{Database, LEASE};
use crate::fleet::{ALL, Fleets, Kind, fleet, in_words};
use crate::world::{World, connect, path, rotation};

/// Says an effect, so that whoever reads it can stop the process there.
struct Says;

impl Probe for Says {
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()> {
        let when = if done { "after" } else { "before" };
        say(&format!("{when} {effect}"));
        Box::pin(std::future::ready(()))
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "worker: {line}").and_then(|()| out.flush());
    // The reader allows each step.
    let mut allowed = String::new();
    let _ = std::io::stdin().lock().read_line(&mut allowed);
}

// A step that waits for its permission must not hold up the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let Ok(server) = std::env::var("LEDGER_SERVER") else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    let client = connect(&server, &variable("LEDGER_KEY"));
    let journals = PostgresJournals::new(&variable("LEDGER_DATABASE")).unwrap().lease(LEASE);
    if let Ok(folder) = std::env::var("LEDGER_FLEET") {
        let kind = Kind::named(&variable("LEDGER_KIND"));
        let given = (&client, folder.as_ref(), &journals);
        let fleet = fleet(given, ALL, kind, Some(Arc::new(Says)));
        return match fleet.run().await {
            Ok(rotated) => rotated.iter().for_each(|(key, became)| say(&in_words(key, became))),
            Err(error) => say(&format!("failed: {error}")),
        };
    }
    let store = path(&variable("LEDGER_STORE"));
    let rotation = rotation(&client, &store, &journals).probe(Arc::new(Says));
    match rotation.run().await {
        Ok(_) => say("rotated"),
        Err(error) if error.is_lost() => say(&format!("lost: {error}")),
        Err(error) => say(&format!("failed: {error}")),
    }
}

/// Such a process.
pub struct Worker {
    pub child: Child,
    said: BufReader<ChildStdout>,
    waits: bool,
}

impl Worker {
    pub fn start(world: &World, database: &Database) -> Self {
        Self::of(&world.server, ("LEDGER_STORE", &world.store.0), database, &[])
    }

    /// One of a fleet.
    pub fn of_fleet(world: &Fleets, database: &Database) -> Self {
        Self::of_fleet_under(&[], world, database)
    }

    /// The same, with a program as its parent that sets its clock.
    pub fn of_fleet_under(program: &[&str], world: &Fleets, database: &Database) -> Self {
        let files = ["env".to_owned(), format!("LEDGER_KIND={:?}", world.kind)];
        let under: Vec<_> =
            files.iter().map(String::as_str).chain(program.iter().copied()).collect();
        Self::of(&world.server, ("LEDGER_FLEET", world.folder.path()), database, &under)
    }

    fn of(
        server: &Server,
        (name, path): (&str, &Path),
        database: &Database,
        under: &[&str],
    ) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = match under {
            [program, more @ ..] => {
                let mut command = Command::new(program);
                command.args(more).arg(this);
                command
            }
            [] => Command::new(this),
        };
        let mut child = command
            .args(["--exact", "worker::worker", "--nocapture"])
            .env("LEDGER_SERVER", server.url())
            .env("LEDGER_KEY", server.bootstrap_key())
            .env("LEDGER_DATABASE", &database.url)
            .env(name, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said, waits: false }
    }

    /// The next that it says; `None` when it is over.
    pub fn next(&mut self) -> Option<String> {
        self.go_on();
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            // The test harness writes its own words before ours, without ending the line.
            if let Some((_, said)) = line.trim_end().split_once("worker: ") {
                self.waits = true;
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Until it says this.
    pub fn until(&mut self, what: &str) {
        let mut said = Vec::new();
        while said.last().is_none_or(|last| last != what) {
            let Some(next) = self.next() else {
                panic!("it ended before {what}: {:?}", said.split_off(said.len().saturating_sub(9)))
            };
            said.push(next);
        }
    }

    /// Allows the step that it said last.
    pub fn go_on(&mut self) {
        if std::mem::take(&mut self.waits) {
            let _ = self.child.stdin.as_mut().unwrap().write_all(b"\n");
        }
    }

    /// All the rest that it says.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Sends it a signal, by its id.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        // Until one of its threads has taken the signal, the others run on.
        let state =
            || Command::new("ps").args(["-o", "state=", "-p", &id]).output().unwrap().stdout;
        while name == "-STOP" && !state().starts_with(b"T") {}
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
