//! A child process: how long it may take, what is kept of its output, and what is killed.
//!
//! It is over when the *program* ends. What it left behind in the background goes on undisturbed,
//! and holds nobody up even if it keeps the pipes open. Only a program that runs out of time is
//! killed, with everything that it started.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{Either, join, select};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// More than any key, and any message worth showing.
const MOST_OUTPUT: usize = 64 * 1024;
/// How long what a program has written before its end may take to arrive.
const DRAIN: Duration = Duration::from_millis(200);

/// What a program printed, its beginning, and how it ended.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    pub(crate) stderr: Zeroizing<Vec<u8>>,
}

/// Why a program did not come to its end.
pub(crate) enum ProcessError {
    /// It was never started.
    Start(io::Error),
    /// It was killed, with all that it had started.
    TimedOut,
    /// The system lost sight of it.
    Lost(io::Error),
}

/// Runs a program to its end, or to the end of its time.
pub(crate) async fn run(
    command: Command,
    input: Option<&[u8]>,
    timeout: Duration,
) -> Result<Output, ProcessError> {
    run_with_room(command, input, timeout, MOST_OUTPUT).await
}

/// The same, for a program whose output may be so many bytes.
pub(crate) async fn run_with_room(
    mut command: Command,
    input: Option<&[u8]>,
    timeout: Duration,
    most: usize,
) -> Result<Output, ProcessError> {
    command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut group = Group::spawn(command).map_err(ProcessError::Start)?;
    // Dropping the group kills it.
    match tokio::time::timeout(timeout, converse(&mut group.child, input, most)).await {
        Ok(Ok(output)) => {
            group.running = false;
            Ok(output)
        }
        Ok(Err(error)) => Err(ProcessError::Lost(error)),
        Err(_) => Err(ProcessError::TimedOut),
    }
}

async fn converse(child: &mut Child, input: Option<&[u8]>, most: usize) -> io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that does not read all of its input says by its status whether it minds.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        }
    };
    let (mut out, mut err) = (Pipe::new(stdout, most), Pipe::new(stderr, MOST_OUTPUT));
    let status = {
        let reading = Box::pin(join(out.read_on(), err.read_on()));
        let talk = Box::pin(join(feed, reading));
        match select(Box::pin(child.wait()), talk).await {
            Either::Left((status, talk)) => {
                // What it has written is in the pipes by now.
                let _ = tokio::time::timeout(DRAIN, talk).await;
                status?
            }
            Either::Right((_, wait)) => wait.await?,
        }
    };
    Ok(Output { status, stdout: out.finish(), stderr: err.finish() })
}

/// One of a child's outputs: its beginning is kept, the rest is read and forgotten.
struct Pipe<R> {
    from: Option<R>,
    kept: Zeroizing<Vec<u8>>,
    most: usize,
    open: bool,
}

impl<R: AsyncRead + Unpin + Send + 'static> Pipe<R> {
    fn new(from: Option<R>, most: usize) -> Self {
        // Never grown, so that no copy of a secret is left behind.
        Self { from, kept: Zeroizing::new(Vec::with_capacity(most)), most, open: true }
    }

    /// Reads to the end. What cannot be read is as good as not said.
    async fn read_on(&mut self) {
        let mut chunk = Zeroizing::new([0_u8; 4096]);
        while let (true, Some(from)) = (self.open, self.from.as_mut()) {
            match from.read(&mut *chunk).await {
                Ok(0) | Err(_) => self.open = false,
                Ok(read) => {
                    let room = read.min(self.most - self.kept.len());
                    self.kept.extend_from_slice(&chunk[..room]);
                }
            }
        }
    }

    /// What was kept. A program in the background may hold the pipe and go on writing: it must not
    /// be killed by a pipe that nobody reads.
    fn finish(self) -> Zeroizing<Vec<u8>> {
        if let (true, Some(mut from)) = (self.open, self.from) {
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
            });
        }
        self.kept
    }
}

/// A child in a process group of its own, which is killed when this is dropped while it runs.
struct Group {
    child: Child,
    running: bool,
}

impl Group {
    fn spawn(mut command: Command) -> io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        command.kill_on_drop(true);
        Ok(Self { child: command.spawn()?, running: true })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.running {
            return;
        }
        // The child has not been waited for, so its id, which is the group's, is still its own.
        #[cfg(unix)]
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            // It may have ended in this instant, which is what was wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
