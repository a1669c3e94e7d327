//! Which host this is: a journal in a shared folder may be of another one.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// A host by its name and, where the system has one, its machine id. Never the boot id, which
/// changes with every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine_id: Option<String>,
}

impl Host {
    /// This host.
    pub(crate) fn this() -> Self {
        Self { name: name(), machine_id: machine_id() }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.is_empty() {
            true => f.write_str("an unnamed host"),
            false => f.write_str(&self.name),
        }
    }
}

#[cfg(unix)]
fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

fn machine_id() -> Option<String> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let id = read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"))?;
    let id = id.trim();
    // A system that has not been set up says so here.
    (!id.is_empty() && id != "uninitialized").then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_from_one_moment_to_the_next() {
        assert_eq!(Host::this(), Host::this());
        let json = serde_json::to_string(&Host::this()).unwrap();
        assert_eq!(serde_json::from_str::<Host>(&json).unwrap(), Host::this());
    }
}
