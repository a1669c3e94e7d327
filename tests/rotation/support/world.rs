//! A rotation in a small world: the embedded server on a real socket, a store in memory, a clock
//! that jumps, and what is run, stopped and resumed in it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures_core::future::BoxFuture;
use onkernel::rotation::{
    DeployTarget, Event, Resolution, Resume, Rotation, RotationError, RotationExt, RotationReport,
    Stop, Store,
};
use onkernel::testing::{NewKey, Policy, Server};
use onkernel::{Client, Secret};

use super::{
    Death, Hook, LandingClock, Ledger, MemoryStore, Settings, TestClock, Watch, sound, until,
};

pub struct World {
    pub server: Server,
    pub store: MemoryStore,
    pub clock: TestClock,
    pub client: Client,
    pub manager: Client,
    pub old_id: String,
    pub settings: Settings,
    /// What the workload was last deployed with.
    pub deployed: Arc<Mutex<Option<Secret>>>,
    pub events: Arc<Mutex<Vec<Event>>>,
    /// The journal, or a copy of it: see [`Ledger`].
    pub journal: PathBuf,
    pub ledger: Ledger,
    pub watch_excused: Arc<AtomicBool>,
    /// What the next run or resumption is stopped with.
    pub stop: Mutex<Stop>,
    deploys: Arc<AtomicUsize>,
    pub bystanders: Vec<String>,
    _folder: tempfile::TempDir,
}

/// A client with this key.
pub fn connect(server: &Server, http: &reqwest::Client, key: &str) -> Client {
    Client::builder().api_key(key).base_url(server.url()).http_client(http.clone()).build().unwrap()
}

pub type Ran = Option<Result<RotationReport, RotationError>>;

impl World {
    pub async fn new(http: &reqwest::Client, settings: &Settings) -> Self {
        let mut builder = Server::builder().start_at("2026-05-01T10:00:00Z".parse().unwrap());
        if settings.colliding_masks {
            builder = builder.colliding_masks();
        }
        let server = builder.project("proj_a", "A").project("proj_b", "B").start().await.unwrap();
        let project = |key: NewKey| match &settings.project {
            Some(id) => key.project(id),
            None => key,
        };
        // Others of the same name, before and after.
        let mut bystanders = vec![server.add_key(NewKey::named(&settings.name)).id];
        let mut new = project(NewKey::named(&settings.name));
        if let Some(days) = settings.days {
            new = new.days(days);
        }
        if settings.policy {
            new = new.policy(Policy::new().allow("browsers:use", "projects/*"));
        }
        let old = server.add_key(new);
        bystanders.push(server.add_key(NewKey::named(&settings.name).days(9)).id);
        server.advance(TimeDelta::days(3));
        let connect = |key: &str| connect(&server, http, key);
        let manager = connect(server.bootstrap_key());
        let client = if settings.own { connect(old.plaintext()) } else { manager.clone() };
        let store = match settings.new_store {
            true => MemoryStore::default(),
            false => MemoryStore::holding(old.plaintext()),
        };
        let store = store.of_kind(settings.store);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.jsonl");
        Self {
            clock: TestClock::new(&server),
            ledger: Ledger::of(&journal).await,
            journal,
            client,
            manager,
            settings: settings.clone(),
            deployed: Arc::new(Mutex::new(store.held().map(Secret::from))),
            old_id: old.id,
            store,
            events: Arc::default(),
            watch_excused: Arc::default(),
            stop: Mutex::default(),
            deploys: Arc::default(),
            bystanders,
            server,
            _folder: folder,
        }
    }

    pub fn old(&self) -> onkernel::testing::KeyRecord {
        self.server.key(&self.old_id).unwrap()
    }

    pub fn rotation(&self) -> Rotation {
        self.set_up(self.client.rotation(&self.old_id).store(self.store.clone()))
    }

    /// The same, of the key that the store holds, whatever its id.
    pub fn rotation_of_store(&self) -> Rotation {
        self.set_up(self.client.rotation_of(self.store.clone()))
    }

    fn set_up(&self, rotation: Rotation) -> Rotation {
        let mut rotation = rotation
            .journal(self.ledger.at(&self.journal))
            .retire(self.settings.retirement)
            .lifetime(self.settings.lifetime)
            .stop_on(&self.stop.lock().unwrap())
            .clock(self.landing_clock())
            .on_event(self.listener());
        if self.settings.deploys {
            rotation = rotation.deploy(self.deploy_hook());
        }
        // Whoever rotates into a one-way store accepts that it cannot be undone.
        if self.settings.new_store || !self.store.readable() {
            rotation = rotation.store_is_new();
        }
        if let Some(time) = self.settings.deadline {
            rotation = rotation.deadline(time);
        }
        if let Some(time) = self.settings.settle {
            rotation = rotation.settle_time(time);
        }
        rotation
    }

    pub fn resume(&self) -> Resume {
        self.resume_by(&self.client)
    }

    pub fn resume_by(&self, client: &Client) -> Resume {
        let mut resume = client
            .resume(self.ledger.at(&self.journal))
            .store(self.store.clone())
            .stop_on(&self.stop.lock().unwrap())
            .clock(self.landing_clock())
            .on_event(self.listener());
        if self.settings.deploys {
            resume = resume.deploy(self.deploy_hook());
        }
        resume
    }

    fn landing_clock(&self) -> LandingClock {
        LandingClock {
            clock: self.clock.clone(),
            store: self.store.clone(),
            waited: std::sync::atomic::AtomicU64::default(),
        }
    }

    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.events);
        move |event| events.lock().unwrap().push(event.clone())
    }

    fn deploy_hook(
        &self,
    ) -> impl Fn(DeployTarget) -> BoxFuture<'static, Result<(), io::Error>> + Send + Sync + 'static
    {
        self.hook(self.settings.deploy_fails.clone())
    }

    /// The hook as a person writes it anew, so that it works.
    pub fn working_hook(
        &self,
    ) -> impl Fn(DeployTarget) -> BoxFuture<'static, Result<(), io::Error>> + Send + Sync + 'static
    {
        self.hook(Vec::new())
    }

    fn hook(
        &self,
        fails: Vec<usize>,
    ) -> impl Fn(DeployTarget) -> BoxFuture<'static, Result<(), io::Error>> + Send + Sync + 'static
    {
        let (store, deployed) = (self.store.clone(), Arc::clone(&self.deployed));
        let calls = Arc::clone(&self.deploys);
        move |_| {
            let (store, deployed) = (store.clone(), Arc::clone(&deployed));
            let fails = fails.contains(&calls.fetch_add(1, Ordering::SeqCst));
            Box::pin(async move {
                tokio::task::yield_now().await;
                if fails {
                    return Err(io::Error::other("the rollout failed"));
                }
                *deployed.lock().unwrap() = store.held().map(Secret::from);
                Ok(())
            })
        }
    }

    pub fn watch(&self, death: Death) -> Arc<Watch> {
        self.watch_with(death, None)
    }

    pub fn watch_with(&self, death: Death, hook: Option<Hook>) -> Arc<Watch> {
        Arc::new(Watch::new(self, death, hook))
    }

    /// Runs until the end, or until the process dies: then it is `None`.
    pub async fn run(&self, watch: &Arc<Watch>, death: Death) -> Ran {
        let future = self.rotation().probe(watch.clone()).run();
        let ran = until(watch, death, future).await;
        self.quiesce().await;
        ran
    }

    pub async fn run_resume(
        &self,
        watch: &Arc<Watch>,
        death: Death,
    ) -> Option<Result<Option<RotationReport>, RotationError>> {
        let future = self.resume().probe(watch.clone()).run();
        let ran = until(watch, death, future).await;
        self.quiesce().await;
        ran
    }

    /// Lets the server finish what it was asked by a process that is gone.
    pub async fn quiesce(&self) {
        for _ in 0..3 {
            let asked = reqwest_get(self.server.url()).await;
            assert!(asked, "the server responds");
        }
        self.ledger.free();
        self.ledger.copy(&self.journal);
    }

    /// Resumes, with nothing failing any more, until nothing is left to do.
    pub async fn recover(&self) -> Result<Option<RotationReport>, String> {
        self.server.faults().clear();
        self.store.heal();
        *self.stop.lock().unwrap() = Stop::new();
        let (mut last, mut trouble) = (None, String::new());
        let mut caller = &self.client;
        for _ in 0..6 {
            if onkernel::rotation::pending(&self.journal).map_err(|e| e.to_string())?.is_none() {
                return Ok(last);
            }
            // What a store that had no way back was left with, a person puts right.
            if self.store.is_debris() && !trouble.is_empty() {
                self.store.set((!self.settings.new_store).then_some(self.old().plaintext()));
            }
            let watch = self.watch(Death::Never);
            let mut resume = self.resume_by(caller).probe(watch.clone());
            // Only a person can tell what one holds that cannot be read.
            if !self.store.readable() && !trouble.is_empty() {
                resume = resume.store_holds(self.found());
            }
            let ran = until(&watch, Death::Never, resume.run()).await;
            self.quiesce().await;
            match ran {
                Some(Ok(report)) => last = report.or(last),
                // A person looks, and tries again.
                Some(Err(error)) if error.needs_attention() => {
                    trouble = error.to_string();
                    if error.resolutions().contains(&Resolution::Caller) {
                        caller = &self.manager;
                    }
                }
                Some(Err(error)) => return Err(format!("resume: {error}")),
                None => return Err("resume died".to_owned()),
            }
            sound(&watch)?;
        }
        Err(format!("never ends: {trouble} {:?}", onkernel::rotation::pending(&self.journal)))
    }
}

/// A request of somebody who has nothing to do with it, on a connection of its own.
async fn reqwest_get(url: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = url.trim_start_matches("http://");
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return false };
    let request = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut response = Vec::new();
    // A fault may strike this one too; that the connection was served is what counts.
    let sent = stream.write_all(request.as_bytes()).await.is_ok();
    let _ = stream.read_to_end(&mut response).await;
    sent
}
