//! Secrets that would be recognised anywhere, in a whole session of the built program: against the real sshd, which wants a key
//! and a password of PAM's, through a jump host, with a real gnome-keyring and an API server that wants a token.
//!
//! What is promised: a secret goes from the person's terminal to the instance in a frame of its own, from there to the SSH host,
//! and, where the person wants that, to the keyring. It is nowhere else: in no file, log, argument list, environment, status or
//! reply; and when nothing needs it any more, not in the instance's memory either.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::adit::{Running, command};
use crate::support::keyring::Keyring;
use crate::support::peer::{key, make_key_of};
use crate::support::person::asked;
use crate::support::processes::{arguments_of_all, contains, in_memory};
use crate::support::relay::Relay;
use crate::support::servers::{echo, exchange};
use crate::support::sshd::{Sshd, user};
use crate::support::tiny_api;

const PASSPHRASE: &str = "canary-passphrase-4471";
const PASSWORD: &str = "canary-password-8810";
const REPLY: &str = "canary-interactive-5523";
const TOKEN: &str = "canary-token-1902";

/// Where each question is asked, what is typed, and whether the keyring keeps it.
const TYPED: [&str; 3] = [PASSPHRASE, PASSWORD, REPLY];

/// Two servers, the second of which is reached through the first: that one wants an encrypted key and a password, this one a plain
/// key and an answer to what PAM asks.
struct World {
    keyring: Keyring,
    gate: Sshd,
    node: Sshd,
    service: String,
    /// What nothing may hold but what it was made for, with a name each.
    canaries: Vec<(&'static str, Vec<u8>)>,
}

impl World {
    fn new() -> Self {
        let gate =
            Sshd::start_with_password(PASSWORD, &["AuthenticationMethods publickey,password"]);
        let node = Sshd::start_with_password(
            REPLY,
            &["AuthenticationMethods publickey,keyboard-interactive"],
        );
        let locked = gate.path("locked");
        make_key_of(key(&["-t", "ed25519"]), &locked, "");
        let seeds = [seed(&locked), seed(&node.key())];
        encrypt(&locked);
        fs::copy(gate.path("locked.pub"), gate.path("authorized_keys")).unwrap();
        let address = echo();
        tiny_api::start_for(address, &node.path("kubeconfig"), TOKEN);
        let texts = [PASSPHRASE, PASSWORD, REPLY, TOKEN].map(|text| (text, text.into()));
        let [first, second] = seeds;
        let keys = [
            ("the key of the first host", first),
            ("the key of the second host", second),
            ("the key's file", private_line(&node.key())),
        ];
        Self {
            keyring: Keyring::unlocked(),
            gate,
            node,
            service: format!("default/echo:{}", address.port()),
            canaries: texts.into_iter().chain(keys).collect(),
        }
    }

    /// Saves both hosts, the second with its cluster.
    fn save_hosts(&self, cluster: &str) {
        self.ok(&Self::add(
            "gate",
            &self.gate,
            &self.gate.path("locked"),
            "",
        ));
        let kubeconfig = self.node.path("kubeconfig");
        let more = format!("--jump gate {cluster} {}", kubeconfig.display());
        self.ok(&Self::add("cluster", &self.node, &self.node.key(), &more));
    }

    fn add(name: &str, sshd: &Sshd, key: &Path, more: &str) -> String {
        format!(
            "hosts add {name} --host {}@127.0.0.1:{} --identity {} -o UserKnownHostsFile={} -o GlobalKnownHostsFile=none \
             -o IdentitiesOnly=yes {more}",
            user(),
            sshd.port(),
            key.display(),
            sshd.known_hosts().display(),
        )
    }

    /// The program with these words; what it writes besides goes where it is looked for.
    fn command(&self, words: &str) -> Command {
        let mut command = command(&self.keyring.home());
        self.keyring.hand_to(&mut command);
        command
            .env("ADIT_RUNTIME_DIR", self.runtime())
            .env("TMPDIR", self.keyring.home())
            .args(words.split_whitespace());
        command
    }

    fn runtime(&self) -> PathBuf {
        self.keyring.folder().join("adit")
    }

    fn ok(&self, words: &str) -> String {
        Self::output(self.command(words), words)
    }

    fn output(command: Command, words: &str) -> String {
        let output = Running::spawn(command).output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}: {said}");
        String::from_utf8(output.stdout).unwrap() + &said
    }

    /// The running instance, which logs all there is to log.
    fn agent(&self) -> Running {
        let mut command = self.command("agent");
        command.env("ADIT_LOG", "trace");
        let agent = Running::spawn(command);
        let end = Instant::now() + LIMIT;
        while !self.command("status").output().unwrap().status.success() {
            assert!(Instant::now() < end, "no instance answers");
        }
        agent
    }

    /// The tunnel in the instance's status, once `wanted` wants it.
    fn tunnel(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let watch = Running::spawn(self.command("status --watch --json"));
        let is_it = |tunnel: &&Value| tunnel["id"] == self.service.as_str() && wanted(tunnel);
        let found = |report: &Value| {
            let tunnels = report["tunnels"].as_array()?;
            tunnels.iter().find(is_it).cloned()
        };
        found(&watch.event(|report| found(report).is_some())).unwrap()
    }

    /// `bytes` hold no canary.
    fn assert_clean(&self, place: &str, bytes: &[u8]) {
        for (name, canary) in &self.canaries {
            assert!(!contains(bytes, canary), "{name} is in {place}");
        }
    }

    /// No file of the home holds a canary, and none of what the keyring, the instance and its settings have written.
    fn assert_files_are_clean(&self) {
        let mut folders = vec![self.keyring.folder().to_owned()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    files += 1;
                    let bytes = fs::read(&path).unwrap();
                    self.assert_clean(&path.display().to_string(), &bytes);
                }
            }
        }
        assert!(files > 2, "settings, the keyring's file and the lock");
    }
}

/// The private half of a key without a passphrase, as its file holds it between its other parts: before the public half, at the
/// end.
fn seed(path: &Path) -> Vec<u8> {
    let bytes = STANDARD.decode(private_text(path)).unwrap();
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let public = STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
    let public = &public[public.len() - 32..];
    let end = bytes.windows(32).rposition(|part| part == public).unwrap();
    bytes[end - 32..end].to_vec()
}

fn private_text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.contains("-----"))
        .collect()
}

/// The line of a key's file that holds its private half.
fn private_line(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("-----"))
        .collect();
    lines[lines.len() / 2].as_bytes().to_vec()
}

fn encrypt(key: &Path) {
    let changed = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", PASSPHRASE, "-f"])
        .arg(key)
        .status()
        .unwrap();
    assert!(changed.success());
}

fn talk_through(tunnel: &Value) {
    let local = tunnel["local"][0].as_str().unwrap();
    let data = b"hello there".to_vec();
    assert_eq!(exchange(local.parse().unwrap(), data.clone()), data);
}

#[test]
fn a_whole_session_leaves_no_secret_anywhere() {
    let world = World::new();
    world.save_hosts("--cluster-on-host");
    let agent = world.agent();
    let relay = Relay::before(world.runtime().join("control.sock"));
    let through_relay = |words: &str| {
        let mut command = world.command(words);
        command.env("ADIT_RUNTIME_DIR", relay.folder());
        command
    };
    let script = [
        ("Passphrase of the key", PASSPHRASE),
        ("Remember it", "y"),
        ("Password of", PASSWORD),
        ("Remember it", "y"),
        ("asks: ", REPLY),
        ("Remember it", "y"),
    ];
    let up = through_relay(&format!("up {}", world.service));
    let (mut up, person) = asked(up, &script);
    let seen = person.seen();
    assert!(up.wait().success(), "{}", up.words());
    world.assert_clean("the terminal", seen.as_bytes());
    world.assert_clean("what adit up says", up.words().as_bytes());
    talk_through(&world.tunnel(|tunnel| tunnel["state"] == "open"));

    for words in [
        "status -o json",
        "status",
        "logs",
        "hosts list -o json",
        "hosts show gate -o json",
        "hosts export",
    ] {
        let text = World::output(through_relay(words), words);
        assert!(
            text.contains("gate") || text.contains("cluster") || words == "logs",
            "{text}"
        );
        world.assert_clean(words, text.as_bytes());
    }
    for (place, bytes) in arguments_of_all() {
        world.assert_clean(&place, &bytes);
    }
    world.assert_files_are_clean();

    // The next run asks nothing, and leaves as little behind.
    let first = end(agent);
    let agent = world.agent();
    let up = World::output(through_relay(&format!("up {}", world.service)), "up");
    assert!(up.contains("127.0.0.1:"), "{up}");
    let second = end(agent);
    for log in [first, second] {
        assert!(log.contains("TRACE"), "it logs everything");
        world.assert_clean("the log", log.as_bytes());
    }
    world.assert_files_are_clean();
    assert_traffic_is_clean(&world, &relay);
}

/// Ctrl-C; all that it has logged.
fn end(mut agent: Running) -> String {
    agent.signal(rustix::process::Signal::INT);
    assert!(agent.wait().success());
    agent.words()
}

/// The instance says no secret, and hears each of them once, in a frame of its own.
fn assert_traffic_is_clean(world: &World, relay: &Relay) {
    let said = relay.said_by_instance();
    assert!(
        said.iter()
            .any(|bytes| contains(bytes, b"Passphrase") || contains(bytes, b"passphrase"))
    );
    for bytes in said {
        world.assert_clean("what the instance says", &bytes);
    }
    let (secrets, messages): (Vec<_>, Vec<_>) = relay
        .said_to_instance()
        .into_iter()
        .partition(|frame| frame.is_secret);
    let secrets: Vec<_> = secrets.into_iter().map(|frame| frame.content).collect();
    assert_eq!(secrets, TYPED.map(|text| text.as_bytes().to_vec()));
    for message in messages {
        world.assert_clean("a message to the instance", &message.content);
    }
}

#[test]
fn what_was_typed_is_wiped_when_nothing_needs_it_any_more() {
    let world = World::new();
    world.save_hosts("--cluster-kubeconfig");
    let agent = world.agent();
    let script = [
        ("Passphrase of the key", PASSPHRASE),
        ("Remember it", "y"),
        ("Password of", PASSWORD),
        ("Remember it", "y"),
        ("asks: ", REPLY),
        ("Remember it", "n"),
    ];
    let (mut up, person) = asked(world.command(&format!("up {}", world.service)), &script);
    person.seen();
    assert!(up.wait().success(), "{}", up.words());
    talk_through(&world.tunnel(|tunnel| tunnel["state"] == "open"));
    // While the host is needed, what was right is kept, so that a lost connection comes back by itself.
    let secrets: Vec<_> = world
        .canaries
        .iter()
        .filter(|(name, _)| TYPED.contains(name))
        .cloned()
        .collect();
    assert_eq!(in_memory(agent.pid(), &secrets).len(), TYPED.len());

    // What libssh2 decodes of a key's file is not looked for: it frees that without wiping it.
    world.ok("down --all");
    world.tunnel(|tunnel| tunnel["state"] == "off");
    // The link is closed a moment after its last tunnel.
    let end = Instant::now() + LIMIT;
    loop {
        let left = in_memory(agent.pid(), &secrets);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "{left:?} are still in memory");
    }
}
