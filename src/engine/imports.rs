//! Hosts and tunnels that the person brings along: from ssh_config, and from the `ssh -L` command they have been typing.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::happening::Happening;
use super::supervisor::Supervisor;
use super::tunnel::Event;
use crate::model::{
    ClusterState, ClusterStatus, ForwardMatch, ForwardSpec, HostId, HostProfile, Intent,
    ResolvedSshHost, Route, SavedHost, SshHost, SshHosts, Target, TunnelId, TunnelSpec, Words,
    match_forward, words,
};
use crate::ssh::config::{self, ConfigError, Environment, LocalSystem, Query};

/// How many hosts of ssh_config are shown: resolving one may take a name lookup.
const HOSTS_MAX: usize = 200;

/// What was brought along, as the supervisor holds it.
#[derive(Default)]
pub(super) struct Imports {
    /// The hosts of ssh_config, once they were asked for.
    pub(super) ssh_hosts: Option<Arc<SshHosts>>,
    /// What keeps a host from being tried: ssh_config makes no sense of it.
    pub(super) problems: Vec<(HostId, Words)>,
    /// Forwards of an imported command that were in no cluster's view yet.
    unmatched: BTreeSet<TunnelId>,
}

impl Imports {
    /// A forward of an earlier run may lead to a service of a cluster that is yet to be seen.
    pub(super) fn await_match(&mut self, id: TunnelId) {
        self.unmatched.insert(id);
    }
}

impl Supervisor {
    /// Reads the hosts of ssh_config, on a thread of its own: that may run commands and look names up.
    pub(super) fn list_ssh_hosts(&self) {
        let happenings = self.happenings.clone();
        tokio::task::spawn_blocking(move || {
            let happening = Happening::SshHosts(ssh_hosts());
            if happenings.blocking_send(happening).is_err() {
                tracing::debug!("ssh_config was read after the engine's end");
            }
        });
    }

    /// Has ssh_config fill in a host that is not saved, and tries the way to it.
    pub(super) fn test_host(&mut self, host: SavedHost) {
        self.imports.problems.retain(|(id, _)| *id != host.id);
        let happenings = self.happenings.clone();
        let all = self.remembered.hosts.clone();
        tokio::task::spawn_blocking(move || {
            let profile = super::saved_profile::profile_of(&host, &all).map(Box::new);
            if happenings
                .blocking_send(Happening::Tested(host.id, profile))
                .is_err()
            {
                tracing::debug!("a host was resolved after the engine's end");
            }
        });
    }

    pub(super) fn tested(&mut self, id: HostId, profile: Result<Box<HostProfile>, Words>) {
        match profile {
            Ok(profile) => self.probe_host(*profile),
            Err(problem) => self.imports.problems.push((id, problem)),
        }
    }

    /// Opens the forwards of an imported command through `host`. One that leads to a service of the cluster becomes that
    /// service's tunnel, now or as soon as the cluster is seen; the others stay what they are.
    pub(super) async fn open_forwards(&mut self, host: HostId, forwards: Vec<ForwardSpec>) {
        for forward in forwards {
            let found = self.seen_match(&forward);
            let id = match &found {
                Some(found) => TunnelId::service(found.service.clone(), found.port),
                None => self.free_forward_id(),
            };
            if found.is_none() {
                self.imports.unmatched.insert(id.clone());
            }
            self.open_import(id, host.clone(), forward, found).await;
        }
    }

    async fn open_import(
        &mut self,
        id: TunnelId,
        host: HostId,
        forward: ForwardSpec,
        found: Option<ForwardMatch>,
    ) {
        let target = found.map_or(Target::Fixed(forward.destination), |found| {
            Target::Service {
                service: found.service,
                port: found.port,
                route: wanted_route(found.route),
            }
        });
        let spec = TunnelSpec {
            id: id.clone(),
            host,
            local: forward.local.clone(),
            target,
        };
        self.add_tunnel(spec);
        // Where the service's tunnel was there before, it listens where the command says from now on.
        self.set_local(&id, forward.local).await;
        self.set_intent(id.clone(), Intent::Up).await;
        self.note_wanted(&id);
    }

    /// The cluster has changed: forwards that lead to one of its services follow that service from now on.
    pub(super) async fn match_imports(&mut self) {
        let is_live = self
            .cluster
            .as_ref()
            .is_some_and(|cluster| cluster.current.state == ClusterState::Live);
        if self.imports.unmatched.is_empty() || !is_live {
            return;
        }
        for id in std::mem::take(&mut self.imports.unmatched) {
            let Some((host, intent, forward)) = self.imported(&id) else {
                continue;
            };
            let Some(found) = self.seen_match(&forward) else {
                self.imports.unmatched.insert(id);
                continue;
            };
            self.step_tunnel(&id, Event::Intent(Intent::Down)).await;
            self.tunnels.remove(&id);
            self.forget_wanted(&id);
            let text = words!(
                "{destination} leads to {service} port {port}: Adit follows that service from now on",
                destination = &forward.destination,
                service = &found.service,
                port = found.port
            );
            let service = TunnelId::service(found.service.clone(), found.port);
            self.note(Some(service.clone()), text);
            self.open_import(service.clone(), host, forward, Some(found))
                .await;
            if intent == Intent::Down {
                self.set_intent(service.clone(), Intent::Down).await;
                self.note_wanted(&service);
            }
        }
    }

    fn imported(&self, id: &TunnelId) -> Option<(HostId, Intent, ForwardSpec)> {
        let entry = self.tunnels.get(id)?;
        let Target::Fixed(destination) = &entry.spec.target else {
            return None;
        };
        let forward = ForwardSpec {
            local: entry.spec.local.clone(),
            destination: destination.clone(),
        };
        Some((entry.spec.host.clone(), entry.machine.intent, forward))
    }

    fn seen_match(&self, forward: &ForwardSpec) -> Option<ForwardMatch> {
        let status: &ClusterStatus = &self.cluster.as_ref()?.current;
        match_forward(status, &forward.destination)
    }

    fn free_forward_id(&self) -> TunnelId {
        let mut free = (0..=u16::MAX).map(TunnelId::Forward);
        free.find(|id| !self.tunnels.contains_key(id))
            .unwrap_or(TunnelId::Forward(u16::MAX))
    }
}

/// The route to insist on: a MetalLB IP is Adit's own first choice, and a pod's address ends with the pod.
const fn wanted_route(route: Route) -> Option<Route> {
    match route {
        Route::MetalLb | Route::Pod => None,
        Route::ClusterIp | Route::NodePort => Some(route),
    }
}

fn ssh_hosts() -> SshHosts {
    let environment = Environment::of_this_computer();
    let mut system = LocalSystem;
    let mut hosts = SshHosts {
        file: shown(&environment.user_folder().join("config"), &environment.home),
        ..SshHosts::default()
    };
    match config::aliases(&environment, &mut system) {
        Ok(aliases) => {
            let resolve = |alias: String| SshHost {
                resolved: resolved(&alias, &environment),
                alias,
            };
            hosts.hosts = aliases.into_iter().take(HOSTS_MAX).map(resolve).collect();
        }
        Err(error) => hosts.problem = Some(error.words()),
    }
    hosts
}

fn resolved(alias: &str, environment: &Environment) -> Result<ResolvedSshHost, Words> {
    let mut system = LocalSystem;
    let query = Query {
        host: alias.to_owned(),
        ..Query::default()
    };
    let words = |error: ConfigError| error.words();
    let resolved = config::resolve(&query, environment, &mut system).map_err(words)?;
    let profile = config::profile(&resolved, environment, &mut system).map_err(words)?;
    Ok(ResolvedSshHost {
        login: profile.login(),
        identities: profile
            .identities
            .iter()
            .map(|path| shown(path, &environment.home))
            .collect(),
        via: profile.jumps.iter().map(HostProfile::login).collect(),
        forwards: resolved.forwards().local,
    })
}

/// A path with the person's home as `~`.
fn shown(path: &Path, home: &Path) -> String {
    match path.strip_prefix(home) {
        Ok(rest) if !home.as_os_str().is_empty() => format!("~/{}", rest.display()),
        _ => path.display().to_string(),
    }
}
