//! What is wanted stays wanted: the settings are read at the start and written when they change, and the tunnels that were up
//! are opened again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::effects::report;
use super::happening::Happening;
use super::home::Home;
use super::options::Memory;
use super::settings_keeper::SettingsKeeper;
use super::supervisor::Supervisor;
use crate::model::{
    HostId, Intent, Target, TunnelId, TunnelSpec, WantedTarget, WantedTunnel, words,
};
use crate::settings::{Loaded, Store, config_dir};

/// How long what is left to write may take at the end.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// The pause between two tunnels that are opened again: the cluster and the host are not stormed.
const STAGGER: Duration = Duration::from_millis(50);

impl Supervisor {
    pub(super) async fn load_settings(&mut self) {
        let folder = self.remembered.options.config_dir.clone();
        let Some(folder) = folder.or_else(config_dir) else {
            let text = words!("This account has no home folder: settings last until Adit ends.");
            self.note(None, text);
            return;
        };
        let loaded = tokio::task::spawn_blocking(move || Store::load(&folder)).await;
        let Ok(loaded) = loaded else { return };
        let Loaded {
            store,
            settings,
            notes,
        } = loaded;
        for note in notes {
            self.note(None, note);
        }
        self.settings = Arc::new(settings);
        let keeper =
            SettingsKeeper::start(store, Arc::clone(&self.settings), self.happenings.clone());
        self.remembered.settings = Some(keeper);
        self.know_wanted_tunnels();
    }

    /// Has the settings written, if they have changed.
    pub(super) fn keep_settings(&self) {
        if let Some(keeper) = &self.remembered.settings {
            keeper.keep(&self.settings);
        }
    }

    /// Answers once what is to be remembered by now is written, or could not be.
    pub(super) fn write_settings(&self, reply: SyncSender<()>) {
        self.keep_settings();
        let written = self
            .remembered
            .settings
            .as_ref()
            .map(SettingsKeeper::written);
        tokio::spawn(async move {
            if let Some(written) = written {
                written.await;
            }
            if reply.send(()).is_err() {
                tracing::debug!("the settings were not waited for");
            }
        });
    }

    pub(super) async fn end_remembering(&mut self) {
        self.keep_settings();
        let settings = self.remembered.settings.take();
        let keeping = &mut self.remembered.keeping;
        let all = async {
            let written = async {
                if let Some(keeper) = settings {
                    keeper.end().await;
                }
            };
            let kept = async { while keeping.join_next().await.is_some() {} };
            tokio::join!(written, kept);
        };
        if timeout(LAST_WRITE, all).await.is_err() {
            tracing::warn!("not everything was written in time");
        }
    }

    /// The tunnels of earlier runs are known, with their ports and routes, and closed for now.
    fn know_wanted_tunnels(&mut self) {
        for (id, wanted) in self.settings.tunnels.clone() {
            let mut home = None;
            let target = match (&id, wanted.target) {
                (TunnelId::Service { service, port }, WantedTarget::Service { route, cluster }) => {
                    home = cluster;
                    Target::Service {
                        service: service.clone(),
                        port: *port,
                        route,
                    }
                }
                (TunnelId::Forward(_), WantedTarget::Fixed(destination)) => {
                    self.imports.await_match(id.clone());
                    Target::Fixed(destination)
                }
                (TunnelId::Service { .. }, WantedTarget::Fixed(_))
                | (TunnelId::Forward(_), WantedTarget::Service { .. }) => continue,
            };
            self.add_tunnel(TunnelSpec {
                id: id.clone(),
                host: wanted.host,
                local: wanted.local,
                target,
            });
            if let (Some(uid), Some(entry)) = (home, self.tunnels.get_mut(&id)) {
                entry.home = Some(Home::remembered(&uid));
            }
        }
    }

    /// Opens what was up in an earlier run through hosts that have come from the keyring, favourites first, one after the other;
    /// the logins that it takes are made a few at a time.
    pub(super) fn reopen_tunnels(&mut self, arrived: &BTreeSet<HostId>) {
        let settings = &self.settings;
        if self.remembered.options.memory != Memory::Everything
            || !settings.behaviour.reopen_tunnels
        {
            return;
        }
        let up = |(_, wanted): &(&TunnelId, &WantedTunnel)| {
            wanted.intent == Intent::Up && arrived.contains(&wanted.host)
        };
        let up = settings.tunnels.iter().filter(up);
        let ids = self.favourites_first(up.map(|(id, _)| id.clone()).collect());
        for id in &ids {
            if let Some(wanted) = self.settings.tunnels.get(id) {
                self.turns.take(wanted.host.clone());
            }
        }
        let happenings = self.happenings.clone();
        tokio::spawn(async move {
            for id in ids {
                report(&happenings, Happening::Reopen(id)).await;
                sleep(STAGGER).await;
            }
        });
    }

    /// The same tunnels, those of favourites before the others.
    pub(super) fn favourites_first(&self, mut ids: Vec<TunnelId>) -> Vec<TunnelId> {
        let favourites = &self.settings.favourites;
        ids.sort_by_key(|id| match id {
            TunnelId::Service { service, .. } => !favourites.contains(service),
            TunnelId::Forward(_) => true,
        });
        ids
    }

    /// A person wants this tunnel: its host waits for no others.
    pub(super) fn hurry(&mut self, id: &TunnelId) {
        let host = self.tunnels.get(id).map(|entry| &entry.spec.host);
        if let Some(host) = host.or(self.selected_host.as_ref()).cloned() {
            self.turns.skip(&host);
        }
    }

    /// Opens a tunnel of an earlier run, unless it was closed meanwhile or its host is gone.
    pub(super) async fn reopen(&mut self, id: &TunnelId) {
        let wanted = self.settings.tunnels.get(id);
        let is_up = wanted.is_some_and(|wanted| wanted.intent == Intent::Up);
        let host = self.tunnels.get(id).map(|entry| entry.spec.host.clone());
        if is_up && host.is_some_and(|host| self.host(&host).is_some()) {
            self.set_intent(id.clone(), Intent::Up).await;
        }
    }

    /// Takes note of how a tunnel is wanted. Those of hosts that are not saved belong to this run: their names are addresses,
    /// which stand in no file.
    pub(super) fn note_wanted(&mut self, id: &TunnelId) {
        if self.remembered.options.memory != Memory::Everything {
            return;
        }
        let Some(entry) = self.tunnels.get(id) else {
            return;
        };
        let target = match &entry.spec.target {
            Target::Service { route, .. } => WantedTarget::Service {
                route: *route,
                cluster: entry
                    .home
                    .as_ref()
                    .and_then(|home| Some(home.uid()?.to_owned())),
            },
            Target::Fixed(destination) => WantedTarget::Fixed(destination.clone()),
            Target::Dynamic => return,
        };
        let wanted = WantedTunnel {
            intent: entry.machine.intent,
            host: entry.spec.host.clone(),
            local: entry.spec.local.clone(),
            target,
        };
        // A service stays in the list by itself; a forward that was closed is there until Adit ends.
        let is_over =
            matches!(wanted.target, WantedTarget::Fixed(_)) && wanted.intent == Intent::Down;
        if is_over {
            self.forget_wanted(id);
        } else if self.remembered.hosts.contains_key(&wanted.host)
            && self.settings.tunnels.get(id) != Some(&wanted)
        {
            let settings = Arc::make_mut(&mut self.settings);
            settings.tunnels.insert(id.clone(), wanted);
        }
    }

    /// Forgets that a tunnel was ever wanted.
    pub(super) fn forget_wanted(&mut self, id: &TunnelId) {
        if self.settings.tunnels.contains_key(id) {
            Arc::make_mut(&mut self.settings).tunnels.remove(id);
        }
    }

    /// Takes note of the selected host, where it is a saved one.
    pub(super) fn note_selected(&mut self) {
        let saved = |id: &&HostId| self.remembered.hosts.contains_key(*id);
        let selected = self.selected_host.as_ref().filter(saved).cloned();
        if self.remembered.options.memory == Memory::Everything
            && self.settings.selected_host != selected
        {
            Arc::make_mut(&mut self.settings).selected_host = selected;
        }
    }

    /// Forgets the tunnels of a host that is gone.
    pub(super) fn forget_wanted_by(&mut self, host: &HostId) {
        let settings = Arc::make_mut(&mut self.settings);
        settings.tunnels.retain(|_, wanted| wanted.host != *host);
    }

    /// A tunnel whose host is gone, or that never had one, goes through the selected one.
    pub(super) fn adopt(&mut self, id: &TunnelId) {
        let Some(host) = self.tunnels.get(id).map(|entry| entry.spec.host.clone()) else {
            return;
        };
        if self.host(&host).is_none()
            && let Some(selected) = self.selected_host.clone()
            && let Some(entry) = self.tunnels.get_mut(id)
            && matches!(entry.spec.target, Target::Service { .. })
        {
            entry.spec.host = selected;
        }
    }
}
