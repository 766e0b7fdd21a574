//! What the window takes, what closing it gives back, and how soon it is there again: `adit agent` with a tunnel open, and a
//! window that is asked for and closed as a window manager closes it.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::desktop::{Desktop, Program, Still};
use super::{LIMIT, rest, x11};

/// How often the window is asked for in each way.
const TIMES: usize = 5;
/// The pause between two looks at the display.
const PAUSE: Duration = Duration::from_millis(2);

/// What the process takes in a situation.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    /// Resident memory, with that of the libraries and files that it shares with others.
    pub(crate) resident_kib: u64,
    /// Of it what is its own alone.
    pub(crate) own_kib: u64,
    pub(crate) threads: u64,
    /// The share of a core.
    pub(crate) share: f64,
}

/// How long it took until the window was there, each time.
pub(crate) struct Showing {
    pub(crate) name: &'static str,
    pub(crate) times: Vec<Duration>,
}

pub(crate) struct Life {
    pub(crate) stages: Vec<Stage>,
    pub(crate) showings: Vec<Showing>,
}

/// How the window is asked for.
#[derive(Clone, Copy)]
enum Way {
    Command,
    SecondStart,
    /// What a tray says to the icon that was clicked.
    Tray,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Command => "`adit window`",
            Self::SecondStart => "a second start of `adit`",
            Self::Tray => "a click on the tray's icon",
        }
    }
}

struct Agent<'d> {
    desktop: &'d Desktop,
    program: Program,
}

pub(crate) fn measure() -> Life {
    let desktop = Desktop::start();
    let world = Still::start(&desktop);
    let mut words = world.words();
    words.insert(0, "agent".to_owned());
    let agent = Agent {
        desktop: &desktop,
        program: desktop.adit(&words),
    };
    agent.wait_until_it_answers();
    assert!(agent.adit(&["up", "default/ui"]), "no tunnel");

    let mut stages = vec![agent.stage("no window yet, a tunnel open")];
    agent.show(Way::Command);
    stages.push(agent.stage("the window open"));
    agent.close();
    stages.push(agent.stage("closed again, the tunnel still open"));
    let ways = [Way::Command, Way::SecondStart, Way::Tray];
    let showings = ways.map(|way| {
        let times = (0..TIMES).map(|_| {
            let taken = agent.show(way);
            agent.close();
            taken
        });
        Showing {
            name: way.name(),
            times: times.collect(),
        }
    });
    stages.push(agent.stage("closed for the 16th time"));
    Life {
        stages,
        showings: showings.into(),
    }
}

impl Agent<'_> {
    /// Runs `adit WORDS` to its end.
    fn adit(&self, words: &[&str]) -> bool {
        let mut command = self.desktop.command(env!("CARGO_BIN_EXE_adit"));
        command.args(words).status().unwrap().success()
    }

    fn wait_until_it_answers(&self) {
        let end = Instant::now() + LIMIT;
        while !self.adit(&["status"]) {
            assert!(Instant::now() < end, "the agent does not answer");
        }
    }

    fn ask(&self, way: Way) {
        let is_done = match way {
            Way::Command => self.adit(&["window"]),
            Way::SecondStart => self.adit(&[]),
            Way::Tray => {
                let item = format!("org.kde.StatusNotifierItem-{}-1", self.program.id());
                let mut command = self.desktop.command("dbus-send");
                command.args(["--session", "--print-reply"]);
                command.arg(format!("--dest={item}"));
                command.args(["/StatusNotifierItem", "org.kde.StatusNotifierItem.Activate"]);
                command.args(["int32:0", "int32:0"]);
                command.status().unwrap().success()
            }
        };
        assert!(is_done, "{} failed", way.name());
    }

    /// Asks for the window; how long it takes until it can be seen.
    fn show(&self, way: Way) -> Duration {
        let began = Instant::now();
        self.ask(way);
        self.wait_for_windows(1);
        began.elapsed()
    }

    fn close(&self) {
        for window in x11::windows(self.desktop.display(), "Adit") {
            x11::close(self.desktop.display(), window);
        }
        self.wait_for_windows(0);
    }

    fn wait_for_windows(&self, count: usize) {
        let end = Instant::now() + LIMIT;
        while x11::windows(self.desktop.display(), "Adit").len() != count {
            assert!(Instant::now() < end, "not {count} windows");
            sleep(PAUSE);
        }
    }

    fn stage(&self, name: &'static str) -> Stage {
        let id = self.program.id();
        let share = rest::share(name, id);
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Stage {
            name,
            resident_kib: field("VmRSS:"),
            own_kib: field("RssAnon:"),
            threads: field("Threads:"),
            share,
        }
    }
}
