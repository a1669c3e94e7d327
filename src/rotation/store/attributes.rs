//! What a file has beside its content: owner, mode, access lists and other extended attributes. A file
//! that takes another one's place gets them all, or does not take it.

use std::fs::{File, Metadata};
use std::io;

/// Gives one file the owner, the mode and the attributes of another.
pub(super) fn copy(from: &File, old: &Metadata, to: &File) -> io::Result<()> {
    own(old, to)?;
    to.set_permissions(old.permissions())?;
    // Last: an access list has its own idea of the mode's bits.
    extended(from, to)
}

#[cfg(unix)]
fn own(old: &Metadata, to: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = to.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(to, Some(old.uid()), Some(old.gid())).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("its owner {}:{} cannot be kept ({error})", old.uid(), old.gid()),
        )
    })
}

#[cfg(not(unix))]
fn own(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn extended(from: &File, to: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr};
    let (wanted, present) = (names(from)?, names(to)?);
    for name in present.iter().filter(|name| !wanted.contains(name)) {
        // Inherited from the folder. What the system guards it gives to every file.
        if name.starts_with("system.") || name.starts_with("user.") {
            fremovexattr(to, name.as_str()).map_err(|error| unkept(name, error))?;
        }
    }
    for name in &wanted {
        let value = value(from, name)?;
        if present.contains(name) && self::value(to, name)? == value {
            continue;
        }
        fsetxattr(to, name.as_str(), &value, XattrFlags::empty())
            .map_err(|error| unkept(name, error))?;
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn extended(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn names(file: &File) -> io::Result<Vec<String>> {
    use rustix::fs::{flistxattr, flistxattr_query};
    use rustix::io::Errno;
    let size = match flistxattr_query(file) {
        Ok(size) => size,
        // A file system that has none.
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut list = vec![0_u8; size];
    let read = if size == 0 { 0 } else { flistxattr(file, &mut list[..])? };
    let names = list[..read].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn value(file: &File, name: &str) -> io::Result<Vec<u8>> {
    use rustix::fs::{fgetxattr, fgetxattr_query};
    let mut value = vec![0_u8; fgetxattr_query(file, name)?];
    if !value.is_empty() {
        let read = fgetxattr(file, name, &mut value[..])?;
        value.truncate(read);
    }
    Ok(value)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn unkept(name: &str, error: rustix::io::Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("its attribute {name} cannot be kept ({error})"))
}
