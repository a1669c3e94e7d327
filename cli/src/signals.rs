//! Ctrl-C, SIGTERM and a terminal that closes, which stop a server, a create, or a rotation.

use std::future::Future;
use std::pin::pin;

#[cfg(unix)]
use futures_util::future::OptionFuture;
use onkernel::rotation::Stop;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use crate::failure::Failure;

/// The signals that ask a program to end, received from [`listen`](Self::listen) on.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    /// Nothing where hangups are ignored, as under `nohup`.
    #[cfg(unix)]
    hangup: Option<Signal>,
    #[cfg(windows)]
    interrupt: CtrlC,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let cannot = |error| Failure::new(format!("cannot listen for signals: {error}"));
        #[cfg(unix)]
        return Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
            terminate: signal(SignalKind::terminate()).map_err(cannot)?,
            hangup: match hangups_are_ignored() {
                true => None,
                false => Some(signal(SignalKind::hangup()).map_err(cannot)?),
            },
        });
        #[cfg(windows)]
        return Ok(Self { interrupt: ctrl_c().map_err(cannot)? });
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = OptionFuture::from(self.hangup.as_mut().map(Signal::recv)) => {}
        }
        #[cfg(windows)]
        let _ = self.interrupt.recv().await;
    }

    /// Runs work that can stop at a safe point. The first signal asks it to, and calls `on_stop`; the
    /// second drops it where it is and yields `None`.
    pub(crate) async fn stoppable<T>(
        mut self,
        stop: &Stop,
        on_stop: impl FnOnce(),
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return Some(done),
            () = self.next() => {}
        }
        stop.stop();
        on_stop();
        tokio::select! {
            done = work => Some(done),
            () = self.next() => None,
        }
    }
}

/// Whether whoever started this program wants it to outlive its terminal. Where the system does not say, a
/// hangup is left to what it does by itself.
#[cfg(unix)]
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first signal is the first bit.
    ignored.is_none_or(|mask| mask & 1 == 1)
}
