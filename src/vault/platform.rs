//! The keyring of this system, and what it tells without being unlocked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::error::VaultError;
use super::parts::Slots;
use super::remedy::{Surroundings, remedy};
use crate::model::words;

/// A connection to the keyring, and the name under which Adit's entries stand in it.
pub(super) struct Keyring {
    store: Arc<CredentialStore>,
    peek: os::Peek,
    service: String,
    /// Whether the connection broke: the next use needs a new one.
    pub(super) is_broken: std::cell::Cell<bool>,
}

impl Keyring {
    /// Connects; the person is given `limit` to answer the desktop's question for the password.
    pub(super) fn connect(service: &str, limit: Duration) -> Result<Self, VaultError> {
        Ok(Self {
            store: os::connect().map_err(|error| absent(error.to_string()))?,
            peek: os::Peek::connect(limit).map_err(|error| absent(error.to_string()))?,
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
                VaultError::Failed(cause.to_string().into())
            }
            Error::Ambiguous(_) => VaultError::Failed(words!("two entries have the same name")),
            // Never their content.
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                VaultError::Failed(words!("an entry is not of the keyring's own form"))
            }
            error => VaultError::Failed(error.to_string().into()),
        }
    }

    /// Notes where the connection is of no use any more.
    fn noted<T>(&self, result: Result<T, VaultError>) -> Result<T, VaultError> {
        if let Err(VaultError::Failed(_) | VaultError::Absent { .. }) = &result {
            self.is_broken.set(true);
        }
        result
    }

    /// Whether it would have to be unlocked first. Does not unlock anything.
    pub(super) fn is_locked(&self) -> Result<bool, VaultError> {
        self.noted(self.peek.is_locked())
    }

    /// Whether reading what is kept would have to unlock something first. Does not unlock anything.
    pub(super) fn would_ask(&self) -> Result<bool, VaultError> {
        self.noted(self.peek.would_ask(&self.service))
    }

    /// The names of all entries that a search finds.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, VaultError> {
        self.noted(self.peek.make_readable(&self.service, None))?;
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
        remedy: remedy(surroundings),
    }
}

impl Slots for Keyring {
    fn limit(&self) -> usize {
        // CRED_MAX_CREDENTIAL_BLOB_SIZE of wincred.h; the others take whatever a record of Adit's can have.
        if cfg!(windows) { 2560 } else { usize::MAX }
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if !self.noted(self.peek.make_readable(&self.service, Some(name)))? {
            return Ok(None);
        }
        match self.entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.noted(self.peek.make_readable(&self.service, Some(name)))?;
        self.noted(self.peek.make_writable())?;
        self.entry(name)?
            .set_secret(value)
            .map_err(|error| self.failed(error))
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        if !self.noted(self.peek.make_readable(&self.service, Some(name)))? {
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
    use std::time::Duration;

    use keyring_core::Error;
    use keyring_core::api::{CredentialStore, CredentialStoreApi};
    use secret_service::blocking::{Item, SecretService};
    use secret_service::{EncryptionType, SearchItemsResult};

    use super::VaultError;
    use crate::vault::prompt::Prompts;

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

    /// What there is, whether it is locked, and unlocking it.
    pub(super) struct Peek {
        secrets: SecretService<'static>,
        prompts: Prompts,
    }

    impl Peek {
        pub(super) fn connect(limit: Duration) -> Result<Self, secret_service::Error> {
            Ok(Self {
                secrets: SecretService::connect(EncryptionType::Plain)?,
                prompts: Prompts::new(limit),
            })
        }

        /// Searching by attributes finds locked entries too, and asks nobody to unlock them.
        fn search(
            &self,
            service: &str,
            name: Option<&str>,
        ) -> Result<SearchItemsResult<Item<'_>>, VaultError> {
            let mut attributes = HashMap::from([("service", service)]);
            attributes.extend(name.map(|name| ("username", name)));
            self.secrets.search_items(attributes).map_err(failed)
        }

        /// Whether something of this service's is locked.
        pub(super) fn would_ask(&self, service: &str) -> Result<bool, VaultError> {
            Ok(!self.search(service, None)?.locked.is_empty())
        }

        /// Unlocks the entry of this name, or all of them; whether there are any. For none nothing is unlocked.
        pub(super) fn make_readable(
            &self,
            service: &str,
            name: Option<&str>,
        ) -> Result<bool, VaultError> {
            let found = self.search(service, name)?;
            let locked = found.locked.iter().map(|item| item.item_path.clone());
            self.prompts.unlock(&locked.collect::<Vec<_>>())?;
            Ok(!found.unlocked.is_empty() || !found.locked.is_empty())
        }

        /// An account that has kept nothing yet has nothing to unlock.
        pub(super) fn is_locked(&self) -> Result<bool, VaultError> {
            match self.secrets.get_default_collection() {
                Ok(collection) => collection.is_locked().map_err(failed),
                Err(secret_service::Error::NoResult) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        }

        /// Unlocks the default collection. A fresh account has none: it is made.
        pub(super) fn make_writable(&self) -> Result<(), VaultError> {
            match self.secrets.get_default_collection() {
                Ok(collection) if collection.is_locked().map_err(failed)? => self
                    .prompts
                    .unlock(std::slice::from_ref(&collection.collection_path)),
                Ok(_) => Ok(()),
                Err(secret_service::Error::NoResult) => self.prompts.make_default_collection(),
                Err(error) => Err(failed(error)),
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
    fn failed(error: secret_service::Error) -> VaultError {
        VaultError::Failed(error.to_string().into())
    }

    pub(super) fn names(
        store: &Arc<CredentialStore>,
        service: &str,
    ) -> Result<BTreeSet<String>, Error> {
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
    use std::time::Duration;

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
        pub(super) fn connect(_limit: Duration) -> Result<Self, Error> {
            Ok(Self)
        }

        pub(super) fn would_ask(&self, _service: &str) -> Result<bool, VaultError> {
            Ok(false)
        }

        pub(super) fn make_readable(
            &self,
            _service: &str,
            _name: Option<&str>,
        ) -> Result<bool, VaultError> {
            Ok(true)
        }

        /// The system asks when something is read.
        pub(super) fn is_locked(&self) -> Result<bool, VaultError> {
            Ok(false)
        }

        pub(super) fn make_writable(&self) -> Result<(), VaultError> {
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
