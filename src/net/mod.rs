//! L1: listeners on this computer, and who holds a port that is taken. Knows neither SSH nor Kubernetes.

mod client_program;
mod holder;
mod listener;

pub use client_program::programs_of;
pub use listener::{Accepted, Listener, bind};
