//! The program: wires the layers together.

mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    adit::cli::main(wiring::wiring())
}
