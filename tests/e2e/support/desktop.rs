//! A desktop of the test's own: an X server, a session bus, and the tree that screen readers see.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, Message, MessageStream};

use super::{LIMIT, x11};

/// How wide and high the screen is; the window fills it.
const SCREEN: &str = "1280x800x24";
/// What a call over the bus may take: an object can vanish between two calls, and its answer with it.
const CALL_LIMIT: Duration = Duration::from_secs(5);

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const REGISTRY: &str = "org.a11y.atspi.Registry";
const ROOT: &str = "/org/a11y/atspi/accessible/root";

/// A display nobody looks at, a session bus with assistive technology switched on, and nothing else.
pub(crate) struct Desktop {
    folder: TempDir,
    display: String,
    bus: String,
    runtime: Runtime,
    session: Connection,
    /// In the order in which they end.
    _services: [Service; 2],
}

/// A program that is ended with all that it started.
pub(crate) struct Service(Child);

impl Service {
    pub(crate) fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self(child.unwrap_or_else(|error| {
            panic!("{}: {error}; tests/run installs it", program.display())
        }))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended by itself is no group any more.
        let _ended = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ended = self.0.wait();
    }
}

/// A thing on the screen, as a screen reader knows it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What it is called.
    pub(crate) name: String,
    owner: String,
    path: OwnedObjectPath,
}

/// The trees of all programs on the desktop.
pub(crate) struct Tree<'a> {
    desktop: &'a Desktop,
    bus: Connection,
    events: MessageStream,
}

impl Desktop {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, number) = first_line(Command::new("Xvfb").args([
            // It would start anew, and cut who connects meanwhile, when the last window closes.
            "-noreset",
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
        ]));
        let (daemon, bus) = first_line(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
                .env("XDG_RUNTIME_DIR", folder.path())
                // What it starts on demand keeps its settings there.
                .env("HOME", folder.path())
                .env("DISPLAY", format!(":{number}"))
                .env_remove("XDG_CONFIG_HOME"),
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let session = runtime.block_on(connect(&bus));
        let desktop = Self {
            folder,
            display: format!(":{number}"),
            bus,
            runtime,
            session,
            _services: [daemon, server],
        };
        desktop.assist(true);
        desktop
    }

    /// Whether somebody reads the screen by assistive technology, as the tests do.
    pub(crate) fn assist(&self, on: bool) {
        let status = ("org.a11y.Status", "IsEnabled", Value::from(on));
        let set = self.call(
            &self.session,
            A11Y_BUS,
            "org.freedesktop.DBus.Properties",
            "Set",
            &status,
        );
        set.expect("assistive technology is needed: tests/run installs at-spi2-core");
    }

    /// Has `command` show its windows here.
    pub(crate) fn host(&self, command: &mut Command) {
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY");
    }

    /// Its name, as `DISPLAY` has it.
    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    /// The session bus's address.
    pub(crate) fn bus(&self) -> &str {
        &self.bus
    }

    /// Types a text into the window of this title, as soon as it is there.
    pub(crate) fn type_text(&self, title: &str, text: &str) {
        x11::focus(&self.display, title);
        self.xdotool(&["type", "--delay", "8", text]);
    }

    /// Presses a key there, by X's name of it.
    pub(crate) fn press(&self, title: &str, key: &str) {
        x11::focus(&self.display, title);
        self.xdotool(&["key", key]);
    }

    fn xdotool(&self, arguments: &[&str]) {
        let done = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.display)
            .status()
            .expect("xdotool is needed: tests/run installs it");
        assert!(done.success());
    }

    /// A home folder with nothing in it.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What is to be seen, from now on.
    pub(crate) fn tree(&self) -> Tree<'_> {
        let reply = self
            .call(&self.session, A11Y_BUS, "org.a11y.Bus", "GetAddress", &())
            .unwrap();
        let address: String = reply.body().deserialize().unwrap();
        let bus = self.runtime.block_on(connect(&address));
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("org.a11y.atspi.Event.Object")
            .unwrap()
            .build();
        let events = MessageStream::for_match_rule(rule, &bus, None);
        let events = self.runtime.block_on(events).unwrap();
        Tree {
            desktop: self,
            bus,
            events,
        }
    }

    /// Presses the mouse's button in the middle of `node`, where it stands on the screen.
    pub(crate) fn click(&self, tree: &Tree<'_>, node: &Node) {
        self.press_button(tree.middle_of(node), 1);
    }

    /// Presses one of the mouse's buttons there.
    pub(crate) fn press_button(&self, (x, y): (i32, i32), button: u8) {
        let words = [x.to_string(), y.to_string(), button.to_string()];
        let [x, y, button] = words.each_ref().map(String::as_str);
        self.xdotool(&["mousemove", x, y, "click", button]);
    }

    /// Waits until a program has this name on the bus.
    pub(crate) fn wait_for_name(&self, name: &str) {
        let end = Instant::now() + LIMIT;
        let bus = "org.freedesktop.DBus";
        let has_owner = || {
            let place = (bus, "/org/freedesktop/DBus");
            let reply = self.call(&self.session, place, bus, "NameHasOwner", &(name,));
            reply.and_then(|reply| reply.body().deserialize::<bool>().ok())
        };
        while has_owner() != Some(true) {
            assert!(Instant::now() < end, "nobody is {name}");
        }
    }

    fn call<B: serde::Serialize + DynamicType + Sync>(
        &self,
        bus: &Connection,
        (owner, path): (&str, &str),
        interface: &str,
        method: &str,
        body: &B,
    ) -> Option<Message> {
        let call = bus.call_method(Some(owner), path, Some(interface), method, body);
        let in_time = async { tokio::time::timeout(CALL_LIMIT, call).await };
        self.runtime.block_on(in_time).ok()?.ok()
    }
}

const A11Y_BUS: (&str, &str) = ("org.a11y.Bus", "/org/a11y/bus");

impl Tree<'_> {
    /// Waits until something has a name that `wanted` wants. Looks again whenever anything on the screen has changed.
    pub(crate) fn find(&mut self, wanted: impl Fn(&str) -> bool) -> Node {
        self.until(|nodes| nodes.iter().find(|node| wanted(&node.name)).cloned())
    }

    /// Waits until nothing has a name that `unwanted` does not want.
    pub(crate) fn gone(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.until(|nodes| (!nodes.iter().any(|node| unwanted(&node.name))).then_some(()));
    }

    /// Everything that is to be seen now.
    pub(crate) fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut left = self.children(REGISTRY, ROOT);
        while let Some((owner, path)) = left.pop() {
            left.extend(self.children(&owner, &path));
            let name = self.name(&owner, &path);
            nodes.push(Node { name, owner, path });
        }
        nodes
    }

    fn until<T>(&mut self, look: impl Fn(&[Node]) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            // All that has changed until now is seen by one look.
            while let Some(Some(_change)) = self.events.next().now_or_never() {}
            let nodes = self.nodes();
            if let Some(found) = look(&nodes) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            let next = async { tokio::time::timeout(left, self.events.next()).await };
            let changed = self.desktop.runtime.block_on(next);
            let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
            assert!(
                changed.is_ok(),
                "not within {LIMIT:?}; the screen shows {names:?}"
            );
        }
    }

    fn children(&self, owner: &str, path: &str) -> Vec<(String, OwnedObjectPath)> {
        let reply = self
            .desktop
            .call(&self.bus, (owner, path), ACCESSIBLE, "GetChildren", &());
        reply
            .and_then(|reply| reply.body().deserialize().ok())
            .unwrap_or_default()
    }

    fn name(&self, owner: &str, path: &str) -> String {
        let asked = (ACCESSIBLE, "Name");
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self
            .desktop
            .call(&self.bus, (owner, path), properties, "Get", &asked);
        reply
            .and_then(|reply| reply.body().deserialize::<OwnedValue>().ok())
            .and_then(|value| String::try_from(value).ok())
            .unwrap_or_default()
    }

    fn middle_of(&self, node: &Node) -> (i32, i32) {
        let component = "org.a11y.atspi.Component";
        let place = (node.owner.as_str(), node.path.as_str());
        // 0: measured from the screen's corner.
        let reply = self
            .desktop
            .call(&self.bus, place, component, "GetExtents", &(0_u32,));
        let reply = reply.expect("the node has a place");
        let (x, y, width, height): (i32, i32, i32, i32) = reply.body().deserialize().unwrap();
        assert!(width > 0 && height > 0, "{node:?} cannot be seen");
        (x + width / 2, y + height / 2)
    }
}

async fn connect(address: &str) -> Connection {
    let builder = zbus::connection::Builder::address(address).unwrap();
    builder.build().await.unwrap()
}

/// Starts a service that says on the first line of its stdout how it is reached: when it has said so, it is ready.
fn first_line(command: &mut Command) -> (Service, String) {
    let mut service = Service::start(command.stdout(Stdio::piped()));
    let stdout = service.0.stdout.take().unwrap();
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let line = line.trim().to_owned();
    assert!(!line.is_empty(), "{command:?} did not start");
    (service, line)
}
