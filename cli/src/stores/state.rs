//! The folder of this user's journals, and of the locks of stores that have no file of their own.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder, which need not exist; none where nothing says where a user's state is kept.
pub(crate) fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"))
        .map(|state| state.join("kernel-keys"))
}

/// Creates a folder, for its owner only.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
