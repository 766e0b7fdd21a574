//! Saved hosts: read from the keyring at the start, changed and removed by the person. Without a keyring they are kept in
//! memory, and that is said.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::effects::report;
use super::happening::Happening;
use super::link::LinkEvent;
use super::options::{EngineOptions, Memory};
use super::recall::Secrets;
use super::saved_profile::{SavedHosts, profile_of};
use super::supervisor::Supervisor;
use super::tunnel::Event;
use super::wanted::SettingsKeeper;
use crate::model::{HostId, HostProfile, Intent, SavedHost, VaultStatus, capitalised, words};
use crate::vault::{Contents, Vault, VaultError, VaultOptions};

/// What is remembered, as the supervisor holds it.
pub(super) struct Remembered {
    pub(super) options: EngineOptions,
    pub(super) vault: VaultStatus,
    pub(super) hosts: SavedHosts,
    pub(super) keyring: Option<Vault>,
    /// Hosts that the keyring has not taken.
    unsaved: BTreeSet<HostId>,
    /// Whether the hosts that were saved have become known, and the tunnels that were wanted with them.
    has_begun: bool,
    /// The newest run that has hosts resolved.
    resolving: u64,
    pub(super) secrets: Secrets,
    pub(super) settings: Option<SettingsKeeper>,
    /// What is being kept in the keyring.
    pub(super) keeping: JoinSet<()>,
}

/// What was to be kept in the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// A host.
    Host(HostId),
    /// That a host is gone.
    Removal(HostId),
    /// A secret, or that it is gone.
    Secret(HostId),
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
            unsaved: BTreeSet::new(),
            has_begun: false,
            resolving: 0,
            secrets: Secrets::default(),
            settings: None,
            keeping: JoinSet::new(),
        }
    }
}

impl Supervisor {
    /// Reads what is remembered: the settings at once, the keyring when it answers.
    pub(super) async fn begin(&mut self) {
        if self.remembered.options.memory == Memory::Everything {
            self.load_settings().await;
            self.open_vault();
        }
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

    pub(super) fn vault_opened(&mut self, result: Result<Contents, VaultError>) {
        match result {
            Ok(contents) => {
                self.remembered.vault = VaultStatus::Ready;
                for note in contents.notes {
                    self.note(None, sentence(&note));
                }
                for host in contents.hosts {
                    // What was changed while there was no keyring is newer.
                    if !self.remembered.unsaved.contains(&host.id) {
                        let id = host.id.clone();
                        self.remembered.hosts.insert(id, Arc::new(host));
                    }
                }
                for id in self.remembered.unsaved.clone() {
                    self.keep_host(&id);
                }
                self.resolve_hosts();
            }
            Err(error) => {
                self.vault_failed(&error);
                self.look_for_cluster();
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
                }
                self.note(None, sentence(&error.to_string()));
                return;
            }
        };
        if self.remembered.vault == status {
            return;
        }
        self.remembered.vault = status;
        let next = match error {
            VaultError::Absent { remedy, .. } => remedy,
            _ => "Unlock it to have hosts and secrets remembered.",
        };
        let text =
            format!("{error}: hosts and secrets are kept in memory only, until Adit ends. {next}");
        self.note(None, sentence(&text));
    }

    /// Looks after the outcome of something that was to be kept.
    pub(super) fn kept(&mut self, what: &Kept, result: Result<(), VaultError>) {
        match (what, result) {
            (Kept::Host(id), Ok(())) => {
                self.remembered.unsaved.remove(id);
                self.remembered.vault = VaultStatus::Ready;
            }
            (Kept::Removal(_) | Kept::Secret(_), Ok(())) => {
                self.remembered.vault = VaultStatus::Ready;
            }
            (_, Err(error)) => self.vault_failed(&error),
        }
    }

    pub(super) fn save_host(&mut self, host: SavedHost) {
        if let Err(error) = SavedHost::check_name(host.id.as_str()) {
            let text = words!(
                "The host was not saved: {error}.",
                error = error.to_string()
            );
            self.note(None, text);
            return;
        }
        let id = host.id.clone();
        self.remembered.hosts.insert(id.clone(), Arc::new(host));
        self.keep_host(&id);
        self.resolve_hosts();
    }

    fn keep_host(&mut self, id: &HostId) {
        let Some(host) = self.remembered.hosts.get(id).cloned() else {
            return;
        };
        if self.remembered.keyring.is_some() {
            self.remembered.unsaved.insert(id.clone());
            self.keep(Kept::Host(id.clone()), move |vault| {
                vault.save_host(SavedHost::clone(&host))
            });
        }
    }

    /// Has the keyring keep something, and hears of the outcome. `work` is begun now, so that what is wanted later is done later.
    pub(super) fn keep<F: Future<Output = Result<(), VaultError>> + Send + 'static>(
        &mut self,
        what: Kept,
        work: impl FnOnce(&Vault) -> F,
    ) {
        let Some(vault) = &self.remembered.keyring else {
            return;
        };
        let (happenings, work) = (self.happenings.clone(), work(vault));
        let keeping = &mut self.remembered.keeping;
        while keeping.try_join_next().is_some() {}
        keeping.spawn(async move {
            let result = work.await;
            report(&happenings, Happening::Kept(what, result)).await;
        });
    }

    /// Has ssh_config fill in what was not said, which may run commands (`Match exec`) and look names up. All of them, since one
    /// may be on the way to another.
    fn resolve_hosts(&mut self) {
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
        profiles: Vec<(HostId, Result<Box<HostProfile>, String>)>,
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
                        problem = problem.as_str()
                    );
                    self.note(None, text);
                    self.imports.problems.push((id, problem));
                }
            }
        }
        let is_first = !std::mem::replace(&mut self.remembered.has_begun, true);
        if is_first {
            self.select_remembered();
        }
        if is_first || self.selected_host != selected {
            self.use_cluster_of_host().await;
        }
        if is_first {
            self.look_for_cluster();
            self.reopen_tunnels();
        }
    }

    /// The host that was selected last, where it is still there.
    fn select_remembered(&mut self) {
        let last = self.settings.selected_host.clone();
        if let Some(last) = last.filter(|id| self.host(id).is_some()) {
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
            let gone = id.clone();
            self.keep(Kept::Removal(id.clone()), move |vault| {
                vault.remove_host(gone)
            });
        }
        self.lose_host(id).await;
    }

    /// A host is gone from the keyring: nothing goes through it any more.
    pub(super) async fn lose_host(&mut self, id: &HostId) {
        self.remembered.hosts.remove(id);
        self.remembered.unsaved.remove(id);
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
        self.keep(Kept::Secret(id.clone()), move |vault| {
            vault.forget_secrets(id)
        });
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{stop}", capitalised(text))
}
