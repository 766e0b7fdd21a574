//! L2: the only owner of state. Takes [`Command`](crate::model::Command)s, publishes [`Snapshot`](crate::model::Snapshot)s.

mod handle;

pub use handle::{EngineEnded, Handle};
