//! The keyring as it is found: read at the start, looked at again when the bus tells that it has come or was unlocked. Meanwhile
//! hosts and secrets are kept in memory, and that is said.

use std::sync::Arc;

use super::effects::report;
use super::happening::Happening;
use super::options::Memory;
use super::supervisor::Supervisor;
use crate::model::{VaultStatus, Words, words};
use crate::vault::{Contents, KeyringChange, KeyringWatch, VaultError};

impl Supervisor {
    /// Reads what is remembered: the settings at once, the keyring when it answers.
    pub(super) async fn begin(&mut self) {
        if self.remembered.options.memory == Memory::Everything {
            self.load_settings().await;
            self.watch_keyring();
            self.open_vault();
        }
    }

    fn watch_keyring(&mut self) {
        let happenings = self.happenings.clone();
        self.remembered.watch = Some(KeyringWatch::start(move |change| {
            let happenings = happenings.clone();
            async move { happenings.send(Happening::Keyring(change)).await.is_ok() }
        }));
    }

    /// Reads the keyring, which may make the desktop ask for its password.
    pub(super) fn open_vault(&mut self) {
        let Some(vault) = self.remembered.keyring.clone() else {
            return;
        };
        self.remembered.vault = VaultStatus::Opening;
        let happenings = self.happenings.clone();
        tokio::spawn(async move {
            let result = vault.load().await;
            report(&happenings, Happening::VaultOpened(result)).await;
        });
    }

    /// The keyring is not what it was.
    pub(super) fn keyring_changed(&mut self, change: KeyringChange) {
        match (&self.remembered.vault, change) {
            // Who uses it is asked for its password by the desktop.
            (VaultStatus::Off, _) | (VaultStatus::Ready, KeyringChange::Lock) => {}
            // It is being read. What comes of that may be older than the change.
            (VaultStatus::Opening, _) => self.remembered.has_changed = true,
            (VaultStatus::Ready, KeyringChange::Presence)
            | (VaultStatus::Locked | VaultStatus::Absent { .. }, _) => self.look_at_keyring(),
        }
    }

    /// Reads the keyring if that asks nobody for anything.
    pub(super) fn look_at_keyring(&self) {
        let Some(vault) = self.remembered.keyring.clone() else {
            return;
        };
        let happenings = self.happenings.clone();
        tokio::spawn(async move {
            let result = vault.load_if_unlocked().await;
            report(&happenings, Happening::KeyringSeen(result)).await;
        });
    }

    pub(super) fn keyring_seen(&mut self, result: Result<Option<Contents>, VaultError>) {
        match result {
            Ok(Some(contents)) => self.vault_opened(Ok(contents)),
            // It has come, and is locked.
            Ok(None) if matches!(self.remembered.vault, VaultStatus::Absent { .. }) => {
                self.vault_failed(&VaultError::Locked);
            }
            Ok(None) => {}
            Err(error @ VaultError::Absent { .. }) => self.vault_failed(&error),
            Err(error) => tracing::debug!(%error, "the keyring cannot be looked at"),
        }
    }

    /// The keyring has done something that was asked of it.
    pub(super) fn keyring_serves(&mut self) {
        match (self.remembered.options.memory, &self.remembered.vault) {
            // Nobody reads all of it.
            (Memory::Hosts, _) => self.remembered.vault = VaultStatus::Ready,
            (Memory::Everything, VaultStatus::Locked | VaultStatus::Absent { .. }) => {
                self.look_at_keyring();
            }
            (Memory::Nothing | Memory::Everything, _) => {}
        }
        self.keep_the_rest();
    }

    pub(super) fn vault_opened(&mut self, result: Result<Contents, VaultError>) {
        match result {
            Ok(contents) => {
                self.remembered.vault = VaultStatus::Ready;
                self.remembered.has_changed = false;
                self.take_hosts(contents);
                if std::mem::take(&mut self.remembered.was_missed) {
                    self.note(
                        None,
                        words!("The keyring is open: hosts and secrets are remembered again."),
                    );
                }
                self.keep_the_rest();
                self.resolve_hosts();
            }
            Err(error) => {
                self.vault_failed(&error);
                self.look_for_cluster();
                if std::mem::take(&mut self.remembered.has_changed) {
                    self.look_at_keyring();
                }
            }
        }
    }

    fn take_hosts(&mut self, contents: Contents) {
        for note in contents.notes {
            self.note(None, words!("Keyring: {problem}.", problem = note));
        }
        let remembered = &mut self.remembered;
        for host in contents.hosts {
            // What was changed while there was no keyring is newer.
            if !remembered.unkept.concerns_host(&host.id) {
                let id = host.id.clone();
                if remembered
                    .hosts
                    .insert(id.clone(), Arc::new(host))
                    .is_none()
                {
                    remembered.arrived.insert(id);
                }
            }
        }
    }

    /// Says once, plainly, that nothing is remembered for now.
    pub(super) fn vault_failed(&mut self, error: &VaultError) {
        let status = match error {
            VaultError::Absent { reason, remedy } => VaultStatus::Absent {
                reason: reason.clone(),
                remedy: remedy.clone(),
            },
            VaultError::Locked | VaultError::TimedOut { .. } => VaultStatus::Locked,
            VaultError::Newer { .. }
            | VaultError::Damaged { .. }
            | VaultError::TooLong { .. }
            | VaultError::Failed(_) => {
                // It concerns one record, or one moment.
                if self.remembered.vault == VaultStatus::Opening {
                    self.remembered.vault = VaultStatus::Locked;
                    self.remembered.was_missed = true;
                }
                self.note(None, words!("Keyring: {problem}.", problem = error.words()));
                return;
            }
        };
        if self.remembered.vault == status {
            return;
        }
        self.remembered.vault = status;
        self.remembered.was_missed = true;
        self.note(None, in_memory_only(error));
    }
}

/// What follows from a keyring that cannot be used, and what to do about it.
fn in_memory_only(error: &VaultError) -> Words {
    match error {
        VaultError::Absent { remedy, .. } => words!(
            "Hosts and secrets are kept in memory only, until Adit ends: {problem}. {remedy}",
            problem = error.words(),
            remedy = remedy
        ),
        error => words!(
            "Hosts and secrets are kept in memory only, until Adit ends: {problem}. Unlock it to have them remembered.",
            problem = error.words()
        ),
    }
}
