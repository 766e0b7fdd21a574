//! The CPU time of this thread, and of other processes.

use std::fs;
use std::mem::MaybeUninit;
use std::time::Duration;

/// What this thread has used of a CPU so far, to the nanosecond: that others use it as well does not count.
pub(crate) fn of_this_thread() -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    #[expect(unsafe_code, reason = "a clock of the kernel that std does not have")]
    // SAFETY: the pointer is to a timespec that may be written. Where the call fails nothing is read.
    let time = unsafe {
        assert_eq!(
            libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr()),
            0
        );
        time.assume_init()
    };
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// What a process, all its threads, has used so far: `utime` and `stime` of /proc/PID/stat, in ticks of 10 ms.
pub(crate) fn of_process(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // After the name, which stands in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
