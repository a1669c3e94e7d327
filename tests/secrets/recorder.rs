//! Keeps what is traced and what is printed, and searches it for plaintexts.

use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use onkernel::Error;
#[cfg(feature = "testing")]
use onkernel::testing::Server;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::scripted::seen;

/// All that was said.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<u8>>>);

impl Recorder {
    pub fn see(&self, value: &impl Debug) {
        self.note(&format!("{value:?} {value:#?}"));
    }

    pub fn note(&self, text: &str) {
        self.0.lock().unwrap().extend_from_slice(format!("{text}\n").as_bytes());
    }

    pub fn error(&self, error: &Error) {
        self.note(&seen(error));
    }

    pub fn outcome<T: Debug>(&self, result: &Result<T, Error>) {
        match result {
            Ok(value) => self.see(value),
            Err(error) => self.error(error),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Fails if any plaintext was said, or a good part of one, or one as a list of bytes.
    #[cfg(feature = "testing")]
    #[track_caller]
    pub fn holds_none_of(&self, server: &Server, sent: &str) {
        let text = self.text();
        let keys = server.keys();
        let plaintexts = keys.iter().map(|key| key.plaintext()).chain([sent]);
        for plaintext in plaintexts {
            // A masked form shows so much of both ends.
            let hidden = &plaintext.as_bytes()[7..plaintext.len() - 4];
            for part in hidden.chunks_exact(10) {
                let bytes = format!("{part:?}");
                for part in [str::from_utf8(part).unwrap(), bytes.trim_matches(['[', ']'])] {
                    let line = || text.lines().find(|line| line.contains(part));
                    assert!(!text.contains(part), "{part} of {plaintext}: {:?}", line());
                }
            }
        }
    }

    /// Hears what is traced on this thread.
    pub fn trace(&self, filter: &str) -> DefaultGuard {
        several_subscribers();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_span_events(FmtSpan::FULL)
            .with_writer(self.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl io::Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Recorder {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// While there is one subscriber only, `tracing` asks the thread that meets a call site first whether
/// anybody wants it; a test that traces nothing would then silence those that do.
fn several_subscribers() {
    static TWO: OnceLock<[Dispatch; 2]> = OnceLock::new();
    TWO.get_or_init(|| [Dispatch::new(NoSubscriber::new()), Dispatch::new(NoSubscriber::new())]);
}
