//! What is said over the control socket. Texts are parsed where they arrive; no secret is among these messages: the answer
//! to a question that has one travels in a frame of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::report::Report;

/// The version of everything in here. It is raised when an older program could not make sense of it any more.
pub const PROTOCOL: u32 = 1;

/// What a program asks of the running instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// The first word of every conversation.
    Hello {
        /// [`PROTOCOL`] of the program that asks.
        version: u32,
    },
    /// How things are.
    Status,
    /// How things are, now and whenever they have changed.
    Watch,
    /// Open a service.
    Up(Box<UpRequest>),
    /// Close the tunnels of a service.
    Down {
        /// `NAMESPACE/SERVICE`.
        service: String,
        /// One port alone.
        port: Option<u16>,
    },
    /// Open every favourite and every tunnel that was opened before.
    UpAll,
    /// Close every tunnel.
    DownAll,
    /// Bring the window to the front, or open it.
    Window,
    /// Close everything and end.
    Quit,
    /// What was logged.
    Logs {
        /// And what will be.
        follow: bool,
    },
    /// The answer to a question.
    Answer {
        /// Which question.
        prompt: u64,
        /// What the person said.
        answer: AnswerKind,
    },
    /// A host in the keyring has been changed by another program.
    Hosts(HostsChange),
    /// Whether Adit starts at login has been changed by another program.
    StartAtLogin {
        /// Whether it does now.
        on: bool,
    },
}

/// What has become of a host in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostsChange {
    /// Some are new, or not what they were.
    Saved,
    /// This one is gone.
    Removed(String),
    /// Nothing is remembered for this one any more.
    Forgotten(String),
}

/// Which service to open, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpRequest {
    /// `NAMESPACE/SERVICE`.
    pub service: String,
    /// Its port; its only TCP port where none is named.
    pub port: Option<u16>,
    /// Where to listen, as `--local` takes it.
    pub local: Option<String>,
    /// The route, as `--route` takes it.
    pub route: Option<String>,
    /// The SSH host, where it is not the one that is selected.
    pub via: Option<Via>,
    /// Which cluster, where one was named.
    pub cluster: Option<ClusterChoice>,
}

/// An SSH host as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// `[USER@]HOST[:PORT]`.
    pub host: String,
    /// The private key file, as a whole path.
    pub identity: Option<PathBuf>,
}

/// A cluster as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterChoice {
    /// The kubeconfig file, as a whole path; kubectl's own where none is named.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
}

/// What kind of answer a person gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// Yes.
    Yes,
    /// No, or cancel.
    No,
    /// A secret: the next frame holds it.
    Secret {
        /// Whether to keep it in the keyring.
        remember: bool,
    },
}

/// What the running instance answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The answer to the first word.
    Hello {
        /// [`PROTOCOL`] of the instance.
        version: u32,
        /// The instance's own version.
        program: String,
        /// Its process.
        pid: u32,
    },
    /// How things are.
    Status(Box<Report>),
    /// It is done, or will be.
    Done,
    /// These tunnels were told to open, or to close, by their ids.
    Tunnels(Vec<String>),
    /// A line of the log.
    Log(String),
    /// The instance ends.
    Quitting {
        /// How many tunnels were open.
        open: usize,
    },
    /// It cannot be done.
    Refused(Refusal),
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}. {next_step}")]
pub struct Refusal {
    /// A short name for programs.
    pub code: String,
    /// What happened and where, without a full stop.
    pub message: String,
    /// What to do next, in sentences.
    pub next_step: String,
}

impl Refusal {
    /// A refusal in these words.
    pub fn new(code: &str, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            next_step: next_step.into(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Requests of every kind.

    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn any_up() -> impl Strategy<Value = UpRequest> {
        let via = ("\\PC{0,20}", option::of("\\PC{0,20}")).prop_map(|(host, identity)| Via {
            host,
            identity: identity.map(PathBuf::from),
        });
        let cluster = (option::of("\\PC{0,20}"), option::of("\\PC{0,20}")).prop_map(
            |(kubeconfig, context)| ClusterChoice {
                kubeconfig: kubeconfig.map(PathBuf::from),
                context,
            },
        );
        (
            "\\PC{0,40}",
            any::<Option<u16>>(),
            option::of("\\PC{0,20}"),
            option::of("\\PC{0,20}"),
            option::of(via),
            option::of(cluster),
        )
            .prop_map(|(service, port, local, route, via, cluster)| UpRequest {
                service,
                port,
                local,
                route,
                via,
                cluster,
            })
    }

    fn any_change() -> impl Strategy<Value = HostsChange> {
        prop_oneof![
            Just(HostsChange::Saved),
            "\\PC{0,40}".prop_map(HostsChange::Removed),
            "\\PC{0,40}".prop_map(HostsChange::Forgotten),
        ]
    }

    pub(in crate::control) fn any_request() -> impl Strategy<Value = Request> {
        let answer = prop_oneof![
            Just(AnswerKind::Yes),
            Just(AnswerKind::No),
            any::<bool>().prop_map(|remember| AnswerKind::Secret { remember })
        ];
        prop_oneof![
            any::<u32>().prop_map(|version| Request::Hello { version }),
            prop::sample::select(vec![
                Request::Status,
                Request::Watch,
                Request::UpAll,
                Request::DownAll,
                Request::Window,
                Request::Quit,
            ]),
            any_up().prop_map(|up| Request::Up(Box::new(up))),
            (".{0,40}", any::<Option<u16>>())
                .prop_map(|(service, port)| Request::Down { service, port }),
            any::<bool>().prop_map(|follow| Request::Logs { follow }),
            (any::<u64>(), answer).prop_map(|(prompt, answer)| Request::Answer { prompt, answer }),
            any::<bool>().prop_map(|on| Request::StartAtLogin { on }),
            any_change().prop_map(Request::Hosts),
        ]
    }
}
