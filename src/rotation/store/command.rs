//! Any secret manager's own program: one command that takes the key, one that prints it.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::future::join;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::{Store, StoreError};
use crate::Secret;
use crate::error::Scrubber;
use crate::rotation::process::Group;

/// More than any key, and any message worth showing.
const MOST_OUTPUT: u64 = 64 * 1024;

/// A pair of programs: one gets the secret on standard input, one prints it.
///
/// They are started as they are given, without a shell, without `KERNEL_API_KEY`, in a process
/// group of their own that is killed when the time is over. Without the second program the store
/// is one-way: see [`Store::readable`].
///
/// ```
/// use std::time::Duration;
/// use onkernel::rotation::{CommandStore, Store};
///
/// let store = CommandStore::new("vault:ci", ["vault", "kv", "put", "kv/ci", "key=-"])
///     .reading(["vault", "kv", "get", "-field=key", "kv/ci"])
///     .timeout(Duration::from_secs(20));
/// assert!(store.readable());
/// ```
#[derive(Clone, Debug)]
pub struct CommandStore {
    name: String,
    write: Vec<String>,
    read: Option<Vec<String>>,
    timeout: Duration,
    lock: Option<PathBuf>,
}

impl CommandStore {
    /// A store of this name, which is written by this program with these arguments.
    ///
    /// The name is what plans show and what a journal is held to. The program gets the key on
    /// standard input, without a line break, and reports success by exit status 0.
    pub fn new<A: Into<String>>(
        name: impl Into<String>,
        write: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            name: name.into(),
            write: write.into_iter().map(Into::into).collect(),
            read: None,
            timeout: Duration::from_secs(30),
            lock: None,
        }
    }

    /// The program that prints the key. Printing nothing means that there is none.
    #[must_use]
    pub fn reading<A: Into<String>>(mut self, read: impl IntoIterator<Item = A>) -> Self {
        self.read = Some(read.into_iter().map(Into::into).collect());
        self
    }

    /// How long each program may take (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A file to lock while a rotation is under way, which all who rotate this store must name.
    #[must_use]
    pub fn lock_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = Some(path.into());
        self
    }

    async fn get(&self) -> Result<Option<Secret>, StoreError> {
        let Some(argv) = &self.read else {
            return Err(StoreError::failed(format!("{} has no command that reads it", self.name)));
        };
        let scrubber = Scrubber::default();
        let output = self.run(argv, None).await?;
        if !output.status.success() {
            return Err(StoreError::failed(self.complaint(argv, &output, &scrubber)));
        }
        let text = std::str::from_utf8(&output.stdout).map_err(|_| {
            StoreError::failed(format!("{}: what it prints is not text", self.name))
        })?;
        let key = text.trim_end_matches(['\r', '\n']);
        if key.contains(['\r', '\n']) {
            let problem = format!("{}: it prints more than one line", self.name);
            return Err(StoreError::failed(problem));
        }
        Ok(Some(key).filter(|key| !key.is_empty()).map(Secret::from))
    }

    async fn put(&self, secret: &Secret) -> Result<(), StoreError> {
        let output = self.run(&self.write, Some(secret)).await?;
        if output.status.success() {
            return Ok(());
        }
        // A program that fails may have written first.
        let scrubber = Scrubber::new(vec![secret.clone()]);
        Err(StoreError::unknown(self.complaint(&self.write, &output, &scrubber)))
    }

    fn complaint(&self, argv: &[String], output: &Output, scrubber: &Scrubber) -> String {
        let program = argv.first().map_or("", String::as_str);
        let said = scrubber.line(&String::from_utf8_lossy(&output.stderr), 300);
        let said = if said.is_empty() { said } else { format!(": {said}") };
        format!("{}: `{program}` ended with {}{said}", self.name, output.status)
    }

    /// Runs a program to its end, or to the end of its time.
    async fn run(&self, argv: &[String], input: Option<&Secret>) -> Result<Output, StoreError> {
        let failed = |problem: &str, error: io::Error| {
            StoreError::failed(format!("{}: {problem}: {error}", self.name)).caused_by(error)
        };
        let Some((program, arguments)) = argv.split_first() else {
            return Err(StoreError::failed(format!("{} names no program", self.name)));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_remove("KERNEL_API_KEY")
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group = Group::spawn(command)
            .map_err(|error| failed(&format!("`{program}` cannot be started"), error))?;
        let timeout = self.timeout;
        match tokio::time::timeout(timeout, converse(group.child(), input)).await {
            Ok(Ok(output)) => {
                group.ended();
                Ok(output)
            }
            Ok(Err(error)) => Err(StoreError::unknown(format!("{}: {error}", self.name))),
            // Dropping the group kills it.
            Err(_) => Err(StoreError::unknown(format!(
                "{}: `{program}` took longer than {} s and was killed",
                self.name,
                timeout.as_secs_f32()
            ))),
        }
    }
}

struct Output {
    status: ExitStatus,
    stdout: Zeroizing<Vec<u8>>,
    stderr: Zeroizing<Vec<u8>>,
}

async fn converse(child: &mut Child, input: Option<&Secret>) -> io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(secret)) = (stdin, input) {
            // A program that does not read all of its input says by its status whether it minds.
            let _ = stdin.write_all(secret.expose().as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
    };
    let said = join(collect(stdout), collect(stderr));
    let ((), (stdout, stderr)) = join(feed, said).await;
    Ok(Output { stdout, stderr, status: child.wait().await? })
}

/// Reads a pipe to its end, keeping the beginning. What cannot be read is as good as not said.
async fn collect(pipe: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(4096));
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(MOST_OUTPUT).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}

impl Store for CommandStore {
    fn describe(&self) -> String {
        format!("command:{}", self.name)
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(self.get())
    }

    fn write<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.put(secret))
    }

    fn readable(&self) -> bool {
        self.read.is_some()
    }

    fn lock_path(&self) -> Option<PathBuf> {
        self.lock.clone()
    }
}
