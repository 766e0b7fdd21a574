//! Hosts in a file, for a team's repository: in the order of their names, without a secret.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::hosts_args::ExportFormat;
use crate::model::{Kubeconfig, SavedHost};

/// The version that is written.
const VERSION: u64 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    version: u64,
    #[serde(default)]
    hosts: Vec<SavedHost>,
}

/// Options of ssh_config that run a program on this computer, or load one.
const COMMANDS: [&str; 7] = [
    "proxycommand",
    "localcommand",
    "knownhostscommand",
    "pkcs11provider",
    "securitykeyprovider",
    "xauthlocation",
    "match",
];

/// Writes hosts; `home` is written as `~`.
///
/// # Errors
/// A host that cannot be written so: a path that is no Unicode.
pub(super) fn write(
    mut hosts: Vec<SavedHost>,
    format: ExportFormat,
    home: Option<&Path>,
) -> anyhow::Result<String> {
    hosts.sort_by(|a, b| a.id.cmp(&b.id));
    for host in &mut hosts {
        shorten(host, home);
    }
    let file = HostsFile {
        version: VERSION,
        hosts,
    };
    Ok(match format {
        ExportFormat::Json => serde_json::to_string_pretty(&file)? + "\n",
        ExportFormat::Toml => format!(
            "# Hosts for Adit: `adit hosts import FILE` saves them. There are no secrets in here.\n{}",
            toml::to_string(&file)?
        ),
    })
}

/// Everybody has a home of their own.
fn shorten(host: &mut SavedHost, home: Option<&Path>) {
    let Some(home) = home else { return };
    let shorten = |path: &mut PathBuf| {
        if let Ok(rest) = path.strip_prefix(home) {
            *path = Path::new("~").join(rest);
        }
    };
    host.identities.iter_mut().for_each(shorten);
    if let Some(cluster) = &mut host.cluster
        && let Kubeconfig::File(path) = &mut cluster.kubeconfig
    {
        shorten(path);
    }
}

/// Only the version, whatever else there is.
#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

/// Reads the text of a file of either format; `name` is what to call it.
///
/// # Errors
/// A failure that says where it makes no sense.
pub(super) fn read(text: &str, name: &str) -> Result<Vec<SavedHost>, Failure> {
    let fail = |problem: String| {
        Failure::new(
            "hosts-file",
            format!("{name} is no file of hosts: {problem}"),
            "`adit hosts export` writes such files.",
        )
    };
    // The version comes first: the form of a newer one may differ in anything.
    let VersionOnly { version } = parse(text).map_err(fail)?;
    if version > VERSION {
        return Err(fail(format!("a newer Adit wrote it (format {version})")));
    }
    let file: HostsFile = parse(text).map_err(fail)?;
    if file.hosts.is_empty() {
        return Err(fail("there is no host in it".to_owned()));
    }
    for host in &file.hosts {
        if let Err(error) = SavedHost::check_name(host.id.as_str()) {
            return Err(fail(format!("'{}': {error}", host.id)));
        }
        if host.address.starts_with('-') || host.address.is_empty() {
            return Err(fail(format!("the host {} has no address", host.id)));
        }
    }
    Ok(file.hosts)
}

/// Reads JSON or TOML; else what is wrong, and where.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let start = error
            .span()
            .map_or(0, |span| text.floor_char_boundary(span.start));
        let line = 1 + text[..start].matches('\n').count();
        format!("line {line}: {}", error.message())
    })
}

/// The options of a host that run a program on this computer.
pub(super) fn commands(host: &SavedHost) -> Vec<&str> {
    let is_command = |option: &&str| {
        let key: String = option
            .trim_start()
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        COMMANDS.contains(&key.to_ascii_lowercase().as_str())
    };
    let options = host.options.iter().map(String::as_str);
    options.filter(is_command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClusterSource;

    fn hosts() -> Vec<SavedHost> {
        vec![
            SavedHost {
                user: Some("ubuntu".to_owned()),
                port: Some(2222),
                identities: vec!["/home/me/.ssh/prod.pem".into(), "/etc/k".into()],
                jumps: vec!["bastion".to_owned()],
                options: vec!["Compression=yes".to_owned()],
                cluster: Some(ClusterSource::local(
                    Some("/home/me/k".into()),
                    Some("c".to_owned()),
                )),
                ..SavedHost::new("prod", "203.0.113.7")
            },
            SavedHost::new("bastion", "gate.example.org"),
        ]
    }

    #[test]
    fn what_is_exported_is_imported_in_the_order_of_names_and_from_any_home() {
        for format in [ExportFormat::Toml, ExportFormat::Json] {
            let text = write(hosts(), format, Some(Path::new("/home/me"))).unwrap();
            assert!(!text.contains("/home/me"), "{text}");
            let read = read(&text, "x").unwrap();
            assert_eq!(read[0], hosts()[1], "{text}");
            assert_eq!(
                read[1].identities,
                ["~/.ssh/prod.pem", "/etc/k"].map(PathBuf::from)
            );
            assert_eq!(write(read, format, None).unwrap(), text);
        }
    }

    #[test]
    fn files_that_make_no_sense_say_why() {
        for (text, words) in [
            ("[[hosts]]\nname = 'a'\naddress = 'b'\n", "version"),
            ("version = 2\nanything = 1\n", "newer Adit"),
            (
                "version = 1\n",
                "x.toml is no file of hosts: there is no host",
            ),
            (
                "version = 1\n[[host]]\nname = 'a'\naddress = 'b'\n",
                "line 2: unknown field `host`",
            ),
            ("version = 1\nhosts = [\n", "line 2: "),
            (
                "version = 1\n[[hosts]]\nname = 'a b'\naddress = 'x'\n",
                "letters",
            ),
            (
                "version = 1\n[[hosts]]\nname = 'a'\naddress = '-oX'\n",
                "no address",
            ),
            ("{", "EOF"),
        ] {
            let error = read(text, "x.toml").unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn options_that_run_programs_are_told() {
        let mut host = SavedHost::new("a", "b");
        host.options = ["proxyCommand=nc %h", "Compression=yes", " LocalCommand x"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(commands(&host), ["proxyCommand=nc %h", " LocalCommand x"]);
    }
}
