//! A response of bytes: read as they come, or written to a file that is whole or not there.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use tokio::io::AsyncWriteExt;

use super::StreamingResponse;
use crate::error::{Cause, Error, ErrorKind, Result};

/// A response of bytes, which have not been read yet.
///
/// There is no limit to their number, and no time by which all must have come: only a silence
/// longer than [`idle_timeout`](crate::CallOptions::idle_timeout) ends the reading with an error.
/// Nothing is read before it is asked for.
///
/// ```no_run
/// # async fn example(client: onkernel::Client) -> onkernel::Result<()> {
/// use onkernel::Method;
///
/// let replay = client.request(Method::GET, "/browsers/b_1/replays/r_1").download().await?;
/// println!("{:?} bytes of {:?}", replay.content_length(), replay.content_type());
/// replay.write_to_file("replay.mp4").await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the bytes are still to be read"]
pub struct Download(StreamingResponse);

impl Download {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The server's name for the call, to quote to its support.
    pub fn request_id(&self) -> Option<String> {
        self.0.request_id()
    }

    /// The media type of the bytes, as the server says it.
    pub fn content_type(&self) -> Option<&str> {
        self.0.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    /// How many bytes there are, if the server says it.
    pub fn content_length(&self) -> Option<u64> {
        self.0.body.content_length()
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.0.chunk().await
    }

    /// All bytes, in memory.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk); nothing is returned of what came before.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The bytes as a stream of chunks. An error ends it.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + 'static {
        let chunks = stream::try_unfold(self, |mut download| async move {
            Ok(download.chunk().await?.map(|chunk| (chunk, download)))
        });
        // Fused, for `try_unfold` panics when it is asked again after its end.
        Box::pin(chunks.fuse())
    }

    /// Writes the bytes to a file and returns how many there were.
    ///
    /// They are written beside it and moved in its place when all are on the disk: the file is
    /// there as a whole or not at all, also when this future is dropped. A file that was there is
    /// replaced.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk), or the file cannot be written
    /// ([`ErrorKind::File`](crate::ErrorKind::File)).
    pub async fn write_to_file(mut self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let target = self.0.target.clone();
        let failed = |doing: &str, error: &std::io::Error| {
            let problem = format!("`{}` cannot be {doing}: {error}", path.display());
            Error::new(ErrorKind::File, problem)
                .of(&target)
                .caused_by(Cause::text(error.to_string()))
        };
        let created = Part::beside(path).create().await;
        let (part, mut file) = created.map_err(|error| failed("created", &error))?;
        let mut written = 0;
        while let Some(chunk) = self.chunk().await? {
            file.write_all(&chunk).await.map_err(|error| failed("written", &error))?;
            written += u64::try_from(chunk.len()).unwrap_or_default();
        }
        file.flush().await.map_err(|error| failed("written", &error))?;
        file.sync_all().await.map_err(|error| failed("written", &error))?;
        drop(file);
        part.replace(path).await.map_err(|error| failed("replaced", &error))?;
        Ok(written)
    }
}

impl StreamingResponse {
    pub(crate) fn download(self) -> Download {
        Download(self)
    }
}

impl fmt::Debug for Download {
    /// Without the bytes, and without the headers, which may hold cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("status", &self.status().as_u16())
            .field("content_type", &self.content_type())
            .field("content_length", &self.content_length())
            .finish_non_exhaustive()
    }
}

/// A file in the making, removed unless it is kept.
struct Part {
    path: PathBuf,
    kept: bool,
}

impl Part {
    fn beside(path: &Path) -> Self {
        // Not from the file's own name, which may be as long as names can be.
        let name = format!(".onkernel-{:016x}.part", fastrand::u64(..));
        Self { path: path.with_file_name(name), kept: false }
    }

    /// Creates the file. What a thread has begun it ends, though nobody waits for it any more: so the
    /// thread holds what removes the file.
    async fn create(self) -> io::Result<(Self, tokio::fs::File)> {
        blocking(move || {
            let mut options = std::fs::OpenOptions::new();
            let file = options.write(true).create_new(true).open(&self.path)?;
            Ok((self, file.into()))
        })
        .await
    }

    /// Moves the file to where it belongs.
    async fn replace(self, path: &Path) -> io::Result<()> {
        let path = path.to_owned();
        blocking(move || {
            // All of it, and not a copy of a flag.
            let mut part = self;
            std::fs::rename(&part.path, path)?;
            part.kept = true;
            Ok(())
        })
        .await
    }
}

/// Does what may wait for the disk where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.into()))
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // It may not have been created.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
