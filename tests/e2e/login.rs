//! Logging in: keys and certificates from files and from agents, passphrases, passwords, several factors.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::adit::{Running, command};
use crate::support::peer::{KeyKind, PASSWORD, Peer, key, make_key_of};
use crate::support::person::asked;
use crate::support::servers::{echo, exchange, noise, to};
use crate::support::sshd::{Sshd, make_key};

const ED25519: KeyKind = key(&["-t", "ed25519"]);
const RSA: KeyKind = key(&["-t", "rsa", "-b", "2048"]);
const P256: KeyKind = key(&["-t", "ecdsa", "-b", "256"]);

fn works(adit: &Running) {
    let data = noise(10_000);
    assert!(exchange(adit.listening(0), data.clone()) == data);
}

/// A real ssh-agent of the test's own.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        // One that was killed has left its socket behind.
        let _none = fs::remove_file(&socket);
        let mut process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .expect("ssh-agent is needed: tests/run installs openssh-client");
        // It prints where it listens once it does.
        let mut line = [0; 1];
        let stdout = process.stdout.as_mut().unwrap();
        std::io::Read::read_exact(stdout, &mut line).unwrap();
        Self { process, socket }
    }

    /// Adds the key at `path`, and the certificate beside it.
    fn add(&self, path: &Path) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(path)
            .env("SSH_AUTH_SOCK", &self.socket)
            .status()
            .unwrap();
        assert!(added.success());
    }

    fn option(&self) -> String {
        format!("IdentityAgent={}", self.socket.display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// `adit forward` to `sshd` without any key but those that `words` name.
fn bare(sshd: &Sshd, words: &[&str]) -> Running {
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    let mut command = command(&sshd.home());
    command
        .args(["forward", "--json", "-F", "none", "-o", "BatchMode=yes"])
        .args(["-p", &sshd.port().to_string()])
        .args(words)
        .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
        .arg(Sshd::login());
    Running::spawn(command)
}

/// Lets only `keys` in.
fn authorize(sshd: &Sshd, lines: &[String]) {
    fs::write(sshd.path("authorized_keys"), lines.concat()).unwrap();
}

fn public(path: &Path) -> String {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    fs::read_to_string(name).unwrap()
}

/// How often each key was refused.
fn refusals(sshd: &Sshd) -> usize {
    sshd.log().matches("Failed publickey").count()
}

/// So many keys in an agent, of which the server knows none.
fn strangers(folder: &Path, agent: &Agent, count: usize) {
    for index in 0..count {
        let path = folder.join(format!("stranger{index}"));
        make_key(&path);
        agent.add(&path);
    }
}

#[test]
fn an_agent_with_several_keys_has_the_right_one_found() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 3);
    agent.add(&sshd.key());
    let adit = bare(&sshd, &["-o", &agent.option(), "-L", &to(echo())]);
    works(&adit);
}

#[test]
fn more_keys_than_the_server_has_patience_for_take_a_second_connection() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 8);
    agent.add(&sshd.key());
    let adit = bare(&sshd, &["-o", &agent.option(), "-L", &to(echo())]);
    works(&adit);
    let log = sshd.log();
    assert_eq!(log.matches("Connection from").count(), 2, "{log}");
    assert!(!log.contains("Too many authentication failures"), "{log}");
}

#[test]
fn far_too_many_keys_are_explained() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 13);
    let adit = bare(&sshd, &["-o", &agent.option(), "-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "auth-rejected");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("3 more keys") && message.contains("MaxAuthTries"),
        "{message}"
    );
}

#[test]
fn a_server_with_less_patience_is_asked_again_and_explained() {
    let sshd = Sshd::start(&["MaxAuthTries 2"]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 2);
    agent.add(&sshd.key());
    let words = ["-o", &agent.option(), "-L", &to(echo())];
    works(&bare(&sshd, &words));

    let sshd = Sshd::start(&["MaxAuthTries 2"]);
    strangers(&sshd.path(""), &agent, 2);
    let adit = bare(&sshd, &words);
    let message = adit.failed()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("Too many authentication failures"),
        "{message}"
    );
}

#[test]
fn a_named_key_comes_before_the_agents_others() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    strangers(&sshd.path(""), &agent, 8);
    let key = sshd.key();
    let words = [
        "-o",
        &agent.option(),
        "-i",
        key.to_str().unwrap(),
        "-L",
        &to(echo()),
    ];
    works(&bare(&sshd, &words));
    assert_eq!(refusals(&sshd), 0, "{}", sshd.log());
}

#[test]
fn identities_only_keeps_the_agents_others_out() {
    let sshd = Sshd::start(&[]);
    let agent = Agent::start(&sshd.path(""));
    agent.add(&sshd.key());
    let other = sshd.path("other");
    make_key(&other);
    let (agent, other, target) = (agent, other.to_str().unwrap(), to(echo()));
    let option = agent.option();
    let only = ["-o", "IdentitiesOnly=yes", "-o", &option, "-L", &target];
    let fault = bare(&sshd, &[&only[..], &["-i", other]].concat()).failed();
    assert_eq!(fault["code"], "auth-rejected", "{fault}");

    // The key that is named is in the agent alone: its public half is all that there is on the disk.
    let public = sshd.path("public");
    fs::copy(sshd.path("key.pub"), &public).unwrap();
    let public = public.to_str().unwrap();
    works(&bare(&sshd, &[&only[..], &["-i", public]].concat()));

    let none = ["-o", "IdentityAgent=none", "-i", public, "-L", &target];
    assert_eq!(bare(&sshd, &none).failed()["code"], "key-format");
}

#[test]
fn accepted_algorithms_leave_keys_out() {
    let sshd = Sshd::start(&["LogLevel DEBUG1"]);
    let rsa = sshd.path("rsa");
    make_key_of(RSA, &rsa, "");
    authorize(&sshd, &[public(&rsa)]);
    let (rsa, target) = (rsa.to_str().unwrap(), to(echo()));
    let words = |algorithms: &'static str| ["-o", algorithms, "-i", rsa, "-L", &target];
    works(&bare(
        &sshd,
        &words("PubkeyAcceptedAlgorithms=rsa-sha2-256"),
    ));
    assert!(sshd.log().contains("pkalg rsa-sha2-256"), "{}", sshd.log());
    let fault = bare(&sshd, &words("PubkeyAcceptedAlgorithms=ssh-ed25519")).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
}

#[test]
fn methods_are_tried_as_they_are_preferred() {
    let sshd = Sshd::start(&[]);
    let key = sshd.key();
    let key = ["-i", key.to_str().unwrap(), "-L", &to(echo())];
    let password = [&["-o", "PreferredAuthentications=password"][..], &key].concat();
    let fault = bare(&sshd, &password).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
    let off = [&["-o", "PubkeyAuthentication=no"][..], &key].concat();
    assert_eq!(
        bare(&sshd, &off).failed()["code"],
        "nothing-to-authenticate-with"
    );
}

/// A certificate authority, and certificates by it for the keys.
fn certify(folder: &Path, keys: &[&Path]) -> PathBuf {
    let authority = folder.join("authority");
    make_key(&authority);
    for key in keys {
        let mut public = key.as_os_str().to_owned();
        public.push(".pub");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(&authority)
            .args(["-I", "test", "-n", &crate::support::sshd::user()])
            .arg(public)
            .status()
            .unwrap();
        assert!(made.success());
    }
    folder.join("authority.pub")
}

#[test]
fn certificates_are_offered_from_files_and_from_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        ("ed25519", ED25519),
        ("rsa", RSA),
        ("p256", P256),
        (
            "rsapem",
            KeyKind {
                format: "PEM",
                ..RSA
            },
        ),
    ];
    let keys: Vec<PathBuf> = kinds
        .iter()
        .map(|(name, kind)| {
            let path = folder.path().join(name);
            make_key_of(*kind, &path, "");
            path
        })
        .collect();
    let paths: Vec<&Path> = keys.iter().map(PathBuf::as_path).collect();
    let authority = certify(folder.path(), &paths);
    let sshd = Sshd::start(&[&format!("TrustedUserCAKeys {}", authority.display())]);
    authorize(&sshd, &[]);
    let target = to(echo());
    for key in &keys {
        let text = key.to_str().unwrap();
        // KEY-cert.pub beside the key.
        works(&bare(&sshd, &["-i", text, "-L", &target]));

        // The key and the certificate in the agent.
        let agent = Agent::start(&sshd.path(""));
        agent.add(key);
        works(&bare(&sshd, &["-o", &agent.option(), "-L", &target]));

        // The key in the agent, the certificate in a file of another name.
        let agent = Agent::start(&folder.path().join(""));
        let alone = folder.path().join("alone");
        fs::copy(key, &alone).unwrap();
        agent.add(&alone);
        let certificate = format!("CertificateFile={text}-cert.pub");
        let words = ["-o", &agent.option(), "-o", &certificate, "-L", &target];
        works(&bare(&sshd, &words));
    }
    let log = sshd.log();
    // No key is authorized by itself.
    assert_eq!(log.matches("Accepted publickey").count(), 12, "{log}");
}

#[test]
fn encrypted_keys_of_every_format_ask_for_their_passphrase() {
    let sshd = Sshd::start(&[]);
    let kinds = [
        ED25519,
        RSA,
        KeyKind {
            format: "PEM",
            ..RSA
        },
        KeyKind {
            format: "PKCS8",
            ..P256
        },
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        let path = sshd.path(&format!("locked{index}"));
        make_key_of(kind, &path, "open sesame");
        authorize(&sshd, &[public(&path)]);
        let mut command = command(&sshd.home());
        let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
        command
            .args(["forward", "--json", "-F", "none", "-i"])
            .arg(&path)
            .args(["-p", &sshd.port().to_string(), "-L", &to(echo())])
            .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
            .arg(Sshd::login());
        let script = [
            ("Passphrase of the key", "wrong"),
            ("That was not it", "open sesame"),
        ];
        let (adit, person) = asked(command, &script);
        works(&adit);
        let seen = person.seen();
        assert!(!seen.contains("sesame"), "{kind:?}: {seen}");
    }
}

#[test]
fn a_locked_key_that_the_server_does_not_want_asks_for_nothing() {
    let sshd = Sshd::start(&[]);
    let path = sshd.path("locked");
    make_key_of(ED25519, &path, "open sesame");
    let key = sshd.key();
    let words = [
        "-i",
        path.to_str().unwrap(),
        "-i",
        key.to_str().unwrap(),
        "-L",
        &to(echo()),
    ];
    let mut command = command(&sshd.home());
    let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
    command
        .args(["forward", "--json", "-F", "none"])
        .args(["-p", &sshd.port().to_string(), "-o", &known_hosts])
        .args(words)
        .arg(Sshd::login());
    let (adit, person) = asked(command, &[]);
    works(&adit);
    assert_eq!(person.seen(), "");
}

#[test]
fn batch_mode_asks_for_nothing() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password", "interactive"]);
    let fault = peer.forward(&["-L", &to(echo())]).failed();
    assert_eq!(fault["code"], "nothing-to-authenticate-with", "{fault}");
}

#[test]
fn a_password_is_asked_for_and_asked_for_again() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password"]);
    let mut command = command(&peer.path("home"));
    peer.add_arguments(&mut command, &["-L", &to(echo())]);
    let script = [("Password of", "wrong"), ("That was not it", PASSWORD)];
    let (adit, person) = asked(command, &script);
    works(&adit);
    let seen = person.seen();
    assert!(!seen.contains(PASSWORD), "{seen}");
}

#[test]
fn no_more_passwords_than_allowed_are_asked_for() {
    let peer = Peer::python("asyncssh", &[ED25519], &["password"]);
    let mut command = command(&peer.path("home"));
    let words = ["-o", "NumberOfPasswordPrompts=1", "-L", &to(echo())];
    peer.add_arguments(&mut command, &words);
    let (adit, _person) = asked(command, &[("Password of", "wrong")]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "auth-rejected", "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(message.ends_with("tried: password"), "{message}");
}

#[test]
fn an_exchange_of_two_questions_is_answered() {
    let peer = Peer::python("asyncssh", &[ED25519], &["interactive"]);
    let mut command = command(&peer.path("home"));
    peer.add_arguments(&mut command, &["-L", &to(echo())]);
    let script = [("Password:", PASSWORD), ("Code:", "123456")];
    let (adit, person) = asked(command, &script);
    works(&adit);
    assert!(person.seen().contains("Both are needed."));
}

#[test]
fn a_key_and_then_a_password_are_two_factors() {
    for chain in [["publickey", "password"], ["password", "publickey"]] {
        let peer = Peer::python("paramiko", &[ED25519], &chain);
        let key = peer.make_key("key", ED25519);
        let mut command = command(&peer.path("home"));
        let words = ["-i", key.to_str().unwrap(), "-L", &to(echo())];
        peer.add_arguments(&mut command, &words);
        let (adit, _person) = asked(command, &[("Password of", PASSWORD)]);
        works(&adit);
    }
}

#[test]
fn two_keys_are_two_factors_too() {
    let sshd = Sshd::start(&["AuthenticationMethods publickey,publickey"]);
    let (one, other) = (sshd.key(), sshd.path("other"));
    make_key(&other);
    authorize(&sshd, &[public(&one), public(&other)]);
    let target = to(echo());
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    works(&bare(&sshd, &["-i", one, "-i", other, "-L", &target]));

    let fault = bare(&sshd, &["-i", one, "-L", &target]).failed();
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains("proved, and not enough"), "{message}");
}

#[test]
fn a_missing_key_is_named_and_another_one_used() {
    let sshd = Sshd::start(&[]);
    let config = sshd.path("ssh_config");
    let lines = |keys: &[&Path]| {
        let mut text = format!(
            "Host there\n HostName 127.0.0.1\n Port {}\n UserKnownHostsFile {}\n BatchMode yes\n",
            sshd.port(),
            sshd.known_hosts().display()
        );
        for key in keys {
            writeln!(text, " IdentityFile {}", key.display()).unwrap();
        }
        fs::write(&config, text).unwrap();
        let mut command = command(&sshd.home());
        command
            .args(["forward", "--json", "-L", &to(echo()), "-F"])
            .arg(&config)
            .arg("there");
        Running::spawn(command)
    };
    let missing = sshd.path("missing");
    let adit = lines(&[&missing, &sshd.key()]);
    works(&adit);
    let words = adit.words();
    assert!(
        words.contains(missing.to_str().unwrap()) && words.contains("skipped"),
        "{words}"
    );
    let fault = lines(&[&missing]).failed();
    assert_eq!(fault["code"], "key-unreadable", "{fault}");
}

#[test]
fn a_proxy_command_is_the_way_and_ends_with_the_session() {
    let sshd = Sshd::start(&[]);
    let mark = sshd.path("mark");
    // The shell's own number outlives `exec`, and the file says what ran.
    let proxy = format!(
        "ProxyCommand=sh -c 'echo $$ > {}; exec nc %h %p'",
        mark.display()
    );
    let adit = Running::forward(&sshd, &["-o", &proxy, "-L", &to(echo())]);
    works(&adit);
    let pid = fs::read_to_string(&mark).unwrap();
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    assert!(process.exists());
    assert!(adit.interrupt().success());
    assert!(!process.exists(), "it is gone, and no zombie");
}

#[test]
fn a_proxy_command_that_fails_says_why() {
    let sshd = Sshd::start(&[]);
    let proxy = "ProxyCommand=sh -c 'echo no way there >&2; exit 7'";
    let adit = Running::forward(&sshd, &["-o", proxy, "-L", &to(echo())]);
    let fault = adit.state("waiting")["fault"].clone();
    assert_eq!(fault["code"], "connect-failed", "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("no way there") && message.contains('7'),
        "{message}"
    );
}

#[test]
fn hosts_are_hashed_where_that_is_asked_for() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.known_hosts(), "").unwrap();
    let words = [
        "-o",
        "StrictHostKeyChecking=accept-new",
        "-o",
        "HashKnownHosts=yes",
        "-L",
        &to(echo()),
    ];
    works(&Running::forward(&sshd, &words));
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    assert!(
        known.starts_with("|1|") && !known.contains("127.0.0.1"),
        "{known}"
    );
    works(&Running::forward(&sshd, &["-L", &to(echo())]));
}

/// An agent that holds a security key, in software: what OpenSSH's PROTOCOL.u2f has it sign, and how it answers.
mod security_key {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    const KIND: &[u8] = b"sk-ssh-ed25519@openssh.com";
    const APPLICATION: &[u8] = b"ssh:";
    /// User presence, and a counter of 1.
    const FLAGS_AND_COUNTER: [u8; 5] = [1, 0, 0, 0, 1];

    fn put(message: &mut Vec<u8>, field: &[u8]) {
        message.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        message.extend(field);
    }

    fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl is needed: tests/run installs it");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    }

    /// Listens at `socket`, and is touched so long after it was asked to sign; returns the line for authorized_keys.
    pub(super) fn start(folder: &Path, socket: &Path, touched_after: Duration) -> String {
        let private = folder.join("sk.pem").to_str().unwrap().to_owned();
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &private], b"");
        let der = openssl(
            &["pkey", "-in", &private, "-pubout", "-outform", "DER"],
            b"",
        );
        let mut blob = Vec::new();
        for field in [KIND, &der[der.len() - 32..], APPLICATION] {
            put(&mut blob, field);
        }
        let line = format!(
            "{} {}\n",
            String::from_utf8(KIND.to_vec()).unwrap(),
            STANDARD.encode(&blob)
        );
        let listener = UnixListener::bind(socket).unwrap();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &blob, &private, &folder, touched_after);
            }
        });
        line
    }

    fn serve(
        mut stream: UnixStream,
        blob: &[u8],
        private: &str,
        folder: &Path,
        touched_after: Duration,
    ) {
        loop {
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                return;
            }
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            let mut answer = Vec::new();
            if request[0] == 11 {
                answer.extend([12, 0, 0, 0, 1]);
                put(&mut answer, blob);
                put(&mut answer, b"a security key");
            } else {
                std::thread::park_timeout(touched_after);
                let data = &request[1 + 4 + blob.len() + 4..request.len() - 4];
                let mut signed = Sha256::digest(APPLICATION).to_vec();
                signed.extend(FLAGS_AND_COUNTER);
                signed.extend(Sha256::digest(data));
                let file = folder.join("signed");
                std::fs::write(&file, signed).unwrap();
                let file = file.to_str().unwrap();
                let words = ["pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", file];
                let mut signature = Vec::new();
                put(&mut signature, KIND);
                put(&mut signature, &openssl(&words, b""));
                signature.extend(FLAGS_AND_COUNTER);
                answer.push(14);
                put(&mut answer, &signature);
            }
            let mut message = Vec::new();
            put(&mut message, &answer);
            stream.write_all(&message).unwrap();
        }
    }
}

fn by_security_key(touched_after: Duration, options: &[&str]) {
    let sshd = Sshd::start(&[]);
    let socket = sshd.path("agent");
    let line = security_key::start(&sshd.path(""), &socket, touched_after);
    authorize(&sshd, &[line]);
    let agent = format!("IdentityAgent={}", socket.display());
    let target = to(echo());
    let words = [options, &["-o", &agent, "-L", &target]].concat();
    works(&bare(&sshd, &words));
}

#[test]
fn a_security_key_in_the_agent_logs_in() {
    by_security_key(Duration::ZERO, &[]);
}

#[test]
fn a_person_may_take_longer_to_touch_it_than_a_server_to_answer() {
    let impatient = [
        "-oConnectTimeout=1",
        "-oServerAliveInterval=1",
        "-oServerAliveCountMax=0",
    ];
    by_security_key(Duration::from_millis(2500), &impatient);
}
