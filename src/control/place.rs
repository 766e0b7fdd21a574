//! Where the control socket is, and who may own it.
//!
//! A folder that is this person's alone holds a lock and the socket. Whoever holds the lock is the running instance: the
//! system lets go of it when the process ends in whatever way, so that what a killed one leaves behind is taken over, and a
//! living one's never is.

#[cfg(unix)]
#[path = "place/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "place/windows.rs"]
mod system;

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

#[cfg(unix)]
pub(super) use system::own_uid;

/// Where the folder is, for tests and for whoever keeps two instances apart.
const VARIABLE: &str = "ADIT_RUNTIME_DIR";

/// Why there is no place for the socket.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Something that is in the way, or is not as it must be.
    #[error("{} {problem}", .path.display())]
    Unsafe {
        /// What it is about.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system's reason.
    #[error("{} cannot be used", .path.display())]
    Io {
        /// What it is about.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The folder of the control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

/// What comes of the wish to be the running instance.
#[derive(Debug)]
pub enum Claim {
    /// This process is it, as long as it keeps this.
    Ours(Ownership),
    /// Another process is.
    Taken,
}

/// Who the running instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// There is none.
    Nobody,
    /// This process, where its number could be read.
    Process(Option<u32>),
}

/// The right to be the running instance, which ends when this is dropped.
#[derive(Debug)]
pub struct Ownership {
    place: Place,
    /// Locked.
    _lock: File,
}

impl Place {
    /// This person's own.
    #[must_use]
    pub fn of_this_person() -> Self {
        let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
        let folder = folder.filter(|path| path.is_absolute());
        Self {
            folder: folder.unwrap_or_else(system::folder),
        }
    }

    /// This folder.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The socket's file; on Windows one that holds the pipe's name.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Tries to become the running instance. What one left behind that was killed is taken away.
    ///
    /// # Errors
    /// [`PlaceError`] if the folder is not this person's alone, or cannot be made.
    pub fn claim(&self) -> Result<Claim, PlaceError> {
        self.make_folder()?;
        let path = self.lock_file();
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock =
            system::open(&mut options, &path).map_err(|source| self.io(&path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(Claim::Taken),
            Err(fs::TryLockError::Error(source)) => return Err(self.io(&path, source)),
        }
        lock.set_len(0)
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(|source| self.io(&path, source))?;
        let socket = self.socket();
        match fs::remove_file(&socket) {
            Ok(()) => tracing::info!("took over the socket of an instance that is gone"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(self.io(&socket, source)),
        }
        Ok(Claim::Ours(Ownership {
            place: self.clone(),
            _lock: lock,
        }))
    }

    /// Whether a process is the running instance, and which.
    ///
    /// # Errors
    /// [`PlaceError`] if the folder is not this person's alone.
    pub(super) fn owner(&self) -> Result<Owner, PlaceError> {
        if !self.is_there()? {
            return Ok(Owner::Nobody);
        }
        let path = self.lock_file();
        let mut lock = match system::open(File::options().read(true), &path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Owner::Nobody),
            Err(source) => return Err(self.io(&path, source)),
        };
        // A shared lock, so that two that only look are not in each other's way.
        match lock.try_lock_shared() {
            Ok(()) => Ok(Owner::Nobody),
            Err(fs::TryLockError::WouldBlock) => {
                // Windows lets nobody read what is locked; the number stays unknown there.
                let mut text = String::new();
                let read = lock.rewind().and_then(|()| lock.read_to_string(&mut text));
                Ok(Owner::Process(
                    read.ok().and_then(|_| text.trim().parse().ok()),
                ))
            }
            Err(fs::TryLockError::Error(source)) => Err(self.io(&path, source)),
        }
    }

    fn make_folder(&self) -> Result<(), PlaceError> {
        match system::make(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(self.io(&self.folder, source)),
            Ok(()) => {}
        }
        if system::is_too_long(&self.socket()) {
            return Err(self.unsafe_folder("is too long a path for a socket"));
        }
        if self.is_there()? {
            Ok(())
        } else {
            Err(self.unsafe_folder("vanished"))
        }
    }

    /// Whether the folder is there; where it is, it is this person's and nobody else can look into it.
    pub(super) fn is_there(&self) -> Result<bool, PlaceError> {
        let found = match fs::symlink_metadata(&self.folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(self.io(&self.folder, source)),
        };
        if !found.is_dir() {
            return Err(self.unsafe_folder("is not a folder"));
        }
        match system::problem(&found) {
            Some(problem) => Err(self.unsafe_folder(&problem)),
            None => Ok(true),
        }
    }

    fn unsafe_folder(&self, problem: &str) -> PlaceError {
        PlaceError::Unsafe {
            path: self.folder.clone(),
            problem: problem.to_owned(),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what it is about")]
    fn io(&self, path: &Path, source: io::Error) -> PlaceError {
        PlaceError::Io {
            path: path.to_owned(),
            source,
        }
    }
}

impl Ownership {
    /// The place that is owned.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn one_alone_may_own_the_place_and_the_next_takes_over() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::at(home.path().join("adit"));
        assert_eq!(place.owner().unwrap(), Owner::Nobody);
        let Claim::Ours(first) = place.claim().unwrap() else {
            panic!("it was free")
        };
        assert!(matches!(place.claim().unwrap(), Claim::Taken));
        assert_eq!(
            place.owner().unwrap(),
            Owner::Process(Some(std::process::id()))
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.path().join("adit")), 0o700);
        assert_eq!(mode(&place.lock_file()), 0o600);
        drop(first);
        assert_eq!(place.owner().unwrap(), Owner::Nobody);
        assert!(matches!(place.claim().unwrap(), Claim::Ours(_)));
    }

    #[test]
    fn a_folder_of_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o750)).unwrap();
        let error = Place::at(open.clone()).claim().unwrap_err();
        assert!(error.to_string().contains("mode is 750"), "{error}");

        let link = home.path().join("link");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&open, &link).unwrap();
        let error = Place::at(link).claim().unwrap_err();
        assert!(error.to_string().contains("not a folder"), "{error}");

        let error = Place::at(home.path().join("x".repeat(100)))
            .claim()
            .unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }

    #[test]
    fn a_lock_that_is_a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::at(home.path().join("adit"));
        place.make_folder().unwrap();
        let precious = home.path().join("precious");
        fs::write(&precious, "text").unwrap();
        symlink(&precious, place.lock_file()).unwrap();
        assert!(place.claim().is_err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "text");
    }
}
