//! Bad input: one clear sentence with what, where and what to do next; exit code 1 or 2.

use std::fs;

use crate::support::adit::run;

/// Arguments, the exit code, and what stderr must hold.
type Row<'a> = (&'a [&'a str], i32, &'a [&'a str]);

fn check(rows: &[Row]) {
    let home = tempfile::tempdir().unwrap();
    for (arguments, code, parts) in rows {
        let output = run(home.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        for part in *parts {
            assert!(
                stderr.contains(part),
                "{arguments:?} does not name {part}: {stderr}"
            );
        }
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn forwards_that_cannot_be_meant() {
    let missing = "/no/such/key.pem";
    check(&[
        (
            &["forward", "-L", "8080", "u@h"],
            2,
            &["'8080' is not a local forward", "Use [BIND_ADDRESS:]PORT"],
        ),
        (
            &["forward", "-L", "1:a:2", "-D", "a:b:c:d", "u@h"],
            2,
            &["a:b:c:d"],
        ),
        (
            &["forward", "-L", "1:a:2", "u@h", "uptime"],
            2,
            &["'uptime'", "use ssh"],
        ),
        (
            &["forward", "-L", "1:a:2", "-o", "Prot=22", "u@h"],
            2,
            &["'prot' is not an option"],
        ),
        (&["forward", "u@h"], 2, &["nothing to forward", "-L 8080"]),
        (
            &["forward", "-L", "1:a:2", "u@@"],
            2,
            &["'u@@' is not a host"],
        ),
        (
            &["forward", "-L", "1:a:2", "-i", missing, "u@h"],
            1,
            &[missing, "Check that"],
        ),
        (&["nonsense"], 2, &["nonsense"]),
    ]);
}

#[test]
fn services_and_hosts_that_cannot_be_meant() {
    let missing = "/no/such/kubeconfig";
    let key = "/no/such/key.pem";
    check(&[
        (
            &["up", "ui", "--host", "u@h"],
            2,
            &["'ui' is not NAMESPACE/SERVICE"],
        ),
        (&["up", "default/ui"], 2, &["--host"]),
        (
            &["up", "default/ui", "--local", "here", "--host", "u@h"],
            2,
            &["'here'"],
        ),
        (
            &["up", "default/ui", "--route", "tram", "--host", "u@h"],
            2,
            &["'tram' is not a route", "metallb"],
        ),
        (
            &["up", "default/ui", "--host", "u@h:0"],
            2,
            &["'0' is not a port"],
        ),
        (
            &["up", "default/ui", "--host", "u@h", "--identity", key],
            1,
            &[key, "Check that"],
        ),
        (
            &["up", "default/ui", "--host", "u@h", "--kubeconfig", missing],
            1,
            &[missing],
        ),
    ]);
}

#[test]
fn clusters_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (missing, broken, empty, good) = (at("missing"), at("broken"), at("empty"), at("good"));
    fs::write(&broken, "clusters: [").unwrap();
    fs::write(&empty, "").unwrap();
    fs::write(&good, KUBECONFIG).unwrap();
    check(&[
        (&["list", "--kubeconfig", &missing], 1, &[&missing]),
        (&["list", "--kubeconfig", &broken], 1, &[&broken]),
        (&["list", "--kubeconfig", &empty], 1, &[&empty]),
        (
            &["list", "--kubeconfig", &good, "--context", "moon"],
            1,
            &["moon", "earth"],
        ),
        (&["list", "-o", "yaml"], 2, &["yaml", "json"]),
    ]);
}

#[test]
fn an_unknown_host_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "forward",
        "-F",
        "none",
        "--json",
        "-o",
        "BatchMode=yes",
        "-L",
        "127.0.0.1:0:a:2",
        "u@no-such-host.invalid",
    ];
    let mut command = crate::support::adit::command(folder.path());
    command.args(arguments);
    let adit = crate::support::adit::Running::spawn(command);
    let fault = adit.state("waiting")["fault"].clone();
    assert_eq!(fault["code"], "name-not-found", "{fault}");
    assert!(
        fault["message"]
            .as_str()
            .unwrap()
            .contains("no-such-host.invalid"),
        "{fault}"
    );
}

const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: earth, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
current-context: earth
";
