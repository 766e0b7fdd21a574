//! L3: one running instance, and the language that other programs speak with it over a local socket.
//!
//! The socket is the person's alone: it stands in a folder that only they can enter, and the other side's user is checked
//! as well. A lock beside it says who is the running instance; it ends with the process, so nothing stale is ever believed.
//! Every message has a limit, and so has every wait. What a person answers to a question travels in a frame of its own,
//! straight from and into memory that is wiped; there is no other secret in the traffic.
//!
//! From the inside out: `frame`, `message`, `report` and `choice` are pure; `wire` reads and writes frames; `place` and
//! `transport` own the socket; `conversation` and `orders` are what the instance does, `client` what the others do. `faces`
//! brings the wish for a window to the thread that can show one. This module knows the engine and the model only.

mod autostart;
mod choice;
mod client;
mod conversation;
mod faces;
mod frame;
#[cfg(test)]
mod fuzz_tests;
mod journal;
mod message;
mod orders;
mod place;
mod report;
mod server;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

pub use autostart::{Autostart, AutostartError};
pub use choice::{everything, local_url, only_tcp_port, tunnels_of, url, wanted};
pub use client::{Client, ClientError};
pub use faces::{Faces, MainTask, Seat, WindowBroke, WindowState, WindowWish};
pub use frame::FrameError;
pub use journal::{Journal, JournalWriter};
pub use message::{
    AnswerKind, ClusterChoice, HostsChange, PROTOCOL, Refusal, Reply, Request, UpRequest, Via,
};
pub use orders::{HOSTS_LOADING, LOADING, SWITCHED};
pub use place::{Claim, Ownership, Place, PlaceError};
pub use report::{ClusterReport, FaultReport, Report, TrafficReport, TunnelReport};
pub use server::{HostResolver, Instance, Server, serve};
pub use wire::WireError;
