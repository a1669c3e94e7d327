//! The work on a fleet that many workers share: each takes the next key that nobody has.
//!
//! Which worker has a key is a matter of speed only. That no key is rotated twice, and that nothing is
//! begun twice, is held by its row, which is there once, and by the lease of its journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use ulid::Ulid;

use super::session::{Parameter, Problem};
use super::shared::{PATIENCE, Shared, unusable};
use crate::rotation::effects::rate_limit::RateLimit;
use crate::rotation::journal::queue::{End, Fate, Joining, Queue, Task, Turn};
use crate::rotation::report::RotationError;
use crate::rotation::system::host::Host;

/// Between two looks at what others do.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks at the server's wish to be left alone.
const LISTEN: Duration = Duration::from_millis(500);
/// How long a key that another has is left alone.
const IN_USE_MS: f64 = 5000.0;
/// How many keys one statement adds or looks up.
const MANY: usize = 1000;

/// A run is over when its workers are dead, and also when nothing is left in it: then a new one tries
/// again what has failed.
const END_OVER: &str = "update kernel_keys.runs r set over = true
where fleet = $1 and not over and (until <= clock_timestamp() or offered and not exists (
    select from kernel_keys.tasks t where t.run = r.id and t.state in ('waiting', 'taken')))";
const OFFERED: &str = "update kernel_keys.runs set offered = true where id = $1 and not offered";
const JOIN: &str = "with run as (
    insert into kernel_keys.runs (fleet, server, selects, until)
    values ($1, $2, $3, clock_timestamp() + $5 * interval '1 millisecond')
    on conflict (fleet) where not over do update set until = greatest(runs.until, excluded.until)
    returning id)
insert into kernel_keys.workers (name, run, until)
select $4, id, clock_timestamp() + $5 * interval '1 millisecond' from run
on conflict (name) do update set until = excluded.until returning run";
/// What workers of earlier runs had begun and not ended is gone on with, whoever lists its key.
const ADOPT: &str =
    "update kernel_keys.tasks t set run = $1, state = 'waiting', again = true, worker = null
where run in (select id from kernel_keys.runs
    where fleet = $2 and id <> $1 and (over or until <= clock_timestamp()))
and (state = 'taken' and not exists (select from kernel_keys.workers w
    where w.name = t.worker and w.until > clock_timestamp())
    or state in ('failed', 'waiting') and exists (
        select from kernel_keys.journals j where j.open and 'postgres:' || j.name = journal))";
/// A key that a rotation has made within the hour is not picked, also where the rotation has not said
/// yet which one that is: its store is in its hands. Nor is one whose turn is another fleet's.
const OFFER: &str = "insert into kernel_keys.tasks as t (server, key_id, run, name, store, journal, host)
select $1, o.key_id, $2, o.name, o.store, o.journal, o.host
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    as o (key_id, name, store, journal, host)
where not exists (select from kernel_keys.tasks other where other.server = $1
    and other.journal = o.journal and other.key_id <> o.key_id and (other.state = 'taken'
    or other.state = 'rotated' and other.changed > clock_timestamp() - interval '1 hour'))
and not exists (select from kernel_keys.tasks other where other.server = $1
    and other.new_id = o.key_id and other.changed > clock_timestamp() - interval '1 hour')
order by o.key_id
on conflict (server, key_id) do update set run = $2, name = excluded.name, store = excluded.store,
    journal = excluded.journal, host = excluded.host, state = 'waiting', again = true, worker = null,
    later = null, why = null, changed = clock_timestamp()
where t.run <> $2 and t.state <> 'rotated' and (t.state <> 'taken' or t.journal = excluded.journal
        and not exists (select from kernel_keys.workers w
            where w.name = t.worker and w.until > clock_timestamp()))
    and exists (select from kernel_keys.runs r
        where r.id = t.run and (r.over or r.until <= clock_timestamp()))";
/// What another had begun comes first: two keys live there where one should.
const CLAIM: &str = "with next as (
    select server, key_id from kernel_keys.tasks
    where run = $1 and state = 'waiting' and (host is null or host = $2) and key_id <> all($6)
        and (later is null or later <= clock_timestamp())
        and (select failures from kernel_keys.runs where id = $1) < $5
    order by again desc, key_id limit 1 for update skip locked)
update kernel_keys.tasks t set state = 'taken', worker = $3, claim = $4, changed = clock_timestamp()
from next where t.server = next.server and t.key_id = next.key_id
returning t.key_id, t.journal, t.again, t.name";
const CLAIMED: &str = "select key_id, journal, again, name from kernel_keys.tasks
where run = $1 and state = 'taken' and worker = $2 and claim = $3";
const LEFT: &str = "select count(*), (select failures from kernel_keys.runs where id = $1)
from kernel_keys.tasks
where run = $1 and state in ('waiting', 'taken') and (host is null or host = $2) and key_id <> all($3)";
/// What dead workers have, and what this one does not know that it has: a claim that landed when it had
/// been given up. `$4`: the first claim that it has not made yet.
const RECLAIM: &str =
    "update kernel_keys.tasks t set state = 'waiting', again = true, worker = null
where run = $1 and state = 'taken' and (not exists (select from kernel_keys.workers w
        where w.name = t.worker and w.until > clock_timestamp())
    or worker = $2 and claim <> all($3) and claim < $4)";
const ROTATED: &str =
    "update kernel_keys.tasks set state = 'rotated', new_id = $5, why = null, changed = clock_timestamp()
where server = $1 and key_id = $2 and worker = $3 and claim = $4 and state = 'taken'";
const FAILED: &str = "with failed as (
    update kernel_keys.tasks set state = 'failed', why = $5, changed = clock_timestamp()
    where server = $1 and key_id = $2 and worker = $3 and claim = $4 and state = 'taken' returning run)
update kernel_keys.runs set failures = failures + 1 where id = (select run from failed)";
const GIVE_BACK: &str =
    "update kernel_keys.tasks set state = 'waiting', again = true, worker = null,
    later = clock_timestamp() + $5 * interval '1 millisecond'
where server = $1 and key_id = $2 and worker = $3 and claim = $4 and state = 'taken'";
const FATES: &str = "select key_id, state, host, worker, why, run from kernel_keys.tasks
where server = $1 and key_id = any($2)";
const OTHERS: &str = "select name from kernel_keys.workers
where run = $1 and name <> $2 and until > clock_timestamp()
    and (select failures from kernel_keys.runs where id = $1) < $3 limit 1";
/// A key that has no store here was not offered: then only what a rotation has made just now counts.
const MADE: &str = "select o.key_id from unnest($2::text[], $3::text[]) as o (key_id, journal)
where exists (select from kernel_keys.tasks other where other.server = $1
    and other.journal = o.journal and other.key_id <> o.key_id
    and other.state in ('taken', 'rotated'))
or exists (select from kernel_keys.tasks other where other.server = $1 and other.new_id = o.key_id
    and (o.journal is not null or other.changed > clock_timestamp() - interval '1 hour'))";
const RENEW: &str = "with worker as (
    update kernel_keys.workers set until = clock_timestamp() + $2 * interval '1 millisecond'
    where name = $1 returning run, until)
update kernel_keys.runs r set until = greatest(r.until, worker.until)
from worker where r.id = worker.run and not r.over";
const LEAVE: &str = "delete from kernel_keys.workers where name = $1";
/// In a statement of its own, so that of those who leave at the same time one sees that all have.
const LEFT_BY_ALL: &str = "update kernel_keys.runs set over = true where id = $1 and not exists (
    select from kernel_keys.workers where run = $1 and until > clock_timestamp())";
const HOLD_BACK: &str = "insert into kernel_keys.limits as l (server, until)
values ($1, clock_timestamp() + $2 * interval '1 millisecond')
on conflict (server) do update set until = greatest(l.until, excluded.until)
returning (extract(epoch from until - clock_timestamp()) * 1000)::float8";
const HELD_BACK: &str = "select (extract(epoch from until - clock_timestamp()) * 1000)::float8
from kernel_keys.limits where server = $1 and until > clock_timestamp()";

/// How a host is written down: by all that tells it from others, its name first.
pub(super) fn of_host(host: &Host) -> String {
    format!("{} {}", host.name, host.machine_id.as_deref().unwrap_or_default())
}

/// The host's name in that.
pub(super) fn host_name(written: &str) -> String {
    match written.split(' ').next().unwrap_or_default() {
        "" => "an unnamed host".to_owned(),
        name => name.to_owned(),
    }
}

/// A text of the database holds no NUL.
fn text(given: &str) -> String {
    given.replace('\0', "\u{FFFD}")
}

/// What one worker has of the work.
pub(super) struct SharedQueue {
    member: Arc<Member>,
    most_failures: i32,
    /// Renews the membership, and hears what the others were told.
    tasks: [JoinHandle<()>; 2],
}

/// A worker of a run.
struct Member {
    shared: Arc<Shared>,
    rate_limit: Arc<RateLimit>,
    server: String,
    run: i64,
    worker: String,
    host: String,
    /// The keys that this worker must not touch.
    spared: Vec<String>,
    claims: Mutex<Claims>,
}

/// What this worker has asked for: each claim has a number.
#[derive(Default)]
struct Claims {
    next: i64,
    live: Vec<i64>,
}

impl Claims {
    fn begin(&mut self) -> i64 {
        self.next += 1;
        self.live.push(self.next - 1);
        self.next - 1
    }

    fn end(&mut self, claim: i64) {
        self.live.retain(|live| *live != claim);
    }
}

impl SharedQueue {
    pub(super) async fn join(shared: &Arc<Shared>, joining: Joining) -> Result<Self, Problem> {
        let this = Host::this();
        let nonce = Ulid::from_parts(0, fastrand::u128(..)).to_string();
        // The end of the nonce tells apart two of one process.
        let worker = format!("{}:{}:{}", this, std::process::id(), &nonce[20..]);
        let until = Instant::now() + PATIENCE;
        let lease = shared.lease_ms();
        let Joining { server, .. } = &joining;
        let (fleet, selects) = (&text(&joining.fleet), &text(&joining.selects));
        let session = &shared.session;
        session.query_until(until, END_OVER, &[(fleet, Type::TEXT)]).await?;
        let rows = session
            .query_until(
                until,
                JOIN,
                &[
                    (fleet, Type::TEXT),
                    (server, Type::TEXT),
                    (selects, Type::TEXT),
                    (&worker, Type::TEXT),
                    (&lease, Type::FLOAT8),
                ],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Err(Problem::last("no run was begun".to_owned()));
        };
        let run: i64 = row.get(0);
        session.query_until(until, ADOPT, &[(&run, Type::INT8), (fleet, Type::TEXT)]).await?;
        let member = Arc::new(Member {
            shared: Arc::clone(shared),
            rate_limit: joining.rate_limit,
            server: joining.server,
            run,
            worker,
            host: of_host(&this),
            spared: joining.spared,
            claims: Mutex::default(),
        });
        let tasks = [
            tokio::spawn(Arc::clone(&member).renew()),
            tokio::spawn(Arc::clone(&member).keep_to_the_limit()),
        ];
        let most_failures = i32::try_from(joining.most_failures).unwrap_or(i32::MAX);
        Ok(Self { member, most_failures, tasks })
    }

    /// Takes a key, once, however often it has to be asked for.
    async fn claim(&self) -> Result<Option<Turn>, Problem> {
        let claim = self.member.claims().begin();
        let claimed = self.claim_as(claim).await;
        if !matches!(claimed, Ok(Some(_))) {
            self.member.claims().end(claim);
        }
        claimed
    }

    async fn claim_as(&self, claim: i64) -> Result<Option<Turn>, Problem> {
        let Member { run, worker, host, spared, .. } = &*self.member;
        let parameters: &[Parameter<'_>] = &[
            (run, Type::INT8),
            (host, Type::TEXT),
            (worker, Type::TEXT),
            (&claim, Type::INT8),
            (&self.most_failures, Type::INT4),
            (spared, Type::TEXT_ARRAY),
        ];
        let rows = match self.member.shared.session.query(CLAIM, parameters).await {
            Err(problem) if problem.passes() => {
                let parameters: &[Parameter<'_>] =
                    &[(run, Type::INT8), (worker, Type::TEXT), (&claim, Type::INT8)];
                self.member.query(CLAIMED, parameters).await?
            }
            done => done?,
        };
        Ok(rows.first().map(|row| Turn {
            key_id: row.get(0),
            journal: row.get(1),
            again: row.get(2),
            name: row.get(3),
            claim,
        }))
    }

    async fn next_turn(&self) -> Result<Option<Turn>, Problem> {
        let Member { run, host, spared, .. } = &*self.member;
        let of_ours =
            [(run as _, Type::INT8), (host as _, Type::TEXT), (spared as _, Type::TEXT_ARRAY)];
        loop {
            if let Some(turn) = self.claim().await? {
                return Ok(Some(turn));
            }
            let rows = self.member.query(LEFT, &of_ours).await?;
            let (left, failures) = rows.first().map_or((0, 0), |row| {
                (row.get::<_, i64>(0), row.get::<_, Option<i32>>(1).unwrap_or_default())
            });
            if left == 0 || failures >= self.most_failures {
                return Ok(None);
            }
            // Others are at them, and may die.
            sleep(LOOK).await;
            self.member.reclaim().await?;
        }
    }

    async fn all_fates(
        &self,
        keys: &[(String, Option<String>)],
    ) -> Result<HashMap<String, Fate>, Problem> {
        let member = &*self.member;
        let server = (&member.server as _, Type::TEXT);
        let mut fates = HashMap::new();
        if keys.is_empty() {
            return Ok(fates);
        }
        let of_run = [
            (&member.run as _, Type::INT8),
            (&member.worker as _, Type::TEXT),
            (&self.most_failures as _, Type::INT4),
        ];
        let others = !member.query(OTHERS, &of_run).await?.is_empty();
        for keys in keys.chunks(MANY) {
            let (ids, journals): (Vec<_>, Vec<_>) =
                keys.iter().map(|(id, journal)| (id, journal.as_ref())).unzip();
            let ids = (&ids as _, Type::TEXT_ARRAY);
            let journals = (&journals as _, Type::TEXT_ARRAY);
            for row in member.query(MADE, &[server.clone(), ids.clone(), journals]).await? {
                fates.insert(row.get(0), Fate::JustMade);
            }
            for row in member.query(FATES, &[server.clone(), ids]).await? {
                fates.insert(row.get(0), fate(&row, member, others));
            }
        }
        Ok(fates)
    }
}

fn fate(row: &Row, member: &Member, others: bool) -> Fate {
    let text = |column| row.get::<_, Option<String>>(column).unwrap_or_default();
    let (state, host) = (row.get::<_, &str>(1), row.get::<_, Option<&str>>(2));
    match state {
        "rotated" => Fate::Rotated { worker: text(3) },
        "failed" => Fate::Failed { worker: text(3), why: text(4) },
        "taken" => Fate::UnderWay { worker: text(3) },
        _ => match host.filter(|host| *host != member.host) {
            Some(host) => Fate::OfHost { host: host_name(host) },
            None if row.get::<_, i64>(5) != member.run => Fate::OfFleet,
            None if others => Fate::OfOthers,
            None => Fate::Waiting,
        },
    }
}

impl Member {
    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets those have another turn whose worker is dead, or does not know of them.
    async fn reclaim(&self) -> Result<(), Problem> {
        let (live, next) = {
            let claims = self.claims();
            (claims.live.clone(), claims.next)
        };
        let parameters: &[Parameter<'_>] = &[
            (&self.run, Type::INT8),
            (&self.worker, Type::TEXT),
            (&live, Type::INT8_ARRAY),
            (&next, Type::INT8),
        ];
        self.query(RECLAIM, parameters).await.map(drop)
    }

    /// A statement that may be done twice, for as long as the lease lasts.
    async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Problem> {
        let until = Instant::now() + self.shared.lease.max(PATIENCE);
        self.shared.session.query_until(until, sql, parameters).await
    }

    async fn renew(self: Arc<Self>) {
        let lease = self.shared.lease_ms();
        loop {
            sleep(self.shared.lease / 3).await;
            let parameters: &[Parameter<'_>] =
                &[(&self.worker, Type::TEXT), (&lease, Type::FLOAT8)];
            // Otherwise others take its keys over, and its journals say so.
            let _ = self.query(RENEW, parameters).await;
            // Also while there is enough else to do.
            let _ = self.reclaim().await;
        }
    }

    /// A wait that the server asked of one worker is kept by all.
    async fn keep_to_the_limit(self: Arc<Self>) {
        let mut heard = Duration::ZERO;
        loop {
            sleep(LISTEN).await;
            let told = self.rate_limit.until() > heard.saturating_add(LISTEN / 2);
            let left = self.rate_limit.left().as_secs_f64() * 1000.0;
            let server = (&self.server as _, Type::TEXT);
            let rows = match told && left > 0.0 {
                true => self.query(HOLD_BACK, &[server, (&left, Type::FLOAT8)]).await,
                false => self.query(HELD_BACK, &[server]).await,
            };
            if let Some(left) = rows.ok().and_then(|rows| rows.first().map(|row| row.get(0))) {
                let left = Duration::try_from_secs_f64(f64::max(left, 0.0) / 1000.0);
                self.rate_limit.hold_back(left.unwrap_or_default());
                heard = self.rate_limit.until();
            }
        }
    }
}

impl Queue for SharedQueue {
    fn offer(&self, tasks: Vec<Task>) -> BoxFuture<'_, Result<(), RotationError>> {
        Box::pin(async move {
            let Member { run, server, .. } = &*self.member;
            for tasks in tasks.chunks(MANY) {
                let column = |of: fn(&Task) -> &String| {
                    tasks.iter().map(|task| text(of(task))).collect::<Vec<_>>()
                };
                let hosts: Vec<_> =
                    tasks.iter().map(|task| task.host.as_ref().map(of_host)).collect();
                let columns = [
                    column(|task| &task.key_id),
                    column(|task| &task.name),
                    column(|task| &task.store),
                    column(|task| &task.journal),
                ];
                let mut parameters: Vec<Parameter<'_>> =
                    vec![(server, Type::TEXT), (run, Type::INT8)];
                parameters.extend(columns.iter().map(|it| (it as _, Type::TEXT_ARRAY)));
                parameters.push((&hosts, Type::TEXT_ARRAY));
                self.member.query(OFFER, &parameters).await.map_err(|it| unusable(&it))?;
            }
            let offered = self.member.query(OFFERED, &[(run, Type::INT8)]).await;
            offered.map(drop).map_err(|problem| unusable(&problem))
        })
    }

    fn next(&self) -> BoxFuture<'_, Result<Option<Turn>, RotationError>> {
        Box::pin(async { self.next_turn().await.map_err(|problem| unusable(&problem)) })
    }

    fn end<'a>(&'a self, turn: &'a Turn, end: End) -> BoxFuture<'a, Result<(), RotationError>> {
        Box::pin(async move {
            let Member { server, worker, .. } = &*self.member;
            let why = match &end {
                End::Failed { why } => text(why),
                _ => String::new(),
            };
            let (sql, fifth): (_, Parameter<'_>) = match &end {
                End::Rotated { new_id } => (ROTATED, (new_id, Type::TEXT)),
                End::Failed { .. } => (FAILED, (&why, Type::TEXT)),
                End::InUse => (GIVE_BACK, (&IN_USE_MS, Type::FLOAT8)),
                End::Left => (GIVE_BACK, (&0.0_f64, Type::FLOAT8)),
            };
            let parameters = [
                (server as _, Type::TEXT),
                (&turn.key_id as _, Type::TEXT),
                (worker as _, Type::TEXT),
                (&turn.claim as _, Type::INT8),
                fifth,
            ];
            self.member.query(sql, &parameters).await.map_err(|problem| unusable(&problem))?;
            self.member.claims().end(turn.claim);
            Ok(())
        })
    }

    fn fates(
        &self,
        keys: Vec<(String, Option<String>)>,
    ) -> BoxFuture<'_, Result<HashMap<String, Fate>, RotationError>> {
        Box::pin(async move { self.all_fates(&keys).await.map_err(|problem| unusable(&problem)) })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.tasks.iter().for_each(JoinHandle::abort);
            // Otherwise its membership ends by itself.
            let until = Instant::now() + PATIENCE;
            let session = &self.member.shared.session;
            let worker: Parameter<'_> = (&self.member.worker, Type::TEXT);
            if session.query_until(until, LEAVE, &[worker]).await.is_ok() {
                let run: Parameter<'_> = (&self.member.run, Type::INT8);
                let _ = session.query_until(until, LEFT_BY_ALL, &[run]).await;
            }
        })
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Drop for SharedQueue {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
