//! The life of the window: it comes and goes, and no tunnel notices.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::LIMIT;
use crate::support::instance::page;
use crate::support::notes::Notes;
use crate::support::world::{UI, World};
use crate::support::x11;

/// What a process takes.
struct Taken {
    /// Memory of its own alone.
    own_kib: u64,
    cpu_ticks: u64,
}

fn taken(pid: u32) -> Taken {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name, which may hold spaces: utime and stime are the 12th and 13th from there.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks = rest.split_whitespace().skip(11).take(2);
    Taken {
        own_kib: field("RssAnon:"),
        cpu_ticks: ticks.map(|tick| tick.parse::<u64>().unwrap()).sum(),
    }
}

/// A window is painted, or gone, a moment after the display says so: waits until the memory that is taken is as expected.
fn wait_for_memory(pid: u32, what: &str, expected: impl Fn(u64) -> bool) -> u64 {
    let end = Instant::now() + LIMIT;
    loop {
        let own_kib = taken(pid).own_kib;
        if expected(own_kib) {
            return own_kib;
        }
        assert!(Instant::now() < end, "{what}: {own_kib} KiB");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What stays after the first window is the graphics driver's library; what was painted with it goes, and no further window adds
/// to what stays. The figures themselves are the window bench's.
#[test]
fn windows_that_come_and_go_leave_neither_work_nor_their_memory() {
    const WINDOWS: u64 = 8;
    const KIB_EACH: u64 = 256;
    // More than what the library takes, and less than that with all that is painted.
    const LIBRARY_KIB: u64 = 22 << 10;
    const QUIET: Duration = Duration::from_secs(3);
    let world = World::new();
    // The accessibility library keeps half a megabyte of each window that was read out.
    world.desktop.assist(false);
    let agent = world.start(&["agent"]);
    world.open();
    let pid = agent.pid();
    let most = taken(pid).own_kib + LIBRARY_KIB;
    world.home.ok(&["window"]);
    wait_for_memory(pid, "the window is open", |kib| kib > most);
    world.close_window();
    let first = wait_for_memory(pid, "the window is closed", |kib| kib < most);
    for _ in 0..WINDOWS {
        world.home.ok(&["window"]);
        world.close_window();
    }
    let grown = format!("{WINDOWS} windows, from {first} KiB on");
    wait_for_memory(pid, &grown, |kib| kib < first + WINDOWS * KIB_EACH);
    let last = taken(pid);
    // A measurement, not a wait for something.
    std::thread::sleep(QUIET);
    let ticks = taken(agent.pid()).cpu_ticks - last.cpu_ticks;
    assert!(ticks < 30, "a closed window costs {ticks} ticks");
}

#[test]
fn the_window_comes_and_goes_and_the_tunnels_stay() {
    let world = World::new();
    let mut adit = world.start(&[]);
    world.wait_for_windows(1);
    let url = world.open();

    world.close_window();
    assert!(
        page(&url).starts_with("HTTP/1.1 200 "),
        "a closed window costs no tunnel"
    );
    world.home.ok(&["window"]);
    // The answer comes when the window is made; the display shows it a moment later.
    world.wait_for_windows(1);

    // Closed again, a second start brings it back, and is done.
    world.close_window();
    let mut second = world.home.command(&[]);
    world.desktop.host(&mut second);
    assert!(second.status().unwrap().success());
    world.wait_for_windows(1);
    // And one that is there is only raised.
    assert!(second.status().unwrap().success());
    assert_eq!(world.windows().len(), 1);
    assert!(page(&url).starts_with("HTTP/1.1 200 "));

    world.home.ok(&["quit"]);
    assert!(adit.wait().success());
    assert!(
        adit.words().contains("1 tunnel stays open"),
        "there is no tray, so it is said: {}",
        adit.words()
    );
}

#[test]
fn a_window_that_breaks_costs_no_tunnel_and_opens_again() {
    let world = World::new();
    let adit = world.start(&[]);
    world.wait_for_windows(1);
    let url = world.open();
    fs::write(world.home.path().join("panic"), "").unwrap();
    // Raising it has it painted; where it has broken before, this opens it again.
    let _breaks_meanwhile = world.home.run(&["window"]);
    let start = Instant::now();
    while !adit.words().contains("The window broke") {
        assert!(start.elapsed() < LIMIT, "it does not break");
    }
    assert!(
        page(&url).starts_with("HTTP/1.1 200 "),
        "the tunnel is as it was"
    );
    world.home.ok(&["window"]);
    world.wait_for_windows(1);
    world.home.ok(&["quit"]);
    assert!(adit.exit_code_is_good());
}

#[test]
fn a_window_that_others_destroy_costs_no_tunnel() {
    let world = World::new();
    let adit = world.start(&["agent"]);
    let url = world.open();
    world.home.ok(&["window"]);
    world.wait_for_windows(1);
    // winit panics at that, in the middle of its event loop.
    x11::destroy(world.desktop.display(), world.windows()[0]);
    adit.hears("cannot be opened again");
    let (_, said) = world.home.fails(&["window"]);
    assert!(said.contains("adit quit"), "{said}");
    assert!(page(&url).starts_with("HTTP/1.1 200 "));
    world.home.ok(&["quit"]);
    assert!(adit.exit_code_is_good());
}

#[test]
fn a_window_without_tunnels_and_without_a_tray_ends_with_its_closing() {
    let world = World::new();
    let adit = world.start(&[]);
    world.wait_for_windows(1);
    world.close_window();
    assert!(adit.exit_code_is_good());
}

#[test]
fn a_loss_that_lasts_is_told_once_and_its_end_once() {
    let world = World::new();
    let notes = Notes::start(&world.desktop);
    let _agent = world.start(&["agent"]);
    world.open();
    world.demo.signal(Signal::STOP);
    // Ten seconds until the silence is noticed, ten that the loss lasts.
    let told = notes.read(1, Duration::from_mins(2));
    assert_eq!(told[0].title, format!("{UI} cannot be reached"));
    world.demo.signal(Signal::CONT);
    let told = notes.read(2, Duration::from_mins(2));
    assert_eq!(told[1].title, format!("{UI} can be reached again"));
    assert_eq!(
        told[1].number, told[0].number,
        "it takes the place of the first"
    );
    assert_eq!(told.len(), 2, "{told:?}");
}
