//! A rotation over each store, from end to end, with the embedded server of the API: done, undone,
//! killed and resumed, and overtaken by somebody else.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use onkernel::rotation::{BoxFuture, Outcome, Retirement, Rotation, RotationExt, Store};
use onkernel::testing::{NewKey, Server};
use onkernel::{CallOptions, Client};
use tokio::sync::Notify;

use crate::fakes::aws::{Aws, Fault};
use crate::fakes::kubernetes::{self, Kubernetes};
use crate::fakes::vault::{self, Vault};
use crate::support::has_kubectl;

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
        self.client
            .rotation_of_shared(store)
            .journal(self.journal())
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
