//! What is sent as bytes: from memory, from a file that is never held whole, or from a stream.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

/// How much of a file is in memory at once.
const CHUNK: usize = 64 * 1024;

/// Why bytes cannot be read.
pub(crate) type Problem = Box<dyn std::error::Error + Send + Sync>;
/// Chunks of bytes, as they come.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Problem>> + Send>>;

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

    /// A stream of chunks, of which one is in memory at a time. An error in it breaks the call off:
    /// the server then has a part of the request, and never the whole.
    pub fn stream<S, E>(chunks: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let failed =
            |problem: E| Problem::from(format!("the stream to send failed: {}", problem.into()));
        let chunks: Chunks = Box::pin(chunks.map(move |chunk| chunk.map_err(failed)));
        Self::of(Source::Stream { chunks: Arc::new(Mutex::new(Some(chunks))), length: None }, None)
    }

    /// How many bytes a stream will yield, so that the server is told before they come. Bytes from
    /// memory and files tell it themselves. A stream that yields more or fewer is an error, and the
    /// request is not completed.
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
                        "`{}` is not a file of a known length: send what it yields with `Upload::stream`",
                        path.display()
                    ));
                }
                let length = metadata.len();
                // What is appended meanwhile is not part of what was announced.
                Ok((Box::pin(chunks(file.take(length), path.clone())), Some(length)))
            }
            Source::Stream { chunks, length } => {
                let taken = chunks.lock().ok().and_then(|mut chunks| chunks.take());
                let chunks =
                    taken.ok_or("the stream has been read already, and can be sent only once")?;
                match *length {
                    Some(length) => Ok((Box::pin(exactly(chunks, length)), Some(length))),
                    None => Ok((chunks, None)),
                }
            }
        }
    }
}

fn chunks(
    file: tokio::io::Take<tokio::fs::File>,
    path: PathBuf,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    stream::unfold(Some((file, path)), |reading| async {
        let (mut file, path) = reading?;
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let problem = match file.read_buf(&mut chunk).await {
            Ok(0) if file.limit() > 0 => "it became shorter while it was sent".to_owned(),
            Ok(0) => return None,
            Ok(_) => return Some((Ok(chunk.freeze()), Some((file, path)))),
            Err(error) => error.to_string(),
        };
        let problem = format!("`{}` cannot be read: {problem}", path.display());
        Some((Err(problem.into()), None))
    })
}

/// The chunks of a stream that must yield so many bytes. What completes the request is held back until
/// the stream has ended, so that a wrong length never makes a request that looks complete.
fn exactly(chunks: Chunks, length: u64) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    stream::unfold(Some((chunks, 0_u64)), move |reading| async move {
        let (mut chunks, before) = reading?;
        let wrong = |problem: String| Some((Err(problem.into()), None));
        let chunk = match next(&mut chunks).await {
            Some(Ok(chunk)) => chunk,
            Some(Err(problem)) => return Some((Err(problem), None)),
            None if before == length => return None,
            None => {
                return wrong(format!(
                    "the stream to send ended after {before} bytes, but its length was given as {length}"
                ));
            }
        };
        let sum = before.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let longer = sum > length
            || sum == length
                && match next(&mut chunks).await {
                    Some(Ok(_)) => true,
                    Some(Err(problem)) => return Some((Err(problem), None)),
                    None => false,
                };
        if longer {
            return wrong(format!(
                "the stream to send is longer than the {length} bytes that were given as its length"
            ));
        }
        Some((Ok(chunk), (sum < length).then_some((chunks, sum))))
    })
}

/// The next chunk that holds anything.
async fn next(chunks: &mut Chunks) -> Option<Result<Bytes, Problem>> {
    loop {
        match chunks.next().await {
            Some(Ok(chunk)) if chunk.is_empty() => {}
            other => return other,
        }
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
