//! The life of the window: it comes and goes, and no tunnel notices.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::LIMIT;
use crate::support::instance::page;
use crate::support::notes::Notes;
use crate::support::world::{UI, World};

/// What a process takes, for the table in docs/PERFORMANCE.md.
struct Taken {
    resident_kib: u64,
    anonymous_kib: u64,
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
        resident_kib: field("VmRSS:"),
        anonymous_kib: field("RssAnon:"),
        cpu_ticks: ticks.map(|tick| tick.parse::<u64>().unwrap()).sum(),
    }
}

/// Prints what the table in docs/PERFORMANCE.md holds (`cargo test --test e2e life::what -- --nocapture`), and fails where a
/// closed window goes on taking the processor's time.
#[test]
fn what_the_window_takes_it_gives_back() {
    const QUIET: Duration = Duration::from_secs(3);
    let world = World::new();
    let agent = world.start(&["agent"]);
    let show = |when: &str| {
        let taken = taken(agent.pid());
        let (resident, anonymous) = (taken.resident_kib / 1024, taken.anonymous_kib / 1024);
        eprintln!("{when}: {resident} MiB resident, {anonymous} MiB of it its own");
    };
    world.open();
    show("no window yet");
    for cycle in 1..=3 {
        let start = Instant::now();
        world.home.ok(&["window"]);
        eprintln!("opening {cycle} took {:?}", start.elapsed());
        show("window open");
        world.close_window();
        show("window closed");
    }
    let before = taken(agent.pid()).cpu_ticks;
    // A measurement, not a wait for something.
    std::thread::sleep(QUIET);
    let after = taken(agent.pid()).cpu_ticks;
    eprintln!("{} ticks in {QUIET:?} without a window", after - before);
    assert!(
        after - before < 30,
        "a closed window costs {} ticks",
        after - before
    );
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
