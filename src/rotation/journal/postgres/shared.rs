//! What the journals of a database share, and how one of them is read and called.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::schema;
use super::session::{Parameter, Problem, Session};
use crate::rotation::journal::JournalError;
use crate::rotation::report::RotationError;

/// How long the database may take to be there.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
const WAIT: Duration = Duration::from_millis(500);

pub(super) struct Shared {
    pub(super) session: Session,
    pub(super) lease: Duration,
}

impl Shared {
    pub(super) fn lease_ms(&self) -> f64 {
        self.lease.as_secs_f64() * 1000.0
    }

    /// Fails where the tables are of a newer version.
    pub(super) async fn known(&self) -> Result<(), RotationError> {
        let known = patiently(|| schema::known(&self.session)).await;
        known.map(drop).map_err(|problem| unusable(&problem))
    }

    /// What a statement shows; nothing where there are no tables yet.
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Problem> {
        let none = [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME];
        match self.session.query_until(Instant::now() + PATIENCE, sql, parameters).await {
            Err(problem) if problem.is(&none) => Ok(Vec::new()),
            rows => rows,
        }
    }

    /// The lines of the journal of this name.
    pub(super) async fn lines(&self, name: &str) -> Result<Vec<u8>, JournalError> {
        let sql = "select line from kernel_keys.records where journal = $1 order by seq";
        let rows = self
            .rows(sql, &[(&name, Type::TEXT)])
            .await
            .map_err(|problem| error(name, "cannot be read", &problem))?;
        let mut bytes = Vec::new();
        for row in rows {
            bytes.extend_from_slice(row.get::<_, &str>(0).as_bytes());
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

/// Does it again while the database may yet be there.
pub(super) async fn patiently<T, F>(done: impl Fn() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        match done().await {
            Err(problem) if problem.passes() && Instant::now() < until => sleep(WAIT).await,
            done => return done,
        }
    }
}

/// How an error calls a journal.
pub(super) fn shown(name: &str) -> String {
    format!("postgres:{name}")
}

pub(super) fn error(name: &str, what: &str, problem: &Problem) -> JournalError {
    JournalError::new(&shown(name), format_args!("{what}: PostgreSQL: {problem}"))
}

pub(super) fn unusable(problem: &Problem) -> RotationError {
    RotationError::unchanged(format!("the journals in PostgreSQL cannot be used: {problem}"))
}
