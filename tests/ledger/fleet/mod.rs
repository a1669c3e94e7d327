//! Fleets whose workers share their work.

mod deaths;
mod limits;
mod share;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use onkernel::Client;
use onkernel::rotation::{
    Elsewhere, FileStore, Fleet, Policy, PostgresJournals, Probe, Retirement, Rotated, RotationExt,
    Store,
};
use onkernel::testing::{NewKey, Server};
use onkernel::types::ApiKey;

use crate::database::Database;
use crate::world::{OVERLAP, SETTLE, SharedFile, connect};

/// The pattern of all names.
pub const ALL: &str = "fleet-*";

/// How the old keys end, and what the stores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deleting,
    /// The server rotates, and the old keys live on for days.
    Grace,
    /// The stores are files of this host, which lock.
    Files,
}

impl Kind {
    /// As the environment of a worker says it.
    pub fn named(name: &str) -> Self {
        match name {
            "Grace" => Self::Grace,
            "Files" => Self::Files,
            _ => Self::Deleting,
        }
    }
}

/// Some keys, each in a store that other processes reach.
pub struct Fleets {
    pub server: Server,
    pub client: Client,
    pub folder: tempfile::TempDir,
    pub kind: Kind,
    old_ids: Vec<String>,
    keys: usize,
}

impl Fleets {
    pub async fn of(keys: usize) -> Self {
        let server = Server::start().await.unwrap();
        let client = connect(server.url(), server.bootstrap_key());
        let folder = tempfile::tempdir().unwrap();
        let mut old_ids = Vec::new();
        for number in 0..keys {
            let key = server.add_key(NewKey::named(format!("fleet-{number:02}")).days(90));
            fs::write(folder.path().join(&key.name), key.plaintext()).unwrap();
            old_ids.push(key.id);
        }
        Self { server, client, folder, kind: Kind::Deleting, old_ids, keys }
    }

    pub fn fleet(&self, journals: &PostgresJournals, names: &str) -> Fleet {
        let given = (&self.client, self.folder.path(), journals);
        fleet(given, names, self.kind, None)
    }

    /// Every store holds a key that works, nothing is left over, each key was rotated once, and the
    /// database has seen no plaintext.
    pub fn are_whole(&self, database: &Database, when: &str) {
        let keys = self.server.keys();
        let keys: Vec<_> =
            keys.iter().filter(|key| key.plaintext() != self.server.bootstrap_key()).collect();
        // With a grace period the old ones live too.
        let is_old = |id: &String| self.kind == Kind::Grace && self.old_ids.contains(id);
        let live: Vec<_> =
            keys.iter().filter(|key| key.deleted_at.is_none() && !is_old(&key.id)).collect();
        assert_eq!(live.len(), self.keys, "{when}: {live:?}");
        for key in &live {
            let held = fs::read_to_string(self.folder.path().join(&key.name));
            assert_eq!(held.unwrap(), key.plaintext(), "{when}: {}", key.name);
        }
        let ended = "select count(*), count(distinct journal) from kernel_keys.records
            where line::json->>'what' = 'ended' and line::json->>'outcome' = 'rotated'";
        assert_eq!(database.sql(ended), format!("{0}|{0}", self.keys), "{when}");
        let dump = database.dump();
        for key in &keys {
            assert!(!dump.contains(key.plaintext()), "{when}: the database holds a plaintext");
        }
    }
}

pub fn fleet(
    (client, folder, journals): (&Client, &Path, &PostgresJournals),
    names: &str,
    kind: Kind,
    probe: Option<Arc<dyn Probe>>,
) -> Fleet {
    let folder = folder.to_owned();
    let stores = move |key: &ApiKey| -> Option<Arc<dyn Store>> {
        let path = folder.join(&key.name);
        match (path.exists(), kind) {
            (false, _) => None,
            (true, Kind::Files) => Some(Arc::new(FileStore::new(path))),
            (true, _) => Some(Arc::new(SharedFile(path))),
        }
    };
    client
        .rotate_all(Policy::new().named(names), stores)
        .journals(journals.clone())
        // A kill while the server rotates ends as before, with what the server has cut from the old lifetime.
        .concurrency(if kind == Kind::Grace { 1 } else { 2 })
        .stop_after(3)
        .each(move |rotation, _| {
            let retirement = match kind {
                Kind::Grace => Retirement::Grace { days: 7 },
                _ => Retirement::Delete,
            };
            let rotation = rotation.retire(retirement).settle_time(SETTLE).overlap(OVERLAP);
            match probe.clone() {
                Some(probe) => rotation.probe(probe),
                None => rotation,
            }
        })
}

/// What became of a key, in one line.
pub fn in_words(key: &ApiKey, became: &Rotated) -> String {
    let became = match became {
        Rotated::Done(_) => "rotated".to_owned(),
        Rotated::Failed(error) if error.is_lost() => format!("lost: {error}"),
        Rotated::Failed(error) => format!("failed: {error}"),
        Rotated::Elsewhere(Elsewhere::Rotated(_)) => "rotated elsewhere".to_owned(),
        other => format!("{other:?}"),
    };
    format!("{} {became}", key.name)
}

/// How many became this.
pub fn count(rotated: &[(ApiKey, Rotated)], what: fn(&Rotated) -> bool) -> usize {
    rotated.iter().filter(|(_, became)| what(became)).count()
}

pub fn is_done(became: &Rotated) -> bool {
    matches!(became, Rotated::Done(_))
}

pub fn is_done_elsewhere(became: &Rotated) -> bool {
    matches!(became, Rotated::Elsewhere(Elsewhere::Rotated(_)))
}
