//! What the running program has of the system: its listeners, sockets, files and their modes, and where no secret is.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::client::behind;
use crate::faults::{wait_for, works};
use crate::station::{PASSPHRASE, Station};
use crate::support::instance::Home;

/// The inodes of a process's sockets; none of one that has ended.
fn sockets(pid: u32) -> BTreeSet<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd"));
    let targets = links
        .into_iter()
        .flatten()
        .filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    targets
        .filter_map(|target| {
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect()
}

/// The lines of a table of /proc/net that are this process's, in words.
fn table(pid: u32, name: &str, inode_column: usize) -> Vec<Vec<String>> {
    let own = sockets(pid);
    let text = fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let lines = text.lines().skip(1).map(|line| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    lines
        .filter(|words| own.contains(&words[inode_column]))
        .collect()
}

/// The addresses on which it takes TCP connections, and IPv6's, as the kernel writes them.
pub(crate) fn listeners(pid: u32) -> (Vec<SocketAddr>, Vec<String>) {
    const LISTEN: &str = "0A";
    let of = |name| {
        let lines = table(pid, name, 9);
        let listening = lines.into_iter().filter(|words| words[3] == LISTEN);
        listening.map(|words| words[1].clone()).collect::<Vec<_>>()
    };
    let v4 = of("tcp").into_iter().map(|place| {
        let (address, port) = place.split_once(':').unwrap();
        let address = u32::from_str_radix(address, 16).unwrap().swap_bytes();
        SocketAddr::from((
            Ipv4Addr::from(address),
            u16::from_str_radix(port, 16).unwrap(),
        ))
    });
    (v4.collect(), of("tcp6"))
}

/// The paths of the Unix sockets on which it takes connections.
fn unix_listeners(pid: u32) -> Vec<String> {
    const ACCEPTS: &str = "00010000";
    let lines = table(pid, "unix", 6);
    let listening = lines.into_iter().filter(|words| words[3] == ACCEPTS);
    listening
        .map(|words| words.get(7).cloned().unwrap_or_default())
        .collect()
}

/// Everything in these folders, the folders too.
fn everything(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = folders.to_vec();
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        if path.is_dir() {
            found.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    found
}

fn holds_secret(bytes: &[u8]) -> bool {
    let secret = PASSPHRASE.as_bytes();
    bytes.windows(secret.len()).any(|part| part == secret)
}

fn is_anothers(station: &Station, path: &Path) -> bool {
    let home = station.home.path();
    let made_by_the_test = ["passwd", "group", "kubeconfig"].map(|name| home.join(name));
    made_by_the_test.iter().any(|other| other == path)
}

/// An agent as a careless account starts it: everything it makes could be read by others, were it not for Adit's own care.
fn careless() -> Station {
    let mut station = Station::new();
    let shell = ["sh", "-c", "umask 000; exec \"$@\"", "sh"];
    let mut agent = station.command(&["agent"]);
    agent.env("ADIT_LOG", "trace");
    station.start_as(behind(&shell, &agent));
    station.cluster_when("live");
    station
}

#[test]
fn the_running_program_listens_where_it_says_and_nowhere_else() {
    let station = careless();
    let pid = station.agent().pid();
    assert_eq!(listeners(pid), (vec![], vec![]), "nothing is open yet");
    let address = station.open();
    works(address);
    assert_eq!(listeners(pid), (vec![address], vec![]));
    assert!(address.ip().is_loopback());
    assert_eq!(table(pid, "udp", 9), Vec::<Vec<String>>::new());
    let control = station.home.socket();
    assert_eq!(unix_listeners(pid), [control.to_str().unwrap()]);
    station.close();
    assert_eq!(listeners(pid), (vec![], vec![]), "and nothing afterwards");
}

#[test]
fn what_the_running_program_makes_is_the_persons_alone() {
    let station = careless();
    let address = station.open();
    works(address);
    let settings = station.config().join("settings.toml");
    wait_for(|| settings.exists());
    let home = station.home.path();
    let folders = [
        "run", "state", "data", "config", ".config", ".cache", ".local",
    ]
    .map(|name| home.join(name));
    let mut folders: Vec<PathBuf> = folders
        .into_iter()
        .filter(|folder| folder.exists())
        .collect();
    folders.push(station.config());
    let made = everything(&folders);
    for name in ["control.sock", "lock", "settings.toml"] {
        assert!(
            made.iter().any(|path| path.ends_with(name)),
            "{name} is not among {made:?}"
        );
    }
    let person = rustix::process::geteuid().as_raw();
    for path in &made {
        let facts = fs::symlink_metadata(path).unwrap();
        let bits = facts.permissions().mode() & 0o7777;
        assert_eq!(bits & 0o077, 0, "{}: {bits:o}", path.display());
        assert_eq!(facts.uid(), person, "{}", path.display());
    }
    // Nothing stands beside these folders, and what it has open is its own as well.
    let besides: Vec<_> = everything(&[home.to_owned()])
        .into_iter()
        .filter(|path| path != home && !made.contains(path) && !is_anothers(&station, path))
        .collect();
    assert_eq!(besides, Vec::<PathBuf>::new());
    let pid = station.agent().pid();
    for link in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let Ok(target) = fs::read_link(link.unwrap().path()) else {
            continue;
        };
        if target.starts_with(home) && !is_anothers(&station, &target) {
            assert!(made.contains(&target), "{} is open", target.display());
        }
    }
}

#[test]
fn no_secret_is_in_files_arguments_or_logs_of_the_running_program() {
    let station = careless();
    works(station.open());
    let settings = station.config().join("settings.toml");
    wait_for(|| settings.exists());
    let pid = station.agent().pid();
    for name in ["cmdline", "environ"] {
        assert!(
            !holds_secret(&fs::read(format!("/proc/{pid}/{name}")).unwrap()),
            "{name}"
        );
    }
    for path in everything(&[
        station.home.path().to_owned(),
        station.keyring.folder().to_owned(),
    ]) {
        if path.is_file() {
            assert!(
                !holds_secret(&fs::read(&path).unwrap()),
                "{}",
                path.display()
            );
        }
    }
    let logs = station.ok(&["logs"]);
    assert!(logs.contains("adit::"), "it was logged: {logs}");
    for words in [
        &logs,
        &station.agent().words(),
        &station.home.status().to_string(),
    ] {
        assert!(!holds_secret(words.as_bytes()), "{words}");
    }
}

/// What the program answers to a greeting on its control socket that this account sends.
fn greeted(socket: &Path, account: u32) -> Vec<u8> {
    let hello = include_bytes!("../corpus/control/hello");
    let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
    let mut client = Command::new("nc")
        .args(["-N", "-U"])
        .arg(socket)
        .uid(account)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nc is needed: tests/run installs netcat-openbsd");
    let frame = [&[1][..], &length, hello].concat();
    // Whom it does not listen to it may have left by now.
    let _gone = client.stdin.take().unwrap().write_all(&frame);
    let mut answer = Vec::new();
    client
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut answer)
        .unwrap();
    client.wait().unwrap();
    answer
}

/// Even where folder and socket let everybody in.
#[test]
fn another_account_is_not_listened_to() {
    const NOBODY: u32 = 65_534;
    let home = Home::new();
    let _agent = home.agent(&[]);
    for place in [home.path(), &home.runtime(), &home.socket()] {
        fs::set_permissions(place, Permissions::from_mode(0o777)).unwrap();
    }
    let own = rustix::process::geteuid().as_raw();
    assert_ne!(greeted(&home.socket(), own), b"", "a greeting is answered");
    assert_eq!(greeted(&home.socket(), NOBODY), b"");
}
