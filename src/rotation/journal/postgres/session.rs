//! The connection: one for all journals of a process, made anew when it is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, io};

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::{DbError, SqlState};
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
        let class = code.code().get(..2).unwrap_or_default();
        // The connection, the server's resources, a shutdown or start, a conflict, a standby.
        let passes = (["08", "53", "57", "40"].contains(&class) && !is_rejected_by_a_pooler(said))
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            || *code == SqlState::LOCK_NOT_AVAILABLE;
        Self { text: format!("{text} ({})", code.code()), code: Some(code.clone()), passes }
    }
}

fn is_untrusted(error: &Error) -> bool {
    let cause = cause(error).and_then(io::Error::get_ref);
    let cause = cause.and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

/// pgbouncer has one code for all that it says itself, and passes on under it why the server would not
/// let it in.
fn is_rejected_by_a_pooler(said: &DbError) -> bool {
    const FINAL: [&str; 4] =
        ["authentication failed", "no such database", "no such user", "does not exist"];
    *said.code() == SqlState::PROTOCOL_VIOLATION
        && FINAL.iter().any(|words| said.message().contains(words))
}

/// Whether a way that has never led to a server may do so in a while: not one that does not exist, or at
/// whose end is something else.
fn may_come_up(error: &Error) -> bool {
    use io::ErrorKind as Kind;
    let Some(cause) = cause(error) else { return error.is_closed() };
    match cause.kind() {
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::NotConnected
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::TimedOut
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        // A socket in the file system goes with its server.
        | Kind::NotFound => true,
        // Said by the driver of a standby that may be promoted; by the system it stays so.
        Kind::PermissionDenied => cause.raw_os_error().is_none(),
        _ => false,
    }
}

fn cause(error: &Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

pub(super) struct Session {
    config: Config,
    tls: Tls,
    client: Mutex<Option<Arc<Client>>>,
    /// It was reached once, so that what is wrong now may pass.
    reached: AtomicBool,
    attempt: Duration,
}

impl Session {
    pub(super) fn new(config: Config, tls: Tls) -> Self {
        Self {
            config,
            tls,
            client: Mutex::default(),
            reached: AtomicBool::default(),
            attempt: LONGEST_ATTEMPT,
        }
    }

    /// The same, in which an attempt without a response is over so soon that another fits into this time.
    pub(super) fn within(&self, time: Duration) -> Self {
        let attempt = LONGEST_ATTEMPT.min(time / 3);
        Self { attempt, ..Self::new(self.config.clone(), self.tls.clone()) }
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

    /// Of several hosts only the last one's error is known.
    fn unreached(&self, error: Error) -> Problem {
        let may = error.as_db_error().is_some()
            || self.reached.load(Ordering::Relaxed)
            || self.config.get_hosts().len() > 1
            || may_come_up(&error);
        let problem = Problem::from(error);
        Problem { passes: problem.passes && may, ..problem }
    }

    async fn client(&self) -> Result<Arc<Client>, Problem> {
        let mut current = self.client.lock().await;
        if let Some(client) = current.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let (client, connection) = timeout(self.attempt, self.config.connect(self.tls.clone()))
            .await
            .map_err(|_| Problem::passing("it does not respond".to_owned()))?
            .map_err(|error| self.unreached(error))?;
        self.reached.store(true, Ordering::Relaxed);
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
