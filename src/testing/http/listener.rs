//! The listening socket and the connections that are open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::exchange::converse;
use super::wait::raised;
use crate::testing::core::Core;
use crate::testing::faults::Asked;

/// How long connections get to finish what they are doing when the server stops.
const GRACE: Duration = Duration::from_secs(1);

/// An order to open or shut the door, and where to say that it is done.
pub(in crate::testing) type DoorOrder = (bool, oneshot::Sender<io::Result<()>>);

/// The place where callers knock.
enum Door {
    Open(TcpListener),
    /// Bound but not listening: the system refuses connections, and nobody else gets the port.
    Shut(TcpSocket),
    /// Neither could be had.
    Gone,
}

/// Takes connections until `closing` says so, then lets those that are open finish.
pub(in crate::testing) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    core: Arc<Core>,
    mut closing: watch::Receiver<bool>,
    mut orders: mpsc::Receiver<DoorOrder>,
) {
    let mut door = Door::Open(listener);
    let mut connections = Connections::new();
    loop {
        tokio::select! {
            () = raised(&mut closing) => break,
            Some((open, done)) = orders.recv() => {
                let result = match open {
                    true => listen(&mut door, address),
                    false => stop_listening(&mut door, address),
                };
                if !open {
                    connections.finish().await;
                }
                // Whoever asked may have stopped waiting.
                let _ = done.send(result);
            }
            accepted = accept(&door) => match accepted {
                Ok(stream) => connections.add(stream, core.clone()),
                // Out of file descriptors, say: nothing to do but to try again a little later.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            Some(_) = connections.tasks.join_next() => {}
        }
    }
    drop(door);
    connections.finish().await;
}

async fn accept(door: &Door) -> io::Result<TcpStream> {
    match door {
        Door::Open(listener) => listener.accept().await.map(|(stream, _)| stream),
        Door::Shut(_) | Door::Gone => std::future::pending().await,
    }
}

fn stop_listening(door: &mut Door, address: SocketAddr) -> io::Result<()> {
    if let Door::Open(_) = door {
        // The listener has to go before the port can be bound again.
        *door = Door::Gone;
        *door = Door::Shut(bind(address)?);
    }
    Ok(())
}

fn listen(door: &mut Door, address: SocketAddr) -> io::Result<()> {
    *door = match std::mem::replace(door, Door::Gone) {
        Door::Open(listener) => Door::Open(listener),
        Door::Shut(socket) => Door::Open(socket.listen(1024)?),
        Door::Gone => Door::Open(bind(address)?.listen(1024)?),
    };
    Ok(())
}

/// Holds an address, without listening to it yet.
pub(in crate::testing) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows this would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The connections that are open.
struct Connections {
    tasks: JoinSet<()>,
    hang_up: watch::Sender<bool>,
}

impl Connections {
    fn new() -> Self {
        Self { tasks: JoinSet::new(), hang_up: watch::Sender::new(false) }
    }

    fn add(&mut self, stream: TcpStream, core: Arc<Core>) {
        let struck = core.faults().pick(Asked::Connection);
        if struck.fault.is_some() {
            core.log_refused(&struck);
            // Where it fails the connection is closed all the same.
            let _ = stream.set_zero_linger();
            return;
        }
        // A response is small and awaited: it must not wait for company.
        let _ = stream.set_nodelay(true);
        self.tasks.spawn(converse(stream, core, self.hang_up.subscribe()));
    }

    /// Lets each connection finish the request it is at, for a while.
    async fn finish(&mut self) {
        self.hang_up.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            self.tasks.shutdown().await;
        }
        // What is left of the old connections keeps hearing that it is over.
        self.hang_up = watch::Sender::new(false);
    }
}
