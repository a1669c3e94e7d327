//! Waiting that ends when the server stops.

use std::time::Duration;

use tokio::sync::watch;

/// Waits until the flag is raised, or nobody is left who could.
pub(super) async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

/// Waits, but not for a server that stops.
pub(super) async fn pause(time: Duration, hang_up: &mut watch::Receiver<bool>) {
    if time.is_zero() {
        return;
    }
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = raised(hang_up) => {}
    }
}
