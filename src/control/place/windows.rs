//! Windows: a folder in the person's profile, whose access list, inherited, lets in nobody but them, the system and the
//! administrators.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Opens a link itself, not what it leads to.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// `%LOCALAPPDATA%\adit\run`.
pub(super) fn folder() -> PathBuf {
    let profile = directories::BaseDirs::new();
    profile
        .map_or_else(std::env::temp_dir, |dirs| dirs.data_local_dir().to_owned())
        .join("adit")
        .join("run")
}

/// Makes the folder, and the one above it.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The profile's access list is what protects the folder.
pub(super) const fn problem(_found: &Metadata) -> Option<String> {
    None
}

/// A pipe's name is short, and does not hold the path.
pub(super) const fn is_too_long(_socket: &Path) -> bool {
    false
}

/// Opens the lock, which must be no link.
pub(super) fn open(options: &mut OpenOptions, lock: &Path) -> io::Result<File> {
    options
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(lock)
}
