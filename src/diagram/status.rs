//! Which stations of the way work, derived from the tunnel's state and the state of the SSH connection.

use crate::l10n::Lang;
use crate::model::{
    Fault, FaultCause, Hop, HostProfile, HostStatus, LinkStatus, Prompt, TunnelState,
};

use super::graph::Status;

/// The stations in the order of the traffic: the local listener, each SSH server, the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stations {
    /// The local listener.
    pub(super) local: Status,
    /// The jump hosts, nearest first, and then the host itself.
    pub(super) ssh: Vec<Status>,
    /// What the host dials.
    pub(super) target: Status,
}

impl Stations {
    /// What is known of a way with these hops. `prompts` tells which hop asks a question.
    pub(super) fn of(
        lang: Lang,
        state: &TunnelState,
        host: Option<&HostStatus>,
        prompts: &[Prompt],
    ) -> Self {
        let chain = host.map_or_else(Vec::new, |host| chain(&host.profile));
        let last = chain.len().saturating_sub(1);
        let mut stations = Self {
            local: Status::Idle,
            ssh: link_stations(lang, &chain, host, prompts),
            target: Status::Idle,
        };
        match state {
            TunnelState::Off => {}
            TunnelState::Binding => stations.local = Status::InProgress,
            TunnelState::Resolving => {
                stations.local = Status::Working;
                stations.target = Status::InProgress;
            }
            TunnelState::Dialing { hop } => {
                stations.local = Status::Working;
                stations.ssh = progress(chain.len(), place(&chain, hop), &Status::InProgress);
            }
            TunnelState::Asking(id) => {
                stations.local = Status::Working;
                let hop = prompts.iter().find(|prompt| prompt.id == *id);
                let at = hop.map_or(last, |prompt| place(&chain, &prompt.hop));
                stations.ssh = progress(chain.len(), at, &Status::InProgress);
            }
            TunnelState::Proving => {
                stations.local = Status::Working;
                stations.ssh.fill(Status::Working);
                stations.target = Status::InProgress;
            }
            TunnelState::Open { .. } => {
                stations.local = Status::Working;
                stations.ssh.fill(Status::Working);
                stations.target = Status::Working;
            }
            TunnelState::Waiting { fault, .. } | TunnelState::Failed(fault) => {
                stations.mark_fault(lang, fault, &chain);
            }
        }
        stations
    }

    fn mark_fault(&mut self, lang: Lang, fault: &Fault, chain: &[&HostProfile]) {
        let broken = broken(lang, fault);
        match &fault.hop {
            Hop::Local => self.local = broken,
            Hop::Ssh(hop) => {
                self.local = Status::Working;
                self.ssh = progress(chain.len(), place(chain, hop), &broken);
                self.target = Status::Unknown;
            }
            Hop::Cluster => {
                self.local = Status::Working;
                self.target = broken;
            }
            Hop::Target(_) => {
                self.local = Status::Working;
                self.ssh.fill(Status::Working);
                if is_refused_by_server(&fault.cause) {
                    if let Some(host) = self.ssh.last_mut() {
                        *host = broken;
                    }
                    self.target = Status::Unknown;
                } else {
                    self.target = broken;
                }
            }
        }
    }
}

/// The profiles on the way to `profile`, nearest first, and itself.
pub(super) fn chain(profile: &HostProfile) -> Vec<&HostProfile> {
    profile.jumps.iter().chain([profile]).collect()
}

/// The fault as a station's status.
pub(super) fn broken(lang: Lang, fault: &Fault) -> Status {
    Status::Broken {
        reason: lang.fault(fault),
        remedy: lang.next_step(fault),
    }
}

/// The SSH servers as the connection's own state tells, whatever the tunnel wants of it.
fn link_stations(
    lang: Lang,
    chain: &[&HostProfile],
    host: Option<&HostStatus>,
    prompts: &[Prompt],
) -> Vec<Status> {
    let count = chain.len();
    let last = count.saturating_sub(1);
    match host.map(|host| &host.link) {
        None | Some(LinkStatus::Idle) => vec![Status::Idle; count],
        Some(LinkStatus::Up { .. }) => vec![Status::Working; count],
        Some(LinkStatus::Dialing { hop }) => {
            progress(count, place(chain, hop), &Status::InProgress)
        }
        Some(LinkStatus::Asking(id)) => {
            let asking = prompts.iter().find(|prompt| prompt.id == *id);
            let at = asking.map_or(last, |prompt| place(chain, &prompt.hop));
            progress(count, at, &Status::InProgress)
        }
        Some(LinkStatus::Waiting { fault, .. } | LinkStatus::Failed(fault)) => {
            let at = match &fault.hop {
                Hop::Ssh(hop) => place(chain, hop),
                Hop::Local | Hop::Cluster | Hop::Target(_) => last,
            };
            progress(count, at, &broken(lang, fault))
        }
    }
}

/// `count` servers of which those before `at` work, that one is `here`, and nobody knows about the rest.
fn progress(count: usize, at: usize, here: &Status) -> Vec<Status> {
    (0..count)
        .map(|index| match index.cmp(&at) {
            std::cmp::Ordering::Less => Status::Working,
            std::cmp::Ordering::Equal => here.clone(),
            std::cmp::Ordering::Greater => Status::Unknown,
        })
        .collect()
}

/// Which server `hop` names, written `user@address` with or without the port; the last one if none fits.
fn place(chain: &[&HostProfile], hop: &str) -> usize {
    let is_meant = |profile: &&HostProfile| {
        hop == profile.login()
            || hop == format!("{}@{}", profile.user, profile.address)
            || hop == format!("{}@{}:{}", profile.user, profile.address, profile.port)
    };
    let last = chain.len().saturating_sub(1);
    chain.iter().position(is_meant).unwrap_or(last)
}

/// Whether it was the SSH server that would not, rather than the target behind it.
const fn is_refused_by_server(cause: &FaultCause) -> bool {
    matches!(
        cause,
        FaultCause::ForwardingProhibited
            | FaultCause::ForwardingUnsupported
            | FaultCause::ServerExhausted
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::diagram::testing::{self, fault};
    use crate::model::{Destination, Moment, PromptId, Question, Words};

    /// One letter a station: idle, working, progress, broken, unknown.
    fn letters(stations: &Stations) -> String {
        let all = [&stations.local].into_iter().chain(&stations.ssh);
        all.chain([&stations.target])
            .map(|status| match status {
                Status::Idle => 'i',
                Status::Working => 'w',
                Status::InProgress => 'p',
                Status::Broken { .. } => 'b',
                Status::Unknown => 'u',
            })
            .collect()
    }

    #[test]
    fn each_state_lights_its_stations() {
        let jump = Hop::Ssh("ec2-user@bastion.example.org".to_owned());
        let host = Hop::Ssh("ubuntu@10.0.0.100:22".to_owned());
        let target = Hop::Target(Destination::tcp("10.0.0.241", 80));
        let dialing = |hop: &str| TunnelState::Dialing {
            hop: hop.to_owned(),
        };
        let waiting = |hop: &Hop, cause| TunnelState::Waiting {
            attempt: 1,
            retry_at: None,
            fault: fault(hop.clone(), cause),
        };
        let timeout = FaultCause::ConnectTimedOut {
            after: Duration::from_secs(10),
        };
        for (state, expected) in [
            (TunnelState::Off, "iiii"),
            (TunnelState::Binding, "piii"),
            (TunnelState::Resolving, "wiip"),
            (dialing("ec2-user@bastion.example.org"), "wpui"),
            (dialing("ubuntu@10.0.0.100"), "wwpi"),
            (TunnelState::Asking(PromptId(7)), "wpui"),
            (TunnelState::Proving, "wwwp"),
            (
                TunnelState::Open {
                    since: Moment::START,
                },
                "wwww",
            ),
            (waiting(&jump, timeout.clone()), "wbuu"),
            (waiting(&host, timeout), "wwbu"),
            (waiting(&target, FaultCause::TargetRefused), "wwwb"),
            (waiting(&target, FaultCause::ForwardingProhibited), "wwbu"),
            (
                waiting(
                    &Hop::Cluster,
                    FaultCause::ClusterUnavailable {
                        reason: Words::default(),
                        hint: None,
                    },
                ),
                "wiib",
            ),
            (
                TunnelState::Failed(Fault::local(FaultCause::BindFailed {
                    address: String::new(),
                    reason: crate::model::Words::default(),
                })),
                "biii",
            ),
        ] {
            let status = testing::jump_host(LinkStatus::Idle);
            let prompt = Prompt {
                id: PromptId(7),
                host: status.profile.id.clone(),
                hop: "ec2-user@bastion.example.org:22".to_owned(),
                question: Question::Password { again: false },
                was_refused: false,
            };
            let stations = Stations::of(Lang::English, &state, Some(&status), &[prompt]);
            assert_eq!(letters(&stations), expected, "{state:?}");
        }
    }

    #[test]
    fn a_connection_shows_even_while_the_tunnel_is_off() {
        let up = testing::jump_host(testing::up());
        assert_eq!(
            letters(&Stations::of(
                Lang::English,
                &TunnelState::Off,
                Some(&up),
                &[]
            )),
            "iwwi"
        );
        assert_eq!(
            letters(&Stations::of(Lang::English, &TunnelState::Off, None, &[])),
            "ii"
        );
    }
}
