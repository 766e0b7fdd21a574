//! What the command line asks for, in commands to the engine. Texts are parsed here, where they arrive.

use super::choice::{everything, only_tcp_port, wanted};
use super::message::{ClusterChoice, HostsChange, Refusal, UpRequest, Via};
use super::server::Instance;
use crate::engine::Handle;
use crate::model::{
    ClusterSource, ClusterState, Command, HostId, Intent, Kubeconfig, LocalBind, Route, SavedHost,
    ServiceKey, Snapshot, Target, TunnelId, TunnelSpec,
};

/// The code of the refusal that ends by itself: the cluster's services are not known yet.
pub const LOADING: &str = "cluster-loading";
/// The code of another: the cluster that was named is watched from now on, and its services are not known yet.
pub const SWITCHED: &str = "cluster-switched";
/// And another: the saved hosts are not known yet.
pub const HOSTS_LOADING: &str = "hosts-loading";

/// Opens a service; the id of its tunnel.
pub(super) fn up(up: &UpRequest, instance: &Instance) -> Result<Vec<String>, Refusal> {
    let handle = &instance.handle;
    let snapshot = handle.snapshot();
    let service: ServiceKey = up.service.parse().map_err(|error| bad(&error))?;
    let local: Option<LocalBind> = parse(up.local.as_deref())?;
    let route: Option<Route> = parse(up.route.as_deref())?;
    let via = up.via.as_ref();
    let is_free = up.cluster.is_none() && snapshot.cluster.state == ClusterState::Off;
    if (is_free || via.is_some_and(is_name)) && !knows_saved_hosts(&snapshot) {
        // One of them may have a cluster of its own.
        return Err(hosts_loading());
    }
    let host = via.map(|via| host(via, &snapshot, instance)).transpose()?;
    use_cluster(up.cluster.as_ref(), &snapshot, handle)?;
    let port = match up.port {
        Some(port) => port,
        None => find_port(&service, &snapshot)?,
    };
    let id = TunnelId::service(service, port);
    describe(&id, host, local, route, &snapshot, handle);
    set(&id, Intent::Up, handle);
    Ok(vec![id.to_string()])
}

fn hosts_loading() -> Refusal {
    Refusal::new(
        HOSTS_LOADING,
        "the saved hosts are not known yet",
        "Try again in a moment.",
    )
}

/// The host that was named: a saved one of this name, else as `ssh` would have it.
fn host(via: &Via, snapshot: &Snapshot, instance: &Instance) -> Result<HostId, Refusal> {
    let named = HostId::new(&via.host);
    if is_name(via) && snapshot.saved_hosts.contains_key(&named) {
        let problem = snapshot.host_problems.iter().find(|(of, _)| *of == named);
        let Some((_, problem)) = problem else {
            return Ok(named);
        };
        return Err(Refusal::new(
            "config",
            format!("the host {named} cannot be used: {problem}"),
            "Correct it with `adit hosts edit`, or ssh_config.",
        ));
    }
    let profile = (instance.host_profile)(via)?;
    let id = profile.id.clone();
    instance.handle.send(Command::AddHost(Box::new(profile)));
    Ok(id)
}

/// Whether this may be the name of a saved host.
fn is_name(via: &Via) -> bool {
    via.identity.is_none() && SavedHost::check_name(&via.host).is_ok()
}

/// Whether the keyring was read, and ssh_config has completed what was found there.
fn knows_saved_hosts(snapshot: &Snapshot) -> bool {
    let is_known = |id: &HostId| {
        let mut problems = snapshot.host_problems.iter();
        snapshot.host(id).is_some() || problems.any(|(of, _)| of == id)
    };
    snapshot.vault.is_settled() && snapshot.saved_hosts.keys().all(is_known)
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<&str>,
) -> Result<Option<T>, Refusal> {
    text.map(str::parse)
        .transpose()
        .map_err(|error| bad(&error))
}

fn bad(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new("usage", error.to_string(), "")
}

/// Watches the cluster that was named, or kubectl's own where none is watched yet. One instance watches one cluster: while tunnels
/// are wanted another is refused, so that none of them loses its own; while none is, it is taken, and that is said.
fn use_cluster(
    choice: Option<&ClusterChoice>,
    snapshot: &Snapshot,
    handle: &Handle,
) -> Result<(), Refusal> {
    let named = choice
        .map(|choice| ClusterSource::local(choice.kubeconfig.clone(), choice.context.clone()));
    let current = &snapshot.cluster;
    if current.state == ClusterState::Off {
        handle.send(Command::UseCluster(named.unwrap_or_default()));
        return Ok(());
    }
    let is_current = |named: &ClusterSource| *named == current.source;
    if current.state == ClusterState::Stopped && named.as_ref().is_none_or(is_current) {
        // Whoever wants a service of it wants it read again.
        handle.send(Command::UseCluster(current.source.clone()));
        return Ok(());
    }
    match named {
        // With nothing open there is nothing to lose.
        Some(other) if other != current.source && wanted(snapshot).next().is_none() => {
            let words = format!(
                "the running Adit watches {} from now on, in its window too; until now it watched {}",
                name(&other, None),
                name(&current.source, current.context.as_deref()),
            );
            tracing::info!("a command named another cluster: {words}");
            handle.send(Command::UseCluster(other));
            // What is known is of the one before.
            Err(Refusal::new(SWITCHED, words, "Try again in a moment."))
        }
        Some(other) if other != current.source => Err(Refusal::new(
            "other-cluster",
            format!(
                "the running Adit watches another cluster{}",
                context(snapshot)
            ),
            "Leave --kubeconfig and --context out, or run `adit up` without -b and with --host beside it.",
        )),
        _ => Ok(()),
    }
}

/// A cluster as a person would name it.
fn name(source: &ClusterSource, context: Option<&str>) -> String {
    let of_context = |context: &str| format!("the context {context}");
    let context = source.context.as_deref().or(context).map(of_context);
    let place = match (&source.kubeconfig, &source.through) {
        (Kubeconfig::File(path), _) => Some(format!("of {}", path.display())),
        (Kubeconfig::OnHost { .. }, Some(host)) => Some(format!("of {host}")),
        (Kubeconfig::Default | Kubeconfig::OnHost { .. }, _) => None,
    };
    match (context, place) {
        (Some(context), Some(place)) => format!("{context} {place}"),
        (Some(context), None) => context,
        (None, Some(place)) => format!("the cluster {place}"),
        (None, None) => "kubectl's own cluster".to_owned(),
    }
}

fn context(snapshot: &Snapshot) -> String {
    match &snapshot.cluster.context {
        Some(context) => format!(" (context {context})"),
        None => String::new(),
    }
}

fn find_port(service: &ServiceKey, snapshot: &Snapshot) -> Result<u16, Refusal> {
    if let Some(found) = snapshot.cluster.services.get(service) {
        return only_tcp_port(service, &found.ports)
            .map_err(|choice| Refusal::new("port-needed", choice, ""));
    }
    match &snapshot.cluster.state {
        ClusterState::Off | ClusterState::Stopped | ClusterState::Loading => Err(loading()),
        ClusterState::Failed(fault) => {
            let message = fault.message.to_string();
            let message = message.trim_end_matches('.');
            Err(Refusal::new(fault.code, message, fault.hint.to_string()))
        }
        ClusterState::Live | ClusterState::Stale(_) => Err(Refusal::new(
            "service-missing",
            format!("the cluster has no LoadBalancer service {service}"),
            "`adit list` shows those that it has.",
        )),
    }
}

fn loading() -> Refusal {
    Refusal::new(
        LOADING,
        "the cluster's services are not known yet",
        "Try again in a moment.",
    )
}

/// Says how the tunnel is to be, where that was said.
fn describe(
    id: &TunnelId,
    host: Option<HostId>,
    local: Option<LocalBind>,
    route: Option<Route>,
    snapshot: &Snapshot,
    handle: &Handle,
) {
    let TunnelId::Service { service, port } = id else {
        return;
    };
    if snapshot.tunnels.contains_key(id) {
        if let Some(host) = host {
            let id = id.clone();
            handle.send(Command::SetTunnelHost { id, host });
        }
        if let Some(local) = local {
            let id = id.clone();
            handle.send(Command::SetLocal { id, local });
        }
        if route.is_some() {
            let id = id.clone();
            handle.send(Command::SetRoute { id, route });
        }
        return;
    }
    if host.is_none() && local.is_none() && route.is_none() {
        // The engine knows what is usual.
        return;
    }
    let Some(host) = host.or_else(|| snapshot.selected_host.clone()) else {
        return;
    };
    handle.send(Command::AddTunnel(TunnelSpec {
        id: id.clone(),
        host,
        local: local.unwrap_or_else(|| LocalBind::preferred_for(*port)),
        target: Target::Service {
            service: service.clone(),
            port: *port,
            route,
        },
    }));
}

/// Takes over what another program has done to the hosts in the keyring.
pub(super) fn hosts(change: HostsChange, handle: &Handle) {
    handle.send(match change {
        HostsChange::Saved => Command::UnlockVault,
        HostsChange::Removed(name) => Command::LoseHost(HostId::new(&name)),
        HostsChange::Forgotten(name) => Command::ForgetSecrets(HostId::new(&name)),
    });
}

/// Closes the tunnels of a service; their ids.
pub(super) fn down(
    service: &str,
    port: Option<u16>,
    handle: &Handle,
) -> Result<Vec<String>, Refusal> {
    let service: ServiceKey = service.parse().map_err(|error| bad(&error))?;
    let snapshot = handle.snapshot();
    let ids: Vec<TunnelId> = wanted(&snapshot)
        .map(|status| status.spec.id.clone())
        .filter(|id| match id {
            TunnelId::Service {
                service: of,
                port: number,
            } => *of == service && port.is_none_or(|port| port == *number),
            TunnelId::Forward(_) => false,
        })
        .collect();
    if ids.is_empty() {
        let name = port.map_or_else(|| service.to_string(), |port| format!("{service}:{port}"));
        return Err(Refusal::new(
            "not-open",
            format!("{name} is not open"),
            "`adit status` shows what is.",
        ));
    }
    Ok(set_all(&ids, Intent::Down, handle))
}

/// Opens everything that "all" means; the ids.
pub(super) fn up_all(handle: &Handle) -> Result<Vec<String>, Refusal> {
    let snapshot = handle.snapshot();
    if !knows_saved_hosts(&snapshot) {
        return Err(hosts_loading());
    }
    let all = everything(&snapshot);
    if all.is_empty() {
        return Err(Refusal::new(
            "nothing-to-open",
            "there is no favourite, and no tunnel that was opened before",
            "Open one with `adit up NS/SVC`.",
        ));
    }
    Ok(set_all(&all, Intent::Up, handle))
}

/// Closes every tunnel; the ids.
pub(super) fn down_all(handle: &Handle) -> Vec<String> {
    let snapshot = handle.snapshot();
    let open = wanted(&snapshot).map(|status| status.spec.id.clone());
    set_all(&open.collect::<Vec<_>>(), Intent::Down, handle)
}

fn set_all(ids: &[TunnelId], intent: Intent, handle: &Handle) -> Vec<String> {
    for id in ids {
        set(id, intent, handle);
    }
    ids.iter().map(ToString::to_string).collect()
}

fn set(id: &TunnelId, intent: Intent, handle: &Handle) {
    let id = id.clone();
    handle.send(Command::SetIntent { id, intent });
}
