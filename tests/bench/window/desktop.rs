//! A desktop of the bench's own, and the demo's cluster and SSH host in this process, where they stand still.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use adit::demo::{DemoOptions, DemoWorld, Pace};
use tokio::runtime::Runtime;

/// A program that ends with the bench.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A display, a session bus, and a home folder with nothing in it.
pub(crate) struct Desktop {
    folder: tempfile::TempDir,
    display: String,
    bus: String,
    _services: [Program; 2],
}

impl Desktop {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
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

    /// Starts `adit WORDS`.
    pub(crate) fn adit(&self, words: &[String]) -> Program {
        let mut command = self.command(env!("CARGO_BIN_EXE_adit"));
        Program(command.args(words).spawn().unwrap())
    }

    /// The display's name.
    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    pub(crate) fn keys(&self, words: &[&str]) {
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

/// The demo's cluster, in which nothing happens.
pub(crate) struct Still {
    words: Vec<String>,
    _world: DemoWorld,
    _runtime: Runtime,
}

impl Still {
    pub(crate) fn start(desktop: &Desktop) -> Self {
        let runtime = Runtime::new().unwrap();
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
        let words = [
            "--host",
            "demo",
            "--ssh-config",
            config.to_str().unwrap(),
            "--kubeconfig",
            access.kubeconfig.to_str().unwrap(),
        ];
        Self {
            words: words.map(str::to_owned).to_vec(),
            _world: world,
            _runtime: runtime,
        }
    }

    /// The words that name the cluster and the host.
    pub(crate) fn words(&self) -> Vec<String> {
        self.words.clone()
    }
}
