//! The connection: one for all journals of a process, made anew when it is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, Row};

use super::tls::Tls;

/// How long one attempt may take at most: a connection may be lost without a word.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Why a statement has no result.
#[derive(Debug)]
pub(super) struct Problem {
    text: String,
    code: Option<SqlState>,
    /// It may be otherwise in a while. Whether the statement was done is not known.
    passes: bool,
}

impl Problem {
    pub(super) fn last(text: String) -> Self {
        Self { text, code: None, passes: false }
    }

    fn passing(text: String) -> Self {
        Self { text, code: None, passes: true }
    }

    pub(super) fn passes(&self) -> bool {
        self.passes
    }

    pub(super) fn is(&self, codes: &[SqlState]) -> bool {
        self.code.as_ref().is_some_and(|code| codes.contains(code))
    }

    pub(super) fn explained(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let text = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            // A certificate that is not trusted now is not trusted in a while.
            let passes = !is_untrusted(&error);
            return Self { text, code: None, passes };
        };
        // Its details may quote what a row holds.
        let (code, text) = (said.code(), said.message());
        let class = &code.code()[..2];
        // The connection, the server's resources, a shutdown or start, a conflict, a standby.
        let passes = ["08", "53", "57", "40"].contains(&class)
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            || *code == SqlState::LOCK_NOT_AVAILABLE;
        Self { text: format!("{text} ({})", code.code()), code: Some(code.clone()), passes }
    }
}

fn is_untrusted(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let cause = source.and_then(|source| source.downcast_ref::<io::Error>());
    let cause = cause.and_then(io::Error::get_ref);
    let cause = cause.and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

pub(super) struct Session {
    config: Config,
    tls: Tls,
    client: Mutex<Option<Arc<Client>>>,
    attempt: Duration,
}

impl Session {
    pub(super) fn new(config: Config, tls: Tls) -> Self {
        Self { config, tls, client: Mutex::default(), attempt: LONGEST_ATTEMPT }
    }

    /// An attempt without a response is over so soon that another fits into this time.
    pub(super) fn within(self, time: Duration) -> Self {
        Self { attempt: LONGEST_ATTEMPT.min(time / 3), ..self }
    }

    /// One statement, without a name and in a transaction of its own: it passes every pooler.
    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Problem> {
        let client = self.client().await?;
        let done = timeout(self.attempt, client.query_typed(sql, parameters)).await;
        self.judge(&client, done).await
    }

    /// The same for one that takes no parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Problem> {
        let client = self.client().await?;
        let done = timeout(self.attempt, client.batch_execute(sql)).await;
        self.judge(&client, done).await
    }

    /// The statement, again and again until this moment, for one that may be done twice.
    pub(super) async fn query_until(
        &self,
        moment: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Problem> {
        let mut wait = FIRST_WAIT;
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            match timeout(left, self.query(sql, parameters)).await {
                Ok(Err(problem)) if problem.passes() && wait < left => {
                    sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Ok(done) => return done,
                Err(_) => return Err(Problem::passing("it does not respond".to_owned())),
            }
        }
    }

    async fn judge<T>(
        &self,
        client: &Arc<Client>,
        done: Result<Result<T, Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Problem> {
        let problem = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => Problem::from(error),
            Err(_) => Problem::passing("it does not respond".to_owned()),
        };
        if problem.passes() {
            // Not again on this connection, unless another has been made already.
            let mut current = self.client.lock().await;
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
                *current = None;
            }
        }
        Err(problem)
    }

    async fn client(&self) -> Result<Arc<Client>, Problem> {
        let mut current = self.client.lock().await;
        if let Some(client) = current.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let (client, connection) = timeout(self.attempt, self.config.connect(self.tls.clone()))
            .await
            .map_err(|_| Problem::passing("it does not respond".to_owned()))??;
        // It ends with the client, or with an error that the client's next statement shows.
        tokio::spawn(connection);
        let client = Arc::new(client);
        *current = Some(Arc::clone(&client));
        Ok(client)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
