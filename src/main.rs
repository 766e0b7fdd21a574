//! The program: wires the layers together.

mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    adit::net::allow_many_files();
    adit::cli::main(wiring::wiring())
}
