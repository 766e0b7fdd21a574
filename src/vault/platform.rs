//! The keyring of this system, and what it tells without being unlocked.

use std::collections::BTreeSet;
use std::sync::Arc;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::error::VaultError;
use super::parts::Slots;
use super::remedy::{Surroundings, remedy};

/// A connection to the keyring, and the name under which Adit's entries stand in it.
pub(super) struct Keyring {
    store: Arc<CredentialStore>,
    peek: os::Peek,
    service: String,
    /// Whether the connection broke: the next use needs a new one.
    pub(super) is_broken: std::cell::Cell<bool>,
}

impl Keyring {
    pub(super) fn connect(service: &str) -> Result<Self, VaultError> {
        Ok(Self {
            store: os::connect().map_err(|error| absent(error.to_string()))?,
            peek: os::Peek::connect().map_err(|error| absent(error.to_string()))?,
            service: service.to_owned(),
            is_broken: std::cell::Cell::new(false),
        })
    }

    fn entry(&self, name: &str) -> Result<Entry, VaultError> {
        let modifiers = os::modifiers(name);
        let modifiers = modifiers
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        self.store
            .build(&self.service, name, Some(&modifiers))
            .map_err(|error| self.failed(error))
    }

    /// What a failure means; some only show that the connection is of no use any more.
    fn failed(&self, error: Error) -> VaultError {
        match error {
            Error::NoStorageAccess(_) => VaultError::Locked,
            Error::PlatformFailure(cause) => {
                self.is_broken.set(true);
                VaultError::Failed(cause.to_string())
            }
            Error::Ambiguous(_) => VaultError::Failed("two entries have the same name".to_owned()),
            // Never their content.
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                VaultError::Failed("an entry is not of the keyring's own form".to_owned())
            }
            error => VaultError::Failed(error.to_string()),
        }
    }

    /// Whether there is an entry of this name. Does not unlock anything.
    pub(super) fn is_kept(&self, name: &str) -> Result<bool, VaultError> {
        self.peek.is_kept(&self.service, name).map_err(|error| {
            self.is_broken.set(true);
            VaultError::Failed(error.to_string())
        })
    }

    /// Whether it would have to be unlocked first. Does not unlock anything.
    pub(super) fn is_locked(&self) -> Result<bool, VaultError> {
        self.peek.is_locked().map_err(|error| {
            self.is_broken.set(true);
            VaultError::Failed(error.to_string())
        })
    }

    /// The names of all entries that a search finds.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, VaultError> {
        os::names(&self.store, &self.service).map_err(|error| self.failed(error))
    }
}

pub(super) fn absent(reason: String) -> VaultError {
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let surroundings = Surroundings {
        desktop: &desktop,
        has_bus: os::has_bus(),
    };
    VaultError::Absent {
        reason,
        remedy: remedy(surroundings).to_owned(),
    }
}

impl Slots for Keyring {
    fn limit(&self) -> usize {
        // CRED_MAX_CREDENTIAL_BLOB_SIZE of wincred.h; the others take whatever a record of Adit's can have.
        if cfg!(windows) { 2560 } else { usize::MAX }
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if !self.is_kept(name)? {
            return Ok(None);
        }
        match self.entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.peek.make_ready()?;
        self.entry(name)?
            .set_secret(value)
            .map_err(|error| self.failed(error))
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        if !self.is_kept(name)? {
            return Ok(());
        }
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod os {
    //! Secret Service over D-Bus. `keyring` itself would keep its first connection, or the lack of one, for the whole process; a
    //! keyring daemon may come and go meanwhile, so the store is made here.

    use std::collections::{BTreeSet, HashMap};
    use std::sync::Arc;

    use keyring_core::Error;
    use keyring_core::api::{CredentialStore, CredentialStoreApi};
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    use super::VaultError;

    pub(super) fn connect() -> Result<Arc<CredentialStore>, Error> {
        let store = zbus_secret_service_keyring_store::Store::new()?;
        Ok(store)
    }

    /// What stands beside an entry in the desktop's own list of passwords.
    pub(super) fn modifiers(name: &str) -> Vec<(&'static str, String)> {
        vec![("label", format!("Adit {name}"))]
    }

    pub(super) fn has_bus() -> bool {
        let in_runtime_folder = || {
            let folder = std::env::var_os("XDG_RUNTIME_DIR")?;
            std::path::Path::new(&folder)
                .join("bus")
                .exists()
                .then_some(())
        };
        std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() || in_runtime_folder().is_some()
    }

    /// What can be done without unlocking anything.
    pub(super) struct Peek(SecretService<'static>);

    impl Peek {
        pub(super) fn connect() -> Result<Self, secret_service::Error> {
            SecretService::connect(EncryptionType::Plain).map(Self)
        }

        /// Searching by attributes finds locked entries too, and asks nobody to unlock them.
        pub(super) fn is_kept(
            &self,
            service: &str,
            name: &str,
        ) -> Result<bool, secret_service::Error> {
            let attributes = HashMap::from([("service", service), ("username", name)]);
            let found = self.0.search_items(attributes)?;
            Ok(!found.unlocked.is_empty() || !found.locked.is_empty())
        }

        /// An account that has kept nothing yet has nothing to unlock.
        pub(super) fn is_locked(&self) -> Result<bool, secret_service::Error> {
            match self.0.get_default_collection() {
                Ok(collection) => collection.is_locked(),
                Err(secret_service::Error::NoResult) => Ok(false),
                Err(error) => Err(error),
            }
        }

        /// A fresh account has no default collection: it is made, as every program does that is the first to keep something,
        /// and the desktop asks for its password.
        pub(super) fn make_ready(&self) -> Result<(), VaultError> {
            let failed = |error: secret_service::Error| VaultError::Failed(error.to_string());
            match self.0.get_default_collection() {
                Ok(_) => Ok(()),
                Err(secret_service::Error::NoResult) => {
                    match self.0.create_collection("Default keyring", "default") {
                        Ok(_) => Ok(()),
                        Err(secret_service::Error::Prompt) => Err(VaultError::Locked),
                        Err(error) => Err(failed(error)),
                    }
                }
                Err(error) => Err(failed(error)),
            }
        }
    }

    pub(super) fn names(
        store: &Arc<CredentialStore>,
        service: &str,
    ) -> Result<BTreeSet<String>, Error> {
        // One prompt unlocks them all. What is refused here is not asked for again.
        let found = CredentialStoreApi::search(&**store, &HashMap::from([("service", service)]))?;
        let names = found.iter().filter_map(keyring_core::Entry::get_specifiers);
        Ok(names.map(|(_service, name)| name).collect())
    }
}

#[cfg(any(windows, target_os = "macos"))]
mod os {
    //! Keychain and Credential Manager, which are always there: the store that `keyring` makes once serves.

    use std::collections::BTreeSet;
    use std::sync::Arc;

    use keyring_core::Error;
    use keyring_core::api::CredentialStore;

    use super::VaultError;

    pub(super) fn connect() -> Result<Arc<CredentialStore>, Error> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(Error::BadStoreFormat(error.to_string()));
        }
        keyring_core::get_default_store().ok_or(Error::NoDefaultStore)
    }

    pub(super) fn modifiers(_name: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    pub(super) fn has_bus() -> bool {
        true
    }

    /// Reading tells what there is, and a missing entry asks for no password.
    pub(super) struct Peek;

    impl Peek {
        pub(super) fn connect() -> Result<Self, Error> {
            Ok(Self)
        }

        pub(super) fn is_kept(&self, _service: &str, _name: &str) -> Result<bool, Error> {
            Ok(true)
        }

        /// The system asks when something is read.
        pub(super) fn is_locked(&self) -> Result<bool, Error> {
            Ok(false)
        }

        pub(super) fn make_ready(&self) -> Result<(), VaultError> {
            Ok(())
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the Secret Service's search can fail"
    )]
    pub(super) fn names(
        _store: &Arc<CredentialStore>,
        _service: &str,
    ) -> Result<BTreeSet<String>, Error> {
        Ok(BTreeSet::new())
    }
}
