//! Saved hosts: made ready to be dialled, changed, selected and removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::effects::report;
use super::happening::Happening;
use super::keeping::{Kept, Unkept};
use super::link::LinkEvent;
use super::options::{EngineOptions, Memory};
use super::recall::Secrets;
use super::saved_profile::{SavedHosts, profile_of};
use super::settings_keeper::SettingsKeeper;
use super::supervisor::Supervisor;
use super::tunnel::Event;
use crate::model::{HostId, HostProfile, Intent, SavedHost, VaultStatus, Words, words};
use crate::vault::{KeyringWatch, Vault, VaultOptions};

/// What is remembered, as the supervisor holds it.
pub(super) struct Remembered {
    pub(super) options: EngineOptions,
    pub(super) vault: VaultStatus,
    pub(super) hosts: SavedHosts,
    pub(super) keyring: Option<Vault>,
    /// Tells of a keyring that comes, goes, or is unlocked.
    pub(super) watch: Option<KeyringWatch>,
    /// What the keyring has not taken.
    pub(super) unkept: Unkept,
    /// Whether the keyring has changed while it was read.
    pub(super) has_changed: bool,
    /// Whether the person was told that nothing is remembered.
    pub(super) was_missed: bool,
    /// Hosts that came from the keyring and are not ready to be dialled yet.
    pub(super) arrived: BTreeSet<HostId>,
    /// Whether the hosts that were saved have become known.
    has_begun: bool,
    /// The newest run that has hosts resolved.
    resolving: u64,
    pub(super) secrets: Secrets,
    pub(super) settings: Option<SettingsKeeper>,
    /// What is being kept in the keyring.
    pub(super) keeping: JoinSet<()>,
}

impl Remembered {
    pub(super) fn new(options: EngineOptions) -> Self {
        let keyring = (options.memory != Memory::Nothing).then(|| {
            let named = options.vault.clone();
            Vault::start(named.unwrap_or_else(VaultOptions::of_environment))
        });
        let vault = match options.memory {
            Memory::Nothing => VaultStatus::Off,
            Memory::Hosts | Memory::Everything => VaultStatus::Opening,
        };
        Self {
            options,
            vault,
            hosts: SavedHosts::new(),
            keyring,
            watch: None,
            unkept: Unkept::default(),
            has_changed: false,
            was_missed: false,
            arrived: BTreeSet::new(),
            has_begun: false,
            resolving: 0,
            secrets: Secrets::default(),
            settings: None,
            keeping: JoinSet::new(),
        }
    }
}

impl Supervisor {
    pub(super) fn save_host(&mut self, host: SavedHost) {
        if let Err(error) = SavedHost::check_name(host.id.as_str()) {
            let text = words!("The host was not saved: {error}.", error = error.words());
            self.note(None, text);
            return;
        }
        let id = host.id.clone();
        self.remembered.hosts.insert(id.clone(), Arc::new(host));
        self.keep_host(&id);
        self.resolve_hosts();
    }

    fn keep_host(&mut self, id: &HostId) {
        if self.remembered.hosts.contains_key(id) {
            self.keep(Kept::Host(id.clone()), None);
        }
    }

    /// Has ssh_config fill in what was not said, which may run commands (`Match exec`) and look names up. All of them, since one
    /// may be on the way to another.
    pub(super) fn resolve_hosts(&mut self) {
        self.remembered.resolving += 1;
        let run = self.remembered.resolving;
        let (happenings, all) = (self.happenings.clone(), self.remembered.hosts.clone());
        tokio::spawn(async move {
            let resolved = tokio::task::spawn_blocking(move || {
                let resolve = |host: &Arc<SavedHost>| profile_of(host, &all).map(Box::new);
                all.iter()
                    .map(|(id, host)| (id.clone(), resolve(host)))
                    .collect()
            });
            match resolved.await {
                Ok(resolved) => report(&happenings, Happening::Resolved(run, resolved)).await,
                Err(error) => tracing::error!(%error, "hosts cannot be resolved"),
            }
        });
    }

    pub(super) async fn resolved(
        &mut self,
        run: u64,
        profiles: Vec<(HostId, Result<Box<HostProfile>, Words>)>,
    ) {
        // Hosts have changed since: what they are now is on its way, and may even have come before.
        if run != self.remembered.resolving {
            return;
        }
        let selected = self.selected_host.clone();
        for (id, profile) in profiles {
            self.imports.problems.retain(|(of, _)| *of != id);
            match profile {
                // It may have been removed meanwhile.
                Ok(_) if !self.remembered.hosts.contains_key(&id) => {}
                Ok(profile) => self.add_host(*profile).await,
                Err(problem) => {
                    let text = words!(
                        "The host {host} cannot be used: {problem}.",
                        host = id.as_str(),
                        problem = &problem
                    );
                    self.note(None, text);
                    self.imports.problems.push((id, problem));
                }
            }
        }
        let is_first = !std::mem::replace(&mut self.remembered.has_begun, true);
        let arrived = std::mem::take(&mut self.remembered.arrived);
        self.select_remembered(&arrived);
        if is_first || self.selected_host != selected {
            self.use_cluster_of_host().await;
        }
        if is_first {
            self.look_for_cluster();
        }
        self.reopen_tunnels(&arrived);
    }

    /// The host that was selected last, once it comes from the keyring.
    fn select_remembered(&mut self, arrived: &BTreeSet<HostId>) {
        let last = self.settings.selected_host.clone();
        if let Some(last) = last.filter(|id| arrived.contains(id) && self.host(id).is_some()) {
            self.selected_host = Some(last);
        }
    }

    pub(super) async fn select_host(&mut self, id: HostId) {
        self.selected_host = Some(id);
        self.note_selected();
        self.use_cluster_of_host().await;
    }

    /// Watches the cluster of the selected host, where that is a saved one.
    async fn use_cluster_of_host(&mut self) {
        let selected = self.selected_host.as_ref();
        let Some(host) = selected.and_then(|id| self.remembered.hosts.get(id)) else {
            return;
        };
        let source = host.cluster_source();
        let current = self.cluster.as_ref().map(|cluster| &cluster.current.source);
        if current != Some(&source) {
            self.use_cluster(source).await;
        }
    }

    pub(super) async fn remove_host(&mut self, id: &HostId) {
        if self.remembered.hosts.contains_key(id) {
            self.keep(Kept::Removal(id.clone()), None);
        }
        self.lose_host(id).await;
    }

    /// A host is gone from the keyring: nothing goes through it any more.
    pub(super) async fn lose_host(&mut self, id: &HostId) {
        self.remembered.hosts.remove(id);
        self.remembered.unkept.forget_host(id);
        self.remembered.secrets.forget_host(id);
        for tunnel in self.tunnel_ids(|entry| entry.spec.host == *id) {
            self.step_tunnel(&tunnel, Event::Intent(Intent::Down)).await;
        }
        self.step_link(id, LinkEvent::Unwanted).await;
        self.hosts.retain(|host| host.profile.id != *id);
        self.forget_wanted_by(id);
        if self.selected_host.as_ref() == Some(id) {
            self.selected_host = self.hosts.first().map(|host| host.profile.id.clone());
            self.note_selected();
            self.use_cluster_of_host().await;
        }
    }

    pub(super) fn forget_secrets(&mut self, id: HostId) {
        self.remembered.secrets.forget_host(&id);
        self.keep(Kept::Forgetting(id), None);
    }
}
