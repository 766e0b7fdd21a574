//! What only the system can do: network namespaces, TUN devices, the CPU time of another process.
//!
//! The only unsafe code of the bench: a few system calls for which its dependencies have no safe function.

#![expect(
    unsafe_code,
    reason = "the system calls below have no safe function in the crates that are at hand"
)]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Moves this thread into a new network namespace, and returns the namespace, which lives as long as somebody holds it.
pub(crate) fn new_network() -> io::Result<File> {
    // SAFETY: unshare takes no pointers. CLONE_NEWNET concerns this thread alone.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
    // /proc/self would be the namespace of the process's first thread.
    File::open("/proc/thread-self/ns/net")
}

/// Moves this thread into `network`. Threads and processes that it starts begin there.
pub(crate) fn enter(network: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as `network` is borrowed.
    check(unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// A TUN device in this thread's network. Each read and write is one IP packet behind a `virtio_net_hdr`.
///
/// Segmentation is left to whoever needs it, as with a real card: the line carries TCP's bundles of up to 64 KiB whole, while
/// TCP itself counts segments of the usual size.
pub(crate) fn tun(name: &str) -> io::Result<File> {
    let device = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    // SAFETY: ifreq is plain data, for which zeros are a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(15)) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
    // SAFETY: the kernel reads and writes one ifreq, which lives on this stack frame.
    check(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })?;
    let offloads = libc::c_ulong::from(libc::TUN_F_CSUM | libc::TUN_F_TSO4);
    // SAFETY: this request takes its argument by value.
    check(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETOFFLOAD, offloads) })?;
    Ok(device)
}

/// How long all threads of a process, those that have ended included, have run on a CPU.
pub(crate) fn cpu_time(pid: i32) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: the kernel's answer is written to a variable that lives on this stack frame.
    let error = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: as above.
    check(unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) })?;
    // SAFETY: clock_gettime has succeeded, so it has written the whole value.
    let time = unsafe { time.assume_init() };
    let seconds = u64::try_from(time.tv_sec).map_err(io::Error::other)?;
    let nanos = u32::try_from(time.tv_nsec).map_err(io::Error::other)?;
    Ok(Duration::new(seconds, nanos))
}

/// Allows as many open files as the system lets this person have: a thousand idle connections need more than the usual 1,024,
/// in the bench, in sshd and in both programs. Returns how many.
pub(crate) fn raise_open_files() -> u64 {
    const ENOUGH: u64 = 16 * 1024;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    let current = limit.current.unwrap_or(ENOUGH);
    if current >= wanted {
        return current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_refused) => current,
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
