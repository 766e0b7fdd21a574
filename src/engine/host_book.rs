//! The saved hosts by themselves, for commands that need no tunnel.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::saved_profile::{SavedHosts, profile_of};
use crate::model::{HostId, HostProfile, SavedHost, Words};
use crate::vault::{Contents, Vault, VaultError, VaultOptions};

/// Hosts and secrets in the OS keyring.
#[derive(Clone, Debug)]
pub struct HostBook {
    vault: Vault,
}

/// A saved host that is ready to be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHost {
    /// As it was saved.
    pub saved: SavedHost,
    /// As ssh_config completes it.
    pub profile: HostProfile,
}

/// Why the book cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The keyring.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What was saved, together with ssh_config, makes no sense.
    #[error("the host {id} cannot be used: {problem}")]
    Profile {
        /// Which host.
        id: HostId,
        /// Why.
        problem: String,
    },
}

impl BookError {
    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Vault(VaultError::Absent { .. }) => "keyring-absent",
            Self::Vault(VaultError::Locked | VaultError::TimedOut { .. }) => "keyring-locked",
            Self::Vault(VaultError::Newer { .. }) => "record-newer",
            Self::Vault(VaultError::Damaged { .. }) => "record-damaged",
            Self::Vault(VaultError::TooLong { .. }) => "record-too-long",
            Self::Vault(VaultError::Failed(_)) => "keyring-failed",
            Self::Profile { .. } => "config",
        }
    }

    /// What to do next, in sentences.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Vault(VaultError::Absent { remedy, .. }) => remedy.to_string(),
            Self::Vault(VaultError::Locked) => {
                "Unlock it and try again; the desktop asks for its password.".to_owned()
            }
            Self::Vault(VaultError::TimedOut { .. }) => {
                "Answer the desktop's question for the keyring's password and try again.".to_owned()
            }
            Self::Vault(VaultError::Newer { .. }) => "Update Adit.".to_owned(),
            Self::Vault(VaultError::Damaged { .. }) => {
                "`adit hosts remove NAME` removes it; then add it again.".to_owned()
            }
            Self::Vault(VaultError::TooLong { .. }) => "Save less of it.".to_owned(),
            Self::Vault(VaultError::Failed(_)) => {
                "Try again; ADIT_LOG=debug shows more.".to_owned()
            }
            Self::Profile { .. } => "Correct what is said of it here (`adit hosts edit` where it is saved), or ssh_config."
                    .to_owned(),
        }
    }
}

impl HostBook {
    /// The person's own book, or the one the environment names.
    #[must_use]
    pub fn of_environment() -> Self {
        Self {
            vault: Vault::start(VaultOptions::of_environment()),
        }
    }

    /// Every host that can be read, and what cannot be read in words.
    ///
    /// # Errors
    /// [`BookError::Vault`]
    pub async fn list(&self) -> Result<(Vec<SavedHost>, Vec<Words>), BookError> {
        let Contents { hosts, notes } = self.vault.load().await?;
        Ok((hosts, notes))
    }

    /// One host as it was saved; none if there is none of this name, for which nothing is unlocked.
    ///
    /// # Errors
    /// [`BookError::Vault`]
    pub async fn saved(&self, id: &HostId) -> Result<Option<SavedHost>, BookError> {
        Ok(self.vault.host(id.clone()).await?)
    }

    /// One host, ready to be dialled.
    ///
    /// # Errors
    /// [`BookError`]
    pub async fn known(&self, id: &HostId) -> Result<Option<KnownHost>, BookError> {
        let Some(saved) = self.saved(id).await? else {
            return Ok(None);
        };
        let profile = self.check(&saved).await?;
        Ok(Some(KnownHost { saved, profile }))
    }

    /// What ssh_config makes of a host that need not be saved yet.
    ///
    /// # Errors
    /// [`BookError`]
    pub async fn check(&self, host: &SavedHost) -> Result<HostProfile, BookError> {
        let mut all = self.with_jumps(host).await?;
        // It may lead through itself, as it is to be saved.
        all.insert(host.id.clone(), Arc::new(host.clone()));
        let failed = |problem: String| BookError::Profile {
            id: host.id.clone(),
            problem,
        };
        let resolving = host.clone();
        let resolved = tokio::task::spawn_blocking(move || profile_of(&resolving, &all)).await;
        resolved
            .map_err(|error| failed(error.to_string()))?
            .map_err(|problem| failed(problem.to_string()))
    }

    /// The saved hosts on the way to this one.
    async fn with_jumps(&self, host: &SavedHost) -> Result<SavedHosts, BookError> {
        let mut all = SavedHosts::new();
        let mut seen = BTreeSet::new();
        let mut names = host.jumps.clone();
        while let Some(name) = names.pop() {
            if SavedHost::check_name(&name).is_ok()
                && seen.insert(name.clone())
                && let Some(jump) = self.saved(&HostId::new(&name)).await?
            {
                names.extend(jump.jumps.iter().cloned());
                all.insert(jump.id.clone(), Arc::new(jump));
            }
        }
        Ok(all)
    }

    /// Keeps a host, in place of the one of its name.
    ///
    /// # Errors
    /// [`BookError::Vault`]
    pub async fn save(&self, host: SavedHost) -> Result<(), BookError> {
        Ok(self.vault.save_host(host).await?)
    }

    /// Removes a host and its secrets, whether they can be read or not.
    ///
    /// # Errors
    /// [`BookError::Vault`]
    pub async fn remove(&self, id: &HostId) -> Result<(), BookError> {
        Ok(self.vault.remove_host(id.clone()).await?)
    }

    /// Forgets the secrets that were remembered for a host.
    ///
    /// # Errors
    /// [`BookError::Vault`]
    pub async fn forget_secrets(&self, id: &HostId) -> Result<(), BookError> {
        Ok(self.vault.forget_secrets(id.clone()).await?)
    }
}
