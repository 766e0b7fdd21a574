//! Faults in words: what happened, where, and what to do next.

use std::fmt::{self, Write as _};

use super::fault::{ChangedHostKey, Fault, FaultCause, Hop};
use super::text::{shell_quoted, without_stop};

impl fmt::Display for Fault {
    /// What happened and where, in one sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = String::new();
        self.tell(&mut words)?;
        // What others say may end with one.
        f.write_str(without_stop(&words))
    }
}

impl Fault {
    #[expect(clippy::too_many_lines, reason = "a table: one arm for each cause")]
    fn tell(&self, f: &mut String) -> fmt::Result {
        let hop = &self.hop;
        match &self.cause {
            FaultCause::PortInUse {
                address,
                holder: Some(holder),
                ..
            } => {
                write!(
                    f,
                    "{address} is already in use by {} (process {})",
                    holder.name, holder.pid
                )
            }
            FaultCause::PortInUse {
                address,
                holder: None,
                ..
            } => {
                write!(f, "{address} is already in use by another program")
            }
            FaultCause::BindFailed { address, reason } => {
                write!(f, "cannot listen on {address}: {reason}")
            }
            FaultCause::NameNotFound { host, reason } => {
                write!(f, "the name {host} cannot be resolved: {reason}")
            }
            FaultCause::ConnectRefused => write!(f, "{hop} refused the connection"),
            FaultCause::ConnectTimedOut { after } => {
                write!(f, "{hop} did not answer within {} s", after.as_secs())
            }
            FaultCause::ConnectFailed { reason } => write!(f, "cannot connect to {hop}: {reason}"),
            FaultCause::TooManyFiles => write!(
                f,
                "cannot connect to {hop}: this computer lets Adit open no more files and sockets"
            ),
            FaultCause::HandshakeFailed { reason } => {
                write!(f, "no SSH session with {hop}: {reason}")
            }
            FaultCause::NoCommonAlgorithm { kind, ours, theirs } => write!(
                f,
                "no SSH session with {hop}: no {kind} is shared; this side offers {}, the server {}",
                list(ours),
                list(theirs)
            ),
            FaultCause::NextHopUnreachable { next } => write!(
                f,
                "the jump host {hop} cannot connect to {next}: refused or no way there"
            ),
            FaultCause::NextHopForbidden { next } => {
                write!(f, "the jump host {hop} forbids the way to {next}")
            }
            FaultCause::KnownHostsUnreadable { path, reason } => {
                write!(
                    f,
                    "the host key of {hop} cannot be verified, {} cannot be read: {reason}",
                    path.display()
                )
            }
            FaultCause::HostKeyUnknown {
                key_type,
                fingerprint,
            } => {
                write!(
                    f,
                    "the {key_type} key of {hop} is not known and was not accepted ({fingerprint})"
                )
            }
            FaultCause::HostKeyChanged(changed) => write!(
                f,
                "THE HOST KEY OF {hop} HAS CHANGED: it offers {} {}, but {} holds {} in line {}. Somebody may be listening \
                 in, or the host was installed anew",
                changed.key_type,
                changed.fingerprint,
                changed.file.display(),
                changed.held,
                changed.line
            ),
            FaultCause::HostKeyRefused { reason, file, line } => {
                write!(
                    f,
                    "the host key of {hop} is refused: {reason} ({}, line {line})",
                    file.display()
                )
            }
            FaultCause::KeyUnreadable { path, reason } => {
                write!(
                    f,
                    "the private key {} cannot be read: {reason}",
                    path.display()
                )
            }
            FaultCause::KeyPermissions { path, mode } => {
                write!(
                    f,
                    "the private key {} can be read by others (mode {mode:04o})",
                    path.display()
                )
            }
            FaultCause::KeyFormat { path, reason } => {
                write!(
                    f,
                    "{} cannot be used as a private key: {reason}",
                    path.display()
                )
            }
            FaultCause::PassphraseRefused { path } => {
                write!(f, "the private key {} was not unlocked", path.display())
            }
            FaultCause::AuthRejected { tried, .. } => {
                write!(f, "{hop} refused the login; tried: {}", list(tried))
            }
            FaultCause::NothingToAuthenticateWith { accepted } => {
                write!(
                    f,
                    "there is no key to log in to {hop} with; it accepts: {}",
                    list(accepted)
                )
            }
            FaultCause::ForwardingProhibited => {
                write!(f, "the SSH server forbids forwarding to {hop}")
            }
            FaultCause::TargetRefused => write!(
                f,
                "the SSH host cannot connect to {hop}: refused or no way there"
            ),
            FaultCause::TargetTimedOut { after } => {
                write!(
                    f,
                    "the SSH host got no answer from {hop} within {} s",
                    after.as_secs()
                )
            }
            FaultCause::TargetHungUp => {
                write!(f, "{hop} took the connection and hung up without a word")
            }
            FaultCause::ServerExhausted => {
                write!(f, "the SSH server has no room for another channel to {hop}")
            }
            FaultCause::ForwardingUnsupported => {
                write!(f, "the SSH server cannot forward to {hop}")
            }
            FaultCause::SessionLost { reason } => {
                write!(f, "the SSH connection to {hop} was lost: {reason}")
            }
            FaultCause::ServiceMissing { service } => {
                write!(f, "the cluster has no service {service}")
            }
            FaultCause::PortMissing { service, port, has } => write!(
                f,
                "{service} has no TCP port {port}; it has: {}",
                list(&has.iter().map(ToString::to_string).collect::<Vec<_>>())
            ),
            FaultCause::NotTcp { port } => {
                write!(f, "port {port} is not TCP, and SSH carries TCP only")
            }
            FaultCause::RouteUnavailable {
                route: Some(route),
                reason,
            } => {
                write!(f, "the route by {route} cannot be taken: {reason}")
            }
            FaultCause::RouteUnavailable {
                route: None,
                reason,
            } => write!(f, "there is no route yet: {reason}"),
            FaultCause::ClusterUnavailable { reason } => {
                write!(f, "the cluster cannot be asked: {reason}")
            }
            FaultCause::Config { reason } => f.write_str(reason),
        }
    }
}

impl Fault {
    /// What to do next, in one or two sentences.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one arm for each cause")]
    pub fn next_step(&self) -> String {
        match &self.cause {
            FaultCause::PortInUse { holder, free_port, .. } => port_step(holder.is_some(), *free_port),
            FaultCause::BindFailed { .. } => {
                "Choose another local port (1024 and above need no rights) or an address of this computer.".to_owned()
            }
            FaultCause::NameNotFound { .. } => "Check the host's name and this computer's network and DNS.".to_owned(),
            FaultCause::ConnectRefused => "Check that sshd runs there and that the port is right.".to_owned(),
            FaultCause::ConnectTimedOut { .. } | FaultCause::ConnectFailed { .. } => {
                "Check the address, and that a firewall or security group lets this computer reach the SSH port. An EC2 \
                 instance that was stopped and started has a new public address."
                    .to_owned()
            }
            FaultCause::TooManyFiles => {
                "Close some of the connections through Adit's tunnels, or start Adit with a higher limit (ulimit -n).".to_owned()
            }
            FaultCause::HandshakeFailed { .. } => {
                "Check that the port belongs to an SSH server; `ssh -v` shows what it offers.".to_owned()
            }
            FaultCause::NoCommonAlgorithm { kind, .. } => format!(
                "Name one of the server's by the option for a {kind} in ssh_config, if Adit knows it, or ask for a newer SSH \
                 server there."
            ),
            FaultCause::NextHopUnreachable { .. } => {
                "Check the address as seen from the jump host, and that sshd runs there and lets the jump host in.".to_owned()
            }
            FaultCause::NextHopForbidden { .. } => {
                "Ask for AllowTcpForwarding (and PermitOpen) in the jump host's sshd_config, and no `restrict` or \
                 `no-port-forwarding` in authorized_keys there."
                    .to_owned()
            }
            FaultCause::KnownHostsUnreadable { path, .. } => format!("Mend or move away {}.", path.display()),
            FaultCause::HostKeyUnknown { .. } => {
                "Compare the fingerprint with the one on the server (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) and \
                 accept it, or connect once with ssh."
                    .to_owned()
            }
            FaultCause::HostKeyChanged(changed) => format!(
                "Nothing was sent. Ask whoever runs the host whether its key has changed. Only if they confirm it, run: {}",
                changed.forget_command()
            ),
            FaultCause::HostKeyRefused { file, line, .. } => {
                format!("See line {line} of {}, and ask whoever keeps that file.", file.display())
            }
            FaultCause::KeyUnreadable { path, .. } => format!("Check that {} exists and is yours.", path.display()),
            FaultCause::KeyPermissions { path, .. } => format!("Run: chmod 600 {}", shell_quoted(&path.to_string_lossy())),
            FaultCause::KeyFormat { .. } => {
                "Give the private key in OpenSSH or PEM format (puttygen exports a .ppk as an OpenSSH key).".to_owned()
            }
            FaultCause::PassphraseRefused { .. } => "Try again and type the key's passphrase.".to_owned(),
            FaultCause::AuthRejected { accepted, .. } => format!(
                "The server accepts: {}. Check the user name (ubuntu, ec2-user, admin, debian?) and that the key is in its \
                 authorized_keys.",
                list(accepted)
            ),
            FaultCause::NothingToAuthenticateWith { .. } => {
                "Name a private key (--identity FILE), or add one to ssh-agent.".to_owned()
            }
            FaultCause::ForwardingProhibited => {
                "Ask for AllowTcpForwarding (and PermitOpen) in the server's sshd_config, and no `restrict` or \
                 `no-port-forwarding` in authorized_keys."
                    .to_owned()
            }
            FaultCause::TargetRefused => {
                "Likely the service has no ready pod, nothing listens there, or the SSH host is no cluster node.".to_owned()
            }
            FaultCause::TargetTimedOut { .. } => {
                "Likely the SSH host is no cluster node, or the service's loadBalancerSourceRanges leave it out.".to_owned()
            }
            FaultCause::TargetHungUp => {
                "Likely the service's targetPort is wrong, or it expects another protocol (TLS?).".to_owned()
            }
            FaultCause::ServerExhausted => "Close other sessions, or raise the server's limits.".to_owned(),
            FaultCause::ForwardingUnsupported => "The server may be too old for this kind of forwarding.".to_owned(),
            FaultCause::SessionLost { .. } => "Adit connects again by itself.".to_owned(),
            FaultCause::ServiceMissing { .. } => {
                "Check the name and the namespace; Adit opens the tunnel when the service appears.".to_owned()
            }
            FaultCause::PortMissing { .. } => "Choose one of these.".to_owned(),
            FaultCause::NotTcp { .. } => "Choose a TCP port of the service.".to_owned(),
            FaultCause::RouteUnavailable { .. } => {
                "Adit opens the tunnel when that changes; another route can be chosen.".to_owned()
            }
            FaultCause::ClusterUnavailable { .. } => "Adit asks again by itself.".to_owned(),
            FaultCause::Config { .. } => "Correct it and try again.".to_owned(),
        }
    }

    /// A fault of the local listener.
    #[must_use]
    pub const fn local(cause: FaultCause) -> Self {
        Self {
            hop: Hop::Local,
            cause,
        }
    }

    /// A fault of what the cluster says.
    #[must_use]
    pub const fn cluster(cause: FaultCause) -> Self {
        Self {
            hop: Hop::Cluster,
            cause,
        }
    }
}

impl ChangedHostKey {
    /// The command that takes the held key out of its file.
    #[must_use]
    pub fn forget_command(&self) -> String {
        let file = shell_quoted(&self.file.to_string_lossy());
        format!("ssh-keygen -R {} -f {file}", shell_quoted(&self.name))
    }
}

fn port_step(holder_known: bool, free_port: Option<u16>) -> String {
    let end_it = if holder_known {
        "end that program"
    } else {
        "end whatever uses it"
    };
    match free_port {
        Some(port) => format!("Use port {port}, which is free, or {end_it}."),
        None => format!("Choose another local port, or {end_it}."),
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PortHolder;

    #[test]
    fn a_busy_port_names_its_holder_and_offers_another() {
        let holder = Some(PortHolder {
            pid: 42,
            name: "nginx".to_owned(),
        });
        let address = "127.0.0.1:8080".parse().unwrap();
        let fault = Fault::local(FaultCause::PortInUse {
            address,
            holder,
            free_port: Some(8081),
        });
        assert_eq!(
            fault.to_string(),
            "127.0.0.1:8080 is already in use by nginx (process 42)"
        );
        assert_eq!(
            fault.next_step(),
            "Use port 8081, which is free, or end that program."
        );
    }

    #[test]
    fn loose_key_permissions_show_the_mode_and_the_chmod() {
        let fault = Fault {
            hop: Hop::Ssh("ubuntu@host".to_owned()),
            cause: FaultCause::KeyPermissions {
                path: "/home/a b/key.pem".into(),
                mode: 0o644,
            },
        };
        assert!(fault.to_string().contains("mode 0644"), "{fault}");
        assert_eq!(fault.next_step(), "Run: chmod 600 '/home/a b/key.pem'");
    }
}
