//! From what the command line says about a host to its profile, with ssh's defaults for the rest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::destination::Login;
use super::failure::{Failure, Usage};
use super::host_query::{ConfigFile, HostQuery};
use super::options::words;
use crate::model::{Fault, FaultCause, Hop, HostId, HostKeyPolicy, HostProfile};

/// A profile, with lines to tell the person about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedHost {
    /// The profile.
    pub profile: HostProfile,
    /// What the person should know: options that are not honoured as they stand.
    pub notes: Vec<String>,
}

/// Where ssh keeps its files.
#[derive(Clone, Debug)]
struct Places {
    /// The account's own name.
    user: Option<String>,
    /// The home folder.
    home: Option<PathBuf>,
}

/// The private keys that ssh tries when none is named, in its order, but for kinds that libssh2 cannot use.
const DEFAULT_KEYS: [&str; 3] = ["id_rsa", "id_ecdsa", "id_ed25519"];

/// Makes a profile from the command line alone; no ssh_config is read.
///
/// # Errors
/// A usage error for a value that cannot be meant, or a failure for a key that cannot be read.
pub fn host_profile(query: &HostQuery) -> anyhow::Result<ResolvedHost> {
    let directories = directories::UserDirs::new();
    let places = Places {
        user: own_name(),
        home: directories.map(|directories| directories.home_dir().to_owned()),
    };
    let mut resolved = build(query, &places).map_err(Usage)?;
    if let ConfigFile::File(path) = &query.config {
        resolved
            .notes
            .push(format!("-F {}: the file is not read", path.display()));
    }
    check_identities(query, &resolved.profile)?;
    Ok(resolved)
}

/// The account this process runs as: what the environment says, else the name that the system has for it.
fn own_name() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .or_else(name_in_passwd)
}

#[cfg(unix)]
fn name_in_passwd() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn name_in_passwd() -> Option<String> {
    None
}

fn build(query: &HostQuery, places: &Places) -> Result<ResolvedHost, String> {
    let mut notes = Vec::new();
    let user = query
        .first("user")
        .or(places.user.as_deref())
        .ok_or("there is no user to log in as: name one, as in USER@HOST")?;
    let address = query.first("hostname").unwrap_or(&query.host);
    let mut profile = HostProfile::new(user, address, port(query)?);
    profile.id = HostId::new(&query.host);
    set_keys(&mut profile, query, places)?;
    set_trust(&mut profile, query, places, &mut notes)?;
    set_transport(&mut profile, query, &mut notes)?;
    if let Some(jumps) = query.first("proxyjump").filter(|jumps| *jumps != "none") {
        profile.jumps = jumps
            .split(',')
            .map(|jump| jump_profile(jump.trim(), &profile, places))
            .collect::<Result<_, _>>()?;
    }
    Ok(ResolvedHost { profile, notes })
}

fn port(query: &HostQuery) -> Result<u16, String> {
    match query.first("port").map(str::parse) {
        None => Ok(22),
        Some(Ok(port @ 1..)) => Ok(port),
        Some(_) => Err(format!(
            "-o Port={}: a port is a number from 1 to 65535",
            query.first("port").unwrap_or_default()
        )),
    }
}

fn set_keys(profile: &mut HostProfile, query: &HostQuery, places: &Places) -> Result<(), String> {
    let named = query.all("identityfile").filter(|file| *file != "none");
    profile.identities = named.map(|file| places.path(file)).collect();
    if query.first("identityfile").is_none() {
        profile.identities = places.default_keys();
    }
    profile.use_agent = !query.flag("identitiesonly", false)?;
    match query.first("identityagent") {
        None | Some("SSH_AUTH_SOCK") => {}
        Some("none") => profile.use_agent = false,
        Some(path) => profile.agent_socket = Some(places.path(path)),
    }
    Ok(())
}

fn set_trust(
    profile: &mut HostProfile,
    query: &HostQuery,
    places: &Places,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    profile.known_hosts = match query.first("userknownhostsfile") {
        Some(files) => places.paths(files),
        None => ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
            .map(|file| places.path(file))
            .to_vec(),
    };
    profile.global_known_hosts = places.paths(
        query
            .first("globalknownhostsfile")
            .unwrap_or("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
    );
    profile.host_key_alias = query.first("hostkeyalias").map(str::to_owned);
    let policy = query.first("stricthostkeychecking");
    profile.host_key_policy = match policy.map(str::to_ascii_lowercase).as_deref() {
        None | Some("ask") => HostKeyPolicy::Ask,
        Some("yes" | "true") => HostKeyPolicy::Strict,
        Some("accept-new") => HostKeyPolicy::AcceptNew,
        Some("no" | "false" | "off") => {
            notes.push(
                "StrictHostKeyChecking=no is taken as accept-new: a changed host key is still refused"
                    .to_owned(),
            );
            HostKeyPolicy::AcceptNew
        }
        Some(other) => {
            return Err(format!(
                "-o StrictHostKeyChecking={other}: the value is yes, accept-new, ask or no"
            ));
        }
    };
    Ok(())
}

fn set_transport(
    profile: &mut HostProfile,
    query: &HostQuery,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    if let Some(timeout) = seconds(query, "connecttimeout")? {
        profile.connect_timeout = timeout;
    }
    if let Some(interval) = seconds(query, "serveraliveinterval")? {
        if interval.is_zero() {
            notes.push(
                "ServerAliveInterval=0 is not taken: Adit always notices a dead connection"
                    .to_owned(),
            );
        } else {
            profile.keepalive_interval = interval;
        }
    }
    if let Some(count) = query.first("serveralivecountmax") {
        profile.keepalive_count_max = match count.parse() {
            Ok(count @ 1..) => count,
            _ => {
                return Err(format!(
                    "-o ServerAliveCountMax={count}: the value is a number from 1"
                ));
            }
        };
    }
    profile.compression = query.flag("compression", false)?;
    let owned = |key| query.first(key).map(str::to_owned);
    profile.ciphers = owned("ciphers");
    profile.macs = owned("macs");
    profile.kex_algorithms = owned("kexalgorithms");
    profile.host_key_algorithms = owned("hostkeyalgorithms");
    Ok(())
}

/// A jump host. ssh gives it none of the command line's options; Adit gives it the keys and known_hosts files named there,
/// since they can be named nowhere else, and a policy for unknown keys that is never looser than asking.
fn jump_profile(text: &str, target: &HostProfile, places: &Places) -> Result<HostProfile, String> {
    let login = Login::with_port(text)?;
    let user = login.user.or_else(|| places.user.clone()).ok_or_else(|| {
        format!("there is no user to log in to the jump host {text} as: name one, as in USER@HOST")
    })?;
    let host_key_policy = match target.host_key_policy {
        HostKeyPolicy::Strict => HostKeyPolicy::Strict,
        HostKeyPolicy::Ask | HostKeyPolicy::AcceptNew => HostKeyPolicy::Ask,
    };
    Ok(HostProfile {
        identities: target.identities.clone(),
        use_agent: target.use_agent,
        agent_socket: target.agent_socket.clone(),
        known_hosts: target.known_hosts.clone(),
        global_known_hosts: target.global_known_hosts.clone(),
        host_key_policy,
        connect_timeout: target.connect_timeout,
        keepalive_interval: target.keepalive_interval,
        keepalive_count_max: target.keepalive_count_max,
        ..HostProfile::new(&user, &login.host, login.port.unwrap_or(22))
    })
}

/// Reads a time of ssh_config: seconds, or numbers with the units s, m, h, d and w in a row.
fn seconds(query: &HostQuery, key: &str) -> Result<Option<Duration>, String> {
    let Some(text) = query.first(key).filter(|text| *text != "none") else {
        return Ok(None);
    };
    let fail = || format!("-o {key}={text}: a time is a number of seconds, or as in 1m30s");
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits]
            .parse()
            .map_err(|_not_a_number: std::num::ParseIntError| fail())?;
        let mut after = rest[digits..].chars();
        let unit = match after.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return Err(fail()),
        };
        total = number
            .checked_mul(unit)
            .and_then(|span| total.checked_add(span))
            .ok_or_else(fail)?;
        rest = after.as_str();
    }
    Ok(Some(Duration::from_secs(total)))
}

/// Keys that were named are read before anything is dialled: a wrong path shows at once, not as a refused login.
fn check_identities(query: &HostQuery, profile: &HostProfile) -> Result<(), Failure> {
    if query.first("identityfile").is_none() {
        return Ok(());
    }
    for path in &profile.identities {
        if let Err(error) = readable_file(path) {
            return Err(Failure::from(&Fault {
                hop: Hop::Ssh(profile.login()),
                cause: FaultCause::KeyUnreadable {
                    path: path.clone(),
                    reason: error.to_string(),
                },
            }));
        }
    }
    Ok(())
}

fn readable_file(path: &Path) -> std::io::Result<()> {
    if std::fs::File::open(path)?.metadata()?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    Ok(())
}

impl Places {
    /// `text` with `~/` and `%d` at its beginning replaced by the home folder.
    fn path(&self, text: &str) -> PathBuf {
        let below_home = text.strip_prefix("~/").or_else(|| text.strip_prefix("%d/"));
        match (below_home, &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }

    fn paths(&self, list: &str) -> Vec<PathBuf> {
        words(list)
            .iter()
            .filter(|word| *word != "none")
            .map(|word| self.path(word))
            .collect()
    }

    fn default_keys(&self) -> Vec<PathBuf> {
        let Some(home) = &self.home else {
            return Vec::new();
        };
        DEFAULT_KEYS
            .iter()
            .map(|name| home.join(".ssh").join(name))
            .filter(|path| path.exists())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            user: Some("me".to_owned()),
            home: Some(PathBuf::from("/home/me")),
        }
    }

    fn query(options: &[(&str, &str)]) -> HostQuery {
        let mut query = HostQuery::new("node");
        for (key, value) in options {
            query.push(key, Some((*value).to_owned()));
        }
        query
    }

    #[test]
    fn defaults_are_those_of_ssh() {
        let profile = build(&query(&[]), &places()).unwrap().profile;
        assert_eq!(profile.login(), "me@node");
        assert_eq!(
            profile.known_hosts,
            [
                PathBuf::from("/home/me/.ssh/known_hosts"),
                PathBuf::from("/home/me/.ssh/known_hosts2")
            ]
        );
        assert_eq!(profile.host_key_policy, HostKeyPolicy::Ask);
        assert!(profile.use_agent);
    }

    #[test]
    fn options_reach_the_profile() {
        let resolved = build(
            &query(&[
                ("hostname", "10.0.0.100"),
                ("user", "ubuntu"),
                ("port", "2222"),
                ("identityfile", "~/a.pem"),
                ("identityfile", "b.pem"),
                ("identitiesonly", "yes"),
                ("userknownhostsfile", "/kh \"~/other hosts\""),
                ("globalknownhostsfile", "none"),
                ("stricthostkeychecking", "no"),
                ("connecttimeout", "1m30"),
                ("serveraliveinterval", "2s"),
                ("ciphers", "aes128-gcm@openssh.com"),
                ("hostkeyalias", "alias"),
            ]),
            &places(),
        )
        .unwrap();
        let profile = resolved.profile;
        assert_eq!(profile.id, HostId::new("node"));
        assert_eq!(profile.login(), "ubuntu@10.0.0.100:2222");
        assert_eq!(
            profile.identities,
            [PathBuf::from("/home/me/a.pem"), PathBuf::from("b.pem")]
        );
        assert!(!profile.use_agent);
        assert_eq!(
            profile.known_hosts,
            [PathBuf::from("/kh"), PathBuf::from("/home/me/other hosts")]
        );
        assert_eq!(profile.global_known_hosts, Vec::<PathBuf>::new());
        assert_eq!(profile.host_key_policy, HostKeyPolicy::AcceptNew);
        assert_eq!(resolved.notes.len(), 1, "{:?}", resolved.notes);
        assert_eq!(profile.connect_timeout, Duration::from_secs(90));
        assert_eq!(profile.keepalive_interval, Duration::from_secs(2));
        assert_eq!(profile.ciphers.as_deref(), Some("aes128-gcm@openssh.com"));
        assert_eq!(profile.known_hosts_name(), "alias");
    }

    #[test]
    fn jump_hosts_share_keys_but_never_a_looser_policy() {
        let profile = build(
            &query(&[
                ("proxyjump", "a@b:2222, c"),
                ("identityfile", "k"),
                ("stricthostkeychecking", "accept-new"),
            ]),
            &places(),
        )
        .unwrap()
        .profile;
        let logins: Vec<String> = profile.jumps.iter().map(HostProfile::login).collect();
        assert_eq!(logins, ["a@b:2222", "me@c"]);
        assert_eq!(profile.jumps[0].identities, [PathBuf::from("k")]);
        assert_eq!(profile.jumps[0].host_key_policy, HostKeyPolicy::Ask);
    }

    #[test]
    fn bad_values_name_the_option() {
        for (key, value, part) in [
            ("port", "0", "Port=0"),
            ("connecttimeout", "soon", "connecttimeout=soon"),
            ("serveralivecountmax", "0", "ServerAliveCountMax=0"),
            (
                "stricthostkeychecking",
                "maybe",
                "StrictHostKeyChecking=maybe",
            ),
            ("compression", "some", "compression=some"),
            ("proxyjump", "a b", "not a host"),
        ] {
            let error = build(&query(&[(key, value)]), &places()).map(|_| ());
            let error = error.unwrap_err();
            assert!(error.contains(part), "{key}: {error}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no.pem");
        for path in [missing.as_path(), folder.path()] {
            let query = query(&[("identityfile", path.to_str().unwrap()), ("user", "u")]);
            let error = host_profile(&query).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(error.contains("Check that"), "{error}");
        }
    }
}
