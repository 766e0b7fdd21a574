//! Faults in words: what happened, where, and what to do next.

use std::fmt::{self, Write as _};
use std::path::Path;

use super::address::Destination;
use super::fault::{ChangedHostKey, Fault, FaultCause, Hop, HostKeyRefusal, SshPhase};
use super::text::{shell_quoted, without_stop};
use super::words::Words;

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
            FaultCause::ConnectReset => write!(f, "the connection to {hop} was reset at once"),
            FaultCause::ConnectTimedOut { after } => {
                write!(f, "{hop} did not answer within {} s", after.as_secs())
            }
            FaultCause::ConnectFailed { reason } => write!(f, "cannot connect to {hop}: {reason}"),
            FaultCause::TooManyFiles => write!(
                f,
                "cannot connect to {hop}: this computer lets Adit open no more files and sockets"
            ),
            FaultCause::HandshakeFailed { phase, reason } => match phase {
                SshPhase::Greeting => write!(f, "no SSH session with {hop}: {reason}"),
                SshPhase::KeyExchange => write!(f, "the key exchange with {hop} failed: {reason}"),
                SshPhase::Login => {
                    write!(f, "the login at {hop} did not come to its end: {reason}")
                }
            },
            FaultCause::NoCommonAlgorithm { kind, ours, theirs } => write!(
                f,
                "the key exchange with {hop} failed: no {kind} is shared; this side offers {}, the server {}",
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
                known_as,
            } => {
                write!(
                    f,
                    "the {key_type} key of {hop} is not known and was not accepted ({fingerprint})"
                )?;
                if known_as.is_empty() {
                    return Ok(());
                }
                write!(f, "; known_hosts holds the same key for {}", list(known_as))
            }
            FaultCause::HostKeyChanged(changed) => write!(
                f,
                "THE HOST KEY OF {hop} HAS CHANGED: it offers {} {}, but {} holds {} in line {}. Somebody may be listening \
                 in; or the host was installed anew, or its address has gone to another machine (as in EC2 after a stop)",
                changed.key_type,
                changed.fingerprint,
                changed.file.display(),
                changed.held,
                changed.line
            ),
            FaultCause::HostKeyRefused { why, file, line } => {
                write!(f, "the host key of {hop} is refused: ")?;
                match why {
                    HostKeyRefusal::Revoked => f.write_str("it is marked @revoked")?,
                    HostKeyRefusal::CertAuthority { name } => write!(
                        f,
                        "only a certificate authority vouches for {name} (@cert-authority), and Adit cannot verify host certificates"
                    )?,
                }
                write!(f, " ({}, line {line})", file.display())
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
            FaultCause::KeyFormat { path, reason, .. } => {
                write!(f, "{} {reason}", path.display())
            }
            FaultCause::PassphraseRefused { path } => {
                write!(f, "the private key {} was not unlocked", path.display())
            }
            FaultCause::AuthRejected { tried, .. } => {
                write!(f, "{hop} refused the login; tried: {}", said(tried))
            }
            FaultCause::NothingToAuthenticateWith { accepted } => {
                write!(
                    f,
                    "there is nothing to log in to {hop} with; it accepts: {}",
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
            FaultCause::PortMissing { service, has, .. } if has.is_empty() => {
                write!(f, "{service} has no TCP port, and SSH carries TCP only")
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
            FaultCause::NoCluster => f.write_str("no cluster is chosen"),
            FaultCause::ClusterUnavailable { reason, .. } => {
                write!(f, "the cluster cannot be asked: {reason}")
            }
            FaultCause::Config { reason } => match hop {
                Hop::Ssh(login) => write!(f, "the settings for {login} cannot be used: {reason}"),
                Hop::Local | Hop::Cluster | Hop::Target(_) => write!(f, "{reason}"),
            },
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
                "Choose another local port (1024 and above need no special rights) or an address of this computer.".to_owned()
            }
            FaultCause::NameNotFound { .. } => "Check the host's name, and this computer's network and DNS.".to_owned(),
            FaultCause::ConnectRefused => "Check that sshd runs there and that the port is right.".to_owned(),
            FaultCause::ConnectReset => {
                "Check that the port is right. Otherwise a firewall, or the server itself, shuts this computer out: ask whoever \
                 runs it."
                    .to_owned()
            }
            FaultCause::ConnectTimedOut { .. } | FaultCause::ConnectFailed { .. } => {
                "Check the address, and that a firewall or security group lets this computer reach the SSH port. An EC2 \
                 instance that was stopped and started has a new public address."
                    .to_owned()
            }
            FaultCause::TooManyFiles => {
                "Close some of the connections through Adit's tunnels, or start Adit with a higher limit (ulimit -n).".to_owned()
            }
            FaultCause::HandshakeFailed { phase, .. } => match phase {
                SshPhase::Greeting => {
                    "Check that the port belongs to an SSH server and that it lets this computer in; `ssh -v` shows what it says."
                }
                SshPhase::KeyExchange => "Adit tries again by itself. If it stays so, see where `ssh -v` ends.",
                SshPhase::Login => {
                    "Adit tries again by itself. If it stays so, the server's log says why (journalctl -u ssh); one that is slow to \
                     look accounts up needs a longer ConnectTimeout."
                }
            }
            .to_owned(),
            FaultCause::NoCommonAlgorithm { kind, .. } => match algorithm_option(kind) {
                Some(option) => format!(
                    "If Adit has one of the server's, name it (-o {option}=NAME, or {option} in ssh_config); otherwise ask for a \
                     newer SSH server there."
                ),
                None => "Ask for a newer SSH server there.".to_owned(),
            },
            FaultCause::NextHopUnreachable { .. } => {
                "Check the address as seen from the jump host, and that sshd runs there and lets the jump host in.".to_owned()
            }
            FaultCause::NextHopForbidden { .. } => {
                "Ask for AllowTcpForwarding yes in the jump host's sshd_config, with the address in PermitOpen if there is one, and \
                 no `restrict`, `no-port-forwarding` or other `permitopen` in authorized_keys there."
                    .to_owned()
            }
            FaultCause::KnownHostsUnreadable { path, .. } => format!(
                "Check that {0} is a file that you may read (ls -ld {0}), or move it away.",
                quoted(path)
            ),
            FaultCause::HostKeyUnknown { key_type, known_as, .. } => unknown_key_step(key_type, !known_as.is_empty()),
            FaultCause::HostKeyChanged(changed) => format!(
                "No login was tried. Ask whoever runs the host whether its key has changed. Only if they confirm it, run: {}",
                changed.forget_command()
            ),
            FaultCause::HostKeyRefused { why: HostKeyRefusal::Revoked, file, line } => {
                format!("No login was tried. See line {line} of {}, and ask whoever keeps that file.", file.display())
            }
            FaultCause::HostKeyRefused { why: HostKeyRefusal::CertAuthority { name }, .. } => format!(
                "Get the host's own key (ssh-keyscan {}), compare it with whoever runs the host, and add it to \
                 ~/.ssh/known_hosts.",
                shell_quoted(name)
            ),
            FaultCause::KeyUnreadable { path, .. } => format!("Check that {} exists and is yours.", path.display()),
            FaultCause::KeyPermissions { path, .. } => format!("Run: chmod 600 {}", quoted(path)),
            FaultCause::KeyFormat { hint: Some(hint), .. } => format!("{hint}."),
            FaultCause::KeyFormat { hint: None, .. } => {
                "Give the private key in OpenSSH or PEM format (puttygen exports a .ppk as an OpenSSH key).".to_owned()
            }
            FaultCause::PassphraseRefused { path } => format!(
                "Try again and type the key's passphrase, or give the key to ssh-agent: ssh-add {}",
                quoted(path)
            ),
            FaultCause::AuthRejected { accepted, .. } => format!(
                "The server accepts: {}. Check the user name (ubuntu, ec2-user, admin, debian?), that the key is in its \
                 authorized_keys, and that the account is neither locked nor has a shell that does not exist; the server's log \
                 says which (journalctl -u ssh).",
                list(accepted)
            ),
            FaultCause::NothingToAuthenticateWith { accepted } if asks_a_person(accepted) => {
                "The server asks a person. Adit puts that to you unless BatchMode, NumberOfPasswordPrompts or \
                 PreferredAuthentications forbids it."
                    .to_owned()
            }
            FaultCause::NothingToAuthenticateWith { .. } => {
                "Name a private key (-i FILE), or give one to ssh-agent (ssh-add FILE).".to_owned()
            }
            FaultCause::ForwardingProhibited if self.is_for_a_socket() => {
                "Ask for AllowStreamLocalForwarding yes in the server's sshd_config, and no `restrict` or `no-port-forwarding` in \
                 authorized_keys."
                    .to_owned()
            }
            FaultCause::ForwardingProhibited => {
                "Ask for AllowTcpForwarding yes in the server's sshd_config, with the address in PermitOpen if there is one, and no \
                 `restrict`, `no-port-forwarding` or other `permitopen` in authorized_keys."
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
            FaultCause::ServerExhausted => {
                "Adit tries again by itself. Close connections that are not needed, or have the server's limits raised.".to_owned()
            }
            FaultCause::ForwardingUnsupported => {
                "Ask for a server that forwards connections, such as OpenSSH's sshd.".to_owned()
            }
            FaultCause::SessionLost { .. } => "Adit connects again by itself.".to_owned(),
            FaultCause::ServiceMissing { .. } => {
                "Check the name and the namespace; Adit opens the tunnel when the service appears.".to_owned()
            }
            FaultCause::PortMissing { has, .. } if has.is_empty() => "Choose another service.".to_owned(),
            FaultCause::PortMissing { .. } => "Choose one of these.".to_owned(),
            FaultCause::NotTcp { .. } => "Choose a TCP port of the service.".to_owned(),
            FaultCause::RouteUnavailable { .. } => {
                "Adit opens the tunnel when that changes; another route can be chosen.".to_owned()
            }
            FaultCause::NoCluster => "Choose a cluster (--kubeconfig FILE, --context NAME).".to_owned(),
            FaultCause::ClusterUnavailable { hint: Some(hint), .. } => format!("{}.", without_stop(&hint.to_string())),
            FaultCause::ClusterUnavailable { hint: None, .. } => "Adit asks again by itself.".to_owned(),
            FaultCause::Config { .. } if self.hop == Hop::Local => {
                "Add the host (adit hosts add, or the window's page of hosts), or name another one.".to_owned()
            }
            FaultCause::Config { .. } => "Correct it and try again.".to_owned(),
        }
    }

    /// Whether the way leads to a Unix socket.
    pub(crate) const fn is_for_a_socket(&self) -> bool {
        matches!(self.hop, Hop::Target(Destination::Socket(_)))
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

/// Which option of ssh_config chooses algorithms of this kind.
pub(crate) fn algorithm_option(kind: &str) -> Option<&'static str> {
    match kind {
        "key exchange" => Some("KexAlgorithms"),
        "host key type" => Some("HostKeyAlgorithms"),
        "cipher" => Some("Ciphers"),
        "MAC" => Some("MACs"),
        _ => None,
    }
}

/// The file on a host that holds the public half of its key of this type, where OpenSSH puts it.
pub(crate) fn host_key_file(key_type: &str) -> String {
    let kind = match key_type {
        rsa if rsa.contains("rsa") => "rsa",
        ecdsa if ecdsa.contains("ecdsa") => "ecdsa",
        _ => "ed25519",
    };
    format!("/etc/ssh/ssh_host_{kind}_key.pub")
}

fn unknown_key_step(key_type: &str, is_known_elsewhere: bool) -> String {
    let compare = format!(
        "compare the fingerprint with the one on the server (`ssh-keygen -lf {}`)",
        host_key_file(key_type)
    );
    let accept = "accept it when Adit asks, or connect once with ssh";
    if is_known_elsewhere {
        format!(
            "Likely it is the same machine at a new address (an EC2 instance after a stop). To be sure, {compare}; then {accept}."
        )
    } else {
        format!("First {compare}; then {accept}.")
    }
}

/// Whether a server logs in by questions only.
pub(crate) fn asks_a_person(accepted: &[String]) -> bool {
    !accepted.is_empty()
        && accepted
            .iter()
            .all(|method| matches!(method.as_str(), "password" | "keyboard-interactive"))
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    shell_quoted(&path.to_string_lossy())
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

fn said(all: &[Words]) -> String {
    list(&all.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}
