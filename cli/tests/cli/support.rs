//! A server of a test's own, and the program run against it.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use onkernel::testing::{Builder, KeyRecord, NewKey, Server};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A running server.
pub(crate) struct Bench {
    pub(crate) server: Server,
    runtime: Runtime,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Server::builder())
    }

    pub(crate) fn with(builder: Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(builder.project("proj_1", "Checkout").start()).unwrap();
        Self { server, runtime }
    }

    /// Keys with these names, in this order of creation.
    pub(crate) fn add(&self, names: &[&str]) -> Vec<KeyRecord> {
        names.iter().map(|name| self.server.add_key(NewKey::named(*name))).collect()
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The program with the server's URL and key in its environment, and nothing else there.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = program(args);
        command
            .env("KERNEL_BASE_URL", self.server.url())
            .env("KERNEL_API_KEY", self.server.bootstrap_key());
        command
    }

    pub(crate) fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ran {
        run(&mut self.command(args))
    }

    /// The key that was created last.
    pub(crate) fn last(&self) -> KeyRecord {
        self.server.keys().pop().unwrap()
    }
}

/// The program without an environment, a terminal, or anything on standard input.
pub(crate) fn program<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kernel-keys"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What a successful run printed.
    #[track_caller]
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.trim_end_matches('\n')
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.done()).unwrap()
    }

    /// What a run says that failed with this code.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "an error belongs on standard error");
        assert!(!self.err.contains("panicked"), "{self:?}");
        &self.err
    }

    /// The error, of a run with `--json`.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> Value {
        serde_json::from_str::<Value>(self.failed(code)).unwrap()["error"].clone()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

/// The program with a standard output that nobody reads any more.
pub(crate) fn run_unread(command: &mut Command) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    run(command.stdout(writer))
}

#[track_caller]
pub(crate) fn assert_mentions(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}
