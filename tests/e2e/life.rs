//! The life of the window and the tray: they come and go, and no tunnel notices.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::desktop::Desktop;
use crate::support::instance::{Demo, Home, page, tunnel};
use crate::support::tray_host::TrayHost;
use crate::support::x11;

const UI: &str = "default/ui:80";

/// A desktop, the demo's cluster, and an instance that knows it.
struct World {
    home: Home,
    desktop: Desktop,
    demo: Demo,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let demo = Demo::start(&home);
        Self {
            desktop: Desktop::start(),
            home,
            demo,
        }
    }

    /// Starts `adit WORDS` on the desktop and waits until it answers.
    fn start(&self, words: &[&str]) -> Running {
        let mut command = self.home.command(words);
        command.args(self.demo.words());
        self.desktop.host(&mut command);
        command.env("ADIT_TEST_PANIC_FILE", self.home.path().join("panic"));
        let program = Running::spawn(command);
        self.home.wait_for_instance();
        program
    }

    /// Opens the service; its URL.
    fn open(&self) -> String {
        let opened = self.home.ok(&["up", UI]);
        opened.split(' ').next().unwrap().to_owned()
    }

    fn windows(&self) -> Vec<u32> {
        x11::windows(self.desktop.display(), "Adit")
    }

    /// Waits until there are so many windows; how long that took.
    fn wait_for_windows(&self, count: usize) -> Duration {
        let start = Instant::now();
        while self.windows().len() != count {
            assert!(start.elapsed() < LIMIT, "not {count} windows");
        }
        start.elapsed()
    }

    fn close_window(&self) {
        self.wait_for_windows(1);
        for window in self.windows() {
            x11::close(self.desktop.display(), window);
        }
        self.wait_for_windows(0);
    }
}

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
    let host = TrayHost::start(world.desktop.bus());
    let agent = world.start(&["agent"]);
    host.icon();
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
fn the_tray_opens_and_closes_services_and_the_window() {
    let world = World::new();
    let host = TrayHost::start(world.desktop.bus());
    let agent = world.start(&["agent"]);
    let icon = host.icon();
    let (widths, nothing_open) = icon.pictures();
    assert_eq!(widths, [22, 32, 64]);
    assert_eq!(world.windows().len(), 0, "an agent shows no window");

    let url = world.open();
    icon.line(&format!("● {UI}"));
    let (_, open) = icon.pictures();
    assert_ne!(open, nothing_open, "the icon tells that something is open");
    icon.line(&format!("Copy {url}"));
    icon.line("Quit (closes 1 tunnel)");

    icon.click("Close all");
    world
        .home
        .status_when(|status| tunnel(status, UI)["state"] == "off");
    icon.click("Open all");
    world
        .home
        .status_when(|status| tunnel(status, UI)["state"] == "open");

    icon.click("Show the window");
    world.wait_for_windows(1);
    world.close_window();
    assert!(page(&url).starts_with("HTTP/1.1 200 "));

    icon.click("Start at login");
    let file = world.home.path().join("config/autostart/adit.desktop");
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < LIMIT, "it is not switched on");
    }

    icon.click("Quit (closes 1 tunnel)");
    assert!(agent.exit_code_is_good());
}

#[test]
fn a_tray_that_comes_later_shows_the_icon() {
    let world = World::new();
    let _agent = world.start(&["agent"]);
    let host = TrayHost::start(world.desktop.bus());
    host.icon().line("Show the window");
}

#[test]
fn a_loss_that_lasts_is_told_once_and_its_end_once() {
    let world = World::new();
    let host = TrayHost::start(world.desktop.bus());
    let _agent = world.start(&["agent"]);
    world.open();
    world.demo.signal(Signal::STOP);
    // Ten seconds until the silence is noticed, ten that the loss lasts.
    let told = host.note(Duration::from_mins(2)).expect("nothing was told");
    assert_eq!(told.title, format!("{UI} cannot be reached"));
    assert_eq!(told.replaces, 0);
    world.demo.signal(Signal::CONT);
    let end = host.note(Duration::from_mins(2)).expect("no end was told");
    assert_eq!(end.title, format!("{UI} can be reached again"));
    assert_eq!(end.replaces, 7, "it takes the place of the first");
}
