//! Unix: the folder's mode and owner, and what a socket's path may be long.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What a socket's path may be long: 104 bytes on macOS, 108 on Linux, with the zero at its end.
const PATH_LIMIT: usize = 103;

/// `$XDG_RUNTIME_DIR/adit`, or a folder in the system's place for temporary files.
pub(super) fn folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usable = |path: &PathBuf| path.is_absolute() && path.is_dir();
    runtime.filter(usable).map_or_else(
        || std::env::temp_dir().join(format!("adit-{}", own_uid())),
        |path| path.join("adit"),
    )
}

/// Makes the folder for this person alone. The umask may take bits away from its mode, and never adds any.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// What is wrong with a folder: it has to be this person's, and nobody else may look into it.
pub(super) fn problem(found: &Metadata) -> Option<String> {
    if found.uid() != own_uid() {
        return Some(format!("belongs to the user {}", found.uid()));
    }
    (found.mode() & 0o077 != 0)
        .then(|| format!("is open to others (its mode is {:o})", found.mode() & 0o777))
}

/// Whether a socket's path is too long.
pub(super) fn is_too_long(socket: &Path) -> bool {
    socket.as_os_str().as_bytes().len() > PATH_LIMIT
}

/// Opens the lock, which must be no link.
pub(super) fn open(options: &mut OpenOptions, lock: &Path) -> io::Result<File> {
    options
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(lock)
}

pub(in crate::control) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
