//! A key on the embedded server, and a store that other processes reach and nothing locks.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_core::future::BoxFuture;
use onkernel::rotation::{
    Outcome, PostgresJournals, Resume, Retirement, Rotation, RotationError, RotationExt,
    RotationReport, Store, StoreError,
};
use onkernel::testing::{NewKey, Server};
use onkernel::{Client, Secret};

use crate::database::Database;

/// Twice the timeout: so long an unknown outcome is waited for.
pub const SETTLE: Duration = Duration::from_secs(1);
pub const OVERLAP: Duration = Duration::from_millis(200);

/// A file that any host could reach, and that is written in one step.
#[derive(Clone, Debug)]
pub struct SharedFile(pub PathBuf);

impl Store for SharedFile {
    fn describe(&self) -> String {
        format!("shared:{}", self.0.display())
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async { Ok(fs::read_to_string(&self.0).ok().map(Secret::from)) })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let next = self.0.with_extension(format!("next-{}", std::process::id()));
            fs::write(&next, secret.expose())
                .and_then(|()| fs::rename(&next, &self.0))
                .map_err(|error| StoreError::failed(error.to_string()))
        })
    }

    fn propagation(&self) -> Duration {
        Duration::ZERO
    }

    fn may_land_late(&self) -> bool {
        false
    }

    fn shared(&self) -> bool {
        true
    }
}

pub fn connect(url: &str, key: &str) -> Client {
    Client::builder()
        .api_key(key)
        .base_url(url)
        .timeout(Duration::from_millis(500))
        .build()
        .unwrap()
}

pub fn rotation(client: &Client, store: &SharedFile, journals: &PostgresJournals) -> Rotation {
    client
        .rotation_of(store.clone())
        .journal(journals.of(store))
        .retire(Retirement::Delete)
        .settle_time(SETTLE)
        .overlap(OVERLAP)
}

pub struct World {
    pub server: Server,
    pub client: Client,
    pub store: SharedFile,
    pub old_id: String,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let server = Server::start().await.unwrap();
        let client = connect(server.url(), server.bootstrap_key());
        let old = server.add_key(NewKey::named("ci"));
        let folder = tempfile::tempdir().unwrap();
        let store = SharedFile(folder.path().join("key"));
        fs::write(&store.0, old.plaintext()).unwrap();
        Self { server, client, store, old_id: old.id, _folder: folder }
    }

    pub fn rotation(&self, journals: &PostgresJournals) -> Rotation {
        rotation(&self.client, &self.store, journals)
    }

    pub fn resume(&self, journals: &PostgresJournals) -> Resume {
        self.client
            .resume(journals.of(&self.store))
            .store(self.store.clone())
            .settle_time(SETTLE)
            .overlap(OVERLAP)
    }

    /// Resumes until nothing is left, while another may still hold the journal.
    pub async fn finish(
        &self,
        journals: &PostgresJournals,
    ) -> Result<Option<RotationReport>, RotationError> {
        let mut last = None;
        for _ in 0..100 {
            match self.resume(journals).run().await {
                Ok(None) => return Ok(last),
                Ok(Some(report)) => last = Some(report),
                Err(error) if error.to_string().contains("in use") => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error),
            }
        }
        panic!("it never ends");
    }

    pub fn held(&self) -> String {
        fs::read_to_string(&self.store.0).unwrap()
    }

    /// The store holds a key that works, it is the only one, and the database has seen none.
    pub fn is_whole(&self, database: &Database, when: &str) {
        let keys = self.server.keys();
        let live: Vec<_> =
            keys.iter().filter(|key| key.plaintext() != self.server.bootstrap_key()).collect();
        let live: Vec<_> = live.into_iter().filter(|key| key.deleted_at.is_none()).collect();
        assert_eq!(live.len(), 1, "{when}: {live:?}");
        assert_eq!(live[0].plaintext(), self.held(), "{when}: the store holds another");
        assert_eq!(live[0].name, "ci", "{when}");
        let dump = database.dump();
        for key in &keys {
            assert!(!dump.contains(key.plaintext()), "{when}: the database holds a plaintext");
        }
    }

    pub fn was_rotated(&self) -> bool {
        self.server.key(&self.old_id).is_none_or(|key| key.deleted_at.is_some())
    }
}

pub fn is_rotated(report: &RotationReport) {
    assert_eq!(report.outcome, Outcome::Rotated, "{report:?}");
}

pub fn path(text: &str) -> SharedFile {
    SharedFile(Path::new(text).to_owned())
}
