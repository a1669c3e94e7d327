//! Work that waits for the disk: off the thread that runs futures, and over when its future is.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

type Boxed = Box<dyn FnOnce() + Send>;

/// The work, until it is done. It is locked while it goes on.
struct Work(Arc<Mutex<Option<Boxed>>>);

impl Drop for Work {
    fn drop(&mut self) {
        // Waits while the work goes on; what was not begun by now never will be.
        lock(&self.0).take();
    }
}

/// Does work where its waiting holds up nobody. A future that is dropped leaves nothing behind that
/// lands later: the drop waits for work that goes on, as long as the disk takes, and work that has not
/// begun is never done.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let Ok(runtime) = Handle::try_current() else { return work() };
    let done = Arc::new(Mutex::new(None));
    let into = Arc::clone(&done);
    do_there(&runtime, Box::new(move || *lock(&into) = Some(work()))).await;
    let done = lock(&done).take();
    match done {
        Some(done) => done,
        // The runtime is on its way out, and drops this future.
        None => std::future::pending().await,
    }
}

/// What is the same for all work, so that the runtime's part of it is compiled once.
async fn do_there(runtime: &Handle, work: Boxed) {
    let work = Work(Arc::new(Mutex::new(Some(work))));
    let there = Arc::clone(&work.0);
    let task = runtime.spawn_blocking(move || {
        let mut slot = lock(&there);
        if let Some(work) = slot.take() {
            work();
        }
    });
    if let Err(error) = task.await
        && error.is_panic()
    {
        resume_unwind(error.into_panic());
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::task::{Context, Waker};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn runtime(threads: usize) -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(threads).build().unwrap()
    }

    #[test]
    fn the_drop_waits_for_work_that_goes_on() {
        let runtime = runtime(1);
        let _inside = runtime.enter();
        let done = Arc::new(AtomicBool::new(false));
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let wrote = Arc::clone(&done);
        {
            let mut future = pin!(off_thread(move || {
                begun.send(()).unwrap();
                let _ = ends.recv();
                // So that a drop that does not wait is over before this is.
                thread::sleep(Duration::from_millis(50));
                wrote.store(true, SeqCst);
            }));
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            begins.recv().unwrap();
            drop(end);
        }
        assert!(done.load(SeqCst), "it landed after its future was dropped");
    }

    #[test]
    fn work_that_has_not_begun_when_its_future_is_dropped_is_never_done() {
        let runtime = runtime(1);
        let _inside = runtime.enter();
        let (free, blocked) = mpsc::channel::<()>();
        let busy = runtime.spawn_blocking(move || blocked.recv());
        let done = Arc::new(AtomicBool::new(false));
        let wrote = Arc::clone(&done);
        {
            let mut future = pin!(off_thread(move || wrote.store(true, SeqCst)));
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(free);
        // The one thread takes what was queued in its order.
        runtime.block_on(async {
            let _ = busy.await;
            runtime.spawn_blocking(|| ()).await.unwrap();
        });
        assert!(!done.load(SeqCst));
    }

    #[test]
    fn without_a_runtime_it_is_done_at_once() {
        let future = pin!(off_thread(|| 7));
        let polled = future.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, std::task::Poll::Ready(7)));
    }
}
