//! Journals in PostgreSQL: for fleets on many machines, any of which goes on where another has died.

mod address;
mod fleets;
mod lease;
mod queue;
mod schema;
mod session;
mod shared;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio_postgres::types::Type;

pub use self::fleets::{FleetKey, FleetKeys, FleetStatus, FleetWorker};
use self::queue::SharedQueue;
use self::session::{Parameter, Session};
use self::shared::{Shared, patiently, shown, unusable};
use super::history::History;
use super::ledger::{Journals, Ledger, journal_name};
use super::pending::Pending;
use super::queue::{Joining, Queue};
use super::records::{Lines, Records};
use super::{JournalAt, JournalError, read};
use crate::rotation::report::RotationError;
use crate::rotation::store::Store;
use crate::rotation::system::host::Host;

/// The journals of rotations in a PostgreSQL database, in its schema `kernel_keys`.
///
/// A rotation holds its journal by a lease, by the database's clock, and renews it. When it dies, whoever
/// [resumes](crate::rotation::RotationExt::resume) its journal after that goes on. Whoever loses the
/// lease begins nothing any more and ends with an error that [is lost](RotationError::is_lost).
///
/// It needs a tokio runtime. Every statement has no name and is a transaction of its own, so that it
/// passes a pooler. The database never sees a plaintext.
///
/// ```no_run
/// use onkernel::rotation::{FileStore, PostgresJournals, Retirement, RotationExt};
///
/// # async fn example(client: onkernel::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let journals = PostgresJournals::from_env()?;
/// journals.migrate().await?;
/// let store = FileStore::new("/etc/agent/kernel-key");
/// let report = client
///     .rotation_of(store.clone())
///     .journal(journals.of(&store))
///     .retire(Retirement::Delete)
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresJournals(Arc<Shared>);

impl PostgresJournals {
    /// The shortest lease: less could not be renewed in time.
    pub const SHORTEST_LEASE: Duration = Duration::from_secs(3);

    /// The database at this address: a URL, or libpq's `key=value`. What it leaves out is taken from
    /// libpq's `PG*` variables. Nothing is sent yet.
    ///
    /// # Errors
    /// The address, or a certificate that it names, cannot be used.
    pub fn new(address: &str) -> Result<Self, RotationError> {
        Self::at(Some(address))
    }

    /// The database of the environment: `DATABASE_URL`, and libpq's `PG*` variables. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_env() -> Result<Self, RotationError> {
        Self::at(address::environment("DATABASE_URL").as_deref())
    }

    fn at(address: Option<&str>) -> Result<Self, RotationError> {
        let (config, tls) =
            address::of(address, &address::environment).map_err(RotationError::unchanged)?;
        let lease = Duration::from_secs(60);
        Ok(Self(Arc::new(Shared { session: Session::new(config, tls), lease })))
    }

    /// How long a rotation whose process is dead keeps others from going on with it (60 s; at least 3, and
    /// at most a day). It must be the longest time for which the database may be away. Journals that were
    /// [made](Self::of) before keep the one that they have.
    #[must_use]
    pub fn lease(self, time: Duration) -> Self {
        let lease = time.clamp(Self::SHORTEST_LEASE, LONGEST_LEASE);
        Self(Arc::new(Shared { lease, session: self.0.session.within(lease) }))
    }

    /// Makes the schema, or brings it up to date, unless it is. Any number may do so at a time.
    /// Says which version was there before, and which is there now.
    ///
    /// # Errors
    /// The database cannot be reached, the role may not do it, or the schema is newer than this program.
    pub async fn migrate(&self) -> Result<(i32, i32), RotationError> {
        let done = patiently(|| schema::migrate(&self.0.session)).await;
        done.map_err(|problem| unusable(&problem))
    }

    /// Whether rotations could keep their journals here, found out without changing anything.
    ///
    /// # Errors
    /// What stands in the way: the database cannot be reached or is read-only, its schema is not there or
    /// of another version, or the role lacks a right, which is named.
    pub async fn check(&self) -> Result<(), RotationError> {
        schema::check(&self.0.session).await.map_err(|problem| unusable(&problem))
    }

    /// The journal of a store. One that belongs to a host has one on every host.
    pub fn of(&self, store: &dyn Store) -> JournalAt {
        let host = (!store.shared()).then(Host::this);
        let host = host.map(|it| format!("\0{}\0{}", it.name, it.machine_id.unwrap_or_default()));
        let name = journal_name(&format!("{}{}", store.describe(), host.unwrap_or_default()));
        self.named(name.trim_end_matches(".jsonl"))
    }

    /// The journal of this name, whether it exists or not.
    pub fn named(&self, name: &str) -> JournalAt {
        let shared = Arc::clone(&self.0);
        JournalAt(Arc::new(PostgresRecords { shared, name: name.to_owned() }))
    }

    /// The journals that are not finished, of all hosts, in the order of their names.
    ///
    /// # Errors
    /// The database cannot be read. What is damaged in one journal is in its own result.
    pub async fn unfinished(
        &self,
    ) -> Result<Vec<(JournalAt, Result<Pending, RotationError>)>, RotationError> {
        self.0.known().await?;
        let sql = "select name from kernel_keys.journals where open order by name";
        let rows = self.0.rows(sql, &[]).await;
        let mut found = Vec::new();
        for row in rows.map_err(|problem| unusable(&problem))? {
            let at = self.named(row.get(0));
            let pending = read(&at).await.map_err(RotationError::from).map(Pending::of);
            found.extend(pending.transpose().map(|pending| (at, pending)));
        }
        Ok(found)
    }

    /// What rotations have done by the journal of each store, for whoever watches them.
    ///
    /// # Errors
    /// The database cannot be read. What is damaged in one journal is in its own result.
    pub async fn histories(
        &self,
    ) -> Result<Vec<(JournalAt, Result<History, RotationError>)>, RotationError> {
        self.0.known().await?;
        let sql = "select name from kernel_keys.journals order by name";
        let rows = self.0.rows(sql, &[]).await;
        let mut found = Vec::new();
        for row in rows.map_err(|problem| unusable(&problem))? {
            let at = self.named(row.get(0));
            let history = at.history().await;
            found.push((at, history));
        }
        Ok(found)
    }

    /// How far the fleets are whose workers share their work here: the last run of each, the latest
    /// first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn fleets(&self) -> Result<Vec<FleetStatus>, RotationError> {
        self.0.known().await?;
        fleets::all(&self.0).await.map_err(|problem| unusable(&problem))
    }

    /// Removes journals in which nothing is left to do and that nobody has written for this long, and
    /// what fleets have left of runs as old. Says how many journals.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune(&self, keep: Duration) -> Result<u64, RotationError> {
        self.0.known().await?;
        let seconds = keep.as_secs_f64();
        let parameters: &[Parameter<'_>] = &[(&seconds, Type::FLOAT8)];
        let mut removed = 0;
        for sql in [PRUNE_RUNS, PRUNE_JOURNALS] {
            let rows = self.0.rows(sql, parameters).await;
            removed = rows.map_err(|problem| unusable(&problem))?.len() as u64;
        }
        Ok(removed)
    }
}

/// A journal that nobody takes over for longer than that is a matter for a person.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// A run goes with its keys, unless one was begun and may have to be gone on with.
const PRUNE_RUNS: &str = "delete from kernel_keys.runs r
where (over or until <= clock_timestamp())
    and began < clock_timestamp() - $1 * interval '1 second'
    and not exists (select from kernel_keys.tasks t where t.run = r.id
        and (t.state = 'taken' or t.state <> 'rotated' and exists (select from kernel_keys.journals j
                where j.open and 'postgres:' || j.name = t.journal)
            or t.changed >= clock_timestamp() - $1 * interval '1 second'))";
const PRUNE_JOURNALS: &str = "delete from kernel_keys.journals where not open
    and (until is null or until <= clock_timestamp())
    and changed < clock_timestamp() - $1 * interval '1 second' returning name";

impl fmt::Debug for PostgresJournals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresJournals").field("lease", &self.0.lease).finish_non_exhaustive()
    }
}

impl From<PostgresJournals> for Journals {
    fn from(journals: PostgresJournals) -> Self {
        Self(Arc::new(journals))
    }
}

impl Ledger for PostgresJournals {
    fn prepare(&self) -> BoxFuture<'_, Result<(), RotationError>> {
        Box::pin(async { self.migrate().await.map(drop) })
    }

    fn of(&self, store: &dyn Store) -> JournalAt {
        Self::of(self, store)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Box<dyn Queue>, RotationError>> {
        Box::pin(async move {
            let joined = SharedQueue::join(&self.0, joining).await;
            joined.map(|it| Box::new(it) as _).map_err(|problem| unusable(&problem))
        })
    }
}

/// The records of one journal.
struct PostgresRecords {
    shared: Arc<Shared>,
    name: String,
}

impl Records for PostgresRecords {
    fn name(&self) -> String {
        shown(&self.name)
    }

    fn read(&self) -> BoxFuture<'_, Result<Vec<u8>, JournalError>> {
        Box::pin(self.shared.lines(&self.name))
    }

    fn claim(&self) -> BoxFuture<'_, Result<Lines, JournalError>> {
        Box::pin(lease::claim(&self.shared, &self.name))
    }
}

impl fmt::Debug for PostgresRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresRecords").field(&self.name).finish()
    }
}
