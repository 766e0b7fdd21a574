//! What has happened, read off two pictures: what differs between them is what happened. Pure.

use std::sync::Arc;

use crate::model::{
    ClusterState, Fault, HostStatus, LOG_KEPT, LinkStatus, LogEntry, LogLevel, LogSubject,
    Snapshot, TunnelState, TunnelStatus, Words, words,
};

/// Adds to the log of `after` what happened since `before`.
pub(super) fn note_changes(before: &Snapshot, after: &mut Snapshot) {
    let mut found = Vec::new();
    tunnels(before, after, &mut found);
    for host in &after.hosts {
        let old = before.host(&host.profile.id);
        if old.is_none_or(|old| !Arc::ptr_eq(old, host)) {
            host_entry(old.map(AsRef::as_ref), host, &mut found);
        }
    }
    if before.cluster.state != after.cluster.state {
        found.extend(cluster(&after.cluster.state));
    }
    let newer = |at| before.notices.last().is_none_or(|last| at > last.at);
    for notice in after.notices.iter().filter(|notice| newer(notice.at)) {
        let about = notice
            .tunnel
            .clone()
            .map_or(LogSubject::Adit, LogSubject::Tunnel);
        found.push((about, LogLevel::Info, notice.text.clone()));
    }
    for (about, level, text) in found {
        let at = after.now;
        after.log.push_back(Arc::new(LogEntry {
            at,
            level,
            about,
            text,
        }));
    }
    while after.log.len() > LOG_KEPT {
        after.log.pop_front();
    }
}

type Found = (LogSubject, LogLevel, Words);

fn tunnels(before: &Snapshot, after: &Snapshot, found: &mut Vec<Found>) {
    if before.tunnels.ptr_eq(&after.tunnels) {
        return;
    }
    for (id, tunnel) in &after.tunnels {
        let old = before.tunnels.get(id);
        if old.is_some_and(|old| Arc::ptr_eq(old, tunnel)) {
            continue;
        }
        let old = old.map(AsRef::as_ref);
        let subject = || LogSubject::Tunnel(id.clone());
        if old.map_or(&TunnelState::Off, |old| &old.state) != &tunnel.state {
            let (level, text) = state(tunnel);
            found.push((subject(), level, text));
        }
        if let (Some(from), Some(to)) = (
            old.and_then(|old| old.destination.as_ref()),
            &tunnel.destination,
        ) && from != to
        {
            let text = words!(
                "it leads to {to} now, no longer to {from}",
                to = to,
                from = from
            );
            found.push((subject(), LogLevel::Info, text));
        }
    }
}

fn state(tunnel: &TunnelStatus) -> (LogLevel, Words) {
    match &tunnel.state {
        TunnelState::Off => (LogLevel::Info, words!("closed")),
        TunnelState::Binding => (
            LogLevel::Detail,
            words!("takes {local}", local = &tunnel.spec.local),
        ),
        TunnelState::Resolving => (LogLevel::Detail, words!("looks its target up")),
        TunnelState::Dialing { hop } => (
            LogLevel::Detail,
            words!("waits for the connection to {hop}", hop = hop),
        ),
        TunnelState::Asking(_) => (LogLevel::Detail, words!("waits for your answer")),
        TunnelState::Proving => (LogLevel::Detail, words!("tries its target")),
        TunnelState::Open { .. } => (LogLevel::Info, open(tunnel)),
        TunnelState::Waiting { attempt, fault, .. } => {
            (LogLevel::Warning, failed_try(*attempt, fault))
        }
        TunnelState::Failed(fault) => (LogLevel::Error, words!("failed: {fault}", fault = fault)),
    }
}

fn failed_try(attempt: u32, fault: &Fault) -> Words {
    words!(
        "try {attempt} failed: {fault}",
        attempt = attempt,
        fault = fault
    )
}

fn open(tunnel: &TunnelStatus) -> Words {
    let local = tunnel.local_address();
    match (local, &tunnel.destination) {
        (Some(local), Some(to)) => words!("open: {local} leads to {to}", local = local, to = to),
        _ => words!("open"),
    }
}

fn host_entry(old: Option<&HostStatus>, host: &HostStatus, found: &mut Vec<Found>) {
    let about = LogSubject::Host(host.profile.id.clone());
    if old.map_or(&LinkStatus::Idle, |old| &old.link) != &host.link {
        let (level, text) = link(&host.link);
        found.push((about, level, text));
    }
}

fn link(link: &LinkStatus) -> (LogLevel, Words) {
    match link {
        LinkStatus::Idle => (LogLevel::Info, words!("disconnected: nothing needs it")),
        LinkStatus::Dialing { hop } => (LogLevel::Detail, words!("connects to {hop}", hop = hop)),
        LinkStatus::Asking(_) => (LogLevel::Detail, words!("waits for your answer")),
        LinkStatus::Up { session, .. } => {
            let by = &session.authenticated_by;
            (
                LogLevel::Info,
                words!("connected; logged in by {by}", by = by),
            )
        }
        LinkStatus::Waiting { attempt, fault, .. } => {
            (LogLevel::Warning, failed_try(*attempt, fault))
        }
        LinkStatus::Failed(fault) => (LogLevel::Error, words!("failed: {fault}", fault = fault)),
    }
}

fn cluster(state: &ClusterState) -> Option<Found> {
    let (level, text) = match state {
        ClusterState::Off => return None,
        ClusterState::Loading => (LogLevel::Detail, words!("reads the cluster")),
        ClusterState::Stopped => (LogLevel::Info, words!("reading the cluster was ended")),
        ClusterState::Live => (LogLevel::Info, words!("follows the cluster")),
        ClusterState::Stale(fault) => (LogLevel::Warning, fault.message.clone()),
        ClusterState::Failed(fault) => (LogLevel::Error, fault.message.clone()),
    };
    Some((LogSubject::Cluster, level, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Destination, Fault, FaultCause, HostId, Intent, LocalBind, Moment, Notice, Target, Traffic,
        TunnelId, TunnelSpec,
    };

    fn put(snapshot: &mut Snapshot, state: TunnelState, traffic: Traffic) {
        let id = TunnelId::Forward(0);
        let status = TunnelStatus {
            intent: Intent::Up,
            state,
            traffic,
            ..TunnelStatus::new(TunnelSpec {
                id: id.clone(),
                host: HostId::new("h"),
                local: LocalBind::loopback(8080),
                target: Target::Fixed(Destination::tcp("10.0.0.241", 80)),
            })
        };
        snapshot.tunnels.insert(id, Arc::new(status));
    }

    fn told(snapshot: &Snapshot) -> Vec<String> {
        let tell = |entry: &Arc<LogEntry>| format!("{:?} {}", entry.level, entry.text);
        snapshot.log.iter().map(tell).collect()
    }

    #[test]
    fn what_changed_is_told_once_and_traffic_is_not() {
        let fault = Fault::local(FaultCause::BindFailed {
            address: "127.0.0.1:1".to_owned(),
            reason: "no".to_owned().into(),
        });
        let mut before = Snapshot::default();
        let bytes = |down_bytes| Traffic {
            down_bytes,
            ..Traffic::default()
        };
        for (state, traffic) in [
            (TunnelState::Off, 0),
            (TunnelState::Proving, 0),
            (
                TunnelState::Open {
                    since: Moment::START,
                },
                0,
            ),
            (
                TunnelState::Open {
                    since: Moment::START,
                },
                700,
            ),
            (TunnelState::Failed(fault.clone()), 700),
        ] {
            let mut after = before.clone();
            put(&mut after, state, bytes(traffic));
            note_changes(&before, &mut after);
            before = after;
        }
        let expected = [
            "Detail tries its target".to_owned(),
            "Info open".to_owned(),
            format!("Error failed: {fault}"),
        ];
        assert_eq!(told(&before), expected);
    }

    #[test]
    fn notices_and_the_cluster_are_in_it_and_it_does_not_grow_for_ever() {
        let mut before = Snapshot::default();
        for count in 0..500_u64 {
            let mut after = before.clone();
            after.cluster.state = if count % 2 == 0 {
                ClusterState::Loading
            } else {
                ClusterState::Live
            };
            after.notices = vec![Notice {
                at: Moment::after_start(std::time::Duration::from_secs(count + 1)),
                tunnel: None,
                text: format!("notice {count}").into(),
            }];
            note_changes(&before, &mut after);
            before = after;
        }
        assert_eq!(before.log.len(), LOG_KEPT);
        let told = told(&before);
        assert_eq!(
            told[LOG_KEPT - 2..],
            ["Info follows the cluster", "Info notice 499"]
        );
    }
}
