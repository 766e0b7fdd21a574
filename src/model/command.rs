//! What a face may ask of the engine. Commands say what is wanted; what becomes of it is read from the Snapshot.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use super::address::LocalBind;
use super::cluster::{ClusterFault, ClusterSource, Route};
use super::forward::ForwardSpec;
use super::host::HostProfile;
use super::ids::{HostId, ServiceKey, TunnelId};
use super::probe::ProbeId;
use super::prompt::{Answer, PromptId};
use super::saved_host::SavedHost;
use super::secret::Secret;
use super::settings::SettingsChange;
use super::snapshot::{Intent, TunnelSpec};

/// A wish of the person.
#[derive(Clone, Debug)]
pub enum Command {
    /// Watch this cluster, in place of the one that is watched.
    UseCluster(ClusterSource),
    /// End reading a cluster that has sent no list yet; `UseCluster` begins anew. One whose services are known goes on.
    StopReading,
    /// Know this host; a host of the same id is replaced. The first host known carries the services' tunnels.
    AddHost(Box<HostProfile>),
    /// Keep this host in the keyring and know it from now on; one of the same id is replaced.
    SaveHost(Box<SavedHost>),
    /// Forget this host, saved or not, and all secrets that were remembered for it. Its tunnels are closed.
    RemoveHost(HostId),
    /// Forget the passphrases and passwords that were remembered for this host.
    ForgetSecrets(HostId),
    /// Another program has removed this host from the keyring.
    LoseHost(HostId),
    /// Try again to open the keyring, which may make the desktop ask for its password.
    UnlockVault,
    /// Have this host carry the tunnels of services that are opened from now on.
    SelectHost(HostId),
    /// Have these hosts stand in for one another, the first that can be reached: they lead to the same cluster. Hosts that are
    /// found to be nodes of the cluster do so without being named.
    SetCandidates(Vec<HostId>),
    /// Know this tunnel, without opening it. A tunnel of a service needs none: `SetIntent` makes it.
    AddTunnel(TunnelSpec),
    /// Want a tunnel up or down.
    SetIntent {
        /// Which tunnel.
        id: TunnelId,
        /// What is wanted.
        intent: Intent,
    },
    /// Listen elsewhere from now on; an open tunnel is moved.
    SetLocal {
        /// Which tunnel.
        id: TunnelId,
        /// Where to listen.
        local: LocalBind,
    },
    /// Take this route from now on, or leave the choice to Adit.
    SetRoute {
        /// Which tunnel.
        id: TunnelId,
        /// The route, or none.
        route: Option<Route>,
    },
    /// Have this host carry this tunnel from now on; an open tunnel comes back through it.
    SetTunnelHost {
        /// Which tunnel.
        id: TunnelId,
        /// The host.
        host: HostId,
    },
    /// Tell the person this, once.
    Notice(String),
    /// Set something that is remembered between runs.
    ChangeSettings(SettingsChange),
    /// Try again now whatever waits to be tried again or has failed.
    RetryNow(TunnelId),
    /// Find out which programs opened the connections of this tunnel, as far as that is not known yet.
    NameClients(TunnelId),
    /// Try every hop of the way to this port of this service, on a connection of the probe's own. A probe of it that runs is
    /// begun again.
    Probe {
        /// The service.
        service: ServiceKey,
        /// Its port's number.
        port: u16,
    },
    /// Try the way to this host alone, up to whether it lets Adit forward; the engine need not know the host.
    ProbeHost(Box<HostProfile>),
    /// End this probe where it stands.
    CancelProbe(ProbeId),
    /// Hand over a kubeconfig by which other programs reach the API server of the cluster that is watched. It holds
    /// credentials, and so goes to whoever asks for it and into no Snapshot.
    ExportKubeconfig {
        /// The address on this computer that leads to the API server.
        local: SocketAddr,
        /// Where it is waited for.
        reply: SyncSender<Result<Secret, ClusterFault>>,
    },
    /// The answer to a question.
    Answer {
        /// Which question.
        prompt: PromptId,
        /// What the person said.
        answer: Answer,
    },
    /// Read the hosts of ssh_config, which show in `Snapshot::ssh_hosts`.
    ListSshHosts,
    /// Try the way to a host that need not be saved: as `ProbeHost`, once ssh_config has filled it in.
    TestHost(Box<SavedHost>),
    /// Open what an `ssh -L` command forwarded. A forward that leads to a service of the cluster becomes that service's tunnel.
    OpenForwards {
        /// The host that carries them.
        host: HostId,
        /// The forwards.
        forwards: Vec<ForwardSpec>,
    },
    /// Look at this private key file, and try the passphrase on it where there is one. What was found shows in
    /// `Snapshot::key_checks`.
    CheckKey {
        /// The file; a leading `~/` is the person's home.
        path: PathBuf,
        /// A passphrase to try.
        passphrase: Option<Secret>,
    },
    /// Take everybody else's rights to this private key file away, to which the person has said yes; then look at it again.
    FixKeyPermissions(PathBuf),
    /// Answer once what is wanted by now is written down, or could not be: a crash loses nothing of it then.
    WriteSettings {
        /// Where it is waited for.
        reply: SyncSender<()>,
    },
    /// Close everything and end.
    Quit,
}
