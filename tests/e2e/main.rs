//! The built program end to end over loopback: `adit forward` against the real OpenSSH sshd, bad input, and the window.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

mod api;
mod bad_input;
#[cfg(target_os = "linux")]
mod canary;
mod channels;
#[cfg(target_os = "linux")]
mod clients;
mod clusters;
mod doctor;
mod faults;
#[cfg(target_os = "linux")]
mod first_run;
mod forward;
#[cfg(target_os = "linux")]
mod full_disk;
mod giving_up;
#[cfg(target_os = "linux")]
mod hosts;
mod imports;
mod instance;
mod interop;
mod key;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keyring_comes;
#[cfg(target_os = "linux")]
mod life;
#[cfg(target_os = "linux")]
mod list;
mod login;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod network;
mod open_ahead;
mod permission;
mod probe;
mod socks;
mod staying_up;
mod support;
#[cfg(target_os = "linux")]
mod tray;
#[cfg(target_os = "linux")]
mod wanted;
#[cfg(target_os = "linux")]
mod window;
