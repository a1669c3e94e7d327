//! The sockets: connections in, replies out, and the ways in which a connection can end badly.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::Server;
use super::faults::{Asked, Fault, Kind, When};
use super::reply::{Body, Reply};
use super::request::{MAX_BODY, Request};

/// How long connections get to finish what they are doing when the server stops.
const GRACE: Duration = Duration::from_secs(1);

/// White space is sent in pieces of this size.
const SPACES: usize = 16 * 1024;

/// An order to open or shut the door, and where to say that it is done.
pub(super) type DoorOrder = (bool, oneshot::Sender<io::Result<()>>);

/// The place where callers knock.
enum Door {
    Open(TcpListener),
    /// Bound but not listening: the system refuses connections, and nobody else gets the port.
    Shut(TcpSocket),
    /// Neither could be had.
    Gone,
}

/// Takes connections until `closing` says so, then lets those that are open finish.
pub(super) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    server: Server,
    mut closing: watch::Receiver<bool>,
    mut orders: mpsc::Receiver<DoorOrder>,
) {
    let mut door = Door::Open(listener);
    let mut connections = Connections::new();
    loop {
        tokio::select! {
            () = said(&mut closing) => break,
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
                Ok(stream) => connections.add(stream, server.clone()),
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
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
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

    fn add(&mut self, stream: TcpStream, server: Server) {
        if let Some(fault) = server.faults().pick(Asked::Connection) {
            server.log_refusal(&fault);
            // Where it fails the connection is closed all the same.
            let _ = stream.set_zero_linger();
            return;
        }
        // An answer is small and awaited: it must not wait for company.
        let _ = stream.set_nodelay(true);
        self.tasks.spawn(converse(stream, server, self.hang_up.subscribe()));
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

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, server: Server, mut hang_up: watch::Receiver<bool>) {
    let reset = Arc::new(AtomicBool::new(false));
    let line = Line { server, reset: reset.clone(), hang_up: hang_up.clone() };
    let service = service_fn(move |request| exchange(line.clone(), request));
    let socket = TokioIo::new(Socket { stream, reset });
    let connection = http1::Builder::new().serve_connection(socket, service);
    tokio::pin!(connection);
    // How a connection ends is the caller's affair, and often a fault that was ordered.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = said(&mut hang_up) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// What one exchange needs to know of its connection.
#[derive(Clone)]
struct Line {
    server: Server,
    reset: Arc<AtomicBool>,
    hang_up: watch::Receiver<bool>,
}

/// The connection ends here, without the rest of an answer.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends here")
    }
}

impl std::error::Error for Ended {}

type Sent = UnsyncBoxBody<Bytes, Ended>;

async fn exchange(line: Line, request: hyper::Request<Incoming>) -> Result<Response<Sent>, Ended> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let fault = line.server.faults().pick(Asked::Request { method, path });
    let head = head(&request);
    let id = line.server.next_request_id();
    if let Some(fault) = fault.as_ref().filter(|fault| matches!(fault.kind, Kind::Refuse)) {
        let reply = line.server.decide(&head, &id, Some(fault));
        return send(reply, &id, &line);
    }
    let request = read(head, request.into_body()).await?;
    // On its own task, so that a caller who leaves does not take the effect along.
    let task = tokio::spawn(treat(line.clone(), request, id.clone(), fault));
    let reply = task.await.map_err(|_| Ended)?;
    send(reply, &id, &line)
}

/// Carries a request out, with what goes wrong on the way.
async fn treat(line: Line, request: Request, id: String, fault: Option<Fault>) -> Reply {
    let Line { server, mut hang_up, .. } = line;
    pause(server.latency(), &mut hang_up).await;
    let Some(fault) = fault else { return server.decide(&request, &id, None) };
    if fault.when() == When::Before {
        interlude(&fault, &server, &mut hang_up).await;
    }
    let reply = server.decide(&request, &id, Some(&fault));
    if fault.when() == When::After {
        interlude(&fault, &server, &mut hang_up).await;
    }
    reply
}

/// What happens beside the request itself.
async fn interlude(fault: &Fault, server: &Server, hang_up: &mut watch::Receiver<bool>) {
    match &fault.kind {
        Kind::Delay { ms } => pause(Duration::from_millis(*ms), hang_up).await,
        Kind::Run(action) => (action.0)(&server.without_sockets()),
        _ => {}
    }
}

/// Waits until the flag is raised, or nobody is left who could.
async fn said(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

/// Waits, but not for a server that stops.
async fn pause(time: Duration, hang_up: &mut watch::Receiver<bool>) {
    if time.is_zero() {
        return;
    }
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = said(hang_up) => {}
    }
}

/// What a request says before its body.
fn head(request: &hyper::Request<Incoming>) -> Request {
    Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        authorization: single(request.headers(), &AUTHORIZATION),
        project: all(request.headers(), &HeaderName::from_static("x-kernel-project-id")),
        content_type: single(request.headers(), &CONTENT_TYPE),
        ..Request::default()
    }
}

/// A header's value, unless it is repeated: then it is not clear which one counts.
fn single(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().filter(|_| values.next().is_none())?;
    first.to_str().ok().map(str::to_owned)
}

/// What a header says, all of it: what names no project is not the same as nothing.
fn all(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| String::from_utf8_lossy(&values.join(&b", "[..])).into_owned())
}

/// Reads the body. One that is too large is read to its end too, so that the caller hears why.
async fn read(mut request: Request, mut body: Incoming) -> Result<Request, Ended> {
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Ended)?;
        let Some(data) = frame.data_ref() else { continue };
        read += data.len();
        if read <= MAX_BODY {
            request.body.extend_from_slice(data);
        } else if read <= 64 * MAX_BODY {
            request.too_large = true;
        } else {
            break;
        }
    }
    Ok(request)
}

fn send(reply: Reply, id: &str, line: &Line) -> Result<Response<Sent>, Ended> {
    let (status, headers, body) = match reply {
        Reply::Lost => return Err(Ended),
        Reply::Reset => {
            line.reset.store(true, Ordering::Relaxed);
            return Err(Ended);
        }
        Reply::Sent { status, headers, body } => (status, headers, body),
    };
    let announced = match &body {
        Body::Short { announced, .. } => Some(*announced),
        _ => None,
    };
    let mut response = Response::new(stream(body, line.hang_up.clone()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Ended)?;
    let target = response.headers_mut();
    target.insert("x-request-id", HeaderValue::from_str(id).map_err(|_| Ended)?);
    for (name, value) in headers {
        // A test may have asked for what HTTP does not allow; it is documented to be left out.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            target.insert(name, value);
        }
    }
    if let Some(announced) = announced {
        target.insert(CONTENT_LENGTH, HeaderValue::from(announced));
    }
    Ok(response)
}

/// The bytes of a body, at the speed and to the point that it says.
fn stream(body: Body, hang_up: watch::Receiver<bool>) -> Sent {
    match body {
        Body::Whole(bytes) => {
            Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
        }
        Body::Slow { bytes, piece, every_ms } => {
            let pause_for = Duration::from_millis(every_ms);
            let state = (Bytes::from(bytes), hang_up);
            let pieces = stream::unfold(state, move |(mut rest, mut hang_up)| async move {
                if rest.is_empty() {
                    return None;
                }
                pause(pause_for, &mut hang_up).await;
                if *hang_up.borrow() {
                    return Some((Err(Ended), (Bytes::new(), hang_up)));
                }
                let piece = rest.split_to(piece.min(rest.len()));
                Some((Ok(Frame::data(piece)), (rest, hang_up)))
            });
            StreamBody::new(pieces).boxed_unsync()
        }
        Body::Short { bytes, .. } => {
            let mut pieces = vec![Bytes::from(bytes)].into_iter();
            let pieces = stream::unfold((), move |()| {
                let piece = pieces.next();
                async move {
                    let Some(piece) = piece else {
                        // Gives what was sent time to leave before the connection ends.
                        tokio::task::yield_now().await;
                        return Some((Err(Ended), ()));
                    };
                    Some((Ok(Frame::data(piece)), ()))
                }
            });
            StreamBody::new(pieces).boxed_unsync()
        }
        Body::Padded { spaces, bytes } => padded(Some(spaces), Bytes::from(bytes), hang_up),
        Body::Endless => padded(None, Bytes::new(), hang_up),
    }
}

/// White space, for ever or so much of it, then the bytes.
fn padded(spaces: Option<u64>, bytes: Bytes, hang_up: watch::Receiver<bool>) -> Sent {
    let blank = Bytes::from(vec![b' '; SPACES]);
    let pieces = stream::unfold((spaces, bytes), move |(left, mut bytes)| {
        let blank = blank.clone();
        let stopped = *hang_up.borrow();
        async move {
            // Other tasks get a turn however fast the caller reads.
            tokio::task::yield_now().await;
            match left {
                _ if stopped => Some((Err(Ended), (Some(0), Bytes::new()))),
                None => Some((Ok(Frame::data(blank)), (None, bytes))),
                Some(0) if bytes.is_empty() => None,
                Some(0) => Some((Ok(Frame::data(bytes.split_off(0))), (Some(0), bytes))),
                Some(left) => {
                    let piece = left.min(SPACES as u64);
                    let blank = blank.slice(..piece as usize);
                    Some((Ok(Frame::data(blank)), (Some(left - piece), bytes)))
                }
            }
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// A connection that can be told to end with a reset instead of an orderly close.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Closing with no time to linger is what makes the system send RST.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            // An orderly end first would hide the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
