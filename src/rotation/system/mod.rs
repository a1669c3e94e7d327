//! What the operating system does for a rotation: locks, child processes, the disk, the host's identity.

pub(crate) mod folder;
pub(crate) mod forced;
pub(crate) mod host;
pub(crate) mod lock;
pub(crate) mod process;
