//! One connection: requests in, replies out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::body::{Ended, Sent, stream};
use super::intake::Intake;
use super::socket::Socket;
use super::wait::{pause, raised};
use crate::testing::core::Core;
use crate::testing::faults::{Asked, Fault, Kind, Struck, When};
use crate::testing::reply::{Body, Reply};
use crate::testing::request::Request;

/// Serves the requests of one connection.
pub(super) async fn converse(
    stream: TcpStream,
    core: Arc<Core>,
    mut hang_up: watch::Receiver<bool>,
) {
    let reset = Arc::new(AtomicBool::new(false));
    let line = Line { core, reset: reset.clone(), hang_up: hang_up.clone() };
    let service = service_fn(move |request| exchange(line.clone(), request));
    let socket = TokioIo::new(Socket { stream, reset });
    let connection = http1::Builder::new().serve_connection(socket, service);
    tokio::pin!(connection);
    // How a connection ends is the caller's affair, and often a fault that was ordered.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = raised(&mut hang_up) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// What one exchange needs to know of its connection.
#[derive(Clone)]
struct Line {
    core: Arc<Core>,
    reset: Arc<AtomicBool>,
    hang_up: watch::Receiver<bool>,
}

async fn exchange(line: Line, request: hyper::Request<Incoming>) -> Result<Response<Sent>, Ended> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let struck = line.core.faults().pick(Asked::Request { method, path });
    let head = head(&request);
    let id = line.core.next_request_id();
    if struck.fault.as_ref().is_some_and(|fault| matches!(fault.kind, Kind::Refuse)) {
        let reply = line.core.decide(&head, &id, &struck);
        return send(reply, &id, &line);
    }
    let request = read(head, request.into_body()).await?;
    // On its own task, so that a caller who leaves does not take the effect along.
    let task = tokio::spawn(treat(line.clone(), request, id.clone(), struck));
    let reply = task.await.map_err(|_| Ended)?;
    send(reply, &id, &line)
}

/// Carries a request out, with what goes wrong on the way.
async fn treat(line: Line, request: Request, id: String, struck: Struck) -> Reply {
    let Line { core, mut hang_up, .. } = line;
    pause(core.latency(), &mut hang_up).await;
    let Some(fault) = &struck.fault else { return core.decide(&request, &id, &struck) };
    if fault.when() == When::Before {
        interlude(fault, &core, &mut hang_up).await;
    }
    let reply = core.decide(&request, &id, &struck);
    if fault.when() == When::After {
        interlude(fault, &core, &mut hang_up).await;
    }
    reply
}

/// What happens beside the request itself.
async fn interlude(fault: &Fault, core: &Arc<Core>, hang_up: &mut watch::Receiver<bool>) {
    match &fault.kind {
        Kind::Delay { ms } => pause(Duration::from_millis(*ms), hang_up).await,
        Kind::Run(action) => (action.0)(core),
        _ => {}
    }
}

/// What a request says before its body.
fn head(request: &hyper::Request<Incoming>) -> Request {
    Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        authorization: single(request.headers(), &AUTHORIZATION),
        content_type: single(request.headers(), &CONTENT_TYPE),
        headers: request.headers().clone(),
        ..Request::default()
    }
}

/// A header's value, unless it is repeated: then it is not clear which one counts.
fn single(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().filter(|_| values.next().is_none())?;
    first.to_str().ok().map(str::to_owned)
}

/// Reads the body.
async fn read(head: Request, mut body: Incoming) -> Result<Request, Ended> {
    let mut intake = Intake::of(&head);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Ended)?;
        if frame.data_ref().is_some_and(|piece| !intake.take(piece)) {
            break;
        }
    }
    Ok(intake.finish(head))
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
