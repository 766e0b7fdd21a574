//! What the supervisor's tasks and threads report to it.

use std::net::SocketAddr;
use std::sync::mpsc::SyncSender;

use tokio::sync::oneshot;

use super::keeping::Kept;
use super::probe::ProbeNews;
use super::recall::Recall;
use super::tunnel;
use crate::model::{
    Answer, Client, ClusterSource, Fault, HostFacts, HostId, HostProfile, KeyCheck, ProbeId,
    PromptId, Question, Recovery, SshHosts, Surroundings, TunnelId, Words,
};
use crate::net::Listener;
use crate::ssh::Session;
use crate::vault::{Contents, KeyringChange, VaultError};

/// Something that happened outside the supervisor. Each names what it is about and, where the supervisor may have moved on
/// meanwhile, the generation or the number of the dial it belongs to.
pub(super) enum Happening {
    /// A port was bound.
    Bound(TunnelId, tunnel::Generation, Listener),
    /// The clients of a tunnel are turned away from now on, for this reason of the system's; or accepted again.
    TurnedAway(TunnelId, Option<String>),
    /// Something else happened to a tunnel.
    Tunnel(TunnelId, tunnel::Event),
    /// A dial has come to this hop.
    Hop(HostId, u64, String),
    /// A dial needs an answer, and waits for it at the other end of the channel.
    Asked(HostId, u64, String, Question, SyncSender<Answer>),
    /// Whoever watches the cluster needs an answer about a host, named as `user@address`.
    AskedByCluster(HostId, String, Question, oneshot::Sender<Answer>),
    /// A host has said this of itself.
    Said(HostId, HostFacts),
    /// A dial has succeeded.
    Connected(HostId, u64, Session),
    /// A dial has failed.
    DialFailed(HostId, u64, Fault),
    /// The answer that a dial was given to this hop's question was right.
    Accepted(HostId, u64, String, Question),
    /// A further session of a link needs an answer, and takes only one that is remembered.
    AskedQuietly(HostId, String, Question, SyncSender<Answer>),
    /// Saved hosts were resolved by ssh_config, or could not be, by the run of this number.
    Resolved(u64, Vec<(HostId, Result<Box<HostProfile>, Words>)>),
    /// The keyring was read.
    VaultOpened(Result<Contents, VaultError>),
    /// There is a keyring where there was none, or it was unlocked; or the other way round.
    Keyring(KeyringChange),
    /// The keyring was read again; not where something would have to be unlocked.
    KeyringSeen(Result<Option<Contents>, VaultError>),
    /// Something was kept in the keyring, or was not, by the attempt of this number.
    Kept(Kept, u64, Result<(), VaultError>),
    /// The keyring was asked for the answer to a question.
    Recalled(PromptId, Recall),
    /// There is a cluster to watch where none was named.
    UsualCluster(ClusterSource),
    /// It is this tunnel's turn to be opened again.
    Reopen(TunnelId),
    /// The settings could not be written, or are written again.
    SettingsSaid(Words),
    /// Every session of a link has something to do.
    Crowded(HostId, u64),
    /// Another session of a link stands.
    Joined(HostId, u64, Session),
    /// Another session of a link could not be made; whether it can be tried again.
    NotJoined(HostId, u64, Recovery),
    /// The computer woke, or its network has changed.
    Surroundings(Surroundings),
    /// The session of this id was lost.
    Lost(HostId, u64, u64, Fault),
    /// Something the person is to be told, which keeps nothing from going on.
    Told(Words),
    /// These clients of a tunnel were looked for.
    ClientsNamed(TunnelId, Vec<(SocketAddr, Client)>),
    /// A probe has come further.
    Probe(ProbeId, ProbeNews),
    /// The hosts of ssh_config were read.
    SshHosts(SshHosts),
    /// ssh_config has filled in a host that is to be tried.
    Tested(HostId, Result<Box<HostProfile>, Words>),
    /// A private key file was looked at.
    KeyChecked(KeyCheck),
}

/// Where an answer is waited for.
pub(super) enum Reply {
    /// On a thread that dials.
    Thread(SyncSender<Answer>),
    /// In a task.
    Task(oneshot::Sender<Answer>),
}

impl Reply {
    /// Sends the answer; whether it was still waited for.
    pub(super) fn send(self, answer: Answer) -> bool {
        match self {
            Self::Thread(reply) => reply.send(answer).is_ok(),
            Self::Task(reply) => reply.send(answer).is_ok(),
        }
    }
}
