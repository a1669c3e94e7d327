//! A rotation in a small world: the embedded server on a real socket, a store in memory, a clock
//! that jumps, and a hand that stops the process at any effect.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::future::BoxFuture;
use onkernel::rotation::{
    Clock, Event, Lifetime, Outcome, Probe, Resume, Retirement, Rotation, RotationError,
    RotationExt, RotationReport, Stop, Store, StoreError, Told,
};
use onkernel::testing::{NewKey, Policy, Server};
use onkernel::{Client, Secret};

/// Time that passes only when somebody waits for it, the server's with it.
#[derive(Clone)]
pub struct TestClock {
    ms: Arc<AtomicU64>,
    server: Server,
}

impl TestClock {
    pub fn new(server: &Server) -> Self {
        Self { ms: Arc::default(), server: server.clone() }
    }
}

impl Clock for TestClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::SeqCst))
    }

    fn now(&self) -> DateTime<Utc> {
        self.server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let ms = time.as_micros().div_ceil(1000);
            self.ms.fetch_add(u64::try_from(ms).unwrap(), Ordering::SeqCst);
            self.server.advance(TimeDelta::from_std(time).unwrap());
            tokio::task::yield_now().await;
        })
    }
}

/// What a store is told to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    FailsBefore,
    FailsAfter,
    /// Says that it is not known, and writes when the clock is next waited for.
    WritesLate,
    ReadFails,
}

/// A store in memory.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    held: Option<Secret>,
    calls: usize,
    faults: BTreeMap<usize, StoreFault>,
    /// What lands late.
    late: Vec<Option<Secret>>,
    writes: usize,
}

impl MemoryStore {
    pub fn holding(secret: &str) -> Self {
        let store = Self::default();
        store.set(Some(secret));
        store
    }

    pub fn set(&self, secret: Option<&str>) {
        self.0.lock().unwrap().held = secret.map(Secret::from);
    }

    pub fn held(&self) -> Option<String> {
        self.0.lock().unwrap().held.as_ref().map(|held| held.expose().to_owned())
    }

    pub fn fail(&self, call: usize, fault: StoreFault) {
        self.0.lock().unwrap().faults.insert(call, fault);
    }

    pub fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// Lets what is late land now.
    pub fn land(&self) {
        let mut memory = self.0.lock().unwrap();
        for late in std::mem::take(&mut memory.late) {
            memory.held = late;
        }
    }

    fn next(&self) -> Option<StoreFault> {
        let mut memory = self.0.lock().unwrap();
        let call = memory.calls;
        memory.calls += 1;
        memory.faults.get(&call).copied()
    }

    fn put(&self, secret: Option<&Secret>) -> Result<(), StoreError> {
        let fault = self.next();
        let mut memory = self.0.lock().unwrap();
        match fault {
            Some(StoreFault::FailsBefore | StoreFault::ReadFails) => {
                Err(StoreError::failed("the store is out of order"))
            }
            Some(StoreFault::WritesLate) => {
                memory.late.push(secret.cloned());
                Err(StoreError::unknown("the store took too long"))
            }
            Some(StoreFault::FailsAfter) => {
                memory.writes += 1;
                memory.held = secret.cloned();
                Err(StoreError::unknown("the store broke off"))
            }
            None => {
                memory.writes += 1;
                memory.held = secret.cloned();
                Ok(())
            }
        }
    }
}

impl Store for MemoryStore {
    fn describe(&self) -> String {
        "memory:ci".to_owned()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async {
            match self.next() {
                Some(_) => Err(StoreError::failed("the store cannot be read just now")),
                None => Ok(self.0.lock().unwrap().held.clone()),
            }
        })
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            self.put(Some(secret))
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.put(None) })
    }
}

/// Watches every effect, checks what must hold at every instant, and stops where it is told to.
pub struct Watch {
    server: Server,
    store: MemoryStore,
    journal: PathBuf,
    pub effects: Mutex<Vec<String>>,
    count: AtomicUsize,
    abort_at: Option<usize>,
    disk_full: Mutex<Option<(usize, usize)>>,
    appends: AtomicUsize,
    aborted: tokio::sync::Notify,
    pub broken: Mutex<Vec<String>>,
    /// Whether somebody else killed the old key, so that what must hold cannot.
    pub excused: Arc<AtomicBool>,
    /// What somebody else does, or looks at, at an effect.
    hook: Option<Hook>,
}

/// Is told the number of an effect; what it returns is what is broken.
pub type Hook = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

impl Watch {
    fn check(&self, when: &str) {
        let mut broken = self.broken.lock().unwrap();
        if !self.excused.load(Ordering::SeqCst) {
            match self.store.held() {
                Some(held) if self.server.authenticates(&held) => {}
                Some(_) => broken.push(format!("{when}: the store holds a dead key")),
                None => {}
            }
        }
        let journal = std::fs::read_to_string(&self.journal).unwrap_or_default();
        if self.server.keys().iter().any(|key| journal.contains(key.plaintext())) {
            broken.push(format!("{when}: the journal holds a plaintext"));
        }
    }
}

impl Probe for Watch {
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let n = self.count.fetch_add(1, Ordering::SeqCst);
            let when = format!("{n} {} {effect}", if done { "after" } else { "before" });
            if let Some(hook) = &self.hook
                && let Err(broken) = hook(n).await
            {
                self.broken.lock().unwrap().push(format!("{when}: {broken}"));
            }
            self.check(&when);
            self.effects.lock().unwrap().push(when);
            if self.abort_at == Some(n) {
                self.aborted.notify_one();
                std::future::pending::<()>().await;
            }
        })
    }

    fn disk(&self) -> Option<io::Error> {
        let n = self.appends.fetch_add(1, Ordering::SeqCst);
        let (from, to) = (*self.disk_full.lock().unwrap())?;
        (from..to).contains(&n).then(|| io::Error::from(io::ErrorKind::StorageFull))
    }
}

/// How a rotation is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub retirement: Retirement,
    /// The key that is rotated makes its own replacement.
    pub own: bool,
    pub deploys: bool,
    pub name: String,
    pub days: Option<i64>,
    pub project: Option<String>,
    pub colliding_masks: bool,
    pub new_store: bool,
    /// Which calls of the deploy hook fail, counted from 0.
    pub deploy_fails: Vec<usize>,
    /// Whether the old key has a policy.
    pub policy: bool,
    pub lifetime: Lifetime,
    pub deadline: Option<Duration>,
    pub settle: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retirement: Retirement::Delete,
            own: false,
            deploys: true,
            name: "ci".to_owned(),
            days: Some(30),
            project: None,
            colliding_masks: false,
            new_store: false,
            deploy_fails: Vec::new(),
            policy: false,
            lifetime: Lifetime::AsOld,
            deadline: None,
            settle: None,
        }
    }
}

/// Where a process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    Never,
    /// At this effect.
    Effect(usize),
    /// When the future was polled so often.
    Poll(usize),
}

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
    pub journal: PathBuf,
    pub watch_excused: Arc<AtomicBool>,
    /// What the next run or resumption is stopped with.
    pub stop: Mutex<Stop>,
    deploys: Arc<AtomicUsize>,
    pub bystanders: Vec<String>,
    _folder: tempfile::TempDir,
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
        let connect = |key: &str| {
            Client::builder()
                .api_key(key)
                .base_url(server.url())
                .http_client(http.clone())
                .build()
                .unwrap()
        };
        let manager = connect(server.bootstrap_key());
        let client = if settings.own { connect(old.plaintext()) } else { manager.clone() };
        let store = match settings.new_store {
            true => MemoryStore::default(),
            false => MemoryStore::holding(old.plaintext()),
        };
        let folder = tempfile::tempdir().unwrap();
        Self {
            clock: TestClock::new(&server),
            journal: folder.path().join("journal.jsonl"),
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
        let mut rotation = self
            .client
            .rotation(&self.old_id)
            .store(self.store.clone())
            .journal(&self.journal)
            .retire(self.settings.retirement)
            .lifetime(self.settings.lifetime)
            .stop_on(&self.stop.lock().unwrap())
            .clock(self.landing_clock())
            .on_event(self.listener());
        if self.settings.deploys {
            rotation = rotation.deploy(self.deploy_hook());
        }
        if self.settings.new_store {
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
        let mut resume = self
            .client
            .resume(&self.journal)
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
        LandingClock { clock: self.clock.clone(), store: self.store.clone() }
    }

    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = Arc::clone(&self.events);
        move |event| events.lock().unwrap().push(event.clone())
    }

    fn deploy_hook(
        &self,
    ) -> impl Fn(Told) -> BoxFuture<'static, Result<(), io::Error>> + Send + Sync + 'static {
        let (store, deployed) = (self.store.clone(), Arc::clone(&self.deployed));
        let (calls, fails) = (Arc::clone(&self.deploys), self.settings.deploy_fails.clone());
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
        Arc::new(Watch {
            hook,
            server: self.server.clone(),
            store: self.store.clone(),
            journal: self.journal.clone(),
            effects: Mutex::default(),
            count: AtomicUsize::new(0),
            abort_at: match death {
                Death::Effect(n) => Some(n),
                _ => None,
            },
            disk_full: Mutex::new(None),
            appends: AtomicUsize::new(0),
            aborted: tokio::sync::Notify::new(),
            broken: Mutex::default(),
            excused: Arc::clone(&self.watch_excused),
        })
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
            assert!(asked, "the server answers");
        }
    }

    /// Resumes, with nothing failing any more, until nothing is left to do.
    pub async fn recover(&self) -> Result<Option<RotationReport>, String> {
        self.server.faults().clear();
        self.store.heal();
        *self.stop.lock().unwrap() = Stop::new();
        let (mut last, mut trouble) = (None, String::new());
        for _ in 0..4 {
            if onkernel::rotation::pending(&self.journal).map_err(|e| e.to_string())?.is_none() {
                return Ok(last);
            }
            let watch = self.watch(Death::Never);
            match self.run_resume(&watch, Death::Never).await {
                Some(Ok(report)) => last = report.or(last),
                // A person looks, and tries again.
                Some(Err(error)) if error.needs_attention() => trouble = error.to_string(),
                Some(Err(error)) => return Err(format!("resume: {error}")),
                None => return Err("resume died".to_owned()),
            }
            sound(&watch)?;
        }
        Err(format!("never ends: {trouble} {:?}", onkernel::rotation::pending(&self.journal)))
    }

    /// What must be true when all is settled.
    pub fn settled(&self) -> Result<Outcome, String> {
        self.server.land_late();
        self.store.land();
        let now = self.server.now();
        let fail = |what: String| {
            let log: Vec<String> = self
                .server
                .log()
                .iter()
                .map(|e| {
                    format!("{} {} {:?} {:?} {:?}", e.method, e.path, e.status, e.effect, e.fault)
                })
                .collect();
            Err(format!("{what}\n{}\nevents: {:#?}", log.join("\n"), self.events.lock().unwrap()))
        };
        let ours: Vec<_> = self
            .server
            .keys()
            .into_iter()
            .filter(|key| !self.bystanders.contains(&key.id))
            .filter(|key| key.plaintext() != self.server.bootstrap_key())
            .collect();
        for id in &self.bystanders {
            if self.server.key(id).is_none_or(|key| key.deleted_at.is_some()) {
                return fail(format!("the bystander {id} is gone"));
            }
        }
        let old = self.old();
        let live: Vec<_> =
            ours.iter().filter(|key| key.id != old.id && key.deleted_at.is_none()).collect();
        let held = self.store.held();
        let deployed = self.deployed.lock().unwrap().as_ref().map(|s| s.expose().to_owned());
        let outcome = match (&live[..], &held) {
            ([], held) => {
                let expected = (!self.settings.new_store).then(|| old.plaintext().to_owned());
                if *held != expected {
                    return fail("as before, but the store is not".to_owned());
                }
                if !old.works_at(now) {
                    return fail("as before, but the old key is dead".to_owned());
                }
                Outcome::AsBefore
            }
            ([new], Some(held)) => {
                if held != new.plaintext() {
                    return fail(format!("the store does not hold the new key {}", new.id));
                }
                if !new.works_at(now) {
                    return fail("the new key is dead".to_owned());
                }
                if new.name != self.settings.name {
                    return fail(format!("the new key is named {:?}", new.name));
                }
                let gone = old.deleted_at.is_some();
                if gone != (self.settings.retirement == Retirement::Delete) {
                    return fail(format!("the old key is deleted: {gone}"));
                }
                if new.project_id != old.project_id || new.policy != old.policy {
                    return fail("the new key is not the old one's equal".to_owned());
                }
                Outcome::Rotated
            }
            _ => {
                let ids: Vec<_> = live.iter().map(|k| (&k.id, &k.name)).collect();
                return fail(format!("orphans: {ids:?}, held by nobody"));
            }
        };
        if old.deleted_at.is_none() && old.name != self.settings.name {
            return fail(format!("the old key is named {:?}", old.name));
        }
        if self.settings.deploys && deployed != held {
            return fail("the workload was not deployed with what the store holds".to_owned());
        }
        let said = format!("{:?}", self.events.lock().unwrap());
        if ours.iter().any(|key| said.contains(key.plaintext())) {
            return fail("an event holds a plaintext".to_owned());
        }
        Ok(outcome)
    }
}

/// A clock that lets late writes land while it is waited for.
struct LandingClock {
    clock: TestClock,
    store: MemoryStore,
}

impl Clock for LandingClock {
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Whoever waits long enough sees it.
            if time >= Duration::from_secs(60) {
                self.store.land();
            }
            self.clock.sleep(time).await;
        })
    }
}

async fn until<T>(watch: &Arc<Watch>, death: Death, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut polls = 0;
    let polled = std::future::poll_fn(|context| {
        if let Death::Poll(most) = death {
            if polls == most {
                return std::task::Poll::Ready(None);
            }
            polls += 1;
        }
        future.as_mut().poll(context).map(Some)
    });
    tokio::select! {
        biased;
        () = watch.aborted.notified() => None,
        ran = polled => ran,
    }
}

/// Whether everything that must hold at every instant did.
pub fn sound(watch: &Watch) -> Result<(), String> {
    let broken = watch.broken.lock().unwrap();
    match broken.is_empty() {
        true => Ok(()),
        false => {
            Err(format!("{}\n{}", broken.join("\n"), watch.effects.lock().unwrap().join("\n")))
        }
    }
}

impl Watch {
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    pub fn disk_full(&self, from: usize, to: usize) {
        *self.disk_full.lock().unwrap() = Some((from, to));
    }
}

/// A request of somebody who has nothing to do with it, on a connection of its own.
async fn reqwest_get(url: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = url.trim_start_matches("http://");
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return false };
    let request = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    // A fault may strike this one too; that the connection was served is what counts.
    let sent = stream.write_all(request.as_bytes()).await.is_ok();
    let _ = stream.read_to_end(&mut answer).await;
    sent
}

pub fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    #[cfg(feature = "rustls")]
    let builder = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        builder.tls_certs_only([])
    };
    builder.build().unwrap()
}
