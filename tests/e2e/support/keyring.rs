//! A real gnome-keyring on a session bus of its own, and whoever answers its prompts.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process_group};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use tempfile::TempDir;
use zbus::Message;
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::NameOwnerChangedIterator;
use zbus::blocking::{Connection, MessageIterator};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::LIMIT;
use super::desktop::Desktop;

/// The name under which Adit's entries stand here.
pub(crate) const SERVICE: &str = "adit-test";

/// Where the system says which program shows the dialogue.
const PROMPTER: &str = "/usr/share/dbus-1/services/org.gnome.keyring.SystemPrompter.service";

const SECRETS: &str = "org.freedesktop.secrets";

/// A program that is ended with all that it started.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended by itself is no group any more.
        let _ended = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ended = self.0.wait();
    }
}

/// A session bus without a keyring, or with one.
pub(crate) struct Keyring {
    folder: PathBuf,
    /// None where it is another process's.
    _made: Option<TempDir>,
    address: String,
    daemon: Option<Service>,
    /// None where the bus is a desktop's.
    _bus: Option<Service>,
}

impl Keyring {
    /// A bus on which nobody keeps secrets, and nobody is started to.
    pub(crate) fn absent() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
             <busconfig><type>session</type><listen>unix:dir={}</listen>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("dbus-daemon is needed: tests/run installs dbus");
        let stdout = child.stdout.take().unwrap();
        let bus = Service(child);
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        Self {
            address: address.trim().to_owned(),
            folder: folder.path().to_owned(),
            _made: Some(folder),
            daemon: None,
            _bus: Some(bus),
        }
    }

    /// The bus that this process was handed, whose keyring is this process's to start.
    pub(crate) fn of_environment() -> Self {
        let variable = |name| std::env::var(name).unwrap();
        Self {
            folder: variable("XDG_RUNTIME_DIR").into(),
            _made: None,
            address: variable("DBUS_SESSION_BUS_ADDRESS"),
            daemon: None,
            _bus: None,
        }
    }

    /// A keyring that is unlocked, on the bus of a desktop.
    pub(crate) fn of(desktop: &Desktop) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        let mut keyring = Self {
            address: desktop.bus().to_owned(),
            folder: folder.path().to_owned(),
            _made: Some(folder),
            daemon: None,
            _bus: None,
        };
        keyring.start();
        keyring
    }

    /// A keyring that is unlocked.
    pub(crate) fn unlocked() -> Self {
        let mut keyring = Self::absent();
        keyring.start();
        keyring
    }

    /// Starts the daemon, and waits until it keeps secrets.
    fn start(&mut self) {
        let bus = self.connect();
        let names = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
        let changes = names.receive_name_owner_changed().unwrap();
        let mut command = Command::new("gnome-keyring-daemon");
        self.hand_to(&mut command);
        let mut child = command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("gnome-keyring-daemon is needed: tests/run installs gnome-keyring");
        child.stdin.take().unwrap().write_all(b"keyring").unwrap();
        self.daemon = Some(Service(child));
        owned(changes, SECRETS);
        // Its default collection comes with the unlocking.
        self.with(|keyring| keyring.get_default_collection().map(|_| ()))
            .unwrap();
    }

    /// Ends the daemon as a crash would.
    pub(crate) fn kill(&mut self) {
        self.daemon = None;
    }

    /// Ends the daemon and starts it again, unlocked.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// The variables by which a program finds this keyring.
    pub(crate) fn hand_to(&self, command: &mut Command) {
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("XDG_RUNTIME_DIR", &self.folder)
            .env("XDG_DATA_HOME", self.home().join("data"))
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env("ADIT_CONFIG_DIR", self.home().join("config/adit"))
            .env("ADIT_VAULT_SERVICE", SERVICE)
            .env("HOME", self.home());
    }

    /// A home folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The whole folder, with everything that was written.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn connect(&self) -> Connection {
        Builder::address(self.address.as_str())
            .unwrap()
            .build()
            .unwrap()
    }

    fn with<T>(&self, work: impl FnOnce(&SecretService<'_>) -> T) -> T {
        let bus = self.connect();
        work(&SecretService::connect_with_existing(EncryptionType::Plain, bus).unwrap())
    }

    /// Locks the collection: the next one who wants something of it is asked for its password.
    pub(crate) fn lock(&self) {
        self.with(|keyring| keyring.get_default_collection().unwrap().lock().unwrap());
    }

    /// Unlocks the collection as another program would.
    pub(crate) fn unlock(&self) {
        let bus = self.connect();
        let path = self.with(|keyring| {
            keyring
                .get_default_collection()
                .unwrap()
                .collection_path
                .clone()
        });
        let service = "/org/freedesktop/secrets";
        let open = bus.call_method(
            Some(SECRETS),
            service,
            Some("org.freedesktop.Secret.Service"),
            "OpenSession",
            &("plain", Value::from("")),
        );
        let (_, session): (OwnedValue, OwnedObjectPath) =
            open.unwrap().body().deserialize().unwrap();
        let password = (session, Vec::<u8>::new(), b"keyring".to_vec(), "text/plain");
        let unlocked = bus.call_method(
            Some(SECRETS),
            service,
            Some("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"),
            "UnlockWithMasterPassword",
            &(path, password),
        );
        unlocked.unwrap();
    }

    /// The value of an entry of Adit's.
    pub(crate) fn entry(&self, name: &str) -> Option<Vec<u8>> {
        self.with(|keyring| {
            let found = keyring.search_items(attributes(name)).unwrap();
            found
                .unlocked
                .first()
                .map(|item| item.get_secret().unwrap())
        })
    }

    /// Writes into an entry of Adit's that is there.
    pub(crate) fn spoil(&self, name: &str, value: &[u8]) {
        self.with(|keyring| {
            let found = keyring.search_items(attributes(name)).unwrap();
            found.unlocked[0].set_secret(value, "text/plain").unwrap();
        });
    }

    /// Removes an entry of Adit's.
    pub(crate) fn remove(&self, name: &str) {
        self.with(|keyring| {
            let found = keyring.search_items(attributes(name)).unwrap();
            found.unlocked[0].delete().unwrap();
        });
    }

    /// Has the desktop's own dialogue come up on this desktop whenever the keyring is to be unlocked.
    pub(crate) fn dialogue(&self, desktop: &Desktop) -> Dialogue {
        let service = std::fs::read_to_string(PROMPTER).expect("gcr comes with gnome-keyring");
        let program = service.lines().find_map(|line| line.strip_prefix("Exec="));
        let bus = self.connect();
        let names = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
        let changes = names.receive_name_owner_changed().unwrap();
        let mut command = Command::new(program.unwrap());
        self.hand_to(&mut command);
        command
            .env("DISPLAY", desktop.display())
            .env_remove("WAYLAND_DISPLAY");
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let dialogue = Dialogue(Service(child));
        owned(changes, "org.gnome.keyring.SystemPrompter");
        dialogue
    }

    /// Has somebody answer the prompts of gnome-keyring, in the place of the desktop's dialogue.
    pub(crate) fn prompter(&self, answer: PromptAnswer) -> Prompter {
        let bus = self.connect();
        let calls = MessageIterator::from(&bus);
        bus.request_name("org.gnome.keyring.SystemPrompter")
            .unwrap();
        let (seen, prompts) = mpsc::channel();
        // It ends with the bus.
        std::thread::spawn(move || {
            for call in calls.map_while(Result::ok) {
                prompt(&bus, &call, answer, &seen);
            }
        });
        Prompter { prompts }
    }
}

/// Waits until somebody has this name on the bus.
fn owned(changes: NameOwnerChangedIterator, name: &'static str) {
    let (ready, waiting) = mpsc::channel();
    std::thread::spawn(move || {
        let mut changes = changes;
        let is_there = changes.any(|change| {
            let change = change.args().unwrap();
            change.name == name && change.new_owner.is_some()
        });
        if is_there {
            let _test_has_ended = ready.send(());
        }
    });
    let waited = waiting.recv_timeout(LIMIT);
    waited.unwrap_or_else(|error| panic!("nobody takes the name {name}: {error}"));
}

fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name)])
}

/// The desktop's dialogue, for as long as this is kept.
pub(crate) struct Dialogue(#[expect(dead_code, reason = "it ends with this")] Service);

/// What a person does with a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptAnswer {
    /// Presses Cancel.
    Refuse,
    /// Nothing at all.
    Ignore,
}

/// A double of the desktop's dialogue: gnome-keyring finds it by its name on the bus.
pub(crate) struct Prompter {
    prompts: mpsc::Receiver<()>,
}

impl Prompter {
    /// Waits until a prompt has come.
    pub(crate) fn was_asked(&self) {
        self.prompts
            .recv_timeout(LIMIT)
            .expect("gnome-keyring does not ask");
    }

    /// Whether a prompt came that was not waited for.
    pub(crate) fn has_been_asked(&self) -> bool {
        self.prompts.try_recv().is_ok()
    }
}

const CALLBACK: &str = "org.gnome.keyring.internal.Prompter.Callback";

/// Answers one call of gnome-keyring's, and tells it then how its prompt stands: it does not listen before.
fn prompt(bus: &Connection, call: &Message, answer: PromptAnswer, seen: &mpsc::Sender<()>) {
    let header = call.header();
    let (Some(member), Some(owner)) = (header.member(), header.sender()) else {
        return;
    };
    let reply = match (member.as_str(), answer) {
        ("BeginPrompting", _) => Some(""),
        ("PerformPrompt", PromptAnswer::Refuse) => Some("no"),
        ("PerformPrompt", PromptAnswer::Ignore) | ("StopPrompting", _) => None,
        _ => return,
    };
    bus.reply(&header, &()).unwrap();
    if member == "PerformPrompt" {
        let _test_has_ended = seen.send(());
    }
    let Some(reply) = reply else { return };
    let callback: OwnedObjectPath = if member == "BeginPrompting" {
        call.body().deserialize().unwrap()
    } else {
        type Perform = (OwnedObjectPath, String, HashMap<String, OwnedValue>, String);
        let (callback, ..): Perform = call.body().deserialize().unwrap();
        callback
    };
    let properties: HashMap<&str, Value<'_>> = HashMap::new();
    let (owner, path) = (Some(owner.as_str()), callback.as_str());
    let ready = bus.call_method(
        owner,
        path,
        Some(CALLBACK),
        "PromptReady",
        &(reply, properties, ""),
    );
    ready.unwrap();
}
