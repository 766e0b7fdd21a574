//! Errors in words: what happened, where, and what to do next. What an error comes down to is found by type, by walking its
//! sources; texts of others are only quoted, never compared.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::model::{ClusterFault, printable};

use super::connection::{ConnectError, material_path};
use super::dial::DialError;
use super::exec::ExecError;
use super::feed::{FeedError, Resource, Scope};
use super::kubeconfig::KubeconfigError;

/// Where an error happened, for the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The context's name.
    pub(super) context: &'a str,
    /// The API server's URL.
    pub(super) server: &'a str,
}

fn fault(code: &'static str, message: String, hint: impl Into<String>) -> ClusterFault {
    ClusterFault {
        code,
        message,
        hint: hint.into(),
    }
}

/// `error`, and everything it was caused by.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = cause(current);
        Some(current)
    })
}

/// An `io::Error` made of another error hides it from `source()`.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The innermost cause in its own words, which is where the news is.
fn root(error: &(dyn Error + 'static)) -> String {
    let last = causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    let line: String = last
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect();
    printable(&line).into_owned()
}

/// No client could be made.
pub(super) fn of_connect(error: &ConnectError) -> ClusterFault {
    match error {
        ConnectError::Kubeconfig(error) => of_kubeconfig(error),
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

fn of_kubeconfig(error: &KubeconfigError) -> ClusterFault {
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

/// A feed of `resource` does not follow it.
pub(super) fn of_feed(
    error: &FeedError,
    resource: Resource,
    scope: &Scope,
    at: Place<'_>,
) -> ClusterFault {
    if let FeedError::Connect(error) = error {
        return of_connect(error);
    }
    if let Some(status) = error.status() {
        return of_status(error, status, resource, scope, at);
    }
    if let FeedError::TimedOut { after } = error {
        return silent(at, after.as_secs());
    }
    of_transport(error, at)
}

fn silent(at: Place<'_>, secs: u64) -> ClusterFault {
    fault(
        "unreachable",
        format!(
            "The API server {} did not answer within {secs} s.",
            at.server
        ),
        "Check the network, the VPN, and that the cluster runs.",
    )
}

fn of_status(
    error: &FeedError,
    status: &kube::core::Status,
    resource: Resource,
    scope: &Scope,
    at: Place<'_>,
) -> ClusterFault {
    let everywhere = match scope {
        Scope::All => "in all namespaces".to_owned(),
        Scope::Namespace(namespace) => {
            format!("in the namespace {}", printable(namespace.as_str()))
        }
    };
    let (verb, name, server) = (error.verb(), resource.name, at.server);
    let said = printable(status.message.lines().next().unwrap_or_default()).into_owned();
    match status.code {
        401 => fault(
            "unauthorized",
            format!(
                "The API server {server} does not accept the credentials of the context '{}'.",
                printable(at.context)
            ),
            "They may have ended: log in anew, or fetch the kubeconfig anew.",
        ),
        403 => fault(
            "forbidden",
            format!("The API server {server} does not allow you to {verb} {name} {everywhere}."),
            format!(
                "Ask for a Role with the verbs get, list and watch on {name}; if you have one in another namespace, make \
                 that the context's: kubectl config set-context --current --namespace=NAMESPACE"
            ),
        ),
        404 => fault(
            "server",
            format!(
                "The API server {server} does not serve {name} ({}/{}).",
                resource.group, resource.version
            ),
            "Check that the server's URL in the kubeconfig leads to a Kubernetes API, of 1.21 or newer.",
        ),
        429 => fault(
            "server",
            format!("The API server {server} is too busy to {verb} {name}."),
            "It is asked again when it says so.",
        ),
        code => fault(
            "server",
            format!("The API server {server} cannot {verb} {name}: {said} ({code})."),
            "It is asked again; if it stays so, see the API server's log.",
        ),
    }
}

fn of_transport(error: &FeedError, at: Place<'_>) -> ClusterFault {
    if error.is_gibberish() {
        return fault(
            "server",
            format!(
                "The API server {} sent something that is no Kubernetes answer: {}",
                at.server,
                root(error)
            ),
            "Check that the server's URL in the kubeconfig leads to a Kubernetes API and not to a login page or proxy.",
        );
    }
    for cause in causes(error) {
        if let Some(error) = cause.downcast_ref::<DialError>() {
            return of_dial(error, at);
        }
        if let Some(error) = cause.downcast_ref::<TlsError>() {
            return of_tls(error, at);
        }
        if let Some(error) = cause.downcast_ref::<kube::client::AuthError>() {
            return fault(
                "unauthorized",
                format!(
                    "The credentials of the context '{}' cannot be used: {}",
                    printable(at.context),
                    root(error)
                ),
                "Log in anew, or fetch the kubeconfig anew.",
            );
        }
    }
    fault(
        "unreachable",
        format!(
            "The connection to the API server {} broke: {}",
            at.server,
            root(error)
        ),
        "It is made anew.",
    )
}

fn of_dial(error: &DialError, at: Place<'_>) -> ClusterFault {
    let server = at.server;
    match error {
        DialError::TimedOut { after, .. } => silent(at, after.as_secs()),
        DialError::Resolve { host, .. } => fault(
            "unreachable",
            format!(
                "The API server's name '{}' does not resolve: {}",
                printable(host),
                root(error)
            ),
            "Check the name in the kubeconfig, the network and the VPN.",
        ),
        DialError::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
            fault(
                "unreachable",
                format!("The API server {server} refuses connections."),
                "Check that the cluster runs and that host and port in the kubeconfig are right.",
            )
        }
        DialError::Connect { .. } | DialError::NoHost => fault(
            "unreachable",
            format!("The API server {server} cannot be reached: {}", root(error)),
            "Check the network, the VPN, and the address in the kubeconfig.",
        ),
    }
}

fn of_tls(error: &TlsError, at: Place<'_>) -> ClusterFault {
    let Place { server, context } = at;
    let context = printable(context);
    let (message, hint) = match error {
        TlsError::InvalidCertificate(problem) => of_certificate(problem, at),
        TlsError::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => (
            format!(
                "The API server {server} does not accept the client certificate of the context '{context}'."
            ),
            "It may have expired or be for another cluster: fetch the kubeconfig anew (kubeadm certs renew admin.conf).",
        ),
        TlsError::InvalidMessage(_) => (
            format!("The server at {server} does not speak TLS."),
            "Check host and port in the kubeconfig; something else may listen there.",
        ),
        _ => (
            format!("TLS with the API server {server} fails: {}", root(error)),
            "Check host and port in the kubeconfig, and proxies on the way.",
        ),
    };
    fault("tls", message, hint)
}

fn of_certificate(problem: &CertificateError, at: Place<'_>) -> (String, &'static str) {
    let server = at.server;
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            format!(
                "The certificate of the API server {server} is not signed by the authority that the context '{}' trusts.",
                printable(at.context)
            ),
            "The kubeconfig's certificate-authority is of another cluster or of an earlier one at this address, or somebody \
             is in between: fetch the kubeconfig anew over a way that you trust.",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            format!("The certificate of the API server {server} has expired."),
            "Renew it on the control plane (kubeadm certs renew all), and check this computer's clock.",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            format!("The certificate of the API server {server} is not valid yet."),
            "Check this computer's clock.",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("The certificate of the API server {server} is not for that name."),
            "Use a name or address that the certificate holds, or set the cluster's tls-server-name to one.",
        ),
        other => (
            format!(
                "The certificate of the API server {server} is not valid: {}",
                printable(&format!("{other:?}"))
            ),
            "Renew it on the control plane, or fetch the kubeconfig anew.",
        ),
    }
}
