//! The one point through which every call passes: the key, the limits, the retries, the trace.

mod attempt;
mod judge;
mod options;
mod retry;
mod run;

use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde::de::{DeserializeOwned, IgnoredAny};

pub(crate) use self::options::{Options, Project};
pub(crate) use self::retry::Policy;
use self::run::Run;
use crate::connection::Connection;
use crate::error::Result;
use crate::request::Call;
use crate::response::download::Download;
use crate::response::sse::EventStream;
use crate::response::{BufferedResponse, Reopen, Response, StreamingResponse};

/// From which event on a stream is wanted.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// Sends calls over a connection.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) connection: Arc<Connection>,
    pub(crate) options: Arc<Options>,
}

impl Sender {
    /// Sends a call whose success is JSON.
    pub(crate) fn json<T: DeserializeOwned>(self, call: Call) -> impl Future<Output = Result<T>> {
        self.buffered(call, read_json, value)
    }

    /// As [`json`](Self::json), with what came with the value.
    pub(crate) fn json_raw<T: DeserializeOwned>(
        self,
        call: Call,
    ) -> impl Future<Output = Result<Response<T>>> {
        self.buffered(call, read_json, whole)
    }

    /// Sends a call whose success has nothing to read.
    pub(crate) fn empty(self, mut call: Call) -> impl Future<Output = Result<()>> {
        call.no_content = true;
        call.ignores_body = true;
        self.buffered(call, read_nothing, value)
    }

    /// As [`empty`](Self::empty), with what came instead.
    pub(crate) fn empty_raw(self, mut call: Call) -> impl Future<Output = Result<Response<()>>> {
        call.no_content = true;
        call.ignores_body = true;
        self.buffered(call, read_nothing, whole)
    }

    /// Sends a call whose success is read by its status.
    #[allow(dead_code)] // the bundled document has none
    pub(crate) fn any<T>(
        self,
        call: Call,
        read: impl Fn(&BufferedResponse) -> Result<T, serde_json::Error>,
    ) -> impl Future<Output = Result<Response<T>>> {
        self.buffered(call, move |response| read(response), whole)
    }

    /// Sends a call whose success is bytes.
    pub(crate) async fn download(self, call: Call) -> Result<Download> {
        Ok(self.streaming(call).await?.download())
    }

    /// Sends a call whose success is a stream of events, resumed where it breaks off if that can be
    /// done.
    pub(crate) async fn events<T>(self, mut call: Call, resume: bool) -> Result<EventStream<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        call.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        Ok(self.streaming(call).await?.events(resume))
    }

    /// Sends a call whose success is read when its status is known, and may be of any type.
    pub(crate) async fn streaming(self, mut call: Call) -> Result<StreamingResponse> {
        call.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        call.streaming = true;
        let reopen = self.reopen(&call);
        let mut run = Run::new(self.connection, self.options, call)?;
        run.begin();
        loop {
            let failure = match run.attempt().await {
                Ok(success) => match success.stream {
                    Some(body) => {
                        run.learn(b"");
                        run.finished("begun");
                        return Ok(StreamingResponse {
                            status: success.status,
                            headers: success.headers,
                            target: run.call.target.clone(),
                            scrubber: run.call.scrubber.clone(),
                            body: *body,
                            limits: run.options.limits,
                            reopen,
                        });
                    }
                    None => run.nothing_to_read(success.status),
                },
                Err(failure) => failure,
            };
            Box::pin(run.recover(failure)).await?;
        }
    }

    /// How the call is sent again when its stream breaks off.
    fn reopen(&self, call: &Call) -> Reopen {
        let (sender, call) = (self.clone(), call.clone());
        let (retries, wait) = (self.options.retry.retries, self.options.retry.first);
        let last_event = call.headers.get(LAST_EVENT).cloned();
        let send = move |last_event: HeaderValue| {
            let mut call = call.clone();
            call.headers.insert(LAST_EVENT, last_event);
            Box::pin(sender.clone().streaming(call)) as _
        };
        Reopen { send: Arc::new(send), last_event, retries, wait }
    }

    /// Sends a call whose success is read to its end. Only what depends on its type is here.
    // Whoever has many calls under way moves and allocates their futures, as large as they may become.
    // So this is no `async fn`, whose future would hold the call twice; the run has a box of its own,
    // and so has what is seldom awaited.
    pub(crate) fn buffered<T, O>(
        self,
        call: Call,
        read: impl Fn(&mut BufferedResponse) -> Result<T, serde_json::Error>,
        done: impl FnOnce(Response<T>, Call) -> O,
    ) -> impl Future<Output = Result<O>> {
        let run = Run::new(self.connection, self.options, call);
        async move {
            let mut run = run?;
            run.begin();
            loop {
                let failure = match run.attempt().await {
                    Ok(success) => {
                        let mut response = success.buffered();
                        run.learn(&response.body);
                        match read(&mut response) {
                            Ok(value) => {
                                run.finished("done");
                                let BufferedResponse { status, headers, .. } = response;
                                let call = run.call;
                                let response =
                                    Response::new(value, status, headers, call.target.clone());
                                return Ok(done(response, call));
                            }
                            Err(error) => run.not_as_documented(&response, &error),
                        }
                    }
                    Err(failure) => failure,
                };
                Box::pin(run.recover(failure)).await?;
            }
        }
    }
}

fn value<T>(response: Response<T>, _: Call) -> T {
    response.into_value()
}

/// A response with all that came with it.
pub(crate) fn whole<T>(response: Response<T>, _: Call) -> Response<T> {
    response
}

pub(crate) fn read_json<T: DeserializeOwned>(
    response: &mut BufferedResponse,
) -> serde_json::Result<T> {
    serde_json::from_slice(&response.body)
}

fn read_nothing(response: &mut BufferedResponse) -> serde_json::Result<()> {
    // Success is success, whatever comes with it. But a page means that something between us and
    // the server responded in its place.
    if response.status != StatusCode::NOT_FOUND && response.is_page() {
        return serde_json::from_slice::<IgnoredAny>(&response.body).map(drop);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Method;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use crate::ErrorKind;
    use crate::model::operation::Idempotency;
    use crate::model::target::Target;
    use crate::{Client, request::Call};

    #[tokio::test]
    async fn a_trickling_response_ends_with_the_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let mut next: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
            while stream.write_all(next).await.is_ok() {
                next = b" ";
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let client = Client::builder().api_key("sk_live_0123456789").base_url(url);
        let client = client.timeout(Duration::from_millis(100)).build().unwrap();
        let target = Target::Raw {
            method: Method::GET,
            path: "/x".into(),
            idempotency: Idempotency::NotIdempotent,
        };
        let call = Call::to(target, "/x");
        let response = client.sender.streaming(call).await.unwrap();
        let read = timeout(Duration::from_secs(10), response.json::<serde_json::Value>()).await;
        assert_eq!(read.expect("it ends").unwrap_err().kind(), ErrorKind::Timeout);
        server.await.unwrap();
    }
}
