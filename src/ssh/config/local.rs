//! The real account, machine and resolver.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::query::{Environment, Lookup, System};

/// The machine that Adit runs on. Aliases of host names (CNAME) are not told by its resolver and so never followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSystem;

impl System for LocalSystem {
    fn run(&mut self, command: &str) -> Result<bool, String> {
        let status = shell(command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| error.to_string())?;
        match status.code() {
            Some(code) => Ok(code == 0),
            None => Err("it was killed".to_owned()),
        }
    }

    fn lookup(&mut self, name: &str) -> Option<Lookup> {
        let mut addresses = (name, 22).to_socket_addrs().ok()?;
        addresses.next().map(|_address| Lookup::default())
    }

    fn local_addresses(&mut self) -> Vec<IpAddr> {
        interface_addresses()
    }

    fn home_of(&mut self, account: &str) -> Option<PathBuf> {
        account_home(account)
    }

    fn service_port(&mut self, name: &str) -> Option<u16> {
        let services = std::fs::read_to_string("/etc/services").ok()?;
        services.lines().find_map(|line| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let (service, place) = (words.next()?, words.next()?);
            let port = place.strip_suffix("/tcp")?.parse().ok()?;
            (service == name || words.any(|alias| alias == name)).then_some(port)
        })
    }
}

/// The person's shell with a command.
#[cfg(unix)]
fn shell(text: &str) -> Command {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut command = Command::new(shell);
    command.args(["-c", text]);
    command
}

#[cfg(not(unix))]
fn shell(text: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", text]);
    command
}

#[cfg(unix)]
fn interface_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address
                .as_sockaddr_in()
                .map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| {
                address
                    .as_sockaddr_in6()
                    .map(|address| IpAddr::V6(address.ip()))
            })
        })
        .filter(|address| !address.is_loopback())
        .collect()
}

#[cfg(not(unix))]
fn interface_addresses() -> Vec<IpAddr> {
    Vec::new()
}

#[cfg(unix)]
fn account_home(account: &str) -> Option<PathBuf> {
    nix::unistd::User::from_name(account)
        .ok()?
        .map(|user| user.dir)
}

#[cfg(not(unix))]
fn account_home(_account: &str) -> Option<PathBuf> {
    None
}

impl Environment {
    /// The account and the machine that Adit runs on. Like OpenSSH it takes the home folder from the account and not from
    /// `$HOME`, unless there is no such account.
    #[must_use]
    pub fn of_this_computer() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let variable = |names: &[&str]| {
            let found = names.iter().find_map(|name| variables.get(*name));
            found.cloned().unwrap_or_default()
        };
        let mut environment = Self {
            user: variable(&["USER", "LOGNAME", "USERNAME"]),
            uid: None,
            home: variable(&["HOME", "USERPROFILE"]).into(),
            hostname: variable(&["COMPUTERNAME", "HOSTNAME"]),
            system_folder: system_folder(&variables),
            variables,
        };
        environment.ask_the_system();
        environment
    }

    #[cfg(unix)]
    fn ask_the_system(&mut self) {
        let uid = nix::unistd::getuid();
        self.uid = Some(uid.as_raw());
        if let Ok(Some(user)) = nix::unistd::User::from_uid(uid) {
            self.user = user.name;
            self.home = user.dir;
        }
        if let Some(name) = nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok())
        {
            self.hostname = name;
        }
    }

    #[cfg(not(unix))]
    fn ask_the_system(&mut self) {}
}

/// `/etc/ssh`, or `%PROGRAMDATA%\ssh` on Windows.
fn system_folder(variables: &BTreeMap<String, String>) -> PathBuf {
    match variables.get("PROGRAMDATA") {
        Some(data) if cfg!(windows) => PathBuf::from(data).join("ssh"),
        _ => PathBuf::from("/etc/ssh"),
    }
}
