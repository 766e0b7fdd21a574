//! L1: listeners on this computer, who holds a port that is taken, and what SOCKS clients ask for. Knows neither SSH nor Kubernetes.

mod checkup;
mod client_program;
mod files;
mod holder;
mod listener;
mod sensor;
mod socks;

pub use checkup::port_checkup;
pub use client_program::programs_of;
pub use files::{allow_many_files, files_checkup};
pub use listener::{Accepted, Arrival, Listener, bind};
pub use sensor::Sensor;
pub use socks::{SocksDenial, SocksError, SocksRequest, negotiate};
