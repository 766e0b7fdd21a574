//! SSH servers other than OpenSSH's: Dropbear, tinysshd, asyncssh and paramiko.
//!
//! The account `tester`, with a home folder of the test's own, is made up by `nss_wrapper` for the servers that ask the system.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::adit::{Running, command};
use super::inetd::Inetd;

/// The account that every peer has.
pub(crate) const USER: &str = "tester";
/// Its password, where the server takes one.
pub(crate) const PASSWORD: &str = "correct horse";

/// A kind of key, as ssh-keygen makes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyKind {
    /// `-t` and `-b`.
    pub(crate) kind: &'static [&'static str],
    /// `-m`.
    pub(crate) format: &'static str,
}

/// A server, and the folder with its keys.
pub(crate) struct Peer {
    folder: TempDir,
    port: u16,
    _inetd: Option<Inetd>,
    process: Option<Child>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // One that has ended by itself cannot be killed.
            let _ended = process.kill();
            let _ended = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log:\n{}", self.log());
        }
    }
}

/// Makes `path` and `path.pub`.
pub(crate) fn make_key_of(kind: KeyKind, path: &Path, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-C", "test", "-N", passphrase])
        .args(kind.kind)
        .args(["-m", kind.format])
        .arg("-f")
        .arg(path)
        .status()
        .expect("ssh-keygen is needed: tests/run installs openssh-client");
    assert!(made.success(), "{kind:?}");
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// `-t` of a key in OpenSSH's format.
pub(crate) const fn key(kind: &'static [&'static str]) -> KeyKind {
    KeyKind {
        kind,
        format: "RFC4716",
    }
}

/// Where a folder can stand that tinysshd trusts: it wants every folder on the way to be writable by nobody else, which /tmp
/// is not, nor is anything below it.
fn private_place() -> PathBuf {
    let is_private = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|facts| facts.is_dir() && facts.mode() & 0o022 == 0)
    };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = [Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))), home];
    let mut places = places.into_iter().flatten();
    places
        .find(|place| place.ancestors().all(is_private))
        .expect("neither the target folder nor the home folder is safe from other accounts, as tinysshd wants it")
}

/// A folder with a host key of `kind` in `host_key`, and a home whose `authorized_keys` is empty.
fn folder(host_keys: &[KeyKind]) -> TempDir {
    let folder = tempfile::tempdir_in(private_place()).unwrap();
    let at = |name: &str| folder.path().join(name);
    for (index, kind) in host_keys.iter().enumerate() {
        make_key_of(*kind, &at(&format!("host_key{index}")), "");
    }
    fs::create_dir_all(at("home/.ssh")).unwrap();
    fs::set_permissions(at("home"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(at("home/.ssh"), Permissions::from_mode(0o700)).unwrap();
    fs::write(at("home/.ssh/authorized_keys"), "").unwrap();
    fs::set_permissions(
        at("home/.ssh/authorized_keys"),
        Permissions::from_mode(0o600),
    )
    .unwrap();
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let home = at("home");
    let account = format!(
        "{USER}:x:{}:{}::{}:/bin/sh\n",
        uid.as_raw(),
        gid.as_raw(),
        home.display()
    );
    fs::write(at("passwd"), account).unwrap();
    fs::write(at("group"), format!("{USER}:x:{}:\n", gid.as_raw())).unwrap();
    folder
}

/// Has `command` see the account [`USER`] alone.
fn wrap(command: &mut Command, folder: &Path) {
    command
        .env("LD_PRELOAD", "libnss_wrapper.so")
        .env("NSS_WRAPPER_PASSWD", folder.join("passwd"))
        .env("NSS_WRAPPER_GROUP", folder.join("group"));
}

impl Peer {
    /// Dropbear, with these options besides.
    pub(crate) fn dropbear(host_keys: &[KeyKind], options: &[&str]) -> Self {
        let folder = folder(host_keys);
        let mut arguments = vec!["-i".to_owned()];
        for index in 0..host_keys.len() {
            let key = folder.path().join(format!("host_key{index}"));
            let converted = folder.path().join(format!("dropbear_key{index}"));
            let made = Command::new("dropbearconvert")
                .args(["openssh", "dropbear"])
                .args([&key, &converted])
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .expect("dropbearconvert is needed: tests/run installs dropbear-bin");
            assert!(made.success());
            arguments.extend(["-r".to_owned(), converted.display().to_string()]);
        }
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        Self::by_inetd(folder, "dropbear", arguments)
    }

    /// tinysshd, whose keys are its own.
    pub(crate) fn tinysshd() -> Self {
        let folder = folder(&[]);
        let keys = folder.path().join("keys");
        let made = Command::new("tinysshd-makekey")
            .args(["-q"])
            .arg(&keys)
            .status()
            .expect("tinysshd is needed: tests/run installs it");
        assert!(made.success());
        let printed = Command::new("tinysshd-printkey")
            .arg(&keys)
            .output()
            .unwrap();
        fs::write(folder.path().join("host_key0.pub"), printed.stdout).unwrap();
        let arguments = vec!["-v".to_owned(), keys.display().to_string()];
        Self::by_inetd(folder, "tinysshd", arguments)
    }

    fn by_inetd(folder: TempDir, program: &str, arguments: Vec<String>) -> Self {
        let path = folder.path().to_owned();
        let program = program_of(program);
        let inetd = Inetd::start(0, move |stream| {
            let mut command = Command::new(&program);
            command.args(&arguments);
            wrap(&mut command, &path);
            serve(command, stream, &path)
        });
        let mut peer = Self {
            folder,
            port: inetd.port(),
            _inetd: Some(inetd),
            process: None,
        };
        peer.learn_host_keys();
        peer
    }

    /// A server in Python: `asyncssh` or `paramiko`; see the scripts for the options.
    pub(crate) fn python(library: &str, host_keys: &[KeyKind], options: &[&str]) -> Self {
        let folder = folder(host_keys);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let log = File::create(folder.path().join("log")).unwrap();
        let mut process = Command::new(root.join("target/python/bin/python"))
            .arg(root.join(format!("tests/e2e/support/{library}_server.py")))
            .arg(folder.path())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("target/python is needed: tests/run makes it");
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_no_number| {
            let log = fs::read_to_string(folder.path().join("log")).unwrap();
            panic!("{library} did not start: {line}{log}")
        });
        let mut peer = Self {
            folder,
            port,
            _inetd: None,
            process: Some(process),
        };
        peer.learn_host_keys();
        peer
    }

    fn learn_host_keys(&mut self) {
        let mut known = String::new();
        for index in 0.. {
            let Ok(key) = fs::read_to_string(self.path(&format!("host_key{index}.pub"))) else {
                break;
            };
            writeln!(known, "[127.0.0.1]:{} {}", self.port, key.trim()).unwrap();
        }
        fs::write(self.known_hosts(), known).unwrap();
    }

    /// Lets these keys in, from now on.
    pub(crate) fn authorize(&self, keys: &[&Path]) {
        let public = keys.iter().map(|key| {
            let mut path = key.as_os_str().to_owned();
            path.push(".pub");
            fs::read_to_string(path).unwrap()
        });
        let text: String = public.collect();
        fs::write(self.path("home/.ssh/authorized_keys"), text).unwrap();
    }

    /// A key in this server's folder, which is let in with all those that were made before it.
    pub(crate) fn make_key(&self, name: &str, kind: KeyKind) -> PathBuf {
        let path = self.path(name);
        make_key_of(kind, &path, "");
        let file = self.path("home/.ssh/authorized_keys");
        let public = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        fs::write(&file, fs::read_to_string(&file).unwrap() + &public).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The port it listens on.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The account that it knows.
    pub(crate) const fn user() -> &'static str {
        USER
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A `Host` of ssh_config that leads here.
    pub(crate) fn host_lines(&self, name: &str, key: &Path) -> String {
        format!(
            "Host {name}\n HostName 127.0.0.1\n Port {}\n User {USER}\n IdentityFile {}\n UserKnownHostsFile {}\n \
             GlobalKnownHostsFile none\n",
            self.port,
            key.display(),
            self.known_hosts().display()
        )
    }

    /// `adit forward --json` through here, with these words besides.
    pub(crate) fn forward(&self, words: &[&str]) -> Running {
        let mut command = command(&self.path("home"));
        self.add_arguments(&mut command, words);
        command.args(["-o", "BatchMode=yes"]);
        Running::spawn(command)
    }

    /// Everything after the program's name.
    pub(crate) fn add_arguments(&self, command: &mut Command, words: &[&str]) {
        let known_hosts = format!("UserKnownHostsFile={}", self.known_hosts().display());
        command
            .args(["forward", "--json", "-F", "none"])
            .args(["-p", &self.port.to_string()])
            .args(words)
            .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
            .arg(format!("{USER}@127.0.0.1"));
    }
}

/// Servers live where an ordinary account's PATH does not lead.
fn program_of(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .map(|folder| Path::new(folder).join(name))
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is needed: tests/run installs it"))
}

fn serve(mut command: Command, stream: TcpStream, folder: &Path) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let socket = OwnedFd::from(stream);
    command
        .stdin(Stdio::from(socket.try_clone().unwrap()))
        .stdout(Stdio::from(socket))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}
