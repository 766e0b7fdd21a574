//! Saved hosts: known from the start, changed and removed by the person.

use std::sync::Arc;

use imbl::OrdMap;

use super::happening::Happening;
use super::link::LinkEvent;
use super::options::EngineOptions;
use super::supervisor::Supervisor;
use super::tunnel::Event;
use crate::model::{HostId, HostProfile, Intent, SavedHost, VaultStatus};
use crate::ssh::config::{self, Argument, ConfigError, Environment, LocalSystem, Query};

/// What is remembered, as the supervisor holds it.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) options: EngineOptions,
    pub(super) vault: VaultStatus,
    pub(super) hosts: SavedHosts,
}

impl Supervisor {
    pub(super) fn save_host(&mut self, host: SavedHost) {
        let host = Arc::new(host);
        tracing::debug!(memory = ?self.remembered.options.memory, "a host is saved");
        self.remembered
            .hosts
            .insert(host.id.clone(), Arc::clone(&host));
        self.resolve_host(host);
    }

    /// Has ssh_config fill in what was not said. That may run commands (`Match exec`) and look names up.
    fn resolve_host(&self, host: Arc<SavedHost>) {
        let happenings = self.happenings.clone();
        let all = self.remembered.hosts.clone();
        tokio::spawn(async move {
            let id = host.id.clone();
            let resolved = tokio::task::spawn_blocking(move || profile_of(&host, &all)).await;
            let resolved = resolved.unwrap_or_else(|error| Err(error.to_string()));
            let happening = Happening::Resolved(id, resolved.map(Box::new));
            if happenings.send(happening).await.is_err() {
                tracing::debug!("a host was resolved after the engine's end");
            }
        });
    }

    pub(super) async fn resolved(&mut self, id: HostId, profile: Result<Box<HostProfile>, String>) {
        match profile {
            Ok(profile) => self.add_host(*profile).await,
            Err(problem) => self.note(None, format!("The host {id} cannot be used: {problem}")),
        }
    }

    pub(super) async fn remove_host(&mut self, id: &HostId) {
        self.remembered.hosts.remove(id);
        for tunnel in self.tunnel_ids(|entry| entry.spec.host == *id) {
            self.step_tunnel(&tunnel, Event::Intent(Intent::Down)).await;
        }
        self.step_link(id, LinkEvent::Unwanted).await;
        self.hosts.retain(|host| host.profile.id != *id);
        if self.selected_host.as_ref() == Some(id) {
            self.selected_host = self.hosts.first().map(|host| host.profile.id.clone());
        }
    }
}

/// More saved hosts than this on one way are a mistake, likely a circle.
const MAX_HOPS: usize = 16;

type SavedHosts = OrdMap<HostId, Arc<SavedHost>>;

/// The profile of a saved host, by ssh_config as it is now. A host on the way that is saved itself is taken as it was saved.
pub(super) fn profile_of(host: &SavedHost, all: &SavedHosts) -> Result<HostProfile, String> {
    profile_at(host, all, 0)
}

fn profile_at(host: &SavedHost, all: &SavedHosts, depth: usize) -> Result<HostProfile, String> {
    if depth >= MAX_HOPS {
        return Err("its jump hosts lead in a circle".to_owned());
    }
    let saved_jump = |name: &String| all.get(&HostId::new(name));
    let via_saved = host.jumps.iter().any(|name| saved_jump(name).is_some());
    let mut arguments: Vec<Argument> = Vec::new();
    arguments.extend(host.user.clone().map(Argument::User));
    arguments.extend(host.port.map(|port| Argument::Port(port.to_string())));
    for path in &host.identities {
        let text = path.to_str().ok_or("the path of a key is not UTF-8")?;
        arguments.push(Argument::Identity(text.replace('%', "%%")));
    }
    if via_saved {
        arguments.push(Argument::Jump("none".to_owned()));
    } else if !host.jumps.is_empty() {
        arguments.push(Argument::Jump(host.jumps.join(",")));
    }
    arguments.extend(host.options.iter().cloned().map(Argument::Option));
    let query = Query {
        host: host.address.clone(),
        ..Query::default()
    };
    let mut profile = resolve(&query.with(arguments))?;
    profile.id = host.id.clone();
    if via_saved {
        for name in &host.jumps {
            let mut hop = match saved_jump(name) {
                Some(saved) => profile_at(saved, all, depth + 1)?,
                None => resolve(&Query::new(&format!("ssh://{name}")).map_err(words)?)?,
            };
            // As with `ssh`, the way to the first of them is its own matter, and leads over it to the others.
            let before = std::mem::take(&mut hop.jumps);
            if profile.jumps.is_empty() {
                profile.jumps = before;
            }
            profile.jumps.push(hop);
        }
    }
    Ok(profile)
}

fn resolve(query: &Query) -> Result<HostProfile, String> {
    let environment = Environment::of_this_computer();
    let mut system = LocalSystem;
    config::resolve(query, &environment, &mut system)
        .and_then(|resolved| config::profile(&resolved, &environment, &mut system))
        .map_err(words)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is turned into words"
)]
fn words(error: ConfigError) -> String {
    error.to_string()
}
