//! The real OpenSSH sshd in a private folder, on a loopback port.
//!
//! Each connection gets an `sshd -i` of its own, as inetd would start it. The port is bound by the test, so that it is
//! ready when it is known and nobody else can take it; and what serves one connection is one process group, so that a
//! server that is killed is killed whole.

use std::fs::{self, File, Permissions};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use super::adit::command;
use super::inetd::Inetd;
use super::servers::to;

/// Where Debian, Fedora, Arch and macOS keep it. sshd insists on being started by its whole path.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// Where PAM's configuration stands, for a server that asks for passwords.
const PAM_FOLDER: &str = "pam";

/// An SSH server that ends with this value.
pub(crate) struct Sshd {
    folder: TempDir,
    port: u16,
    inetd: Option<Inetd>,
}

impl Sshd {
    /// A server that lets the key [`Sshd::key`] in, with these lines put before its own configuration.
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        make_key(&at("host_key"));
        make_key(&at("key"));
        fs::copy(at("key.pub"), at("authorized_keys")).unwrap();
        fs::create_dir(at("home")).unwrap();
        let config = config(folder.path(), options);
        fs::write(at("sshd_config"), config).unwrap();
        make_privilege_separation_folder();
        let mut sshd = Self {
            folder,
            port: 0,
            inetd: None,
        };
        sshd.resume();
        let known = format!("{} {}", sshd.known_name(), sshd.host_key());
        fs::write(sshd.known_hosts(), known).unwrap();
        sshd
    }

    /// The same, for those who know this password of the account as well: it is asked for by PAM, which `pam_wrapper` has ask a file.
    /// The options say in which way; the key alone is not enough.
    pub(crate) fn start_with_password(password: &str, options: &[&str]) -> Self {
        let pam = [
            "UsePAM yes",
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
        ];
        let pam = [&pam[..], &["KbdInteractiveAuthentication yes"], options].concat();
        let sshd = Self::start(&pam);
        let accounts = sshd.path("passdb");
        fs::write(&accounts, format!("{}:{password}:sshd\n", user())).unwrap();
        let lines = ["auth", "account", "password", "session"].map(|part| {
            let (module, accounts) = (pam_matrix(), accounts.display());
            format!("{part} required {} passdb={accounts}\n", module.display())
        });
        fs::create_dir(sshd.path(PAM_FOLDER)).unwrap();
        for name in ["sshd", "other"] {
            fs::write(sshd.path(PAM_FOLDER).join(name), lines.concat()).unwrap();
        }
        sshd
    }

    /// The port it listens on, the same after a restart.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its name in known_hosts.
    pub(crate) fn known_name(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// The public host key, as known_hosts and authorized_keys hold keys.
    pub(crate) fn host_key(&self) -> String {
        fs::read_to_string(self.path("host_key.pub")).unwrap()
    }

    /// The private key that is let in.
    pub(crate) fn key(&self) -> PathBuf {
        self.path("key")
    }

    /// A known_hosts file that holds the host key.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    /// A home folder with nothing in it.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// A file in the server's folder, which ends with it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// `user@127.0.0.1`, of the account the tests run as.
    pub(crate) fn login() -> String {
        format!("{}@127.0.0.1", user())
    }

    /// Writes the file `known`, which knows it as `server`, wherever it is reached.
    pub(crate) fn be_known(&self) {
        fs::write(self.path("known"), format!("server {}", self.host_key())).unwrap();
    }

    /// `adit forward` to `targets`, with these options of ssh_config, by this login and port of a way to it; see
    /// [`Sshd::be_known`].
    pub(crate) fn forwarding(
        &self,
        (login, port): (&str, u16),
        targets: &[SocketAddr],
        options: &[&str],
    ) -> Command {
        let mut command = command(&self.home());
        command
            .args(["forward", "--json", "-F", "none", "-i"])
            .arg(self.key())
            .args(["-p", &port.to_string()])
            .args(["-o", "BatchMode=yes", "-o", "HostKeyAlias=server"])
            .args(["-o", "ExitOnForwardFailure=no"]);
        for target in targets {
            command.args(["-L", &to(*target)]);
        }
        for option in options {
            command.args(["-o", option]);
        }
        let known = format!("UserKnownHostsFile={}", self.path("known").display());
        command
            .args(["-o", &known, "-o", "GlobalKnownHostsFile=none"])
            .arg(login);
        command
    }

    /// Ends it as a power cut would: nothing says goodbye, and the port refuses.
    pub(crate) fn kill(&mut self) {
        self.inetd = None;
    }

    /// What serves a connection, for a listener elsewhere.
    pub(crate) fn server(&self) -> impl Fn(TcpStream) -> Child + Send + use<> {
        let folder = self.folder.path().to_owned();
        move |stream| serve(&folder, stream)
    }

    /// Sends a signal to every process that serves a connection.
    pub(crate) fn signal_sessions(&self, signal: Signal) {
        self.inetd.as_ref().unwrap().signal(signal);
    }

    /// Ends what serves the first connection that was made (-9).
    pub(crate) fn kill_first_session(&self) {
        self.inetd.as_ref().unwrap().kill_first();
    }

    /// Stops it (SIGSTOP) with all that it serves; what connects meanwhile waits.
    #[allow(dead_code, reason = "not all tests that share this ask for it")]
    pub(crate) fn freeze(&self) {
        self.inetd.as_ref().unwrap().freeze();
    }

    /// Has it go on (SIGCONT).
    #[allow(dead_code, reason = "not all tests that share this ask for it")]
    pub(crate) fn thaw(&self) {
        self.inetd.as_ref().unwrap().thaw();
    }

    /// Starts it again, on the same port.
    pub(crate) fn resume(&mut self) {
        let inetd = Inetd::start(self.port, self.server());
        self.port = inetd.port();
        self.inetd = Some(inetd);
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- sshd's log:\n{}", self.log());
        }
    }
}

/// The module of `pam_wrapper` that reads passwords from a file.
fn pam_matrix() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let folders = folders.map(|folder| folder.path());
    let places = folders.chain([PathBuf::from("/usr/lib")]);
    places
        .map(|place| place.join("pam_wrapper/pam_matrix.so"))
        .find(|path| path.exists())
        .expect("pam_matrix.so is needed: tests/run installs libpam-wrapper")
}

/// A pair of key files, `path` and `path.pub`, without a passphrase.
pub(crate) fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen is needed: tests/run installs openssh-client");
    assert!(made.success());
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// The account the tests run as.
pub(crate) fn user() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

fn serve(folder: &Path, stream: TcpStream) -> Child {
    let program = PROGRAMS
        .iter()
        .find(|program| Path::new(program).exists())
        .expect("sshd is needed: tests/run installs openssh-server");
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let socket = OwnedFd::from(stream);
    let mut command = Command::new(program);
    let pam = folder.join(PAM_FOLDER);
    if pam.exists() {
        command
            .env("LD_PRELOAD", "libpam_wrapper.so")
            .env("PAM_WRAPPER", "1")
            .env("PAM_WRAPPER_SERVICE_DIR", pam);
    }
    command
        .args(["-i", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::from(socket.try_clone().unwrap()))
        .stdout(Stdio::from(socket))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

fn config(folder: &Path, options: &[&str]) -> String {
    let folder = folder.display();
    let pam = if account_is_locked() { "yes" } else { "no" };
    format!(
        "{}\n\
         HostKey {folder}/host_key\n\
         AuthorizedKeysFile {folder}/authorized_keys\n\
         StrictModes no\n\
         UsePAM {pam}\n\
         PermitRootLogin prohibit-password\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PidFile none\n\
         PrintMotd no\n\
         LogLevel VERBOSE\n",
        options.join("\n")
    )
}

/// Without PAM sshd lets nobody into an account whose password is locked, not even by key. Only root can tell.
fn account_is_locked() -> bool {
    let prefix = format!("{}:!", user());
    fs::read_to_string("/etc/shadow")
        .is_ok_and(|accounts| accounts.lines().any(|line| line.starts_with(&prefix)))
}

/// sshd that runs as root insists on this folder, which the system's service makes when it starts.
fn make_privilege_separation_folder() {
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
}
