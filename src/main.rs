//! The program: wires the layers together.

use std::process::ExitCode;

use adit::cli::{self, Wiring};
use adit::engine::Handle;
use adit::model::{Snapshot, TunnelId};
use anyhow::bail;

fn main() -> ExitCode {
    cli::main(Wiring {
        start_engine,
        open_window,
        start_demo: || Box::pin(async { bail!("this build has no demo") }),
        host_profile: cli::host_profile,
        diagram,
    })
}

fn start_engine() -> anyhow::Result<Handle> {
    bail!("this build has no engine")
}

fn open_window(_engine: Handle) -> anyhow::Result<()> {
    bail!("this build has no window")
}

fn diagram(_snapshot: &Snapshot, _tunnel: &TunnelId) -> String {
    String::new()
}
