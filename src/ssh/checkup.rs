//! Looking at what SSH stands on, on this computer alone: ssh_config, known_hosts, ssh-agent and private keys. Nothing is dialled,
//! no name is looked up and no command of the configuration is run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::agent;
use super::config::{
    self, ConfigError, ConfigFile, Environment, LocalSystem, Lookup, Query, System,
};
use super::{key_file, known_hosts};
use crate::model::{Check, CheckArea, Exposure, HostProfile, KeyVerdict, printable, shell_quoted};

/// A host that no `Host` line names: what applies to it applies to every host.
const ANY_HOST: &str = "any-host.invalid";

/// sshd gives up after this many tries (`MaxAuthTries`), and each key of the agent is one.
const TRIES_OF_SSHD: usize = 6;

/// Looks at everything; `file` is what ssh's `-F` would name.
#[must_use]
pub fn checkup(file: &ConfigFile, environment: &Environment) -> Vec<Check> {
    let mut hosts = Hosts::default();
    hosts.read(file, environment);
    let mut checks = hosts.checks(file, environment);
    let files: Vec<PathBuf> = hosts.trusted.iter().cloned().collect();
    let names: Vec<String> = hosts.names.iter().cloned().collect();
    checks.extend(known_hosts::survey(&files, &names));
    checks.extend(agent_checks(&hosts.agents));
    checks.extend(
        hosts
            .keys
            .iter()
            .filter_map(|(path, named_by)| key(path, named_by.as_deref())),
    );
    checks
}

/// What the configuration says, of all its hosts together.
#[derive(Default)]
struct Hosts {
    resolved: usize,
    errors: Vec<String>,
    unsupported: Vec<String>,
    /// The known_hosts files.
    trusted: BTreeSet<PathBuf>,
    /// As known_hosts holds them.
    names: BTreeSet<String>,
    /// The agents' sockets; none is the one of the environment.
    agents: BTreeSet<Option<PathBuf>>,
    /// Each key, and the first host whose configuration names it.
    keys: BTreeMap<PathBuf, Option<String>>,
}

impl Hosts {
    fn read(&mut self, file: &ConfigFile, environment: &Environment) {
        let mut system = DrySystem;
        let aliases = config::aliases_in(file, environment, &mut system).unwrap_or_else(|error| {
            self.complain(&error);
            Vec::new()
        });
        self.add(ANY_HOST, file, environment);
        for alias in aliases {
            self.add(&alias, file, environment);
            self.resolved += 1;
        }
    }

    fn add(&mut self, host: &str, file: &ConfigFile, environment: &Environment) {
        let query = Query {
            host: host.to_owned(),
            file: file.clone(),
            ..Query::default()
        };
        let mut system = DrySystem;
        let resolved = match config::resolve(&query, environment, &mut system) {
            Ok(resolved) => resolved,
            Err(error) => return self.complain(&error),
        };
        for option in &resolved.unsupported {
            let words = option.to_string();
            if !self.unsupported.contains(&words) {
                self.unsupported.push(words);
            }
        }
        match config::profile(&resolved, environment, &mut system) {
            Ok(profile) => self.take(host, &profile, !resolved.identity_files.is_empty()),
            // That is what the person wants.
            Err(ConfigError::Refused { .. }) => {}
            Err(error) => self.complain(&error),
        }
    }

    /// The same line is wrong for every host, and is told once.
    fn complain(&mut self, error: &ConfigError) {
        let words = error.to_string();
        if !self.errors.contains(&words) {
            self.errors.push(words);
        }
    }

    fn take(&mut self, host: &str, profile: &HostProfile, are_named: bool) {
        self.trusted.extend(profile.known_hosts.iter().cloned());
        self.trusted
            .extend(profile.global_known_hosts.iter().cloned());
        if profile.use_agent {
            self.agents.insert(profile.agent_socket.clone());
        }
        let is_real = host != ANY_HOST;
        if is_real {
            let name = match &profile.host_key_alias {
                Some(alias) => known_hosts::lookup_name(alias, 22),
                None => known_hosts::lookup_name(&profile.address, profile.port),
            };
            self.names.insert(name);
        }
        for path in &profile.identities {
            let named_by = self.keys.entry(path.clone()).or_default();
            if is_real && are_named && named_by.is_none() {
                *named_by = Some(host.to_owned());
            }
        }
    }

    fn checks(&self, file: &ConfigFile, environment: &Environment) -> Vec<Check> {
        let area = CheckArea::SshConfig;
        let place = match file {
            ConfigFile::Default => Some(environment.user_folder().join("config")),
            ConfigFile::File(path) => Some(path.clone()),
            ConfigFile::None => None,
        };
        let mut checks: Vec<Check> = Vec::new();
        checks.extend(self.errors.iter().map(|error| {
            let hint = "Correct it: until then neither ssh nor Adit connects to the hosts that it is about. `ssh -G HOST` shows what ssh makes of the file.";
            Check::problem(area, printable(error), hint)
        }));
        checks.extend(self.unsupported.iter().map(|words| {
            let hint = "Adit connects without it. Where you count on it, use ssh for that host.";
            Check::warning(area, words, hint)
        }));
        if checks.is_empty() {
            let shown = place.as_ref().map(|path| path.to_string_lossy());
            let what = match shown.as_deref().map(printable) {
                Some(shown) if self.resolved > 0 => {
                    let plural = if self.resolved == 1 { "" } else { "s" };
                    format!(
                        "{shown} names {} host{plural}, and all of it is honoured",
                        self.resolved
                    )
                }
                _ => "no host is named in ssh_config: hosts are reached by what Adit is told"
                    .to_owned(),
            };
            checks.push(Check::ok(area, what));
        }
        let at = |check: Check| match &place {
            Some(path) => check.at(&path.display()),
            None => check,
        };
        checks.into_iter().map(at).collect()
    }
}

fn agent_checks(sockets: &BTreeSet<Option<PathBuf>>) -> Vec<Check> {
    if sockets.is_empty() {
        let what = "ssh_config turns ssh-agent off (IdentityAgent none)";
        return vec![Check::ok(CheckArea::Agent, what)];
    }
    let checks = sockets.iter().map(|socket| agent_check(socket.as_deref()));
    checks.collect()
}

fn agent_check(socket: Option<&Path>) -> Check {
    let area = CheckArea::Agent;
    let Some(place) = socket.map(Path::to_owned).or_else(agent::default_socket) else {
        return Check::ok(
            area,
            "there is no ssh-agent (SSH_AUTH_SOCK is not set): keys are read from their files",
        );
    };
    let shown = place.to_string_lossy().into_owned();
    let named = printable(&shown);
    let check = match agent::Agent::connect(Some(&place))
        .map(|agent| agent.map_or(0, |agent| agent.keys().len()))
    {
        Err(error) => Check::warning(
            area,
            format!("no ssh-agent answers at {named}: {error}"),
            "Start one (eval \"$(ssh-agent)\", then ssh-add), or correct SSH_AUTH_SOCK: in tmux and screen it is often that of \
             an older login. Key files work without it.",
        ),
        Ok(count) if count >= TRIES_OF_SSHD => Check::warning(
            area,
            format!(
                "the ssh-agent at {named} holds {count} keys; a server refuses a login after some {TRIES_OF_SSHD} tries, and each key is one"
            ),
            "Name the right key for each host (IdentityFile) with IdentitiesOnly yes, or take keys out of the agent: ssh-add -d FILE",
        ),
        Ok(1) => Check::ok(area, format!("the ssh-agent at {named} holds 1 key")),
        Ok(count) => Check::ok(area, format!("the ssh-agent at {named} holds {count} keys")),
    };
    check.at(&shown)
}

/// A key that is not there is only worth a word where a host names it: ssh skips it too.
fn key(path: &Path, named_by: Option<&str>) -> Option<Check> {
    let area = CheckArea::Key;
    let verdict = key_file::check(path, None);
    let shown = path.to_string_lossy().into_owned();
    let file = printable(&shown);
    let what = match named_by {
        Some(host) => format!("{file} (of {}) {}", printable(host), verdict.words()),
        None => format!("{file} {}", verdict.words()),
    };
    let mut hint = verdict.next_step(path).unwrap_or_default().to_string();
    let check = match &verdict {
        KeyVerdict::Usable { .. } => Check::ok(area, what),
        KeyVerdict::Missing => {
            named_by?;
            Check::warning(area, what, format!("{hint}."))
        }
        // ssh takes the public half for a key in the agent.
        KeyVerdict::Unusable { .. } if key_file::public_half(path).is_some() => {
            Check::ok(area, format!("{file} stands for a key in ssh-agent"))
        }
        KeyVerdict::Exposed(exposure) => {
            if let Exposure::Mode { .. } = exposure {
                hint = format!("{hint}, or: adit key check --fix {}", shell_quoted(&file));
            }
            Check::problem(area, what, hint)
        }
        KeyVerdict::Unreadable { .. } | KeyVerdict::Unusable { .. } => {
            Check::problem(area, what, format!("{hint}."))
        }
    };
    Some(check.at(&shown))
}

/// This computer without effects: commands of `Match exec` count as failed, and every host name as one that exists.
struct DrySystem;

impl System for DrySystem {
    fn run(&mut self, _command: &str) -> Result<bool, String> {
        Ok(false)
    }

    fn lookup(&mut self, _name: &str) -> Option<Lookup> {
        Some(Lookup::default())
    }

    fn local_addresses(&mut self) -> Vec<IpAddr> {
        LocalSystem.local_addresses()
    }

    fn home_of(&mut self, account: &str) -> Option<PathBuf> {
        LocalSystem.home_of(account)
    }

    fn service_port(&mut self, name: &str) -> Option<u16> {
        LocalSystem.service_port(name)
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::CheckStatus;

    /// What is found of a home with these files, each 0600.
    fn look(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<Check>) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        for (name, text) in files {
            let path = home.path().join(".ssh").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
        let environment = Environment {
            home: home.path().to_owned(),
            system_folder: home.path().join("no-such"),
            ..Environment::of_this_computer()
        };
        let checks = checkup(&ConfigFile::Default, &environment);
        (home, checks)
    }

    fn of(checks: &[Check], area: CheckArea) -> Vec<&Check> {
        checks.iter().filter(|check| check.area == area).collect()
    }

    #[test]
    fn an_empty_home_has_no_trouble() {
        let (_home, checks) = look(&[]);
        for area in [CheckArea::SshConfig, CheckArea::KnownHosts] {
            let found = of(&checks, area);
            assert_eq!(found.len(), 1, "{checks:?}");
            assert_eq!(found[0].status, CheckStatus::Ok, "{checks:?}");
        }
        assert!(of(&checks, CheckArea::Key).is_empty(), "{checks:?}");
    }

    #[test]
    fn a_line_that_is_wrong_is_told_once_and_runs_nothing() {
        let config = "Match exec \"touch %d/ran\"\n  User x\nHost a b c\n  Port many\n";
        let (home, checks) = look(&[("config", config)]);
        let found = of(&checks, CheckArea::SshConfig);
        assert_eq!(found.len(), 1, "{checks:?}");
        assert_eq!(found[0].status, CheckStatus::Problem);
        assert!(found[0].what.contains("line 4"), "{}", found[0].what);
        assert!(!home.path().join("ran").exists());
    }

    #[test]
    fn what_is_not_honoured_is_a_warning_and_agents_can_be_off() {
        let config = "IdentityAgent none\nForwardX11 yes\nHost a b\n  HostName 10.0.0.1\n";
        let (_home, checks) = look(&[("config", config)]);
        let found = of(&checks, CheckArea::SshConfig);
        assert_eq!(found.len(), 1, "{checks:?}");
        assert_eq!(found[0].status, CheckStatus::Warning);
        assert!(found[0].what.contains("ForwardX11"), "{}", found[0].what);
        assert!(of(&checks, CheckArea::Agent)[0].what.contains("off"));
    }

    #[test]
    fn keys_are_looked_at_and_missing_ones_named_by_their_host() {
        let config = "IdentityAgent /no/such.sock\nHost *\n IdentityFile ~/.ssh/%h\nHost db\n IdentityFile ~/.ssh/db.pem\n IdentityFile ~/.ssh/bad\n";
        let (_home, checks) = look(&[("config", config), ("bad", "no key\n")]);
        let keys = of(&checks, CheckArea::Key);
        let states: Vec<(CheckStatus, bool)> = keys
            .iter()
            .map(|check| (check.status, check.what.contains("(of db)")))
            .collect();
        let expected = [
            (CheckStatus::Problem, true),
            (CheckStatus::Warning, true),
            (CheckStatus::Warning, true),
        ];
        assert_eq!(states, expected, "{keys:?}");
        let agent = of(&checks, CheckArea::Agent);
        assert_eq!(agent[0].status, CheckStatus::Warning, "{agent:?}");
        assert!(agent[0].what.contains("/no/such.sock"));
    }
}
