//! One writer at a time among all of this person's processes: the index is read, changed and written.

use std::fs::{DirBuilder, File};

use directories::ProjectDirs;

/// Holds the others off until it is dropped.
pub(super) struct Locked {
    _file: File,
}

/// Waits until no other process writes. Where there is no place for the lock's file, which is empty, it goes without.
pub(super) fn lock(service: &str) -> Option<Locked> {
    let folders = ProjectDirs::from("", "", "adit")?;
    let folder = folders.runtime_dir().unwrap_or(folders.cache_dir());
    // The control socket stands in the same folder, and wants it closed to others.
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).ok()?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(format!("{service}.vault-lock")))
        .ok()?;
    file.lock().ok()?;
    Some(Locked { _file: file })
}
