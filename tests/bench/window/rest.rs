//! What the real program uses while nothing happens: `adit` in a window on an X server of its own, painted in software, with the
//! demo's cluster and SSH host in this process. The demo's cluster stands still here; that of `adit demo` does not, so a window on it
//! has something to paint every three seconds.

use std::collections::HashSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::clock;
use super::desktop::{Desktop, Program, Still};

/// How long is measured.
const MEASURED: Duration = Duration::from_secs(20);
/// It has come to rest when it uses less than this
const CALM: Duration = Duration::from_millis(40);
/// in so long,
const LOOK: Duration = Duration::from_secs(3);
/// which it has to within
const LIMIT: Duration = Duration::from_mins(2);

/// The share of one core that was used in a situation.
pub(crate) struct Rest {
    pub(crate) name: &'static str,
    pub(crate) share: f64,
}

/// The program, and its window.
struct Window<'d> {
    desktop: &'d Desktop,
    program: Program,
}

impl<'d> Window<'d> {
    fn open(desktop: &'d Desktop, words: &[String]) -> Self {
        let program = desktop.adit(words);
        desktop.keys(&["search", "--sync", "--onlyvisible", "--name", "Adit"]);
        Self { desktop, program }
    }

    fn id(&self) -> u32 {
        self.program.id()
    }

    /// Opens the first service, whose details are then in view.
    fn open_first(&self) {
        let before = listeners(self.id());
        // No window manager is there to give the window the keyboard.
        let find = ["search", "--onlyvisible", "--name", "Adit"];
        let words = ["windowfocus", "--sync", "key", "Down", "key", "space"];
        self.desktop.keys(&[&find[..], &words].concat());
        let end = Instant::now() + LIMIT;
        while listeners(self.id()) <= before {
            assert!(Instant::now() < end, "the tunnel does not open");
            sleep(Duration::from_millis(50));
        }
    }
}

pub(crate) fn measure() -> Vec<Rest> {
    let desktop = Desktop::start();
    let world = Still::start(&desktop);
    let window = Window::open(&desktop, &world.words());
    let mut measured = vec![at_rest("no tunnel open", window.id())];
    window.open_first();
    let name = "a tunnel open and idle, its details and diagram in view";
    measured.push(at_rest(name, window.id()));
    desktop.keys(&["key", "slash"]);
    let name = "the same, the cursor in the search field";
    measured.push(at_rest(name, window.id()));
    measured
}

fn at_rest(name: &'static str, id: u32) -> Rest {
    let share = share(name, id);
    Rest { name, share }
}

/// The share of one core that a process uses once it has come to rest.
pub(crate) fn share(name: &str, id: u32) -> f64 {
    let end = Instant::now() + LIMIT;
    loop {
        let before = clock::of_process(id);
        sleep(LOOK);
        if clock::of_process(id).saturating_sub(before) < CALM {
            break;
        }
        assert!(Instant::now() < end, "{name}: it does not come to rest");
    }
    let (before, began) = (clock::of_process(id), Instant::now());
    sleep(MEASURED);
    let used = clock::of_process(id).saturating_sub(before);
    used.as_secs_f64() / began.elapsed().as_secs_f64()
}

/// How many TCP ports the process listens on.
fn listeners(id: u32) -> usize {
    let folder = fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let own: HashSet<String> = folder
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).unwrap();
    let is_own = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // 0A: it listens.
        fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| own.contains(*inode))
    };
    table.lines().filter(is_own).count()
}
