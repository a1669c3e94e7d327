//! How far fleets are, for whoever looks.

use std::slice::from_ref;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::queue::host_name;
use super::session::Problem;
use super::shared::Shared;

/// More failures, or keys under way, are not listed.
const MOST: i64 = 1000;

/// The last run of every fleet, whether it is over or not.
const RUNS: &str = "select r.id, r.server, r.selects, (extract(epoch from r.began) * 1000)::int8,
    exists (select from kernel_keys.workers w where w.run = r.id and w.until > clock_timestamp())
        and not r.over and (not r.offered or bool_or(t.state in ('waiting', 'taken'))),
    r.failures,
    count(t.key_id) filter (where t.state = 'waiting'), count(t.key_id) filter (where t.state = 'taken'),
    count(t.key_id) filter (where t.state = 'rotated'), count(t.key_id) filter (where t.state = 'failed'),
    (select (extract(epoch from l.until - clock_timestamp()) * 1000)::float8 from kernel_keys.limits l
        where l.server = r.server and l.until > clock_timestamp()),
    (extract(epoch from clock_timestamp()) * 1000)::int8
from (select distinct on (fleet) * from kernel_keys.runs order by fleet, id desc) r
left join kernel_keys.tasks t on t.run = r.id
group by r.id, r.server, r.selects, r.began, r.offered, r.over, r.failures order by r.id desc";
const WORKERS: &str = "select w.name, count(t.key_id)
from kernel_keys.workers w
left join kernel_keys.tasks t on t.run = w.run and t.worker = w.name and t.state = 'taken'
where w.run = $1 and w.until > clock_timestamp() group by w.name order by w.name";
const KEYS: &str = "select key_id, name, store, worker, why,
    (extract(epoch from changed) * 1000)::int8 from kernel_keys.tasks
where run = $1 and state = $2 order by changed desc, key_id limit $3";
const HOSTS: &str = "select host, count(*) from kernel_keys.tasks
where run = $1 and state = 'waiting' and host is not null group by host order by host";

/// How far a fleet is: its run that is under way, or the last one.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FleetStatus {
    /// The address of the API.
    pub server: String,
    /// What it selects, and its [name](crate::rotation::Fleet::named).
    pub selects: String,
    /// When it began, by the database's clock.
    pub began: DateTime<Utc>,
    /// When this was looked at, by the same clock.
    pub seen: DateTime<Utc>,
    /// Whether workers are at it, as far as leases show. Otherwise keys that are still under way were left by workers that
    /// died: the next run, or `resume`, goes on with them.
    pub under_way: bool,
    /// How many keys wait, are under way, were rotated, have failed.
    pub keys: FleetKeys,
    /// How long the server wants to be left alone by all workers, in milliseconds.
    pub held_back_ms: Option<u64>,
    /// The workers.
    pub workers: Vec<FleetWorker>,
    /// Keys that wait for a worker on the host that their store belongs to, with that host's name.
    pub waiting_for_hosts: Vec<(String, u64)>,
    /// The keys under way: at most 1000, those begun last first.
    pub rotating: Vec<FleetKey>,
    /// Those that failed, likewise.
    pub failed: Vec<FleetKey>,
}

/// How many keys of a fleet are where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FleetKeys {
    /// Not begun.
    pub waiting: u64,
    /// A worker is at them.
    pub under_way: u64,
    /// Done.
    pub rotated: u64,
    /// Rejected, undone, or needing attention.
    pub failed: u64,
}

/// A worker of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FleetWorker {
    /// Its host, its process, and what tells it from others.
    pub name: String,
    /// How many keys it is at.
    pub under_way: u64,
}

/// A key of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FleetKey {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What its store calls itself.
    pub store: String,
    /// Who has it, or had.
    pub worker: String,
    /// Why it failed.
    pub why: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

pub(super) async fn all(shared: &Shared) -> Result<Vec<FleetStatus>, Problem> {
    let mut all = Vec::new();
    for row in shared.rows(RUNS, &[]).await? {
        let run: i64 = row.get(0);
        let of_run = (&run as _, Type::INT8);
        let workers = shared.rows(WORKERS, from_ref(&of_run)).await?;
        let hosts = shared.rows(HOSTS, from_ref(&of_run)).await?;
        let keys = async |state: &str| {
            let parameters = [of_run.clone(), (&state as _, Type::TEXT), (&MOST as _, Type::INT8)];
            let rows = shared.rows(KEYS, &parameters).await?;
            Ok::<_, Problem>(rows.iter().map(key).collect())
        };
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        all.push(FleetStatus {
            server: row.get(1),
            selects: row.get(2),
            began: time(row.get(3)),
            seen: time(row.get(11)),
            under_way: row.get::<_, Option<bool>>(4).unwrap_or_default(),
            keys: FleetKeys {
                waiting: count(6),
                under_way: count(7),
                rotated: count(8),
                failed: count(9),
            },
            held_back_ms: row.get::<_, Option<f64>>(10).map(|left| left as u64),
            workers: workers.iter().map(worker).collect(),
            waiting_for_hosts: hosts
                .iter()
                .map(|row| (host_name(row.get(0)), row.get::<_, i64>(1) as u64))
                .collect(),
            rotating: keys("taken").await?,
            failed: keys("failed").await?,
        });
    }
    Ok(all)
}

fn worker(row: &Row) -> FleetWorker {
    FleetWorker { name: row.get(0), under_way: row.get::<_, i64>(1) as u64 }
}

fn key(row: &Row) -> FleetKey {
    FleetKey {
        id: row.get(0),
        name: row.get(1),
        store: row.get(2),
        worker: row.get::<_, Option<String>>(3).unwrap_or_default(),
        why: row.get(4),
        since: time(row.get(5)),
    }
}

fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}
