//! A rotation over each store, from end to end, with the embedded server of the API: done, undone,
//! killed and resumed, overtaken by somebody else, and beside others in fields of the same secret.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{
    BoxFuture, Outcome, Retirement, Rotation, RotationExt, Store, StoreError,
};
use onkernel::testing::{NewKey, Server};
use onkernel::{CallOptions, Client};
use tokio::sync::{Barrier, Notify};

use crate::beside::places;
use crate::fakes::aws::{Aws, Fault};
use crate::fakes::kubernetes::{self, Kubernetes};
use crate::fakes::vault::{self, Vault};
use crate::support::{OTHER, has_kubectl};

/// How a test gets at the place behind a store.
pub(crate) struct Place<'a> {
    /// The store, as another process would open it.
    pub(crate) open: &'a (dyn Fn() -> Arc<dyn Store> + Sync),
    /// Puts a key there, as somebody else would.
    pub(crate) put: &'a (dyn Fn(String) -> BoxFuture<'static, ()> + Sync),
}

struct World {
    server: Server,
    client: Client,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await.unwrap();
        let options = CallOptions::new().timeout(Duration::from_millis(1500));
        let client = Client::builder()
            .api_key(server.bootstrap_key())
            .base_url(server.url())
            .build()
            .unwrap()
            .with(options);
        Self { server, client, folder: tempfile::tempdir().unwrap() }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.jsonl")
    }

    fn rotation(&self, store: Arc<dyn Store>) -> Rotation {
        self.rotation_by(self.journal(), store)
    }

    fn rotation_by(&self, journal: std::path::PathBuf, store: Arc<dyn Store>) -> Rotation {
        self.client
            .rotation_of_shared(store)
            .journal(journal)
            .retire(Retirement::Delete)
            .overlap(Duration::ZERO)
            .settle_time(Duration::ZERO)
    }

    /// How many keys there are, beside that of the caller.
    async fn keys(&self, what: &str) -> usize {
        let mut keys = self.client.api_keys().list().items();
        let mut count = 0;
        while let Some(key) = keys.next().await {
            let key = key.unwrap();
            assert!(!key.name.contains("~onk"), "{what}: a marker is left: {key:?}");
            count += 1;
        }
        count - 1
    }

    async fn works(&self, store: &Arc<dyn Store>) -> String {
        let key = store.read().await.unwrap().unwrap();
        let client =
            Client::builder().api_key(key.expose()).base_url(self.server.url()).build().unwrap();
        client.api_keys().list().send().await.unwrap();
        key.expose().to_owned()
    }
}

#[track_caller]
fn holds_none(folder: &Path, secrets: &[&str]) {
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

/// The whole life of a key in a store.
pub(crate) async fn life(place: &Place<'_>) {
    let world = World::new().await;
    let old = world.server.add_key(NewKey::named("ci"));
    (place.put)(old.plaintext().to_owned()).await;

    // Rotated.
    let report = world.rotation((place.open)()).run().await.unwrap();
    assert_eq!(report.outcome, Outcome::Rotated);
    let first = world.works(&(place.open)()).await;
    assert_ne!(first, old.plaintext());
    assert_eq!(world.keys(&format!("rotated: {report:?}")).await, 1);

    // A deploy that fails: undone.
    let deployed = AtomicBool::new(false);
    let failing = world.rotation((place.open)()).deploy(move |_| {
        // The way back is deployed.
        let again = deployed.swap(true, Ordering::SeqCst);
        async move { if again { Ok(()) } else { Err(io::Error::other("no")) } }
    });
    failing.run().await.unwrap_err();
    assert_eq!(world.works(&(place.open)()).await, first);
    assert_eq!(world.keys("undone").await, 1);

    // Killed while the workload is deployed, and resumed by another process.
    let reached = Arc::new(Notify::new());
    let at_deploy = Arc::clone(&reached);
    let killed = world.rotation((place.open)()).deploy(move |_| {
        let reached = Arc::clone(&at_deploy);
        async move {
            reached.notify_one();
            std::future::pending::<Result<(), io::Error>>().await
        }
    });
    tokio::select! {
        ended = killed.run() => panic!("{ended:?}"),
        () = reached.notified() => {}
    }
    let resume = world.client.resume(world.journal()).shared_store((place.open)());
    let report = resume
        .overlap(Duration::ZERO)
        .settle_time(Duration::ZERO)
        .deploy(|_| async { Ok::<_, io::Error>(()) })
        .run()
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(report.outcome, Outcome::Rotated | Outcome::AsBefore), "{report:?}");
    let last = world.works(&(place.open)()).await;
    assert_eq!(world.keys(&format!("resumed: {report:?}")).await, 1);
    holds_none(world.folder.path(), &[old.plaintext(), &first, &last]);
}

/// Somebody else puts another key there at this moment, which stays.
pub(crate) async fn overtaken(place: &Place<'_>, before_write: impl FnOnce(String)) {
    let world = World::new().await;
    let old = world.server.add_key(NewKey::named("ci"));
    let foreign = world.server.add_key(NewKey::named("ours"));
    (place.put)(old.plaintext().to_owned()).await;
    before_write(foreign.plaintext().to_owned());
    world.rotation((place.open)()).run().await.unwrap_err();
    assert_eq!(world.works(&(place.open)()).await, foreign.plaintext());
    assert_eq!(world.keys("overtaken").await, 2, "the new key is deleted");
}

/// A store whose first write begins when those of all the others do.
struct Meeting {
    store: Arc<dyn Store>,
    all: Arc<Barrier>,
    met: AtomicBool,
}

impl Store for Meeting {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        self.store.read()
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.write(secret)
    }

    fn compare_and_swap<'a>(
        &'a self,
        expected: &'a Secret,
        new: &'a Secret,
    ) -> Option<BoxFuture<'a, Result<bool, StoreError>>> {
        let swapped = self.store.compare_and_swap(expected, new)?;
        Some(Box::pin(async {
            if !self.met.swap(true, Ordering::SeqCst) {
                self.all.wait().await;
            }
            swapped.await
        }))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.check()
    }

    fn identity(&self) -> String {
        self.store.identity()
    }

    fn propagation(&self) -> Duration {
        self.store.propagation()
    }

    fn shared(&self) -> bool {
        true
    }
}

/// Rotations of different keys in fields of one secret, all at the same time; the last one's deployment
/// fails. Each ends as it would alone.
pub(crate) async fn together(open: &(dyn Fn(&str) -> Arc<dyn Store> + Sync)) {
    let world = World::new().await;
    let fields = ["a", "b", "c", "d"];
    let mut before = Vec::new();
    for field in fields {
        let key = world.server.add_key(NewKey::named(field));
        let store = open(field);
        store.read().await.unwrap();
        store.write(&Secret::from(key.plaintext())).await.unwrap();
        before.push(key.plaintext().to_owned());
    }
    let all = Arc::new(Barrier::new(fields.len()));
    let rotate = async |field: &str| {
        let (store, all) = (open(field), Arc::clone(&all));
        let meeting = Arc::new(Meeting { store, all, met: AtomicBool::new(false) });
        let rotation = world.rotation_by(world.folder.path().join(field), meeting);
        if field != "d" {
            return rotation.run().await;
        }
        let deployed = AtomicBool::new(false);
        let failing = rotation.deploy(move |_| {
            let again = deployed.swap(true, Ordering::SeqCst);
            async move { if again { Ok(()) } else { Err(io::Error::other("no")) } }
        });
        failing.run().await
    };
    let ended = futures_util::future::join_all(fields.map(rotate)).await;
    for ((field, before), ended) in fields.iter().zip(before).zip(ended) {
        let now = world.works(&open(field)).await;
        match *field {
            "d" => assert_eq!((ended.is_err(), now), (true, before)),
            _ => {
                assert_eq!(ended.expect(field).outcome, Outcome::Rotated, "{field}");
                assert_ne!(now, before, "{field}");
            }
        }
    }
    assert_eq!(world.keys("together").await, fields.len());
}

#[tokio::test]
async fn fields_of_one_secret_are_rotated_at_the_same_time() {
    for (name, place) in places(None).await {
        together(&|field| place.open(field)).await;
        assert_eq!(place.holds("other").as_deref(), Some(OTHER), "{name}");
        // One each, and then each of these writes and the one way back over another.
        assert!(place.writes() > 4 + 4 + 1, "{name}: they have met");
    }
}

#[tokio::test]
async fn aws() {
    let aws = Arc::new(Aws::holding(None).await);
    let other = Arc::clone(&aws);
    let place = Place {
        open: &|| Arc::new(aws.store().propagating(Duration::ZERO)),
        put: &move |key| {
            other.state().foreign(&key);
            Box::pin(async {})
        },
    };
    life(&place).await;
    assert_eq!(aws.stage("AWSPENDING"), None);
    overtaken(&place, |key| aws.fail("PutSecretValue", Fault::Foreign(key.leak()))).await;
    assert_eq!(aws.stage("AWSPENDING"), None);

    // Killed between the version and the label: what it leaves goes with the resumption.
    let world = World::new().await;
    let old = world.server.add_key(NewKey::named("ci"));
    aws.state().foreign(old.plaintext());
    let before = aws.calls("UpdateSecretVersionStage");
    (0..99).for_each(|_| aws.fail("UpdateSecretVersionStage", Fault::DropBefore));
    let killed = world.rotation((place.open)());
    let reached = async {
        while aws.calls("UpdateSecretVersionStage") == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        ended = killed.run() => panic!("{ended:?}"),
        () = reached => {}
    }
    assert!(aws.stage("AWSPENDING").is_some());
    aws.state().faults.clear();
    let resume = world.client.resume(world.journal()).shared_store((place.open)());
    let resume = resume.overlap(Duration::ZERO).settle_time(Duration::ZERO);
    assert_eq!(resume.run().await.unwrap().unwrap().outcome, Outcome::AsBefore);
    assert_eq!(aws.stage("AWSPENDING"), None);
    assert_eq!(world.works(&(place.open)()).await, old.plaintext());
    assert_eq!(world.keys("killed").await, 1);
}

#[tokio::test]
async fn vault() {
    let vault = Arc::new(Vault::holding(None).await);
    let other = Arc::clone(&vault);
    let place = Place {
        open: &|| Arc::new(vault.store().propagating(Duration::ZERO)),
        put: &move |key| {
            other.state().foreign(&key);
            Box::pin(async {})
        },
    };
    life(&place).await;
    overtaken(&place, |key| vault.fail("POST", vault::Fault::Foreign(key))).await;
}

#[tokio::test]
async fn kubernetes() {
    let cluster = Arc::new(Kubernetes::holding("").await);
    for by_kubectl in [false, true] {
        if by_kubectl && !has_kubectl() {
            println!("skipped: kubectl is not installed");
            continue;
        }
        let other = Arc::clone(&cluster);
        let place = Place {
            open: &|| Arc::new(if by_kubectl { cluster.by_kubectl() } else { cluster.store() }),
            put: &move |key| {
                other.state().foreign(&key);
                Box::pin(async {})
            },
        };
        life(&place).await;
        overtaken(&place, |key| cluster.fail("PUT", kubernetes::Fault::Foreign(key))).await;
    }
}
