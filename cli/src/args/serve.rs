//! What `serve` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The server keeps its state in memory until it stops (Ctrl-C, SIGTERM). It starts with one
/// org-wide key and one project, `proj_demo`. Keys have their whole life; every other operation of the
/// API responds with values made from its document.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Listen on this address; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) addr: SocketAddr,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Also write the key to this file, which must be new or empty
    // The id of the global option, in whose place it stands here.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Inject the faults in this JSON file, and print how often each one fired:
    /// [{"nth": 3, "method": "POST", "do": "drop"}, …]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) faults: Option<PathBuf>,
    /// Respond with the stubs in this JSON file where the document leaves it open:
    /// [{"operation": "deployments.get", "merge": {"status": "failed"}}, …]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) stubs: Option<PathBuf>,
    /// Append each request to this file as a line of JSON, without API keys and tokens of sessions
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}
