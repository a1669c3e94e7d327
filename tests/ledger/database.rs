//! The database under test, asked by PostgreSQL's own programs.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onkernel::rotation::PostgresJournals;

/// The least that there is, so that a takeover is soon.
pub const LEASE: Duration = Duration::from_secs(3);

/// One test at a time: some stop the server, and some look at all rows.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Database {
    /// How the workers reach it, maybe through a pooler.
    pub url: String,
    /// The server itself.
    pub direct: String,
    _alone: MutexGuard<'static, ()>,
}

impl Database {
    /// Empty; `None`, and a line, where there is none.
    pub fn fresh() -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(url) = std::env::var("ONKERNEL_REAL_POSTGRES") else {
            println!("skipped: ONKERNEL_REAL_POSTGRES names no database");
            return None;
        };
        let direct = std::env::var("ONKERNEL_REAL_POSTGRES_DIRECT").unwrap_or_else(|_| url.clone());
        let database = Self { url, direct, _alone: alone };
        database.sql("drop schema if exists kernel_keys cascade");
        Some(database)
    }

    pub fn journals(&self) -> PostgresJournals {
        PostgresJournals::new(&self.url).unwrap().lease(LEASE)
    }

    pub async fn ready(&self) -> PostgresJournals {
        let journals = self.journals();
        journals.migrate().await.unwrap();
        journals
    }

    /// What a statement shows, a line a row.
    pub fn sql(&self, statement: &str) -> String {
        run(Command::new("psql")
            .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement])
            .arg(&self.direct))
    }

    /// All that is in it, as text.
    pub fn dump(&self) -> String {
        run(Command::new("pg_dump").arg(&self.direct))
    }

    /// Has the server, or the pooler, stopped and started again, as the script says; `None` where it
    /// says nothing.
    pub fn disturb(what: &str) -> Option<Command> {
        let mut command = Command::new("bash");
        command.args(["-c", &std::env::var(what).ok()?]);
        Some(command)
    }
}

pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command:?}: {error}");
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}
