//! L1: listeners on this computer, and who holds a port that is taken. Knows neither SSH nor Kubernetes.

mod holder;
mod listener;

pub use listener::{Accepted, Listener, bind};
