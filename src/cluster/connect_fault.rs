//! The words for what keeps a client from being made: kubeconfig, credential plugin, certificates.

use std::error::Error;

use crate::model::{ClusterFault, KUBECONFIG_PLACES, printable, shell_quoted};

use super::connection::{ConnectError, material_path};
use super::exec::ExecError;
use super::fault::{causes, fault, root};
use super::kubeconfig::KubeconfigError;
use super::remote::RemoteError;

/// No client could be made.
pub(super) fn of_connect(error: &ConnectError) -> ClusterFault {
    match error {
        ConnectError::Kubeconfig(error) => of_kubeconfig(error),
        ConnectError::Remote(error) => of_remote(error),
        ConnectError::Exec(error) => of_exec(error),
        ConnectError::Material { context, source } => of_material(context, source),
        ConnectError::Proxy { .. } => fault(
            "kubeconfig",
            sentence(error),
            "Name another proxy in the cluster's proxy-url or in HTTPS_PROXY, or none for this server (NO_PROXY).",
        ),
        ConnectError::SlowFiles | ConnectError::Interrupted(_) => fault(
            "kubeconfig",
            format!(
                "{} ({}).",
                sentence(error).trim_end_matches('.'),
                root(error)
            ),
            "Check the file system that the kubeconfig and its certificates are on.",
        ),
    }
}

/// The error's own words, as a sentence that is safe to show.
fn sentence(error: &dyn Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    printable(&format!("{first}{}.", chars.as_str())).into_owned()
}

pub(super) fn of_kubeconfig(error: &KubeconfigError) -> ClusterFault {
    let told = sentence(error);
    match error {
        KubeconfigError::NoHome | KubeconfigError::Missing { .. } => fault(
            "kubeconfig",
            told,
            "Copy the cluster's kubeconfig there (kubeadm keeps it in /etc/kubernetes/admin.conf, k3s in \
             /etc/rancher/k3s/k3s.yaml), or name the file with --kubeconfig or KUBECONFIG.",
        ),
        KubeconfigError::Unreadable { path, .. } => fault(
            "kubeconfig",
            format!("{} {}.", told, root(error)),
            format!(
                "Give yourself the right to read it, for example: chmod u+r {}",
                printable(&path.display().to_string())
            ),
        ),
        KubeconfigError::Broken { line, .. } => {
            let at = line
                .map(|line| format!(" at line {line}"))
                .unwrap_or_default();
            fault(
                "kubeconfig",
                format!("{}{at}: {}", told.trim_end_matches('.'), root(error)),
                "Correct it there, or fetch the kubeconfig anew (kubectl config view shows what kubectl makes of it).",
            )
        }
        KubeconfigError::NoCurrentContext { contexts, .. } => fault(
            "context",
            told,
            format!(
                "Name one with --context, or: kubectl config use-context NAME. {}",
                there_are(contexts)
            ),
        ),
        KubeconfigError::UnknownContext { contexts, .. } => {
            fault("context", told, there_are(contexts))
        }
        KubeconfigError::Dangling { kind, .. } => fault(
            "context",
            told,
            format!("Add the {kind} to the kubeconfig, or name another context."),
        ),
        KubeconfigError::Unusable { .. } => fault(
            "kubeconfig",
            format!("{}: {}", told.trim_end_matches('.'), root_with_path(error)),
            "Correct the cluster's or user's entry in the kubeconfig, or fetch the kubeconfig anew.",
        ),
        KubeconfigError::Server { .. } => fault(
            "kubeconfig",
            told,
            "Write the cluster's server as https://HOST:PORT in the kubeconfig.",
        ),
    }
}

fn there_are(contexts: &[String]) -> String {
    if contexts.is_empty() {
        "The kubeconfig has no contexts at all.".to_owned()
    } else {
        format!("There are: {}.", printable(&contexts.join(", ")))
    }
}

/// The root cause, led by the file it is about, where a file could not be read.
fn root_with_path(error: &(dyn Error + 'static)) -> String {
    let path = causes(error).find_map(|cause| match cause.downcast_ref()? {
        kube::config::LoadDataError::ReadFile(_, path) => Some(path.display().to_string()),
        _ => None,
    });
    match path {
        Some(path) => format!("{}: {}", printable(&path), root(error)),
        None => root(error),
    }
}

fn of_remote(error: &RemoteError) -> ClusterFault {
    let told = sentence(error);
    let (code, hint) = match error {
        RemoteError::Kubeconfig(error) => return of_kubeconfig(error),
        RemoteError::Way(way) => ("ssh", way.next_step()),
        RemoteError::NoCommands { .. } => (
            "kubeconfig",
            "Adit reads the kubeconfig there with `sh` and `cat`: log in with an account that has a shell, or copy the \
             kubeconfig to this computer and name it with --kubeconfig."
                .to_owned(),
        ),
        RemoteError::Missing { path: Some(path), .. } => (
            "kubeconfig",
            format!("Check the path {}, or leave it out to have it looked for.", printable(path)),
        ),
        RemoteError::Missing { path: None, .. } => (
            "kubeconfig",
            format!(
                "It was looked for in KUBECONFIG, ~/.kube/config and {}. Name another file there, go through a control plane \
                 node, or use a kubeconfig on this computer.",
                KUBECONFIG_PLACES.join(", ")
            ),
        ),
        RemoteError::Denied { file, .. } | RemoteError::Sudo { file, .. } => (
            "forbidden",
            format!(
                "Make a copy there that your account may read: mkdir -p ~/.kube && sudo cp {file} ~/.kube/config && sudo chown \
                 \"$(id -u)\" ~/.kube/config && chmod 600 ~/.kube/config",
                file = printable(&shell_quoted(file))
            ),
        ),
        RemoteError::NamedFile { .. } => (
            "kubeconfig",
            "Correct it there, or have the kubeconfig hold what is in the file: kubectl config view --flatten".to_owned(),
        ),
        RemoteError::Plugin { .. } => (
            "kubeconfig",
            "Adit does not run what a kubeconfig of another machine names. Name a file there with a token or certificate, or \
             use a kubeconfig on this computer."
                .to_owned(),
        ),
    };
    fault(code, told, hint)
}

fn of_exec(error: &ExecError) -> ClusterFault {
    let told = sentence(error);
    let hint = match error {
        ExecError::Missing { install_hint: Some(hint), .. } => printable(hint.trim()).into_owned(),
        ExecError::NoCommand | ExecError::Missing { .. } => {
            "Install it, or correct users[].user.exec.command in the kubeconfig; a program started from the desktop may \
             have a shorter PATH than a terminal, which a full path gets around."
                .to_owned()
        }
        ExecError::Run { .. } => "Check that it is a program that you may run.".to_owned(),
        ExecError::Failed { .. } | ExecError::TimedOut { .. } => {
            "Adit cannot answer its questions: log in once in a terminal (kubectl get services runs the same plugin), then \
             it goes on by itself."
                .to_owned()
        }
        ExecError::Output { .. } | ExecError::Empty { .. } => {
            "Run the plugin in a terminal to see what it prints; it may need an update.".to_owned()
        }
    };
    let message = match error {
        ExecError::Failed { said, .. } if !said.is_empty() => {
            format!("{}: {}", told.trim_end_matches('.'), printable(said))
        }
        ExecError::Run { .. } => format!("{}: {}", told.trim_end_matches('.'), root(error)),
        _ => told,
    };
    fault("unauthorized", message, hint)
}

fn of_material(context: &str, error: &kube::Error) -> ClusterFault {
    let about = match error {
        kube::Error::Auth(kube::client::AuthError::ReadTokenFile(_, path)) => Some(path.as_path()),
        _ => material_path(error),
    };
    let file = about
        .map(|path| format!(" {}", path.display()))
        .unwrap_or_default();
    fault(
        "kubeconfig",
        format!(
            "The credentials or certificates{} of the context '{}' cannot be used: {}",
            printable(&file),
            printable(context),
            root(error)
        ),
        "Correct the user's or cluster's entry in the kubeconfig, or fetch the kubeconfig anew.",
    )
}
