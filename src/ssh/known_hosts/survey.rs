//! What is wrong with known_hosts files as such, whichever host is dialled.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::line::{self, Hosts, Marker};
use super::{KnownHosts, Place, is_absence};
use crate::model::{Check, CheckArea, printable, shell_quoted};
use crate::ssh::key_blob::KeyType;

/// More lines than this of one file are counted, not named.
const LINES_NAMED: usize = 5;

/// A host with two different keys of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clash {
    host: String,
    key_type: KeyType,
    first: Place,
    second: Place,
}

/// Looks at the files, in their order. `hosts` are names as [`super::lookup_name`] makes them, to be found under hashed names too.
pub(in crate::ssh) fn survey(files: &[PathBuf], hosts: &[String]) -> Vec<Check> {
    let mut known = KnownHosts::default();
    let mut checks: Vec<Check> = Vec::new();
    for file in files {
        match fs::read(file) {
            Ok(text) => {
                checks.extend(of_file(file, &text));
                known.add_text(file, &text);
            }
            Err(error) if is_absence(&error) => {}
            Err(error) => {
                let hint = format!(
                    "No host can be verified without it. Check whose it is: ls -l {}",
                    quoted(file)
                );
                let what = format!("{} cannot be read: {error}", shown(file));
                checks.push(Check::problem(CheckArea::KnownHosts, what, hint).at(&file.display()));
            }
        }
    }
    checks.extend(known.clashes(hosts).iter().map(Clash::check));
    if checks.is_empty() {
        let what = "there is no known_hosts file yet: the first connection to each host asks about its key";
        checks.push(Check::ok(CheckArea::KnownHosts, what));
    }
    checks
}

fn of_file(file: &Path, text: &[u8]) -> Vec<Check> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, bytes)| !is_blank(bytes));
    let (good, bad): (Vec<_>, Vec<_>) = lines.partition(|(_, bytes)| line::parse(bytes).is_some());
    let mut checks = Vec::new();
    if let Some(mode) = writable_by_others(file) {
        let what = format!(
            "{} can be changed by others (mode {mode:04o}), who could make any host pass for the right one",
            shown(file)
        );
        let hint = format!("Run: chmod go-w {}", quoted(file));
        checks.push(Check::problem(CheckArea::KnownHosts, what, hint));
    }
    if let Some((first, _)) = bad.first() {
        let numbers: Vec<usize> = bad.iter().map(|(index, _)| index + 1).collect();
        let (noun, verb) = if numbers.len() == 1 {
            ("line", "is no host key that Adit knows, and is skipped")
        } else {
            ("lines", "are no host keys that Adit knows, and are skipped")
        };
        let what = format!("{}, {noun} {}, {verb}", shown(file), listed(&numbers));
        let hint = format!(
            "Look at it and take it out if it is garbled: sed -n {}p {}",
            first + 1,
            quoted(file)
        );
        checks.push(Check::warning(CheckArea::KnownHosts, what, hint));
    }
    if checks.is_empty() {
        let plural = if good.len() == 1 { "" } else { "s" };
        let what = format!("{} holds {} host key{plural}", shown(file), good.len());
        checks.push(Check::ok(CheckArea::KnownHosts, what));
    }
    checks
        .into_iter()
        .map(|check| check.at(&file.display()))
        .collect()
}

/// `3, 7 and 12`; of many the first ones.
fn listed(numbers: &[usize]) -> String {
    let named: Vec<String> = numbers
        .iter()
        .take(LINES_NAMED)
        .map(ToString::to_string)
        .collect();
    match numbers.len().saturating_sub(LINES_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn is_blank(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.is_empty() || text.starts_with(b"#")
}

impl KnownHosts {
    /// Hosts with two different keys of one type: by the names that stand there, and by `hosts` under hashed ones.
    fn clashes(&self, hosts: &[String]) -> Vec<Clash> {
        let mut first: BTreeMap<(String, &str), (&Place, &[u8], KeyType)> = BTreeMap::new();
        let mut clashes: Vec<Clash> = Vec::new();
        let plain = self.entries.iter().flat_map(|(place, entry)| {
            let names = match &entry.hosts {
                Hosts::Patterns(list) => list.split(',').filter(|name| is_name(name)).collect(),
                Hosts::Hashed { .. } => Vec::new(),
            };
            names
                .into_iter()
                .map(move |name| (name.to_ascii_lowercase(), place, entry))
        });
        let named = hosts.iter().flat_map(|host| {
            self.lines_for(host)
                .map(move |(place, entry)| (host.clone(), place, entry))
        });
        for (host, place, entry) in plain.chain(named) {
            if entry.marker != Marker::None {
                continue;
            }
            let key_type = entry.key_type;
            let known = first.entry((host.clone(), key_type.name())).or_insert((
                place,
                &entry.blob,
                key_type,
            ));
            let is_told = |clash: &Clash| clash.host == host && clash.key_type == key_type;
            if known.1 != entry.blob && !clashes.iter().any(is_told) {
                clashes.push(Clash {
                    host,
                    key_type,
                    first: known.0.clone(),
                    second: place.clone(),
                });
            }
        }
        clashes
    }
}

/// Whether a pattern stands for one host.
fn is_name(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern.starts_with('!') && !pattern.contains(['*', '?'])
}

impl Clash {
    fn check(&self) -> Check {
        let what = format!(
            "{} has two different keys of the type {}: {}, line {}, and {}, line {}; either is accepted",
            printable(&self.host),
            self.key_type,
            shown(&self.first.file),
            self.first.line,
            shown(&self.second.file),
            self.second.line
        );
        let hint = format!(
            "Find out from whoever runs the host which one is right, and remove the other line. To begin anew: ssh-keygen -f {} -R {}",
            quoted(&self.second.file),
            shell_quoted(&printable(&self.host))
        );
        Check::warning(CheckArea::KnownHosts, what, hint).at(&self.second.file.display())
    }
}

/// The mode, where others than the owner may write to the file.
#[cfg(unix)]
fn writable_by_others(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o7777;
    (mode & 0o022 != 0).then_some(mode)
}

/// Windows has access lists in place of modes.
#[cfg(not(unix))]
fn writable_by_others(_file: &Path) -> Option<u32> {
    None
}

fn shown(file: &Path) -> String {
    printable(&file.to_string_lossy()).into_owned()
}

fn quoted(file: &Path) -> String {
    shell_quoted(&shown(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckStatus;

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

    fn look(text: &str, hosts: &[&str]) -> Vec<(CheckStatus, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let checks = survey(&[file], &hosts);
        checks
            .into_iter()
            .map(|check| (check.status, check.what))
            .collect()
    }

    #[test]
    fn good_files_are_counted() {
        let found = look(&format!("# mine\n\nnode {ONE}\n*.lan,!x {OTHER}\n"), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, CheckStatus::Ok);
        assert!(found[0].1.ends_with("holds 2 host keys"), "{found:?}");
    }

    #[test]
    fn lines_that_make_no_sense_are_numbered() {
        let found = look(&format!("node {ONE}\nnode ssh-ed25519 AAAA\n"), &[]);
        assert_eq!(found[0].0, CheckStatus::Warning);
        assert!(found[0].1.contains(", line 2, is no host key"), "{found:?}");
        let found = look(&"garbled\n".repeat(7), &[]);
        assert!(
            found[0].1.contains("lines 1, 2, 3, 4, 5 and 2 more, are"),
            "{found:?}"
        );
    }

    #[test]
    fn two_keys_of_one_host_and_type_are_named_once() {
        let text = format!("Node,10.0.0.1 {ONE}\nother {OTHER}\n@revoked node {OTHER}\n");
        assert_eq!(look(&text, &[]).len(), 1);
        let text = format!("{text}node {OTHER}\nnode {OTHER}\n");
        let found = look(&text, &["node"]);
        assert_eq!(found.len(), 2, "{found:?}");
        let (status, what) = &found[1];
        assert_eq!(*status, CheckStatus::Warning);
        assert!(what.starts_with("node has two different keys"), "{what}");
        assert!(what.contains("line 1") && what.contains("line 4"), "{what}");
    }

    #[test]
    fn a_hashed_name_is_found_by_the_host_that_is_asked_for() {
        let salt = [7; line::HASH_BYTES];
        let encode = |bytes: &[u8]| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(bytes)
        };
        let name = format!(
            "|1|{}|{}",
            encode(&salt),
            encode(&line::hash(&salt, "node"))
        );
        let text = format!("node {ONE}\n{name} {OTHER}\n");
        assert_eq!(look(&text, &[]).len(), 1);
        assert_eq!(look(&text, &["node"]).len(), 2);
    }

    #[test]
    fn files_that_are_not_there_are_no_trouble() {
        let found = survey(&["/no such/known_hosts".into()], &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].status, CheckStatus::Ok);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_write_is_a_problem() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        fs::write(&file, format!("node {ONE}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let found = survey(&[file], &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].status, CheckStatus::Problem);
        assert!(found[0].what.contains("0666"), "{found:?}");
    }
}
