//! `-v`: what the client does, logged to standard error.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// `-v` logs each request and retry, `-vv` everything that this project traces.
pub(crate) fn start(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false);
    // Only this project: its traces hold no header and no body.
    let ours = Targets::new().with_target("onkernel", level).with_target("kernel_keys", level);
    // It fails only where a subscriber is set, and nothing else sets one.
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}
