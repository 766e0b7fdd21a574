//! What a diagram consists of.

use crate::l10n::Lang;
use crate::model::{Words, words};

/// One station of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its name, in a few words.
    pub title: String,
    /// What is worth seeing at once, a line each.
    pub lines: Vec<String>,
    /// Everything known about it, for whoever asks.
    pub facts: Vec<Fact>,
    /// What a click copies, if there is something: an address.
    pub copy: Option<String>,
    /// How it is doing.
    pub status: Status,
    /// How far it is from this computer, in steps of the drawing. Nodes of one rank stand beside each other.
    pub rank: usize,
    /// The name of the object behind an address, where the address is the title.
    pub name: Option<String>,
    /// The language of its words.
    pub(super) lang: Lang,
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// The computer Adit runs on, with the local listener.
    Computer,
    /// A jump host.
    Jump,
    /// The SSH host that dials the target.
    Host,
    /// The address MetalLB gave the Service.
    MetalLb,
    /// The Service.
    Service,
    /// One endpoint.
    Pod,
    /// The endpoints that are not drawn one by one.
    MorePods,
    /// A fixed destination, as in `ssh -L`.
    Destination,
}

impl NodeKind {
    /// The kind in words, for people and for screen readers.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::Computer => words!("this computer"),
            Self::Jump => words!("jump host"),
            Self::Host => words!("SSH host"),
            Self::MetalLb => words!("MetalLB IP"),
            Self::Service => words!("Service"),
            Self::Pod => words!("Pod"),
            Self::MorePods => words!("Pods"),
            Self::Destination => words!("destination"),
        }
    }

    /// Whether it is drawn as one row of a list rather than as a box of its own.
    #[must_use]
    pub const fn is_row(self) -> bool {
        matches!(self, Self::Pod | Self::MorePods)
    }
}

/// Something known about a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub value: String,
}

/// How a station or a leg of the way is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not in use, as far as anybody can tell in order.
    #[default]
    Idle,
    /// Proved to work.
    Working,
    /// On its way.
    InProgress,
    /// Does not work.
    Broken {
        /// What is wrong.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// Nobody knows: something before it is in the way, or it was never asked.
    Unknown,
}

impl Status {
    /// Whether it does not work.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// The status in a word.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Idle => words!("idle"),
            Self::Working => words!("working"),
            Self::InProgress => words!("in progress"),
            Self::Broken { .. } => words!("broken"),
            Self::Unknown => words!("unknown"),
        }
    }
}

/// A leg between two stations, by their places in [`Graph::nodes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// Whether bytes travel along it.
    pub kind: EdgeKind,
    /// A few words on it; may be empty.
    pub label: String,
    /// How it is doing.
    pub status: Status,
}

/// What a leg means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// Bytes travel along it.
    Data,
    /// It only says that the two belong together: an address and its Service, a Service and the pods it selects.
    Relation,
}

/// The way of one tunnel, or the way it would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// What it leads to.
    pub title: String,
    /// The stations, from this computer on.
    pub nodes: Vec<Node>,
    /// The legs.
    pub edges: Vec<Edge>,
    /// The station to mark as the one that broke: the one the live fault names, else the first that cannot work.
    pub first_broken: Option<usize>,
}

impl Node {
    /// What kind of station it is, in its language.
    #[must_use]
    pub fn kind_words(&self) -> String {
        self.lang.say(&self.kind.words())
    }

    /// How it is doing, in its language.
    #[must_use]
    pub fn status_words(&self) -> String {
        self.lang.say(&self.status.words())
    }
}

impl Graph {
    /// The first station of this kind.
    #[must_use]
    pub fn find(&self, kind: NodeKind) -> Option<usize> {
        self.nodes.iter().position(|node| node.kind == kind)
    }
}
