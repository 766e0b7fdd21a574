//! The `ssh` command that does what a tunnel does, for whoever wants to type it.

use std::path::Path;

use crate::model::{
    BindAddress, Destination, HostProfile, ListenAddress, LocalBind, TunnelStatus, shell_quoted,
};

/// `ssh -N -L …` for a listener like this tunnel's (or the one it would get) to `destination`, by `host`.
pub(super) fn equal(
    host: &HostProfile,
    tunnel: Option<&TunnelStatus>,
    service_port: u16,
    destination: &Destination,
) -> String {
    let forward = format!("{}:{destination}", listener(tunnel, service_port));
    let mut words = vec!["ssh".to_owned(), "-N".to_owned(), "-L".to_owned(), forward];
    if host.port != 22 {
        words.extend(["-p".to_owned(), host.port.to_string()]);
    }
    for identity in &host.identities {
        words.extend(["-i".to_owned(), path(identity)]);
    }
    if !host.jumps.is_empty() {
        let jumps: Vec<_> = host.jumps.iter().map(HostProfile::login).collect();
        words.extend(["-J".to_owned(), jumps.join(",")]);
    }
    words.push(format!("{}@{}", host.user, host.address));
    let words: Vec<_> = words.iter().map(|word| shell_quoted(word)).collect();
    words.join(" ")
}

/// Where it listens, in the form of `-L`.
fn listener(tunnel: Option<&TunnelStatus>, service_port: u16) -> String {
    if let Some(listening) = tunnel.and_then(|tunnel| tunnel.listening.first()) {
        return match listening {
            ListenAddress::Tcp(address) => address.to_string(),
            ListenAddress::Socket(socket) => path(socket),
        };
    }
    let preferred = LocalBind::preferred_for(service_port);
    match tunnel.map_or(&preferred, |tunnel| &tunnel.spec.local) {
        LocalBind::Port {
            address: BindAddress::Localhost,
            port,
        } => port.to_string(),
        other => other.to_string(),
    }
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::testing::{key, ui_in};
    use crate::model::{TunnelId, TunnelState};

    #[test]
    fn it_says_everything_ssh_needs() {
        let target = Destination::tcp("10.0.0.241", 80);
        let mut host = HostProfile::new("ubuntu", "10.0.0.100", 22);
        assert_eq!(
            equal(&host, None, 80, &target),
            "ssh -N -L 127.0.0.1:8080:10.0.0.241:80 ubuntu@10.0.0.100"
        );
        host.port = 2222;
        host.identities = vec!["/home/a b/it's.pem".into()];
        host.jumps = vec![
            HostProfile::new("me", "one", 22),
            HostProfile::new("me", "two", 23),
        ];
        let snapshot = ui_in(TunnelState::Proving);
        let tunnel = &snapshot.tunnels[&TunnelId::service(key(), 80)];
        let v6 = Destination::tcp("fd00::241", 80);
        assert_eq!(
            equal(&host, Some(tunnel), 80, &v6),
            "ssh -N -L '127.0.0.1:8080:[fd00::241]:80' -p 2222 -i '/home/a b/it'\\''s.pem' -J me@one,me@two:23 \
             ubuntu@10.0.0.100"
        );
    }
}
