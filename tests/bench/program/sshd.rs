//! The real OpenSSH sshd in a private folder: each connection gets an `sshd -i` of its own, as inetd would start it.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use super::family::Family;

/// sshd insists on being started by its whole path.
const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// How long sessions may take to notice that their client has gone, before they are ended by force.
const SETTLING: Duration = Duration::from_secs(2);

/// A server that takes connections for as long as the process lives.
pub(crate) struct Sshd {
    folder: PathBuf,
    address: SocketAddr,
    user: String,
    family: Family,
    sessions: Arc<Mutex<Vec<Child>>>,
}

impl Sshd {
    /// Listens on a free port of `host` in this thread's network; keys and the log go into `folder`, which is made.
    pub(crate) fn start(folder: &Path, host: Ipv4Addr, family: &Family) -> anyhow::Result<Self> {
        fs::create_dir(folder)?;
        fs::create_dir(folder.join("home"))?;
        make_key(&folder.join("host_key"))?;
        make_key(&folder.join("key"))?;
        let user = output(Command::new("id").arg("-un"))?;
        fs::write(
            folder.join("sshd_config"),
            config(folder, account_is_locked(&user)),
        )?;
        if rustix::process::geteuid().is_root() {
            // sshd that runs as root insists on this folder, which the system's service makes when it starts.
            fs::create_dir_all("/run/sshd")?;
        }
        let listener = TcpListener::bind((host, 0))?;
        let address = listener.local_addr()?;
        let host_key = fs::read_to_string(folder.join("host_key.pub"))?;
        let known = format!("[{host}]:{} {host_key}", address.port());
        fs::write(folder.join("known_hosts"), known)?;
        let program = program().context("there is no sshd: apt-get install openssh-server")?;
        let sessions = Arc::<Mutex<Vec<Child>>>::default();
        let server = Server {
            program,
            folder: folder.to_owned(),
            family: family.clone(),
            sessions: Arc::clone(&sessions),
        };
        std::thread::spawn(move || server.accept(&listener));
        Ok(Self {
            folder: folder.to_owned(),
            address,
            user,
            family: family.clone(),
            sessions,
        })
    }

    /// The words of ssh's command line that lead here and read nothing of this person's, the destination last.
    pub(crate) fn words(&self) -> Vec<String> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let port = self.address.port().to_string();
        let known_hosts = format!("UserKnownHostsFile={}", file("known_hosts"));
        let login = format!("{}@{}", self.user, self.address.ip());
        [
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "GlobalKnownHostsFile=none",
            "-o",
            &known_hosts,
            "-i",
            &file("key"),
            "-p",
            &port,
            &login,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A home folder with nothing in it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Waits until every session has ended, so that none of a run takes CPU from the next. Those that hang are killed.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + SETTLING;
        while self.reap() > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        for mut session in self.sessions().drain(..) {
            let leader = Pid::from_child(&session);
            // One that has just ended by itself is no group any more.
            let _ended = kill_process_group(leader, Signal::KILL);
            let _status = session.wait();
            self.family.forget(&session);
        }
    }

    /// Waits for those that have ended and returns how many have not.
    fn reap(&self) -> usize {
        let mut sessions = self.sessions();
        sessions.retain_mut(|session| {
            let runs = matches!(session.try_wait(), Ok(None));
            if !runs {
                self.family.forget(session);
            }
            runs
        });
        sessions.len()
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the accepting thread needs.
struct Server {
    program: &'static str,
    folder: PathBuf,
    family: Family,
    sessions: Arc<Mutex<Vec<Child>>>,
}

impl Server {
    fn accept(&self, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            match self.serve(stream) {
                Ok(session) => self
                    .sessions
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(session),
                Err(error) => eprintln!("bench: sshd could not be started: {error}"),
            }
        }
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<Child> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("sshd.log"))?;
        let socket = OwnedFd::from(stream);
        let mut command = Command::new(self.program);
        command
            .args(["-i", "-e", "-f"])
            .arg(self.folder.join("sshd_config"))
            .stdin(Stdio::from(socket.try_clone()?))
            .stdout(Stdio::from(socket))
            .stderr(log);
        self.family.spawn(&mut command)
    }
}

/// The version of the server, as it says itself.
pub(crate) fn version() -> Option<String> {
    // `-V` is younger than the option that every sshd refuses with its version.
    let words = Command::new(program()?).arg("-V").output().ok()?.stderr;
    let words = String::from_utf8(words).ok()?;
    words
        .lines()
        .find(|line| line.contains("OpenSSH"))
        .map(str::to_owned)
}

/// What a program prints on stdout, without the line's end.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {}", words.trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn program() -> Option<&'static str> {
    PROGRAMS
        .into_iter()
        .find(|program| Path::new(program).exists())
}

fn make_key(path: &Path) -> anyhow::Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f"])
        .arg(path)
        .status()
        .context("there is no ssh-keygen: apt-get install openssh-client")?;
    ensure!(made.success(), "ssh-keygen failed");
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(())
}

/// sshd's defaults, but for what makes it private.
fn config(folder: &Path, account_is_locked: bool) -> String {
    let folder = folder.display();
    let pam = if account_is_locked { "yes" } else { "no" };
    format!(
        "HostKey {folder}/host_key\n\
         AuthorizedKeysFile {folder}/key.pub\n\
         StrictModes no\n\
         UsePAM {pam}\n\
         PermitRootLogin prohibit-password\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PidFile none\n\
         PrintMotd no\n"
    )
}

/// Without PAM sshd lets nobody into an account whose password is locked, not even by key. Only root can tell.
fn account_is_locked(user: &str) -> bool {
    let prefix = format!("{user}:!");
    fs::read_to_string("/etc/shadow")
        .is_ok_and(|accounts| accounts.lines().any(|line| line.starts_with(&prefix)))
}
