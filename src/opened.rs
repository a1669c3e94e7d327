//! A successful answer whose body is still to be read.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::call::{Call, Target};
use crate::client::Options;
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::response::request_id;
use crate::scrub::Scrubber;
use crate::{Download, EventStream};

/// An answer that reports success and whose body is still to be read.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) target: Target,
    pub(crate) scrubber: Scrubber,
    pub(crate) response: Response,
    pub(crate) options: Options,
    /// The call, to be made again where the answer breaks off.
    pub(crate) call: Call,
}

impl Opened {
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers, &self.scrubber)
    }

    /// An error of this answer.
    pub(crate) fn error(&self, kind: ErrorKind, problem: impl Into<String>) -> Error {
        Error::new(kind, problem).of(&self.target).answered(self.status, self.request_id())
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let idle = self.options.idle_timeout;
        match timeout(idle, self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                let cause = Cause::of(&error.without_url(), &self.scrubber);
                let problem = format!("the answer broke off: {}", cause.root());
                Err(self.error(ErrorKind::ConnectionLost, problem).caused_by(cause))
            }
            Err(_) => {
                let problem = format!("nothing came for {idle:?} while reading the answer");
                Err(self.error(ErrorKind::Timeout, problem))
            }
        }
    }

    pub(crate) fn download(self) -> Download {
        Download::new(self)
    }

    pub(crate) fn events<T>(self, resume: bool) -> EventStream<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let call = resume.then(|| self.call.clone());
        EventStream::new(self, call)
    }
}

/// What operations with several successful answers need: the bundled document has none.
#[allow(dead_code)]
impl Opened {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What an answer's value is wrapped with.
    pub(crate) fn parts(&self) -> (StatusCode, HeaderMap, Target) {
        (self.status, self.headers.clone(), self.target.clone())
    }

    /// The body as JSON, which has the time and the size of every answer that is no stream.
    pub(crate) async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        let limit = self.options.timeout;
        let body = match timeout(limit, self.whole()).await {
            Ok(body) => body?,
            Err(_) => {
                let problem = format!("the timeout of {limit:?} passed while reading the answer");
                return Err(self.error(ErrorKind::Timeout, problem));
            }
        };
        serde_json::from_slice(&body).map_err(|error| {
            let cause = Cause::from(&error);
            let problem = format!("{}, but the answer is not as documented: {cause}", self.status);
            self.error(ErrorKind::Decode, problem).caused_by(cause)
        })
    }

    async fn whole(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let mut body = Zeroizing::new(Vec::new());
        let most = self.options.max_response_bytes;
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > most {
                let problem = format!("the answer is larger than {most} bytes");
                return Err(self.error(ErrorKind::TooLarge, problem));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Method;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Client, Repeat};

    #[tokio::test]
    async fn a_trickling_answer_ends_with_the_timeout() {
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
        let target =
            Target::Raw { method: Method::GET, path: "/x".into(), repeat: Repeat::IfUnsent };
        let opened = Call::to(client, target, "/x".to_owned()).open().await.unwrap();
        let read = timeout(Duration::from_secs(10), opened.json::<serde_json::Value>()).await;
        assert_eq!(read.expect("it ends").unwrap_err().kind(), ErrorKind::Timeout);
        server.await.unwrap();
    }
}
