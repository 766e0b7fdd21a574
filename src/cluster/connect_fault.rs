//! The words for what keeps a client from being made: kubeconfig, credential plugin, certificates.

use std::error::Error;
use std::path::PathBuf;

use crate::model::{
    ClusterFault, Joint, KUBECONFIG_PLACES, Part, Words, printable, shell_quoted, words,
};

use super::connection::{ConnectError, READ_LIMIT, material_path};
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
        ConnectError::Proxy { url } => fault(
            "kubeconfig",
            words!(
                "The proxy '{url}' cannot be used: only http:// and socks5:// can.",
                url = printable(url)
            ),
            words!(
                "Name another proxy in the cluster's proxy-url or in HTTPS_PROXY, or none for this server (NO_PROXY)."
            ),
        ),
        ConnectError::SlowFiles => fault(
            "kubeconfig",
            words!(
                "The kubeconfig and what it names could not be read within {seconds} s.",
                seconds = READ_LIMIT.as_secs()
            ),
            see_files(),
        ),
        ConnectError::Interrupted(source) => fault(
            "kubeconfig",
            words!(
                "Reading the kubeconfig failed ({error}).",
                error = root(source)
            ),
            see_files(),
        ),
    }
}

fn see_files() -> Words {
    words!("Check the file system that the kubeconfig and its certificates are on.")
}

fn list_paths(paths: &[PathBuf]) -> Part {
    let shown = paths.iter().map(|path| {
        let path = path.display().to_string();
        Part::from(printable(&path).into_owned())
    });
    Part::strung(shown.collect(), Joint::Comma, usize::MAX)
}

pub(super) fn of_kubeconfig(error: &KubeconfigError) -> ClusterFault {
    match error {
        KubeconfigError::NoHome => fault(
            "kubeconfig",
            words!("There is no home folder to look for a kubeconfig in."),
            copy_it(),
        ),
        KubeconfigError::Missing { paths } => fault(
            "kubeconfig",
            words!(
                "There is no kubeconfig at {paths}.",
                paths = list_paths(paths)
            ),
            copy_it(),
        ),
        KubeconfigError::Unreadable { path, .. } => unreadable(path, error),
        KubeconfigError::Broken { path, line, .. } => broken(path, *line, error),
        KubeconfigError::NoCurrentContext { .. }
        | KubeconfigError::UnknownContext { .. }
        | KubeconfigError::Dangling { .. } => of_context(error),
        KubeconfigError::Unusable { context, .. } => fault(
            "kubeconfig",
            words!(
                "The context '{context}' cannot be used: {error}",
                context = printable(context),
                error = root_with_path(error)
            ),
            words!(
                "Correct the cluster's or user's entry in the kubeconfig, or fetch the kubeconfig anew."
            ),
        ),
        KubeconfigError::Server {
            context, server, ..
        } => fault(
            "kubeconfig",
            words!(
                "The server '{server}' of the context '{context}' is not an http:// or https:// URL.",
                server = printable(server),
                context = printable(context)
            ),
            words!("Write the cluster's server as https://HOST:PORT in the kubeconfig."),
        ),
    }
}

/// The context is none that can be used.
fn of_context(error: &KubeconfigError) -> ClusterFault {
    match error {
        KubeconfigError::NoCurrentContext { paths, contexts } => fault(
            "context",
            words!(
                "The kubeconfig {paths} has no current-context.",
                paths = list_paths(paths)
            ),
            words!(
                "Name one with --context, or: kubectl config use-context NAME. {contexts}",
                contexts = there_are(contexts)
            ),
        ),
        KubeconfigError::UnknownContext {
            context,
            paths,
            contexts,
        } => fault(
            "context",
            words!(
                "There is no context '{context}' in the kubeconfig {paths}.",
                context = printable(context),
                paths = list_paths(paths)
            ),
            there_are(contexts),
        ),
        KubeconfigError::Dangling {
            context,
            kind,
            name,
            paths,
        } => fault(
            "context",
            words!(
                "The context '{context}' names the {kind} '{name}', which is not in the kubeconfig {paths}.",
                context = printable(context),
                kind = *kind,
                name = printable(name),
                paths = list_paths(paths)
            ),
            words!(
                "Add the {kind} to the kubeconfig, or name another context.",
                kind = *kind
            ),
        ),
        other => fault("context", Words::quoted(&other.to_string()), see_files()),
    }
}

fn copy_it() -> Words {
    words!(
        "Copy the cluster's kubeconfig there (kubeadm keeps it in /etc/kubernetes/admin.conf, k3s in \
         /etc/rancher/k3s/k3s.yaml), or name the file with --kubeconfig or KUBECONFIG."
    )
}

fn unreadable(path: &std::path::Path, error: &KubeconfigError) -> ClusterFault {
    let path = path.display().to_string();
    fault(
        "kubeconfig",
        words!(
            "The kubeconfig {path} cannot be read. {error}.",
            path = printable(&path),
            error = root(error)
        ),
        words!(
            "Give yourself the right to read it, for example: chmod u+r {path}",
            path = printable(&path)
        ),
    )
}

fn broken(path: &std::path::Path, line: Option<u64>, error: &KubeconfigError) -> ClusterFault {
    let path = path.display().to_string();
    let message = match line {
        Some(line) => words!(
            "The kubeconfig {path} cannot be understood at line {line}: {error}",
            path = printable(&path),
            line = line,
            error = root(error)
        ),
        None => words!(
            "The kubeconfig {path} cannot be understood: {error}",
            path = printable(&path),
            error = root(error)
        ),
    };
    fault(
        "kubeconfig",
        message,
        words!(
            "Correct it there, or fetch the kubeconfig anew (kubectl config view shows what kubectl makes of it)."
        ),
    )
}

fn there_are(contexts: &[String]) -> Words {
    if contexts.is_empty() {
        words!("The kubeconfig has no contexts at all.")
    } else {
        words!(
            "There are: {contexts}.",
            contexts = printable(&contexts.join(", "))
        )
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
    match error {
        RemoteError::Kubeconfig(error) => of_kubeconfig(error),
        RemoteError::Way(way) => fault(
            "ssh",
            words!("{fault}.", fault = way),
            words!("{step}", step = Part::NextStep(Box::new(way.clone()))),
        ),
        RemoteError::NoCommands { host, reason } => fault(
            "kubeconfig",
            words!(
                "No kubeconfig can be looked for on {host}: {reason}.",
                host = printable(host),
                reason = printable(reason)
            ),
            words!(
                "Adit reads the kubeconfig there with `sh` and `cat`: log in with an account that has a shell, or copy the \
                 kubeconfig to this computer and name it with --kubeconfig."
            ),
        ),
        RemoteError::Missing { host, path } => fault(
            "kubeconfig",
            words!("There is no kubeconfig on {host}.", host = printable(host)),
            missing_there(path.as_deref()),
        ),
        RemoteError::Denied { host, file } => fault(
            "forbidden",
            words!(
                "The kubeconfig {file} on {host} may not be read by this account.",
                file = printable(file),
                host = printable(host)
            ),
            copy_there(file),
        ),
        RemoteError::Sudo { host, file, said } => fault(
            "forbidden",
            words!(
                "The kubeconfig {file} on {host} could not be read by sudo: {said}.",
                file = printable(file),
                host = printable(host),
                said = printable(said)
            ),
            copy_there(file),
        ),
        RemoteError::NamedFile { host, file, said } => fault(
            "kubeconfig",
            words!(
                "The file {file} on {host}, which the kubeconfig names, cannot be read: {said}.",
                file = printable(file),
                host = printable(host),
                said = printable(said)
            ),
            words!(
                "Correct it there, or have the kubeconfig hold what is in the file: kubectl config view --flatten"
            ),
        ),
        RemoteError::Plugin { host, file } => fault(
            "kubeconfig",
            words!(
                "The kubeconfig {file} on {host} gets its credentials from a program on that host.",
                file = printable(file),
                host = printable(host)
            ),
            words!(
                "Adit does not run what a kubeconfig of another machine names. Name a file there with a token or certificate, \
                 or use a kubeconfig on this computer."
            ),
        ),
    }
}

fn missing_there(path: Option<&str>) -> Words {
    match path {
        Some(path) => words!(
            "Check the path {path}, or leave it out to have it looked for.",
            path = printable(path)
        ),
        None => words!(
            "It was looked for in KUBECONFIG, ~/.kube/config and {places}. Name another file there, go through a control plane \
             node, or use a kubeconfig on this computer.",
            places = KUBECONFIG_PLACES.join(", ")
        ),
    }
}

fn copy_there(file: &str) -> Words {
    words!(
        "Make a copy there that your account may read: mkdir -p ~/.kube && sudo cp {file} ~/.kube/config && sudo chown \
         \"$(id -u)\" ~/.kube/config && chmod 600 ~/.kube/config",
        file = printable(&shell_quoted(file))
    )
}

fn of_exec(error: &ExecError) -> ClusterFault {
    let hint = match error {
        ExecError::Missing {
            install_hint: Some(hint),
            ..
        } => Words::quoted(hint.trim()),
        ExecError::NoCommand | ExecError::Missing { .. } => words!(
            "Install it, or correct users[].user.exec.command in the kubeconfig; a program started from the desktop may have a \
             shorter PATH than a terminal, which a full path gets around."
        ),
        ExecError::Run { .. } => words!("Check that it is a program that you may run."),
        ExecError::Failed { .. } | ExecError::TimedOut { .. } => words!(
            "Adit cannot answer its questions: log in once in a terminal (kubectl get services runs the same plugin), then it \
             goes on by itself."
        ),
        ExecError::Output { .. } | ExecError::Empty { .. } => {
            words!("Run the plugin in a terminal to see what it prints; it may need an update.")
        }
    };
    fault("unauthorized", plugin_words(error), hint)
}

fn plugin_words(error: &ExecError) -> Words {
    match error {
        ExecError::NoCommand => words!("The kubeconfig's exec entry names no command."),
        ExecError::Missing { command, .. } => words!(
            "The credential plugin '{command}' is not installed.",
            command = printable(command)
        ),
        ExecError::Run { command, .. } => words!(
            "The credential plugin '{command}' cannot be run: {error}",
            command = printable(command),
            error = root(error)
        ),
        ExecError::Failed {
            command,
            status,
            said,
        } if said.is_empty() => words!(
            "The credential plugin '{command}' failed ({status}).",
            command = printable(command),
            status = status.to_string()
        ),
        ExecError::Failed {
            command,
            status,
            said,
        } => words!(
            "The credential plugin '{command}' failed ({status}): {said}",
            command = printable(command),
            status = status.to_string(),
            said = printable(said)
        ),
        ExecError::TimedOut { command, after } => words!(
            "The credential plugin '{command}' did not end within {seconds} s.",
            command = printable(command),
            seconds = after.as_secs()
        ),
        ExecError::Output { command, .. } => words!(
            "The credential plugin '{command}' printed no ExecCredential.",
            command = printable(command)
        ),
        ExecError::Empty { command } => words!(
            "The credential plugin '{command}' printed no credentials.",
            command = printable(command)
        ),
    }
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
        words!(
            "The credentials or certificates{file} of the context '{context}' cannot be used: {error}",
            file = printable(&file),
            context = printable(context),
            error = root(error)
        ),
        words!(
            "Correct the user's or cluster's entry in the kubeconfig, or fetch the kubeconfig anew."
        ),
    )
}
