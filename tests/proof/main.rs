//! What Adit promises, put to the test by breaking things: faults at every moment, load, and time. Each test adds lines to a
//! table; `tests/proof/run` has them printed and put into docs/PROOF.md.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

mod api;
mod client;
mod cluster;
mod faults;
mod keeping;
mod limits;
mod line;
mod load;
mod moments;
mod names;
mod opening;
mod passing;
mod running;
mod soak;
mod station;
#[allow(
    dead_code,
    unused_imports,
    reason = "the end-to-end tests use more of it"
)]
#[path = "../e2e/support/mod.rs"]
mod support;
mod surroundings;
mod table;
