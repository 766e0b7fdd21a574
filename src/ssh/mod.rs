//! L1: SSH sessions that carry tunnels. Knows nothing of Kubernetes.

mod agent;
mod algorithms;
mod auth;
mod channel_stream;
mod ciphers;
pub mod config;
mod connection;
mod dial;
mod exec;
mod handshake;
mod identity;
mod io_loop;
pub mod key_blob;
pub mod key_file;
pub mod known_hosts;
mod login_raw;
mod meter;
mod open_request;
mod pattern;
mod proxy;
mod raw;
mod roster;
mod session;
mod stream;
mod tcp;
mod transport;
mod window;
mod wire;

pub use channel_stream::ChannelStream;
pub use dial::{Observer, Stage, connect};
pub use exec::{ExecError, ExecLimits, ExecOutput, ExecStatus};
pub use meter::{Counted, Meter};
pub use open_request::{OpenError, OpenRequest};
pub use raw::Refusal;
pub use session::{Client, Load, Preface, Rehome, Session};
pub use stream::Socket;
