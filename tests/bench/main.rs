//! `adit forward` and `ssh -N -L` side by side: the same sshd, the same machine, turn by turn. `tests/bench/run` builds and calls it.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::cast_precision_loss,
        reason = "counts of bytes and requests become rates"
    )
)]

#[cfg(target_os = "linux")]
mod marks;
#[cfg(target_os = "linux")]
mod program;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("bench: it reads CPU times and memory from Linux's /proc, so it runs on Linux only");
    std::process::ExitCode::FAILURE
}
