//! What faces ask for, one arm for each command, and how hosts and tunnels come to be and are changed by it.

use std::sync::Arc;

use super::host::Host;
use super::learn::Said;
use super::link::LinkEvent;
use super::supervisor::Supervisor;
use super::tunnel::Event;
use super::tunnel_entry::TunnelEntry;
use crate::model::{
    Command, HostId, HostProfile, Intent, LocalBind, Route, Target, TunnelId, TunnelSpec,
};

impl Supervisor {
    pub(super) async fn obey(&mut self, command: Command) {
        match command {
            Command::UseCluster(source) => self.use_cluster(source).await,
            Command::StopReading => self.stop_reading().await,
            Command::AddHost(profile) => self.add_host(*profile).await,
            Command::SaveHost(host) => self.save_host(*host),
            Command::RemoveHost(id) => self.remove_host(&id).await,
            Command::ForgetSecrets(id) => self.forget_secrets(id),
            Command::LoseHost(id) => self.lose_host(&id).await,
            Command::UnlockVault => self.open_vault(),
            Command::SelectHost(id) => self.select_host(id).await,
            Command::SetCandidates(hosts) => self.set_candidates(hosts),
            Command::ExportKubeconfig { local, reply } => self.export_kubeconfig(local, reply),
            Command::AddTunnel(spec) => self.add_tunnel(spec),
            Command::SetIntent { id, intent } => {
                self.hurry(&id);
                self.leave_home(&id, intent);
                self.set_intent(id.clone(), intent).await;
                self.note_wanted(&id);
            }
            Command::SetLocal { id, local } => {
                self.set_local(&id, local).await;
                self.note_wanted(&id);
            }
            Command::SetRoute { id, route } => {
                self.set_route(&id, route).await;
                self.note_wanted(&id);
            }
            Command::SetTunnelHost { id, host } => {
                self.set_tunnel_host(&id, host).await;
                self.note_wanted(&id);
            }
            Command::Notice(text) => self.note(None, text),
            Command::ChangeSettings(change) => Arc::make_mut(&mut self.settings).apply(change),
            Command::RetryNow(id) => {
                self.hurry(&id);
                self.retry(&id).await;
            }
            Command::NameClients(id) => self.name_clients(&id),
            Command::Probe { service, port } => self.probe_service(service, port),
            Command::ProbeHost(profile) => self.probe_host(*profile),
            Command::CancelProbe(id) => self.cancel_probe(id),
            Command::Answer { prompt, answer } => self.answer(prompt, answer),
            Command::ListSshHosts => self.list_ssh_hosts(),
            Command::TestHost(host) => self.test_host(*host),
            Command::OpenForwards { host, forwards } => self.open_forwards(host, forwards).await,
            Command::CheckKey { path, passphrase } => self.check_key(path, passphrase),
            Command::FixKeyPermissions(path) => self.mend_key(path),
            Command::WriteSettings { reply } => self.write_settings(reply),
            Command::Quit => self.quit().await,
        }
    }

    pub(super) async fn add_host(&mut self, profile: HostProfile) {
        let id = profile.id.clone();
        match self.hosts.iter_mut().find(|host| host.profile.id == id) {
            Some(host) if host.profile == profile => {}
            Some(host) => {
                host.profile = profile;
                host.said = Said::default();
                // Its tunnels come back through the new profile.
                self.step_link(&id, LinkEvent::Unwanted).await;
                self.tell_tunnels(&id, &Event::LinkDown).await;
            }
            None => self.hosts.push(Host::new(profile)),
        }
        self.selected_host.get_or_insert(id);
    }

    pub(super) fn add_tunnel(&mut self, spec: TunnelSpec) {
        self.next_tag += 1;
        let (tag, stirred) = (self.next_tag, Arc::clone(&self.stirred));
        self.tunnels
            .entry(spec.id.clone())
            .or_insert_with(|| TunnelEntry::new(spec, tag, stirred));
    }

    pub(super) async fn set_intent(&mut self, id: TunnelId, intent: Intent) {
        if !self.tunnels.contains_key(&id) {
            let Some(spec) = self.default_spec(&id) else {
                return;
            };
            self.add_tunnel(spec);
        }
        self.adopt(&id);
        self.step_tunnel(&id, Event::Intent(intent)).await;
        if intent == Intent::Up {
            self.retry_failed_link(&id).await;
        }
    }

    /// The tunnel of a service's port, as it is when nobody has said otherwise.
    fn default_spec(&self, id: &TunnelId) -> Option<TunnelSpec> {
        let TunnelId::Service { service, port } = id else {
            return None;
        };
        Some(TunnelSpec {
            id: id.clone(),
            host: self
                .selected_host
                .clone()
                .unwrap_or_else(|| HostId::new("")),
            local: LocalBind::preferred_for(*port),
            target: Target::Service {
                service: service.clone(),
                port: *port,
                route: None,
            },
        })
    }

    pub(super) async fn set_local(&mut self, id: &TunnelId, local: LocalBind) {
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        if entry.spec.local != local || !entry.machine.is_bound() {
            entry.spec.local = local;
            self.step_tunnel(id, Event::Moved).await;
        }
    }

    async fn set_route(&mut self, id: &TunnelId, wanted: Option<Route>) {
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        if let Target::Service { route, .. } = &mut entry.spec.target {
            *route = wanted;
            self.resolve(id).await;
        }
    }

    async fn retry(&mut self, id: &TunnelId) {
        self.step_tunnel(id, Event::Retry).await;
        self.retry_failed_link(id).await;
    }

    async fn retry_failed_link(&mut self, id: &TunnelId) {
        let Some(entry) = self.tunnels.get(id) else {
            return;
        };
        if entry.machine.needs_link() {
            let host = entry.spec.host.clone();
            self.step_link(&host, LinkEvent::Retry).await;
        }
    }
}
