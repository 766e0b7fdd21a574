//! What the engine remembers: passphrases and passwords in a real gnome-keyring, wanted tunnels in the settings; and that no
//! secret shows anywhere else.
//!
//! The engine finds its keyring by the process's environment, so each test starts itself again in one of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit::engine::{EngineOptions, Handle, Memory, start_with};
use adit::model::{
    Answer, ClusterSource, Command, Destination, ForwardSpec, HostId, Intent, LocalBind, Question,
    SavedHost, Secret, ServiceKey, SettingsChange, Snapshot, Target, TunnelId, TunnelSpec,
    TunnelState, VaultStatus,
};
use tokio::runtime::Runtime;

use crate::support::LIMIT;
use crate::support::adit::command;
use crate::support::keyring::Keyring;
use crate::support::peer::{KeyKind, PASSWORD, Peer, key};
use crate::support::servers::{echo, exchange};
use crate::support::sshd::Sshd;

const ED25519: KeyKind = key(&["-t", "ed25519"]);
const PASSPHRASE: &str = "canary-passphrase-one";
const OTHER: &str = "canary-passphrase-two";
const INSIDE: &str = "ADIT_TEST_INSIDE";

/// Runs this test again beside `keyring`, with a log of everything; what it logged.
fn again(keyring: &Keyring, test: &str) -> String {
    let mut process = Process::new(std::env::current_exe().unwrap());
    keyring.hand_to(&mut process);
    let log = keyring.folder().join("log");
    process
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, &log)
        .env_remove("SSH_AUTH_SOCK");
    let output = process.output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read_to_string(log).unwrap()
}

/// Whether this is the process with a keyring of its own, which then logs all there is to log.
fn is_inside() -> bool {
    let Some(log) = std::env::var_os(INSIDE) else {
        return false;
    };
    let file = fs::File::create(log).unwrap();
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_writer(move || file.try_clone().unwrap())
        .init();
    true
}

/// One run of the engine.
struct Run {
    runtime: Runtime,
    handle: Handle,
    secrets: Vec<&'static str>,
}

impl Run {
    fn start(secrets: &[&'static str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let handle = {
            let _within = runtime.enter();
            start_with(EngineOptions {
                // The cluster of this machine's person is none of the tests' business.
                usual_cluster: None,
                ..EngineOptions::of_environment(Memory::Everything)
            })
        };
        let mut run = Self {
            runtime,
            handle,
            secrets: secrets.to_vec(),
        };
        run.until(|snapshot| {
            let has_begun = snapshot.vault != VaultStatus::Off && snapshot.vault.is_settled();
            has_begun.then_some(())
        });
        run
    }

    fn send(&self, command: Command) {
        self.handle.send(command);
    }

    /// Waits until a snapshot has what is wanted. No secret shows in any of them.
    fn until<T>(&mut self, wanted: impl Fn(&Snapshot) -> Option<T>) -> T {
        let secrets = self.secrets.clone();
        let handle = &mut self.handle;
        let search = async {
            let mut snapshot: Arc<Snapshot> = handle.snapshot();
            loop {
                let words = format!("{snapshot:?}");
                for secret in &secrets {
                    assert!(!words.contains(secret), "{secret} in {words}");
                }
                if let Some(found) = wanted(&snapshot) {
                    return found;
                }
                snapshot = handle.changed().await.unwrap();
            }
        };
        let limited = async { tokio::time::timeout(LIMIT, search).await };
        let found = self.runtime.block_on(limited);
        found
            .unwrap_or_else(|_elapsed| panic!("not within {LIMIT:?}: {:?}", self.handle.snapshot()))
    }

    fn open(&mut self, host: &str) {
        self.until(|snapshot| snapshot.host(&HostId::new(host)).map(|_| ()));
        self.send(Command::AddTunnel(TunnelSpec {
            id: TunnelId::Forward(0),
            host: HostId::new(host),
            local: LocalBind::loopback(0),
            target: Target::Fixed(Destination::tcp("127.0.0.1", echo().port())),
        }));
        self.send(Command::SetIntent {
            id: TunnelId::Forward(0),
            intent: Intent::Up,
        });
    }

    fn close(&mut self) {
        self.send(Command::SetIntent {
            id: TunnelId::Forward(0),
            intent: Intent::Down,
        });
        self.until(|snapshot| (state(snapshot)? == TunnelState::Off).then_some(()));
    }

    /// Waits for a question and answers it; the question, and whether the keyring's answer was refused.
    fn answer(&mut self, secret: &str, remember: bool) -> (Question, bool) {
        let prompt = self.until(|snapshot| snapshot.prompts.first().cloned());
        self.send(Command::Answer {
            prompt: prompt.id,
            answer: Answer::Secret {
                secret: Secret::new(secret.to_owned()),
                remember,
            },
        });
        self.until(|snapshot| {
            let is_gone = snapshot.prompts.iter().all(|other| other.id != prompt.id);
            is_gone.then_some(())
        });
        (prompt.question, prompt.was_refused)
    }

    /// Waits until it is open, without any question.
    fn is_open(&mut self) {
        self.until(|snapshot| {
            assert_eq!(snapshot.prompts, [], "nothing is to be asked");
            matches!(state(snapshot)?, TunnelState::Open { .. }).then_some(())
        });
    }

    fn keyring_is(&mut self, code: &str) {
        self.until(|snapshot| (snapshot.vault.code() == code).then_some(()));
    }

    fn end(mut self) {
        self.send(Command::Quit);
        self.until(|snapshot| snapshot.ended.then_some(()));
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

fn state(snapshot: &Snapshot) -> Option<TunnelState> {
    let tunnel = snapshot.tunnels.get(&TunnelId::Forward(0))?;
    Some(tunnel.state.clone())
}

/// A saved host that leads to a port of this computer.
fn saved(port: u16, user: &str, known_hosts: &Path, identity: Option<PathBuf>) -> SavedHost {
    SavedHost {
        user: Some(user.to_owned()),
        port: Some(port),
        identities: identity.into_iter().collect(),
        options: vec![
            format!("UserKnownHostsFile={}", known_hosts.display()),
            "GlobalKnownHostsFile=none".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
        ],
        ..SavedHost::new("node", "127.0.0.1")
    }
}

fn change_passphrase(key: &Path, old: &str, new: &str) {
    let changed = Process::new("ssh-keygen")
        .args(["-q", "-p", "-P", old, "-N", new, "-f"])
        .arg(key)
        .status()
        .unwrap();
    assert!(changed.success());
}

/// No file in the folder holds any of these.
fn assert_nowhere(folder: &Path, secrets: &[&str]) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let bytes = fs::read(&path).unwrap();
                for secret in secrets {
                    let found = bytes
                        .windows(secret.len())
                        .any(|part| part == secret.as_bytes());
                    assert!(!found, "{} holds {secret}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_passphrase_is_remembered_replaced_when_refused_and_forgotten() {
    const SECRETS: [&str; 2] = [PASSPHRASE, OTHER];
    if !is_inside() {
        let keyring = Keyring::unlocked();
        let log = again(
            &keyring,
            "memory::a_passphrase_is_remembered_replaced_when_refused_and_forgotten",
        );
        assert!(log.contains("adit::"), "it was logged: {log}");
        assert_nowhere(keyring.folder(), &SECRETS);
        for words in ["hosts list -o json", "hosts show node", "hosts export"] {
            let mut command = command(&keyring.home());
            keyring.hand_to(&mut command);
            let output = command.args(words.split(' ')).output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(text.contains("127.0.0.1"), "{text}");
            assert!(
                SECRETS.iter().all(|secret| !text.contains(secret)),
                "{text}"
            );
        }
        return;
    }
    let sshd = Sshd::start(&[]);
    change_passphrase(&sshd.key(), "", PASSPHRASE);
    let user = Sshd::login();
    let user = user.split('@').next().unwrap();

    let mut run = Run::start(&SECRETS);
    let host = saved(sshd.port(), user, &sshd.known_hosts(), Some(sshd.key()));
    run.send(Command::SaveHost(Box::new(host)));
    run.send(Command::ChangeSettings(SettingsChange::Favourite {
        service: ServiceKey::new("shop", "web"),
        on: true,
    }));
    run.open("node");
    let (question, was_refused) = run.answer(PASSPHRASE, true);
    assert!(matches!(question, Question::Passphrase { again: false, .. }) && !was_refused);
    run.is_open();
    run.end();

    // The next run knows the host and the passphrase.
    let mut run = Run::start(&SECRETS);
    assert!(run.handle.snapshot().settings.favourites.len() == 1);
    run.open("node");
    run.is_open();
    run.end();

    // What is remembered is wrong now: it is asked anew, and replaced.
    change_passphrase(&sshd.key(), PASSPHRASE, OTHER);
    let mut run = Run::start(&SECRETS);
    run.open("node");
    let (_, was_refused) = run.answer(OTHER, true);
    assert!(was_refused);
    run.is_open();
    run.end();
    let mut run = Run::start(&SECRETS);
    run.open("node");
    run.is_open();

    run.send(Command::ForgetSecrets(HostId::new("node")));
    run.close();
    run.end();
    let mut run = Run::start(&SECRETS);
    run.open("node");
    let (_, was_refused) = run.answer(OTHER, false);
    assert!(!was_refused);
    run.is_open();
    // Within this run a link that is dialled again asks nothing; a new wish for it does.
    run.end();
    let arguments = fs::read("/proc/self/cmdline").unwrap();
    let arguments = String::from_utf8_lossy(&arguments);
    assert!(SECRETS.iter().all(|secret| !arguments.contains(secret)));
}

#[test]
fn passwords_are_remembered_by_either_method_but_codes_are_not() {
    if !is_inside() {
        let keyring = Keyring::unlocked();
        again(
            &keyring,
            "memory::passwords_are_remembered_by_either_method_but_codes_are_not",
        );
        assert_nowhere(keyring.folder(), &[PASSWORD]);
        return;
    }
    for (method, codes) in [("password", false), ("interactive", true)] {
        let peer = Peer::python("asyncssh", &[ED25519], &[method]);
        let host = saved(peer.port(), Peer::user(), &peer.known_hosts(), None);
        let mut run = Run::start(&[PASSWORD]);
        run.send(Command::RemoveHost(HostId::new("node")));
        run.send(Command::SaveHost(Box::new(host)));
        run.open("node");
        // A wrong one is not kept, though the person wanted it to be.
        if !codes {
            run.answer("wrong", true);
        }
        run.answer(PASSWORD, true);
        if codes {
            run.answer("123456", true);
        }
        run.is_open();
        run.end();
        let mut run = Run::start(&[PASSWORD]);
        run.open("node");
        if codes {
            let (question, _) = run.answer("123456", false);
            let is_code =
                matches!(&question, Question::Interactive { text, .. } if text.contains("Code"));
            assert!(is_code, "{question:?}");
        }
        run.is_open();
        run.end();
    }
}

#[test]
fn without_a_keyring_hosts_last_until_the_end_and_that_is_said() {
    if !is_inside() {
        let keyring = Keyring::absent();
        again(
            &keyring,
            "memory::without_a_keyring_hosts_last_until_the_end_and_that_is_said",
        );
        return;
    }
    let sshd = Sshd::start(&[]);
    let user = Sshd::login();
    let user = user.split('@').next().unwrap();
    let mut run = Run::start(&[]);
    let snapshot = run.handle.snapshot();
    let VaultStatus::Absent { remedy, .. } = &snapshot.vault else {
        panic!("{:?}", snapshot.vault)
    };
    assert!(remedy.contains("gnome-keyring"), "{remedy}");
    let notices: Vec<String> = snapshot
        .notices
        .iter()
        .map(|notice| notice.text.to_string())
        .collect();
    assert!(
        notices.len() == 1 && notices[0].contains("in memory only"),
        "{notices:?}"
    );
    let host = saved(sshd.port(), user, &sshd.known_hosts(), Some(sshd.key()));
    run.send(Command::SaveHost(Box::new(host)));
    run.open("node");
    run.is_open();
    run.end();
    let mut run = Run::start(&[]);
    run.until(|snapshot| snapshot.saved_hosts.is_empty().then_some(()));
    run.end();
}

#[test]
fn what_was_kept_in_memory_is_in_the_keyring_once_that_comes() {
    if !is_inside() {
        let keyring = Keyring::absent();
        again(
            &keyring,
            "memory::what_was_kept_in_memory_is_in_the_keyring_once_that_comes",
        );
        assert_nowhere(keyring.folder(), &[PASSPHRASE]);
        return;
    }
    let mut keyring = Keyring::of_environment();
    let sshd = Sshd::start(&[]);
    change_passphrase(&sshd.key(), "", PASSPHRASE);
    let user = Sshd::login();
    let user = user.split('@').next().unwrap();
    let mut run = Run::start(&[PASSPHRASE]);
    let host = saved(sshd.port(), user, &sshd.known_hosts(), Some(sshd.key()));
    run.send(Command::SaveHost(Box::new(host)));
    run.until(|snapshot| (snapshot.saved_hosts.len() == 1).then_some(()));

    // A host that was saved without a keyring.
    keyring.restart();
    run.keyring_is("ready");
    run.until(|snapshot| {
        let mut notices = snapshot.notices.iter();
        notices
            .find(|notice| notice.text.contains("remembered again"))
            .map(|_| ())
    });
    has_entry(&keyring, "host:node", true);

    // A passphrase that it was to keep while it was gone.
    run.open("node");
    run.until(|snapshot| snapshot.prompts.first().map(|_| ()));
    keyring.kill();
    run.keyring_is("absent");
    run.answer(PASSPHRASE, true);
    run.is_open();
    keyring.restart();
    run.keyring_is("ready");
    has_entry(&keyring, "secrets:node", true);

    // What was removed meanwhile does not come back with it.
    keyring.kill();
    run.keyring_is("absent");
    run.send(Command::RemoveHost(HostId::new("node")));
    keyring.restart();
    run.keyring_is("ready");
    has_entry(&keyring, "host:node", false);
    has_entry(&keyring, "secrets:node", false);
    assert!(run.handle.snapshot().saved_hosts.is_empty());
    run.end();
}

/// Waits until the keyring has such an entry, or has it no more.
fn has_entry(keyring: &Keyring, name: &str, wanted: bool) {
    let end = Instant::now() + LIMIT;
    while keyring.entry(name).is_some() != wanted {
        assert!(Instant::now() < end, "{name}: {wanted} is waited for");
    }
}

#[test]
fn a_tunnel_that_was_up_is_up_again_and_one_that_was_closed_is_not() {
    if !is_inside() {
        let keyring = Keyring::unlocked();
        again(
            &keyring,
            "memory::a_tunnel_that_was_up_is_up_again_and_one_that_was_closed_is_not",
        );
        let settings = fs::read_to_string(keyring.home().join("config/adit/settings.toml"));
        let settings = settings.unwrap();
        assert!(
            settings.contains("[tunnels.\"default/ui:80\"]"),
            "{settings}"
        );
        assert!(
            !settings.contains("127.0.0.1"),
            "no address of a host: {settings}"
        );
        return;
    }
    let demo = Runtime::new().unwrap();
    let world = demo
        .block_on(adit::demo::DemoWorld::start(
            adit::demo::DemoOptions::default(),
        ))
        .unwrap();
    let access = world.access();
    let id = TunnelId::service(ServiceKey::new("default", "ui"), 80);
    let is = |wanted: fn(&TunnelState) -> bool| {
        let id = id.clone();
        move |snapshot: &Snapshot| wanted(&snapshot.tunnels.get(&id)?.state).then_some(())
    };
    let is_open = is(|state| matches!(state, TunnelState::Open { .. }));
    let is_off = is(|state| *state == TunnelState::Off);

    let mut run = Run::start(&[]);
    let host = SavedHost {
        cluster: Some(ClusterSource::local(
            Some(access.kubeconfig.clone()),
            Some(access.context.clone()),
        )),
        ..saved(
            access.ssh_port,
            &access.ssh_user,
            &access.known_hosts,
            Some(access.identity.clone()),
        )
    };
    run.send(Command::SaveHost(Box::new(host)));
    run.until(|snapshot| (!snapshot.cluster.services.is_empty()).then_some(()));
    run.send(Command::SetIntent {
        id: id.clone(),
        intent: Intent::Up,
    });
    run.until(&is_open);
    run.end();

    let mut run = Run::start(&[]);
    run.until(&is_open);
    run.send(Command::SetIntent {
        id: id.clone(),
        intent: Intent::Down,
    });
    run.until(&is_off);
    run.end();

    let mut run = Run::start(&[]);
    run.until(|snapshot| (!snapshot.cluster.services.is_empty()).then_some(()));
    run.until(&is_off);
    run.end();
    drop(world);
}

#[test]
fn a_forward_that_leads_to_no_service_is_open_again_until_it_is_closed() {
    if !is_inside() {
        let keyring = Keyring::unlocked();
        again(
            &keyring,
            "memory::a_forward_that_leads_to_no_service_is_open_again_until_it_is_closed",
        );
        let settings = fs::read_to_string(keyring.home().join("config/adit/settings.toml"));
        let settings = settings.unwrap();
        assert!(!settings.contains("[[forwards]]"), "{settings}");
        return;
    }
    let sshd = Sshd::start(&[]);
    let user = Sshd::login();
    let user = user.split('@').next().unwrap();
    let is_gone = |snapshot: &Snapshot| snapshot.tunnels.is_empty().then_some(());
    let mut run = Run::start(&[]);
    let host = saved(sshd.port(), user, &sshd.known_hosts(), Some(sshd.key()));
    run.send(Command::SaveHost(Box::new(host)));
    run.send(Command::OpenForwards {
        host: HostId::new("node"),
        forwards: vec![ForwardSpec {
            local: LocalBind::loopback(0),
            destination: Destination::tcp("127.0.0.1", echo().port()),
        }],
    });
    run.is_open();
    run.end();

    let mut run = Run::start(&[]);
    run.is_open();
    let local = run.handle.snapshot().tunnels[&TunnelId::Forward(0)].local_address();
    assert_eq!(exchange(local.unwrap(), b"again".to_vec()), b"again");
    run.close();
    run.end();

    let mut run = Run::start(&[]);
    run.until(is_gone);
    run.end();
}
