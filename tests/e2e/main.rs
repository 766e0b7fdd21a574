//! The built program end to end over loopback: `adit forward` against the real OpenSSH sshd, bad input, and the window.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

mod api;
mod bad_input;
mod channels;
mod faults;
mod forward;
mod interop;
mod key;
mod login;
mod probe;
mod socks;
mod support;
#[cfg(target_os = "linux")]
mod window;
