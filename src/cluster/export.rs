//! A kubeconfig for other programs: the same cluster and credentials, through a port of this computer.

use std::net::SocketAddr;

use http::Uri;
use kube::config::{Cluster, Kubeconfig};

use crate::model::{ClusterFault, Secret, words};

use super::access::Access;
use super::connect_fault::of_connect;
use super::fault::fault;

/// The kubeconfig of `context`, with its server at `local`.
pub(super) async fn by_port(
    access: &Access,
    context: Option<&str>,
    local: SocketAddr,
) -> Result<Secret, ClusterFault> {
    let document = access.document(context).await;
    let mut document = document.map_err(|error| of_connect(&error))?;
    let wanted = context.map(str::to_owned);
    document.current_context = wanted.or(document.current_context);
    let current = document.current_context.clone();
    document
        .contexts
        .retain(|named| Some(&named.name) == current.as_ref());
    redirect(&mut document, local);
    // JSON is YAML, too.
    match serde_json::to_string_pretty(&document) {
        Ok(text) => Ok(Secret::new(text + "\n")),
        Err(error) => Err(fault(
            "kubeconfig",
            words!(
                "The kubeconfig cannot be written anew: {error}.",
                error = error.to_string()
            ),
            words!("See what is unusual in it: kubectl config view --minify"),
        )),
    }
}

/// Leads each cluster to `local`; certificates are checked against the name of the server that is really there.
fn redirect(document: &mut Kubeconfig, local: SocketAddr) {
    for named in &mut document.clusters {
        let Some(cluster) = &mut named.cluster else {
            continue;
        };
        let Ok(server) = cluster.server.as_deref().unwrap_or_default().parse::<Uri>() else {
            continue;
        };
        let scheme = server.scheme_str().unwrap_or("https").to_owned();
        let path = server.path().trim_end_matches('/').to_owned();
        if scheme == "https" && cluster.tls_server_name.is_none() {
            let name = server.host().unwrap_or_default();
            let name = name.trim_start_matches('[').trim_end_matches(']');
            cluster.tls_server_name = Some(name.to_owned());
        }
        *cluster = Cluster {
            server: Some(format!("{scheme}://{local}{path}")),
            proxy_url: None,
            ..std::mem::take(cluster)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_led_to_the_port_and_verified_by_its_own_name() {
        for (server, own_name, expected, name) in [
            (
                "https://10.0.0.5:6443",
                None,
                "https://127.0.0.1:7",
                Some("10.0.0.5"),
            ),
            (
                "https://[fd00::5]:6443/",
                None,
                "https://127.0.0.1:7",
                Some("fd00::5"),
            ),
            (
                "https://k8s.example/k8s/c1",
                None,
                "https://127.0.0.1:7/k8s/c1",
                Some("k8s.example"),
            ),
            (
                "https://10.0.0.5",
                Some("kubernetes"),
                "https://127.0.0.1:7",
                Some("kubernetes"),
            ),
            ("http://10.0.0.5:8080", None, "http://127.0.0.1:7", None),
        ] {
            let mut document = super::super::kubeconfig::parse(
                &format!("clusters: [{{name: c, cluster: {{server: '{server}', proxy-url: 'http://p'}}}}]"),
                "x".as_ref(),
            )
            .unwrap();
            let cluster = document.clusters[0].cluster.as_mut().unwrap();
            cluster.tls_server_name = own_name.map(str::to_owned);
            redirect(&mut document, "127.0.0.1:7".parse().unwrap());
            let cluster = document.clusters[0].cluster.as_ref().unwrap();
            assert_eq!(cluster.server.as_deref(), Some(expected));
            assert_eq!(cluster.tls_server_name.as_deref(), name, "{server}");
            assert_eq!(cluster.proxy_url, None);
        }
    }
}
