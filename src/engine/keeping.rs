//! What the keyring is to keep: handed to it at once, and again when it can be used after it could not.

use std::collections::BTreeMap;
use std::pin::Pin;

use super::effects::report;
use super::happening::Happening;
use super::saved_profile::SavedHosts;
use super::supervisor::Supervisor;
use crate::model::{HostId, SavedHost, Secret};
use crate::vault::{SecretName, Vault, VaultError};

/// Something that is to be kept in the keyring, in the order in which it is: what is gone goes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    /// That a host is gone, with its secrets.
    Removal(HostId),
    /// That the secrets of a host are gone.
    Forgetting(HostId),
    /// A host, as it is now.
    Host(HostId),
    /// A secret, or that it is gone.
    Secret(HostId, SecretName),
}

/// What the keyring has not taken yet.
#[derive(Default)]
pub(super) struct Unkept {
    all: BTreeMap<Kept, Attempt>,
    last: u64,
}

/// The newest attempt to have something kept.
struct Attempt {
    number: u64,
    secret: Option<Secret>,
    has_failed: bool,
}

type Work = Pin<Box<dyn Future<Output = Result<(), VaultError>> + Send>>;

impl Kept {
    const fn host(&self) -> &HostId {
        match self {
            Self::Removal(id) | Self::Forgetting(id) | Self::Host(id) | Self::Secret(id, _) => id,
        }
    }

    /// Whether it makes another one needless that came before.
    fn outdates(&self, other: &Self) -> bool {
        self.host() == other.host()
            && match self {
                Self::Removal(_) => true,
                Self::Forgetting(_) => matches!(other, Self::Forgetting(_) | Self::Secret(..)),
                Self::Host(_) | Self::Secret(..) => self == other,
            }
    }

    /// Has the keyring begin with it; none where there is nothing to keep any more.
    fn begin(&self, vault: &Vault, hosts: &SavedHosts, secret: Option<Secret>) -> Option<Work> {
        Some(match self.clone() {
            Self::Removal(id) => Box::pin(vault.remove_host(id)),
            Self::Forgetting(id) => Box::pin(vault.forget_secrets(id)),
            Self::Host(id) => Box::pin(vault.save_host(SavedHost::clone(hosts.get(&id)?))),
            Self::Secret(id, name) => Box::pin(vault.set_secret(id, name, secret)),
        })
    }
}

impl Unkept {
    fn add(&mut self, kept: Kept, secret: Option<Secret>) -> u64 {
        self.all.retain(|other, _| !kept.outdates(other));
        self.last += 1;
        let number = self.last;
        self.all.insert(
            kept,
            Attempt {
                number,
                secret,
                has_failed: false,
            },
        );
        number
    }

    /// Whether what the keyring says of a host is older than what is known.
    pub(super) fn concerns_host(&self, id: &HostId) -> bool {
        let mut all = self.all.keys();
        all.any(|kept| kept.host() == id && matches!(kept, Kept::Host(_) | Kept::Removal(_)))
    }

    /// A secret that the keyring is to keep, and has not taken.
    pub(super) fn secret(&self, id: &HostId, name: &SecretName) -> Option<&Secret> {
        let kept = Kept::Secret(id.clone(), name.clone());
        self.all.get(&kept)?.secret.as_ref()
    }

    /// Another program has removed this host.
    pub(super) fn forget_host(&mut self, id: &HostId) {
        self.all
            .retain(|kept, _| kept.host() != id || matches!(kept, Kept::Removal(_)));
    }
}

impl Supervisor {
    /// Has the keyring keep something, and hears of the outcome. It is begun now, so that what is wanted later is done later.
    pub(super) fn keep(&mut self, kept: Kept, secret: Option<Secret>) {
        let remembered = &mut self.remembered;
        let Some(vault) = &remembered.keyring else {
            return;
        };
        let Some(work) = kept.begin(vault, &remembered.hosts, secret.clone()) else {
            return;
        };
        let number = remembered.unkept.add(kept.clone(), secret);
        let happenings = self.happenings.clone();
        while remembered.keeping.try_join_next().is_some() {}
        remembered.keeping.spawn(async move {
            let result = work.await;
            report(&happenings, Happening::Kept(kept, number, result)).await;
        });
    }

    /// Has the keyring keep what it could not take before.
    pub(super) fn keep_the_rest(&mut self) {
        let all = &self.remembered.unkept.all;
        let failed = all.iter().filter(|(_, attempt)| attempt.has_failed);
        let failed: Vec<_> = failed
            .map(|(kept, attempt)| (kept.clone(), attempt.secret.clone()))
            .collect();
        for (kept, secret) in failed {
            self.keep(kept, secret);
        }
    }

    /// Looks after the outcome of something that was to be kept.
    pub(super) fn kept(&mut self, kept: &Kept, number: u64, result: Result<(), VaultError>) {
        let all = &mut self.remembered.unkept.all;
        if let Some(attempt) = all.get_mut(kept).filter(|attempt| attempt.number == number) {
            attempt.has_failed = result.as_ref().is_err_and(can_be_kept_later);
            if !attempt.has_failed {
                all.remove(kept);
            }
        }
        match result {
            Ok(()) => self.keyring_serves(),
            // It may have come back meanwhile.
            Err(VaultError::Absent { .. }) if self.remembered.vault.is_ready() => {
                self.look_at_keyring();
            }
            Err(error) => self.vault_failed(&error),
        }
    }
}

/// Whether it was the keyring that could not be used, and not what was to be kept.
const fn can_be_kept_later(error: &VaultError) -> bool {
    match error {
        VaultError::Absent { .. }
        | VaultError::Locked
        | VaultError::TimedOut { .. }
        | VaultError::Failed(_) => true,
        VaultError::Newer { .. } | VaultError::Damaged { .. } | VaultError::TooLong { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(hop: &str) -> SecretName {
        SecretName::Password {
            hop: hop.to_owned(),
        }
    }

    #[test]
    fn what_is_gone_makes_needless_what_was_to_be_kept_of_it() {
        let [a, b] = ["a", "b"].map(HostId::new);
        let mut unkept = Unkept::default();
        for id in [&a, &b] {
            unkept.add(Kept::Host(id.clone()), None);
            unkept.add(Kept::Secret(id.clone(), password("x")), None);
        }
        unkept.add(Kept::Forgetting(a.clone()), None);
        unkept.add(Kept::Removal(b.clone()), None);
        let left: Vec<_> = unkept.all.keys().cloned().collect();
        let expected = [
            Kept::Removal(b.clone()),
            Kept::Forgetting(a.clone()),
            Kept::Host(a.clone()),
        ];
        assert_eq!(left, expected);
        assert!(unkept.concerns_host(&a) && unkept.concerns_host(&b));
        // A host of the same name that comes later is a new one: the old one is still to go first.
        unkept.add(Kept::Host(b.clone()), None);
        assert!(unkept.all.contains_key(&Kept::Removal(b)));
    }
}
