//! A secret, a server, a workload that reads the one and calls the other, and what must hold.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use onkernel::rotation::{
    AwsRotation, AwsRotationError, AwsStep, AwsStepReport, BoxFuture, Clock, Probe, Store,
};
use onkernel::testing::{AuthContext, KeyRecord, NewKey, Policy, Server};
use onkernel::{CallOptions, Client, Credentials};
use tokio::sync::Notify;

use crate::fakes::aws::{Aws, Now};

pub(crate) const STEPS: [AwsStep; 4] =
    [AwsStep::CreateSecret, AwsStep::SetSecret, AwsStep::TestSecret, AwsStep::FinishSecret];
/// How long a workload may keep what it has read.
pub(crate) const CACHE: Duration = Duration::from_secs(3600);
/// The timeout of the function.
pub(crate) const LONGEST_RUN: Duration = Duration::from_secs(300);

/// Whose key makes the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The one that is rotated.
    Own,
    /// Another.
    Other,
}

/// What differs from world to world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) caller: Caller,
    pub(crate) context: AuthContext,
    /// The key is a field of the secret.
    pub(crate) field: bool,
    pub(crate) collide: bool,
}

impl Default for Kind {
    fn default() -> Self {
        let (caller, context) = (Caller::Other, AuthContext::Available);
        Self { caller, context, field: false, collide: false }
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) aws: Aws,
    kind: Kind,
    clock: TestClock,
    workload: Arc<Workload>,
    pub(crate) first: KeyRecord,
    rotations: AtomicUsize,
}

/// Time that passes only when somebody waits for it, the server's and AWS's with it.
#[derive(Clone)]
pub(crate) struct TestClock {
    ms: Arc<AtomicU64>,
    server: Server,
}

impl Clock for TestClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::SeqCst))
    }

    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.server.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.pass(time);
            tokio::task::yield_now().await;
        })
    }
}

impl TestClock {
    fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_micros().div_ceil(1000)).unwrap();
        self.ms.fetch_add(ms, Ordering::SeqCst);
        self.server.advance(TimeDelta::from_std(time).unwrap());
    }
}

/// Reads the current version, and goes on using what it has read for as long as it may.
struct Workload {
    server: Server,
    clock: TestClock,
    /// Each key, and when it was last the current one.
    seen: Mutex<Vec<(String, Duration)>>,
    broken: Mutex<Vec<String>>,
}

impl Workload {
    fn look(&self, current: &str, when: &str) {
        let now = self.clock.elapsed();
        let mut seen = self.seen.lock().unwrap();
        match seen.iter_mut().find(|(key, _)| key == current) {
            Some((_, at)) => *at = now,
            None => seen.push((current.to_owned(), now)),
        }
        seen.retain(|(_, at)| now < *at + CACHE);
        for (key, at) in &*seen {
            if !self.server.authenticates(key) {
                let ago = (now - *at).as_secs();
                let key = self.server.key_by_plaintext(key).map(|key| key.name);
                let broken = format!("{when}: the key {key:?}, current {ago} s ago, is dead");
                self.broken.lock().unwrap().push(broken);
            }
        }
    }
}

impl World {
    pub(crate) async fn new(kind: Kind) -> Arc<Self> {
        let mut server = Server::builder().auth_context(kind.context);
        if kind.collide {
            server = server.colliding_masks();
        }
        let server = server.start().await.unwrap();
        server.add_project("proj_1", "agents");
        let first = NewKey::named("ci").days(90);
        // A key of a project with a narrow policy cannot make keys.
        let first = match kind.caller {
            Caller::Own => first,
            Caller::Other => first
                .project("proj_1")
                .policy(Policy::new().allow("browsers:use", "projects/proj_1/*")),
        };
        let first = server.add_key(first);
        let aws = Aws::holding(None).await;
        let now = server.clone();
        aws.state().now = Some(Now(Box::new(move || now.now().timestamp_millis() as f64 / 1000.0)));
        let clock = TestClock { ms: Arc::default(), server: server.clone() };
        let workload = Arc::new(Workload {
            server: server.clone(),
            clock: clock.clone(),
            seen: Mutex::default(),
            broken: Mutex::default(),
        });
        let rotations = AtomicUsize::new(0);
        let world = Self { server, aws, kind, clock, workload, first, rotations };
        world.put(world.first.plaintext());
        world.pass(CACHE);
        Arc::new(world)
    }

    /// As the secret's text holds a key.
    pub(crate) fn text(&self, key: &str) -> String {
        match self.kind.field {
            true => format!("{{ \"other\": 1.0,\n \"key\" : \"{key}\" }}\n"),
            false => key.to_owned(),
        }
    }

    /// Somebody puts a value there by hand.
    pub(crate) fn put(&self, key: &str) {
        let text = self.text(key);
        self.aws.state().foreign(&text);
    }

    /// The key in a version.
    pub(crate) fn key_of(&self, id: &str) -> Option<String> {
        let state = self.aws.state();
        let (_, text) = state.versions.iter().find(|(it, _)| it == id)?;
        let text = text.as_ref()?;
        match self.kind.field {
            true => text.split('"').nth(5).map(str::to_owned),
            false => Some(text.clone()),
        }
    }

    pub(crate) fn labelled(&self, label: &str) -> Option<String> {
        self.key_of(&self.aws.stage(label)?)
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }

    /// AWS begins a rotation.
    pub(crate) fn begin(&self) -> String {
        let number = self.rotations.fetch_add(1, Ordering::SeqCst);
        let token = format!("70707070-0000-4000-8000-{number:012}");
        self.aws.state().rotate(&token).unwrap();
        token
    }

    pub(crate) fn rotation(&self, probe: Option<Arc<dyn Probe>>) -> AwsRotation {
        let store = || {
            let store = self.aws.store().timeout(Duration::from_secs(1));
            if self.kind.field { store.field("key") } else { store }
        };
        let caller = match self.kind.caller {
            Caller::Other => Credentials::fixed(self.server.bootstrap_key()),
            Caller::Own => {
                let store = Arc::new(store());
                Credentials::from_fn(move || {
                    let store = Arc::clone(&store);
                    async move { store.read().await.map(Option::unwrap) }
                })
            }
        };
        let options = CallOptions::new().timeout(Duration::from_secs(2));
        let client =
            Client::builder().credentials(caller).base_url(self.server.url()).build().unwrap();
        let rotation = AwsRotation::new(&client.with(options), store())
            .overlap(CACHE)
            .longest_run(LONGEST_RUN)
            .clock(self.clock.clone());
        match probe {
            Some(probe) => rotation.probe(probe),
            None => rotation,
        }
    }

    /// One call of the function, which is not disturbed.
    pub(crate) async fn step(
        self: &Arc<Self>,
        step: AwsStep,
        token: &str,
    ) -> Result<AwsStepReport, AwsRotationError> {
        let watch = Watch::new(self, None);
        let ran = self.rotation(Some(watch)).run(step, token).await;
        let said = format!("{ran:?}");
        let leaks = self.server.keys().iter().any(|key| said.contains(key.plaintext()));
        assert!(!leaks, "{said}");
        ran
    }

    /// The rest of a rotation, as AWS goes on after a failure.
    pub(crate) async fn rest(self: &Arc<Self>, token: &str) -> Result<(), String> {
        for step in STEPS {
            self.step(step, token).await.map_err(|error| format!("{step}: {error}"))?;
        }
        Ok(())
    }

    /// The scheduled rotations after it, and what must hold in the end.
    pub(crate) async fn settled(self: &Arc<Self>) -> Result<(), String> {
        for _ in 0..2 {
            self.pass(2 * CACHE);
            let token = self.begin();
            self.rest(&token).await.map_err(|why| format!("the next rotation: {why}"))?;
        }
        self.sound()?;
        let mut wanted: Vec<String> =
            ["AWSCURRENT", "AWSPREVIOUS"].iter().filter_map(|it| self.labelled(it)).collect();
        let mut live: Vec<String> = self.live();
        wanted.sort();
        live.sort();
        if wanted.len() != 2 || wanted != live {
            let names: Vec<_> = live
                .iter()
                .filter_map(|key| self.server.key_by_plaintext(key))
                .map(|key| key.name)
                .collect();
            return Err(format!("live: {names:?}; labels: {:?}", self.aws.state().stages));
        }
        let current = self.server.key_by_plaintext(&self.labelled("AWSCURRENT").unwrap()).unwrap();
        let days = (current.expires_at.unwrap() - current.created_at).num_days();
        if days != 90
            || current.policy != self.first.policy
            || current.project_id != self.first.project_id
        {
            return Err(format!("the key is another: {current:?}"));
        }
        Ok(())
    }

    /// The keys that work, beside that of another caller.
    pub(crate) fn live(&self) -> Vec<String> {
        let keys = self.server.keys();
        let live = keys.iter().filter(|key| self.server.authenticates(key.plaintext()));
        live.map(|key| key.plaintext().to_owned())
            .filter(|key| key != self.server.bootstrap_key())
            .collect()
    }

    /// What must have held at every instant.
    pub(crate) fn sound(&self) -> Result<(), String> {
        let broken = self.workload.broken.lock().unwrap();
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }
}

/// Looks at the world at every effect of a call, and stops the call at one of them.
pub(crate) struct Watch {
    world: Arc<World>,
    count: AtomicUsize,
    stop_at: Option<usize>,
    stopped: Notify,
    go_on: Notify,
    pub(crate) effects: Mutex<Vec<String>>,
}

impl Watch {
    pub(crate) fn new(world: &Arc<World>, stop_at: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            count: AtomicUsize::new(0),
            stop_at,
            stopped: Notify::new(),
            go_on: Notify::new(),
            effects: Mutex::default(),
        })
    }

    /// How many points there were, before and after effects.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Lets a call go on that was stopped.
    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }
}

impl Probe for Watch {
    fn at(&self, effect: &'static str, done: bool) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let n = self.count.fetch_add(1, Ordering::SeqCst);
            let when = format!("{n} {} {effect}", if done { "after" } else { "before" });
            if let Some(current) = self.world.labelled("AWSCURRENT") {
                self.world.workload.look(&current, &when);
            }
            self.effects.lock().unwrap().push(when);
            if self.stop_at == Some(n) {
                self.stopped.notify_one();
                self.go_on.notified().await;
            }
        })
    }
}

/// A call that is stopped at one of its effects, or has ended before.
pub(crate) struct Stopped<T> {
    pub(crate) watch: Arc<Watch>,
    call: std::pin::Pin<Box<dyn Future<Output = T> + Send>>,
    ended: Option<T>,
}

pub(crate) type Ran = Result<AwsStepReport, AwsRotationError>;

impl World {
    /// Runs a step up to one of its effects, where the process may be killed by dropping it.
    pub(crate) async fn stopped(
        self: &Arc<Self>,
        step: AwsStep,
        token: &str,
        at: usize,
    ) -> Stopped<Ran> {
        let watch = Watch::new(self, Some(at));
        let rotation = self.rotation(Some(Arc::clone(&watch) as Arc<dyn Probe>));
        let token = token.to_owned();
        let mut call: std::pin::Pin<Box<dyn Future<Output = Ran> + Send>> =
            Box::pin(async move { rotation.run(step, &token).await });
        let ended = tokio::select! {
            biased;
            () = watch.stopped.notified() => None,
            ended = &mut call => Some(ended),
        };
        Stopped { watch, call, ended }
    }
}

impl Stopped<Ran> {
    /// Whether it was stopped.
    pub(crate) fn was(&self) -> bool {
        self.ended.is_none()
    }

    /// Goes on to the end.
    pub(crate) async fn go_on(self) -> Ran {
        match self.ended {
            Some(ended) => ended,
            None => {
                self.watch.go_on();
                self.call.await
            }
        }
    }
}

/// Checks many cases at once on a few threads; a name each, and the first failures are shown.
pub(crate) fn check_all<C: Send + Sync + std::fmt::Debug>(
    title: &str,
    cases: &[C],
    check: impl AsyncFn(&C) -> Result<(), String> + Sync,
) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(why) = runtime.block_on(check(case)) {
                        failures.lock().unwrap().push(format!("{case:?}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{title}: {} cases, {} failed", cases.len(), failures.len());
    assert!(!cases.is_empty());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures[..failures.len().min(8)].join("\n")
    );
}

/// All of the cases take minutes: without `ROTATION_EVERYTHING` in the environment one in so many is
/// run, the same ones every time.
pub(crate) fn some<C>(cases: Vec<C>, one_in: usize) -> Vec<C> {
    let everything = std::env::var_os("ROTATION_EVERYTHING").is_some();
    cases.into_iter().step_by(if everything { 1 } else { one_in }).collect()
}
