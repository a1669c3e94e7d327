//! What is sent as bytes: from memory, from a file that is never held whole, or from a stream.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

/// How much of a file is in memory at once.
const CHUNK: usize = 64 * 1024;

/// Chunks of bytes, as they come.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Bytes to send: the body of a request, or a file in a form.
///
/// A file is opened when the request is sent, again for each attempt, and read in pieces of
/// 64 KiB. A stream can be read once: a call that carries one is never retried.
///
/// ```
/// use onkernel::Upload;
///
/// let from_memory = Upload::from("hello").file_name("hello.txt").content_type("text/plain");
/// let from_disk = Upload::file("/tmp/app.zip");
/// ```
#[derive(Clone)]
pub struct Upload {
    source: Source,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
}

#[derive(Clone)]
enum Source {
    Bytes(Bytes),
    File(PathBuf),
    Stream { chunks: Arc<Mutex<Option<Chunks>>>, length: Option<u64> },
}

impl Upload {
    /// Bytes from memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::of(Source::Bytes(bytes.into()), None)
    }

    /// A file. In a form it goes by the last component of its path unless
    /// [`file_name`](Self::file_name) says otherwise.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self::of(Source::File(path), name)
    }

    /// A stream of chunks, of which one is in memory at a time. An error in it breaks the call off.
    pub fn stream<S, E>(chunks: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let chunks: Chunks = Box::pin(chunks.map(|chunk| chunk.map_err(io::Error::other)));
        Self::of(Source::Stream { chunks: Arc::new(Mutex::new(Some(chunks))), length: None }, None)
    }

    /// How many bytes a stream will yield, so that the server is told before they come. Bytes from
    /// memory and files tell it themselves.
    #[must_use]
    pub fn length(mut self, bytes: u64) -> Self {
        if let Source::Stream { length, .. } = &mut self.source {
            *length = Some(bytes);
        }
        self
    }

    /// The name of the file in a form.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// The media type, instead of the document's or of `application/octet-stream`.
    #[must_use]
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }

    fn of(source: Source, file_name: Option<String>) -> Self {
        Self { source, file_name, content_type: None }
    }

    /// Whether the bytes can be read once more.
    pub(crate) fn is_replayable(&self) -> bool {
        !matches!(self.source, Source::Stream { .. })
    }

    /// The bytes from their beginning, and how many there are if that is known.
    pub(crate) async fn open(&self) -> Result<(Chunks, Option<u64>), String> {
        match &self.source {
            Source::Bytes(bytes) => {
                let length = u64::try_from(bytes.len()).ok();
                let bytes = bytes.clone();
                Ok((Box::pin(stream::once(async { Ok(bytes) })), length))
            }
            Source::File(path) => {
                let problem = |error| format!("`{}` cannot be read: {error}", path.display());
                let file = tokio::fs::File::open(path).await.map_err(problem)?;
                let metadata = file.metadata().await.map_err(problem)?;
                if !metadata.is_file() {
                    // A pipe says that it holds nothing.
                    return Err(format!(
                        "`{}` is no file of a known length: send what it yields with `Upload::stream`",
                        path.display()
                    ));
                }
                let length = metadata.len();
                // What is appended meanwhile is not part of what was announced.
                Ok((Box::pin(chunks(file.take(length))), Some(length)))
            }
            Source::Stream { chunks, length } => {
                let taken = chunks.lock().ok().and_then(|mut chunks| chunks.take());
                let chunks = taken.ok_or("the stream to send has been read already")?;
                Ok((chunks, *length))
            }
        }
    }
}

fn chunks(file: tokio::io::Take<tokio::fs::File>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match file.read_buf(&mut chunk).await {
            Ok(0) if file.limit() > 0 => {
                Some((Err(io::Error::other("the file has become shorter while it was sent")), None))
            }
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk.freeze()), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Whether bytes have left since it was last asked: an upload that makes progress is not late.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicBool>);

impl Progress {
    pub(crate) fn made(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn watch(&self, chunks: Chunks) -> Chunks {
        let made = Arc::clone(&self.0);
        Box::pin(chunks.inspect(move |_| made.store(true, Ordering::Relaxed)))
    }
}

macro_rules! from_memory {
    ($($bytes:ty),*) => {$(
        impl From<$bytes> for Upload {
            fn from(bytes: $bytes) -> Self {
                Self::bytes(bytes)
            }
        }
    )*};
}
from_memory!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

impl From<PathBuf> for Upload {
    fn from(path: PathBuf) -> Self {
        Self::file(path)
    }
}

impl From<&Path> for Upload {
    fn from(path: &Path) -> Self {
        Self::file(path)
    }
}

impl fmt::Debug for Upload {
    /// Where the bytes come from; not what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Bytes(bytes) => write!(f, "Upload({} bytes)", bytes.len()),
            Source::File(path) => write!(f, "Upload({})", path.display()),
            Source::Stream { .. } => f.write_str("Upload(stream)"),
        }
    }
}
