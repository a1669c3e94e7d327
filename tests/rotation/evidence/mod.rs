//! The rules of evidence: what may be believed in a world that lags, lies and is shared.

mod caller;
mod files;
mod older;
mod person;
mod server;
mod stores;
mod word;

use super::support;
