use std::ffi::OsString;
use std::fs;

use tempfile::TempDir;

use crate::cluster::connect_fault::of_connect;
use crate::cluster::connection::ConnectError;
use crate::model::ClusterFault;

use super::*;

const GOOD: &str = "\
apiVersion: v1
kind: Config
current-context: lab
clusters:
- {name: lab, cluster: {server: 'https://10.0.0.100:6443', certificate-authority: ca.crt}}
- {name: plain, cluster: {server: 'http://127.0.0.1:8001'}}
- {name: bare, cluster: {server: '10.0.0.100:6443'}}
users:
- {name: me, user: {token: abc}}
contexts:
- {name: lab, context: {cluster: plain, user: me, namespace: shop}}
- {name: no-ca, context: {cluster: lab, user: me}}
- {name: no-cluster, context: {cluster: gone, user: me}}
- {name: no-user, context: {cluster: plain, user: nobody}}
- {name: no-scheme, context: {cluster: bare}}
";

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn fault_of(paths: &[PathBuf], context: Option<&str>) -> ClusterFault {
    of_connect(&ConnectError::Kubeconfig(read(paths, context).unwrap_err()))
}

#[test]
fn the_named_file_wins_then_the_list_then_the_home() {
    let named = |path: Option<&str>| ClusterSource::local(path.map(PathBuf::from), None);
    let list = std::env::join_paths(["/a", "", "/b"]).unwrap();
    let home = Some(PathBuf::from("/home/me"));
    for (source, list, expected) in [
        (named(Some("/x")), Some(list.clone()), vec!["/x"]),
        (named(None), Some(list), vec!["/a", "/b"]),
        (
            named(None),
            Some(OsString::new()),
            vec!["/home/me/.kube/config"],
        ),
        (named(None), None, vec!["/home/me/.kube/config"]),
    ] {
        let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
        assert_eq!(paths_from(&source, list.as_deref(), home.clone()), expected);
    }
    assert!(paths_from(&named(None), None, None).is_empty());
}

#[test]
fn a_good_context_is_resolved() {
    let files = Files::new();
    let chosen = read(&[files.write("config", GOOD)], None).unwrap();
    assert_eq!(chosen.context, "lab");
    assert_eq!(chosen.namespace.as_str(), "shop");
    assert_eq!(
        server_of(&chosen.config.cluster_url),
        "http://127.0.0.1:8001"
    );
}

#[test]
fn a_list_is_merged_and_the_first_to_say_something_wins() {
    let files = Files::new();
    let first = files.write(
        "first",
        "current-context: far\nclusters:\n- {name: plain, cluster: {server: 'http://first:1'}}\n",
    );
    let second = files.write("second", GOOD);
    let third = files.write(
        "third",
        "contexts:\n- {name: far, context: {cluster: plain, user: me}}\n",
    );
    let absent = files.0.path().join("absent");
    let chosen = read(&[first, absent, second, third], None).unwrap();
    assert_eq!(chosen.context, "far");
    assert_eq!(server_of(&chosen.config.cluster_url), "http://first:1");
    assert_eq!(chosen.namespace.as_str(), "default");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn every_fault_says_what_where_and_what_to_do() {
    let files = Files::new();
    let good = files.write("good", GOOD);
    let empty = files.write("empty", "");
    let broken = files.write("broken", "apiVersion: v1\nclusters:\n- name: [oops\n");
    let none_current = files.write("none", &GOOD.replace("current-context: lab\n", ""));
    let folder = files.0.path().to_owned();
    let absent = files.0.path().join("absent");
    for (path, context, code, message, hint) in [
        (
            &absent,
            None,
            "kubeconfig",
            "There is no kubeconfig at ",
            "--kubeconfig",
        ),
        (
            &folder,
            None,
            "kubeconfig",
            "cannot be read",
            "right to read it",
        ),
        (
            &broken,
            None,
            "kubeconfig",
            "cannot be understood at line ",
            "fetch the kubeconfig anew",
        ),
        (
            &empty,
            None,
            "context",
            "no current-context",
            "no contexts at all",
        ),
        (
            &none_current,
            None,
            "context",
            "no current-context",
            "There are: lab, no-ca, ",
        ),
        (
            &good,
            Some("prod"),
            "context",
            "There is no context 'prod'",
            "There are: lab, no-ca, ",
        ),
        (
            &good,
            Some("no-cluster"),
            "context",
            "names the cluster 'gone'",
            "another context",
        ),
        (
            &good,
            Some("no-user"),
            "context",
            "names the user 'nobody'",
            "another context",
        ),
        (
            &good,
            Some("no-ca"),
            "kubeconfig",
            "ca.crt: ",
            "Correct the cluster's",
        ),
        (
            &good,
            Some("no-scheme"),
            "kubeconfig",
            "The server '10.0.0.100:6443'",
            "https://HOST:PORT",
        ),
    ] {
        let fault = fault_of(std::slice::from_ref(path), context);
        assert_eq!(fault.code, code, "{fault:?}");
        assert!(fault.message.contains(message), "{fault:?}");
        assert!(fault.hint.contains(hint), "{fault:?}");
        if context.is_none() {
            assert!(fault.message.contains(path.to_str().unwrap()), "{fault:?}");
        }
    }
}

#[test]
fn credentials_in_a_url_are_not_shown() {
    let uri = "https://me:secret@10.0.0.1:6443/k8s/".parse().unwrap();
    assert_eq!(server_of(&uri), "https://10.0.0.1:6443/k8s");
}
