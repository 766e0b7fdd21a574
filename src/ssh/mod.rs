//! L1: SSH sessions that carry tunnels. Knows nothing of Kubernetes.

mod auth;
mod ciphers;
pub mod config;
mod connection;
mod dial;
mod handshake;
mod io_loop;
pub mod key_blob;
pub mod key_file;
pub mod known_hosts;
mod meter;
mod open_request;
mod pattern;
mod raw;
mod roster;
mod session;
mod stream;
mod transport;
mod window;

pub use dial::{Observer, connect};
pub use meter::Meter;
pub use open_request::{OpenError, OpenRequest};
pub use raw::Refusal;
pub use session::{Client, Load, Rehome, Session};
pub use stream::Socket;
