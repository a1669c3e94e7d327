//! Watches every effect of a rotation, checks what must hold at every instant, and stops the process
//! where it is told to.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use onkernel::rotation::Probe;
use onkernel::testing::Server;

use super::{Ledger, MemoryStore, World};

/// Where a process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    Never,
    /// At this effect.
    Effect(usize),
    /// When the future was polled so often.
    Poll(usize),
}

/// Watches every effect, checks what must hold at every instant, and stops where it is told to.
pub struct Watch {
    server: Server,
    store: MemoryStore,
    journal: PathBuf,
    ledger: Ledger,
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
    pub fn new(world: &World, death: Death, hook: Option<Hook>) -> Self {
        Self {
            hook,
            server: world.server.clone(),
            store: world.store.clone(),
            journal: world.journal.clone(),
            ledger: world.ledger.clone(),
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
            excused: Arc::clone(&world.watch_excused),
        }
    }

    fn check(&self, when: &str) {
        let mut broken = self.broken.lock().unwrap();
        if !self.excused.load(Ordering::SeqCst) && !self.store.is_debris() {
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
            self.ledger.copy(&self.journal);
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

/// Runs it until the end, or until the process dies.
pub async fn until<T>(
    watch: &Arc<Watch>,
    death: Death,
    future: impl Future<Output = T>,
) -> Option<T> {
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
