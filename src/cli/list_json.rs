//! The JSON of `adit list -o json`, as docs/json.md describes it. Fields are only ever added.

use std::net::IpAddr;

use serde::Serialize;

use crate::model::{Announcement, Finding, LbService, PodEndpoint, ServicePort};

#[derive(Debug, Serialize)]
pub(super) struct ServiceJson<'a> {
    namespace: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    load_balancer_class: Option<&'a str>,
    cluster_ips: &'a [IpAddr],
    load_balancer_ips: &'a [IpAddr],
    hostnames: &'a [String],
    ports: Vec<PortJson<'a>>,
    pods: Vec<PodJson<'a>>,
    pool: Option<&'a str>,
    announced_by: Option<Vec<AnnouncementJson<'a>>>,
    external_traffic_policy: &'static str,
    internal_traffic_policy: &'static str,
    source_ranges: &'a [String],
    shared_with: Vec<String>,
    state: &'static str,
    findings: Vec<FindingJson>,
}

#[derive(Debug, Serialize)]
struct PortJson<'a> {
    name: &'a str,
    port: u16,
    protocol: &'static str,
    target_port: &'a str,
    node_port: Option<u16>,
    app_protocol: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct PodJson<'a> {
    name: &'a str,
    ip: IpAddr,
    node: Option<&'a str>,
    ready: bool,
}

#[derive(Debug, Serialize)]
struct AnnouncementJson<'a> {
    node: &'a str,
    protocol: &'a str,
    source: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct FindingJson {
    code: &'static str,
    severity: &'static str,
    message: String,
    hint: String,
}

impl<'a> From<&'a LbService> for ServiceJson<'a> {
    fn from(service: &'a LbService) -> Self {
        Self {
            namespace: service.key.namespace.as_str(),
            name: &service.key.name,
            kind: service.service_type.as_str(),
            load_balancer_class: service.load_balancer_class.as_deref(),
            cluster_ips: &service.cluster_ips,
            load_balancer_ips: &service.load_balancer_ips,
            hostnames: &service.hostnames,
            ports: service.ports.iter().map(PortJson::from).collect(),
            pods: service.pods.iter().map(PodJson::from).collect(),
            pool: service.pool.as_deref(),
            announced_by: service
                .announced_by
                .as_ref()
                .map(|nodes| nodes.iter().map(AnnouncementJson::from).collect()),
            external_traffic_policy: policy(service.local_traffic_only),
            internal_traffic_policy: policy(service.internal_local_only),
            source_ranges: &service.source_ranges,
            shared_with: service
                .shared_with
                .iter()
                .map(ToString::to_string)
                .collect(),
            state: service.phase.as_str(),
            findings: service.findings.iter().map(FindingJson::from).collect(),
        }
    }
}

/// As Kubernetes writes a traffic policy.
pub(super) const fn policy(is_local: bool) -> &'static str {
    if is_local { "Local" } else { "Cluster" }
}

impl<'a> From<&'a ServicePort> for PortJson<'a> {
    fn from(port: &'a ServicePort) -> Self {
        Self {
            name: &port.name,
            port: port.number,
            protocol: port.protocol.as_str(),
            target_port: &port.target_port,
            node_port: port.node_port,
            app_protocol: port.app_protocol.as_deref(),
        }
    }
}

impl<'a> From<&'a PodEndpoint> for PodJson<'a> {
    fn from(pod: &'a PodEndpoint) -> Self {
        Self {
            name: &pod.name,
            ip: pod.ip,
            node: pod.node.as_deref(),
            ready: pod.ready,
        }
    }
}

impl<'a> From<&'a Announcement> for AnnouncementJson<'a> {
    fn from(announcement: &'a Announcement) -> Self {
        Self {
            node: &announcement.node,
            protocol: &announcement.protocol,
            source: announcement.source.as_str(),
        }
    }
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity.as_str(),
            message: finding.message.to_string(),
            hint: finding.hint.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures::services;

    #[test]
    fn the_schema_is_the_golden_files() {
        let services = services();
        let rows: Vec<ServiceJson> = services.iter().map(ServiceJson::from).collect();
        let made = serde_json::to_string_pretty(&rows).unwrap();
        assert_eq!(
            made,
            include_str!("../../tests/golden/list.json").trim_end()
        );
    }
}
