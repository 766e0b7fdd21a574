//! What can change around the program.

/// A change of what lies between this computer and everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The computer has slept and is awake again.
    Woke,
    /// An interface, an address or a route of it has changed.
    NetworkChanged,
}
