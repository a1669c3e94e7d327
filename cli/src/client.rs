//! The client that the global options and the environment describe.

use onkernel::{Client, ClientBuilder, Credentials};

use crate::args::Global;
use crate::failure::Failure;

const USER_AGENT: &str = concat!("kernel-keys/", env!("CARGO_PKG_VERSION"));

/// Builds the client of a command. Options override the environment.
pub(crate) fn build(global: &Global) -> Result<Client, Failure> {
    let mut builder = ClientBuilder::from_env().user_agent(USER_AGENT);
    if let Some(path) = &global.key_file {
        builder = builder.credentials(Credentials::file(path));
    }
    if let Some(url) = &global.base_url {
        builder = builder.base_url(url);
    }
    if let Some(project) = &global.project {
        builder = builder.project(project);
    }
    if let Some(timeout) = global.timeout {
        builder = builder.timeout(timeout);
    }
    builder.build().map_err(Failure::from)
}
