//! Errors in words: what happened, where, and what to do next. What an error comes down to is found by type, by walking its
//! sources; texts of others are only quoted, never compared.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::model::{ClusterFault, Fault, FaultCause, Part, Words, printable, words};

use super::connect_fault::of_connect;
use super::dial::DialError;
use super::feed_error::FeedError;
use super::resource::{Resource, Scope};

fn refused_certificate() -> Words {
    words!(
        "The context's client certificate may be missing, have expired, or be for another cluster: fetch the kubeconfig anew \
         (kubeadm certs renew admin.conf)."
    )
}

/// Where an error happened, for the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The context's name.
    pub(super) context: &'a str,
    /// The API server's URL.
    pub(super) server: &'a str,
}

/// A fault of these words.
pub(super) const fn fault(code: &'static str, message: Words, hint: Words) -> ClusterFault {
    ClusterFault {
        code,
        message,
        hint,
    }
}

/// `error`, and everything it was caused by.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
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
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
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

/// A feed of `resource` does not follow it.
pub(super) fn of_feed(
    error: &FeedError,
    resource: &Resource,
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
        words!(
            "The API server {server} did not answer within {seconds} s.",
            server = at.server,
            seconds = secs
        ),
        words!("Check the network, the VPN, and that the cluster runs."),
    )
}

fn of_status(
    error: &FeedError,
    status: &kube::core::Status,
    resource: &Resource,
    scope: &Scope,
    at: Place<'_>,
) -> ClusterFault {
    let everywhere = match scope {
        Scope::All if !resource.namespaced => words!("of the cluster"),
        Scope::All => words!("in all namespaces"),
        Scope::Namespace(namespace) => words!(
            "in the namespace {namespace}",
            namespace = printable(namespace.as_str())
        ),
    };
    let (verb, name, server) = (error.verb(), resource.name, at.server);
    let said = printable(status.message.lines().next().unwrap_or_default()).into_owned();
    match status.code {
        401 => fault(
            "unauthorized",
            words!(
                "The API server {server} does not accept the credentials of the context '{context}'.",
                server = server,
                context = printable(at.context)
            ),
            words!("They may have ended: log in anew, or fetch the kubeconfig anew."),
        ),
        403 => fault(
            "forbidden",
            words!(
                "The API server {server} does not allow you to {verb} {name} {everywhere}.",
                server = server,
                verb = verb,
                name = name,
                everywhere = everywhere
            ),
            words!(
                "Ask for a Role with the verbs get, list and watch on {name}; if you have one in another namespace, make that \
                 the context's: kubectl config set-context --current --namespace=NAMESPACE",
                name = name
            ),
        ),
        404 => fault(
            "server",
            words!(
                "The API server {server} does not serve {name} ({version}).",
                server = server,
                name = name,
                version = format!("{}/{}", resource.group, resource.version)
            ),
            words!(
                "Check that the server's URL in the kubeconfig leads to a Kubernetes API, of 1.21 or newer."
            ),
        ),
        429 => fault(
            "server",
            words!(
                "The API server {server} is too busy to {verb} {name}.",
                server = server,
                verb = verb,
                name = name
            ),
            words!("It is asked again when it says so."),
        ),
        code => fault(
            "server",
            words!(
                "The API server {server} cannot {verb} {name}: {said} ({code}).",
                server = server,
                verb = verb,
                name = name,
                said = said,
                code = code
            ),
            words!("It is asked again; if it stays so, see the API server's log."),
        ),
    }
}

fn of_transport(error: &FeedError, at: Place<'_>) -> ClusterFault {
    if error.is_gibberish() {
        return fault(
            "server",
            words!(
                "The API server {server} sent something that is no Kubernetes answer: {error}",
                server = at.server,
                error = root(error)
            ),
            words!(
                "Check that the server's URL in the kubeconfig leads to a Kubernetes API and not to a login page or proxy."
            ),
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
                words!(
                    "The credentials of the context '{context}' cannot be used: {error}",
                    context = printable(at.context),
                    error = root(error)
                ),
                words!("Log in anew, or fetch the kubeconfig anew."),
            );
        }
    }
    if is_tls_alert(error) {
        return fault(
            "tls",
            words!(
                "The API server {server} ended the TLS connection: {error}",
                server = at.server,
                error = root(error)
            ),
            refused_certificate(),
        );
    }
    fault(
        "unreachable",
        words!(
            "The connection to the API server {server} broke: {error}",
            server = at.server,
            error = root(error)
        ),
        words!("It is made anew."),
    )
}

/// Whether TLS was ended by the server once it stood. HTTP/2 keeps of the error below it nothing but kind and text; this kind
/// is what TLS gives its own.
fn is_tls_alert(error: &FeedError) -> bool {
    matches!(error.client_error(), Some(kube::Error::Service(_)))
        && causes(error).any(|cause| {
            let error: Option<&io::Error> = cause.downcast_ref();
            error.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
        })
}

fn of_dial(error: &DialError, at: Place<'_>) -> ClusterFault {
    let server = at.server;
    match error {
        DialError::TimedOut { after, .. } => silent(at, after.as_secs()),
        DialError::Resolve { host, .. } => fault(
            "unreachable",
            words!(
                "The API server's name '{host}' does not resolve: {error}",
                host = printable(host),
                error = root(error)
            ),
            words!("Check the name in the kubeconfig, the network and the VPN."),
        ),
        DialError::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
            fault(
                "unreachable",
                words!(
                    "The API server {server} refuses connections.",
                    server = server
                ),
                words!(
                    "Check that the cluster runs and that host and port in the kubeconfig are right."
                ),
            )
        }
        DialError::Gateway { name, fault: way } => of_way(name, way, server),
        DialError::Connect { .. } | DialError::NoHost => fault(
            "unreachable",
            words!(
                "The API server {server} cannot be reached: {error}",
                server = server,
                error = root(error)
            ),
            words!("Check the network, the VPN, and the address in the kubeconfig."),
        ),
    }
}

/// The SSH host on the way could not help.
fn of_way(name: &str, way: &Fault, server: &str) -> ClusterFault {
    let name = printable(name);
    match way.cause {
        FaultCause::TargetRefused => fault(
            "unreachable",
            words!(
                "{host} cannot connect to the API server {server}.",
                host = name,
                server = server
            ),
            words!(
                "Check that the API server runs and that the host reaches it: go through a control plane node, or through a \
                 host in the same network."
            ),
        ),
        FaultCause::TargetTimedOut { after } => fault(
            "unreachable",
            words!(
                "{host} got no answer from the API server {server} within {seconds} s.",
                host = name,
                server = server,
                seconds = after.as_secs()
            ),
            words!(
                "Check that the host reaches it: go through a control plane node, or through a host in the same network."
            ),
        ),
        _ => fault(
            "ssh",
            words!(
                "The API server {server} cannot be reached through {host}: {fault}.",
                server = server,
                host = name,
                fault = way
            ),
            words!("{step}", step = Part::NextStep(Box::new(way.clone()))),
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
            words!(
                "The API server {server} does not accept the client certificate of the context '{context}'.",
                server = server,
                context = context
            ),
            refused_certificate(),
        ),
        TlsError::InvalidMessage(_) => (
            words!(
                "The server at {server} does not speak TLS.",
                server = server
            ),
            words!("Check host and port in the kubeconfig; something else may listen there."),
        ),
        _ => (
            words!(
                "TLS with the API server {server} fails: {error}",
                server = server,
                error = root(error)
            ),
            words!("Check host and port in the kubeconfig, and proxies on the way."),
        ),
    };
    fault("tls", message, hint)
}

fn of_certificate(problem: &CertificateError, at: Place<'_>) -> (Words, Words) {
    let server = at.server;
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            words!(
                "The certificate of the API server {server} is not signed by the authority that the context '{context}' trusts.",
                server = server,
                context = printable(at.context)
            ),
            words!(
                "The kubeconfig's certificate-authority is of another cluster or of an earlier one at this address, or somebody \
                 is in between: fetch the kubeconfig anew over a way that you trust."
            ),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            words!(
                "The certificate of the API server {server} has expired.",
                server = server
            ),
            words!(
                "Renew it on the control plane (kubeadm certs renew all), and check this computer's clock."
            ),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            words!(
                "The certificate of the API server {server} is not valid yet.",
                server = server
            ),
            words!("Check this computer's clock."),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            words!(
                "The certificate of the API server {server} is not for that name.",
                server = server
            ),
            words!(
                "Use a name or address that the certificate holds, or set the cluster's tls-server-name to one."
            ),
        ),
        other => (
            words!(
                "The certificate of the API server {server} is not valid: {error}",
                server = server,
                error = printable(&format!("{other:?}"))
            ),
            words!("Renew it on the control plane, or fetch the kubeconfig anew."),
        ),
    }
}
