//! A journal in PostgreSQL that is held: by a lease, which the database's clock ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::Type;
use ulid::Ulid;

use super::session::{Parameter, Problem};
use super::shared::{PATIENCE, Shared, error, shown};
use crate::rotation::effects::hold::Hold;
use crate::rotation::journal::JournalError;
use crate::rotation::journal::records::{Claim, Lines};

/// How long a lease may take to be given back, with the connection made anew meanwhile.
const RELEASE: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Done twice by the same owner it is the same: another lease of his.
const CLAIM: &str = "insert into kernel_keys.journals as j (name, owner, epoch, until)
values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (name) do update set owner = $2, epoch = j.epoch + 1,
    until = clock_timestamp() + $3 * interval '1 millisecond'
where j.until is null or j.until <= clock_timestamp() or j.owner = $2
returning epoch, seq";
/// The row's lock lets one statement after another through; the number lets each record in once.
const APPEND: &str = "with held as (
    update kernel_keys.journals set seq = $4, open = $6, changed = clock_timestamp(),
        until = clock_timestamp() + $7 * interval '1 millisecond'
    where name = $1 and owner = $2 and epoch = $3 and seq = $4 - 1 returning name)
insert into kernel_keys.records (journal, seq, epoch, owner, line)
select name, $4, $3, $2, $5 from held returning seq";
const IS_THERE: &str = "select seq from kernel_keys.records
where journal = $1 and owner = $2 and epoch = $3 and seq = $4";
const RENEW: &str = "update kernel_keys.journals
set until = clock_timestamp() + $4 * interval '1 millisecond'
where name = $1 and owner = $2 and epoch = $3 returning epoch";
/// What holds no record is not left behind.
const RELEASE_EMPTY: &str =
    "delete from kernel_keys.journals where name = $1 and owner = $2 and epoch = $3 and seq = 0";
const RELEASE_HELD: &str = "update kernel_keys.journals set until = null
where name = $1 and owner = $2 and epoch = $3";

/// Who holds a journal: nobody else ever bears this name, so an epoch that comes again after the
/// database has lost its last records is not mistaken for the same.
#[derive(Clone)]
struct Holder {
    shared: Arc<Shared>,
    name: String,
    owner: String,
    epoch: i64,
    hold: Hold,
}

/// Takes the journal, or says that it is taken.
pub(super) async fn claim(shared: &Arc<Shared>, name: &str) -> Result<Lines, JournalError> {
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    let owner = Ulid::from_parts(0, fastrand::u128(..)).to_string();
    let cannot = |problem| error(&name, "cannot be taken", &problem);
    let asked = Instant::now();
    let lease = shared.lease_ms();
    let parameters: &[Parameter<'_>] =
        &[(&name, Type::TEXT), (&owner, Type::TEXT), (&lease, Type::FLOAT8)];
    let claimed = shared.session.query_until(asked + PATIENCE, CLAIM, parameters).await;
    let claimed = claimed.map_err(cannot)?;
    let Some(row) = claimed.first() else {
        return Err(JournalError::in_use(&shown(&name)));
    };
    let (epoch, seq): (i64, i32) = (row.get(0), row.get(1));
    // Reckoned from before the answer may have been delayed, so it ends here before it does there.
    let hold = Hold::until(asked + shared.lease);
    let holder = Holder { shared: Arc::clone(&shared), name: name.clone(), owner, epoch, hold };
    let (release, released) = oneshot::channel();
    tokio::spawn(holder.clone().renew(released));
    let claim = LeaseClaim { holder, seq, _release: release };
    // Nobody else can add to it any more.
    let bytes = shared.lines(&name).await?;
    Ok(Lines { bytes, claim: Box::new(claim) })
}

impl Holder {
    fn named(&self) -> [Parameter<'_>; 3] {
        [(&self.name, Type::TEXT), (&self.owner, Type::TEXT), (&self.epoch, Type::INT8)]
    }

    /// Renews the lease until it is given back, or lost.
    async fn renew(self, mut released: oneshot::Receiver<()>) {
        // However this task ends, nobody waits for it any more.
        let _end = End(self.hold.clone());
        let lease = self.shared.lease_ms();
        let mut wait = self.shared.lease / 3;
        while self.hold.why_lost().is_none() {
            // An error is the other end of the channel, dropped with the claim.
            if timeout(wait, &mut released).await.is_ok() {
                break;
            }
            let asked = Instant::now();
            let mut parameters = self.named().to_vec();
            parameters.push((&lease, Type::FLOAT8));
            wait = self.shared.lease / 3;
            match self.shared.session.query(RENEW, &parameters).await {
                Ok(rows) if rows.is_empty() => self.hold.lose(TAKEN),
                Ok(_) => self.hold.renew(asked + self.shared.lease),
                Err(problem) if problem.passes() => wait = LONGEST_WAIT.min(wait),
                Err(problem) => self.hold.lose(problem.to_string()),
            }
        }
        let until = Instant::now() + RELEASE;
        for release in [RELEASE_EMPTY, RELEASE_HELD] {
            // Otherwise the lease ends by itself.
            let _ = self.shared.session.query_until(until, release, &self.named()).await;
        }
    }

    /// Adds the record of this number, once, however often it has to be sent.
    async fn append(&self, seq: i32, line: &str, open: bool) -> Result<(), JournalError> {
        let lease = self.shared.lease_ms();
        let mut parameters = self.named().to_vec();
        parameters.extend([(&seq as _, Type::INT4), (&line as _, Type::TEXT)]);
        parameters.extend([(&open as _, Type::BOOL), (&lease as _, Type::FLOAT8)]);
        let mut wait = FIRST_WAIT;
        while self.hold.why_lost().is_none() {
            let asked = Instant::now();
            let problem = match self.shared.session.query(APPEND, &parameters).await {
                Ok(rows) if !rows.is_empty() => {
                    self.hold.renew(asked + self.shared.lease);
                    return Ok(());
                }
                // It was there before, since an attempt seemed to fail, or the journal is another's.
                Ok(_) => match self.shared.session.query(IS_THERE, &parameters[..4]).await {
                    Ok(rows) if !rows.is_empty() => return Ok(()),
                    Ok(_) => Problem::last(TAKEN.to_owned()),
                    Err(problem) => problem,
                },
                Err(problem) => problem,
            };
            if !problem.passes() {
                self.hold.lose(problem.to_string());
            }
            sleep(wait.min(self.hold.left())).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        let why = self.hold.why_lost().unwrap_or_default();
        Err(JournalError::new(&shown(&self.name), format_args!("cannot be written: {why}")))
    }
}

const TAKEN: &str = "another has taken it over, or the database has lost its last records";

/// Tells that nobody renews it any more, however that came.
struct End(Hold);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The journal, held for as long as this lives.
struct LeaseClaim {
    holder: Holder,
    /// Of the last record.
    seq: i32,
    _release: oneshot::Sender<()>,
}

impl Claim for LeaseClaim {
    /// When this fails it is not known whether the record is there. Then the journal is lost, and
    /// what the record announces is not done.
    fn append(&mut self, line: Vec<u8>, open: bool) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move {
            let line = String::from_utf8_lossy(&line);
            self.holder.append(self.seq + 1, &line, open).await?;
            self.seq += 1;
            Ok(())
        })
    }

    fn hold(&self) -> Option<Hold> {
        Some(self.holder.hold.clone())
    }
}
