//! The commands by which a kubeconfig is found and read on an SSH host, and what they print. No more than a POSIX shell and
//! `cat` is needed there, and nothing is written.

use super::text::shell_quoted;

/// What each line of the commands' own begins with: a login shell may print greetings of its own before.
const MARK: &str = "adit:";

/// Where clusters keep a kubeconfig, in the order in which it is looked for, after `KUBECONFIG` and `~/.kube/config`.
pub const KUBECONFIG_PLACES: [&str; 4] = [
    "/etc/kubernetes/admin.conf",
    "/etc/rancher/k3s/k3s.yaml",
    "/var/lib/k0s/pki/admin.conf",
    "/var/snap/microk8s/current/credentials/client.config",
];

/// Prints the first file of `$@` that may be read, and before it each that may not. The script has no quotes and no `!`, so
/// that it is the same in every shell that the account may have.
const FIND: &str = "for f do d=${f%/*}; \
     if [ -f \"$f\" ]; then \
     if [ -r \"$f\" ]; then echo \"adit:found $f\"; exec cat -- \"$f\"; fi; echo \"adit:denied $f\"; \
     elif [ -d \"$d\" ]; then if [ -x \"$d\" ]; then :; else echo \"adit:denied $f\"; fi; fi; done; echo adit:missing";

/// What looking for a kubeconfig has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundKubeconfig<'a> {
    /// Here it is.
    Found {
        /// The file.
        path: &'a str,
        /// What is in it.
        text: &'a str,
    },
    /// There is one, or may be one, that this account may not read.
    Denied {
        /// The first such file.
        path: &'a str,
    },
    /// There is none.
    Missing,
}

/// The command that looks for a kubeconfig: at `path`, which may begin with `~/`, or where clusters keep it.
#[must_use]
pub fn find_kubeconfig(path: Option<&str>) -> String {
    let (setup, places) = match path {
        // The list of KUBECONFIG is separated by colons, and its files are no patterns.
        None => (
            "set -f; IFS=:; set -- $KUBECONFIG \"$HOME/.kube/config\" \"$@\"; ",
            KUBECONFIG_PLACES.to_vec(),
        ),
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => ("set -- \"$HOME/$1\"; ", vec![rest]),
            None => ("", vec![path]),
        },
    };
    let words = places.into_iter().map(shell_quoted);
    let words = words.collect::<Vec<_>>().join(" ");
    format!(
        "exec sh -c {} adit {words}",
        shell_quoted(&format!("{setup}{FIND}"))
    )
}

/// The command that prints `path`, as root where `as_root`: never asking for a password, since nobody could answer.
#[must_use]
pub fn read_file(path: &str, as_root: bool) -> String {
    let sudo = if as_root { "sudo -n " } else { "" };
    let script = format!("echo \"adit:found $1\"; exec {sudo}cat -- \"$1\"");
    format!(
        "exec sh -c {} adit {}",
        shell_quoted(&script),
        shell_quoted(path)
    )
}

/// Reads what [`find_kubeconfig`] or [`read_file`] printed.
#[must_use]
pub fn found_kubeconfig(output: &str) -> FoundKubeconfig<'_> {
    let mut denied = None;
    let mut rest = output;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let said = line.trim_end_matches('\r').strip_prefix(MARK);
        match said.and_then(|said| said.split_once(' ')) {
            Some(("found", path)) => return FoundKubeconfig::Found { path, text: after },
            Some(("denied", path)) => denied = denied.or(Some(path)),
            _ => {}
        }
        rest = after;
    }
    denied.map_or(FoundKubeconfig::Missing, |path| FoundKubeconfig::Denied {
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_read_whatever_the_shell_says_before() {
        assert_eq!(
            found_kubeconfig(
                "Welcome!\nadit:denied /etc/a\nadit:found /b c\nadit:found x\nkind: Config\n"
            ),
            FoundKubeconfig::Found {
                path: "/b c",
                text: "adit:found x\nkind: Config\n"
            }
        );
        assert_eq!(
            found_kubeconfig("adit:denied /etc/a\nadit:denied /etc/b\nadit:missing\n"),
            FoundKubeconfig::Denied { path: "/etc/a" }
        );
        assert_eq!(found_kubeconfig("adit:missing\n"), FoundKubeconfig::Missing);
        assert_eq!(found_kubeconfig(""), FoundKubeconfig::Missing);
    }

    #[cfg(unix)]
    mod by_a_shell {
        use std::fs;
        use std::path::Path;
        use std::process::Command;

        use tempfile::TempDir;

        use super::*;

        fn run(command: &str, home: &Path, kubeconfig: &str) -> String {
            let output = Command::new("sh")
                .args(["-c", command])
                .env("HOME", home)
                .env("KUBECONFIG", kubeconfig)
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        }

        #[test]
        fn the_list_of_kubeconfig_comes_first_then_the_home_folder() {
            let home = TempDir::new().unwrap();
            let own = home.path().join(".kube");
            fs::create_dir(&own).unwrap();
            fs::write(own.join("config"), "of home\n").unwrap();
            let odd = home.path().join("it's * odd");
            fs::write(&odd, "odd\n").unwrap();
            for (list, expected) in [
                (String::new(), "of home\n"),
                (format!("/nowhere:{}:/also", odd.display()), "odd\n"),
            ] {
                let output = run(&find_kubeconfig(None), home.path(), &list);
                let FoundKubeconfig::Found { text, .. } = found_kubeconfig(&output) else {
                    panic!("{list}: {output}")
                };
                assert_eq!(text, expected, "{list}");
            }
        }

        #[test]
        fn a_named_file_may_begin_with_the_home_folder_and_hold_any_character() {
            let home = TempDir::new().unwrap();
            let odd = home.path().join("it's $HOME; `id`");
            fs::write(&odd, "odd\n").unwrap();
            for path in ["~/it's $HOME; `id`", odd.to_str().unwrap()] {
                let output = run(&find_kubeconfig(Some(path)), home.path(), "");
                let found = FoundKubeconfig::Found {
                    path: odd.to_str().unwrap(),
                    text: "odd\n",
                };
                assert_eq!(found_kubeconfig(&output), found, "{path}");
                assert_eq!(
                    run(&read_file(odd.to_str().unwrap(), false), home.path(), ""),
                    output
                );
            }
            let output = run(&find_kubeconfig(Some("/nowhere/at/all")), home.path(), "");
            assert_eq!(found_kubeconfig(&output), FoundKubeconfig::Missing);
        }
    }
}
