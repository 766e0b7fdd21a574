//! What the real program uses while nothing happens: `adit` in a window on an X server of its own, painted in software, with the
//! demo's cluster and SSH host in this process. The demo's cluster stands still here; that of `adit demo` does not, so a window on it
//! has something to paint every three seconds.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adit::demo::{DemoOptions, DemoWorld, Pace};

use super::clock;

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

/// A program that ends with the bench.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A display, a session bus, and a home folder with nothing in it.
struct Desktop {
    folder: tempfile::TempDir,
    display: String,
    bus: String,
    _services: [Program; 2],
}

impl Desktop {
    fn start() -> Self {
        let (x, number) = first_line(Command::new("Xvfb").args([
            "-noreset",
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
        ]));
        let (daemon, bus) = first_line(Command::new("dbus-daemon").args([
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
        ]));
        Self {
            folder: tempfile::tempdir().unwrap(),
            display: format!(":{number}"),
            bus,
            _services: [daemon, x],
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("ADIT_RUNTIME_DIR", self.folder.path().join("run"))
            .env("ADIT_CONFIG_DIR", self.folder.path().join("settings"))
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn keys(&self, words: &[&str]) {
        let status = self.command("xdotool").args(words).status();
        assert!(status.expect("xdotool is needed").success(), "{words:?}");
    }
}

/// Starts a service that says on its first line how it is reached: when it has said so, it is ready.
fn first_line(command: &mut Command) -> (Program, String) {
    let program = command.get_program().to_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} is needed: {error}", program.display()));
    let stdout = child.stdout.take().unwrap();
    let child = Program(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

/// The program, and its window.
struct Window<'d> {
    desktop: &'d Desktop,
    program: Program,
}

impl<'d> Window<'d> {
    fn open(desktop: &'d Desktop, words: &[&str]) -> Self {
        let mut command = desktop.command(Path::new(env!("CARGO_BIN_EXE_adit")));
        let program = Program(command.args(words).spawn().unwrap());
        desktop.keys(&["search", "--sync", "--onlyvisible", "--name", "Adit"]);
        Self { desktop, program }
    }

    fn id(&self) -> u32 {
        self.program.0.id()
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
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let still = DemoOptions {
        pace: Pace::Off,
        ..DemoOptions::default()
    };
    let world = runtime.block_on(DemoWorld::start(still)).unwrap();
    let access = world.access();
    let config = desktop.folder.path().join("ssh_config");
    let text = format!(
        "Host demo\n HostName {}\n Port {}\n User {}\n IdentityFile {}\n UserKnownHostsFile {}\n",
        access.ssh_host,
        access.ssh_port,
        access.ssh_user,
        access.identity.display(),
        access.known_hosts.display(),
    );
    fs::write(&config, text).unwrap();
    let (config, kubeconfig) = (
        config.to_str().unwrap(),
        access.kubeconfig.to_str().unwrap(),
    );
    let words = [
        "--host",
        "demo",
        "--ssh-config",
        config,
        "--kubeconfig",
        kubeconfig,
    ];
    let window = Window::open(&desktop, &words);
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
    Rest {
        name,
        share: used.as_secs_f64() / began.elapsed().as_secs_f64(),
    }
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
