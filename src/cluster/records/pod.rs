//! `v1` Pod: what EndpointSlices do not tell of it.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::diagnosis::Component;
use crate::model::ServiceKey;

use super::node::{Condition, holds};
use super::{Identity, Interner, Metadata, Object, null_as_default};

/// `v1` Pod.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Pod {
    metadata: Metadata<IgnoredAny, PodLabels>,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    #[serde(deserialize_with = "null_as_default")]
    args: Vec<String>,
}

/// The labels by which MetalLB's pods are known, in its manifests and in its chart, and those of k3s's ServiceLB.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PodLabels {
    app: String,
    component: String,
    #[serde(rename = "app.kubernetes.io/name")]
    chart_name: String,
    #[serde(rename = "app.kubernetes.io/component")]
    chart_component: String,
    #[serde(rename = "svccontroller.k3s.cattle.io/svcname")]
    service_name: String,
    #[serde(rename = "svccontroller.k3s.cattle.io/svcnamespace")]
    service_namespace: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(deserialize_with = "null_as_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

/// What is kept of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct KeptPod {
    pub(in crate::cluster) node: Option<Arc<str>>,
    /// What it is doing, in the word `kubectl get pods` uses: `Running`, `Pending`, `CrashLoopBackOff`, `Terminating`.
    pub(in crate::cluster) doing: Arc<str>,
    /// What it is to MetalLB, where it is something to it. Few pods are: boxed, it costs the others one word.
    pub(in crate::cluster) role: Option<Box<Role>>,
}

/// A pod of MetalLB's, or of its rival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Role {
    pub(in crate::cluster) component: Component,
    pub(in crate::cluster) ready: bool,
}

impl Object for Pod {
    type Kept = KeptPod;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptPod> {
        let role = self.role().map(Box::new);
        let waiting = self
            .status
            .container_statuses
            .into_iter()
            .find_map(|container| container.state.waiting);
        let doing = if self.metadata.deletion_timestamp.is_some() {
            "Terminating"
        } else if let Some(waiting) = waiting
            .as_ref()
            .filter(|waiting| !waiting.reason.is_empty())
        {
            &waiting.reason
        } else {
            &self.status.phase
        };
        Some(KeptPod {
            node: self.spec.node_name.map(|node| names.share(&node)),
            doing: names.share(doing),
            role,
        })
    }
}

impl Pod {
    fn role(&self) -> Option<Role> {
        let component = self.service_lb().or_else(|| self.metallb())?;
        let is_leaving = self.metadata.deletion_timestamp.is_some();
        Some(Role {
            component,
            ready: !is_leaving && holds(&self.status.conditions, "Ready") == Some(true),
        })
    }

    fn service_lb(&self) -> Option<Component> {
        let PodLabels {
            service_name: name,
            service_namespace: namespace,
            ..
        } = &self.metadata.labels;
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        (!name.is_empty()).then(|| Component::ServiceLb(ServiceKey::new(namespace, name)))
    }

    fn metallb(&self) -> Option<Component> {
        let labels = &self.metadata.labels;
        let component = match (&*labels.app, &*labels.chart_name) {
            ("metallb", _) if !labels.component.is_empty() => &labels.component,
            (_, "metallb") => &labels.chart_component,
            _ => return None,
        };
        match component.as_str() {
            "controller" => Some(Component::Controller {
                class: self.class(),
            }),
            "speaker" => Some(Component::Speaker),
            _ => None,
        }
    }

    /// `--lb-class=CLASS` among the arguments of its containers.
    fn class(&self) -> Option<String> {
        let mut args = self.spec.containers.iter().flat_map(|one| &one.args);
        let class = args.find_map(|arg| arg.trim_start_matches('-').strip_prefix("lb-class="))?;
        (!class.is_empty()).then(|| class.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The role of a pod with these labels and arguments, `ready` by its condition.
    fn role(labels: &str, args: &str, rest: &str) -> Option<Role> {
        let pod = format!(
            r#"{{"metadata":{{"name":"p","labels":{labels}{rest}}},"spec":{{"containers":[{{"args":{args}}}]}},
                "status":{{"conditions":[{{"type":"Ready","status":"True"}}]}}}}"#
        );
        let pod: Pod = serde_json::from_str(&pod).unwrap();
        pod.role()
    }

    fn component(labels: &str, args: &str) -> Option<Component> {
        role(labels, args, "").map(|role| role.component)
    }

    #[test]
    fn metallbs_pods_are_known_by_their_labels_in_manifest_and_chart() {
        let chart =
            r#"{"app.kubernetes.io/name":"metallb","app.kubernetes.io/component":"controller"}"#;
        let class = |class: Option<&str>| {
            Some(Component::Controller {
                class: class.map(str::to_owned),
            })
        };
        for (labels, args, expected) in [
            (
                r#"{"app":"metallb","component":"controller"}"#,
                "[]",
                class(None),
            ),
            (
                chart,
                r#"["--port=1","--lb-class=mine"]"#,
                class(Some("mine")),
            ),
            (
                r#"{"app":"metallb","component":"speaker"}"#,
                "null",
                Some(Component::Speaker),
            ),
            (
                r#"{"svccontroller.k3s.cattle.io/svcname":"ui","svccontroller.k3s.cattle.io/svcnamespace":"web"}"#,
                "[]",
                Some(Component::ServiceLb(ServiceKey::new("web", "ui"))),
            ),
            (r#"{"app":"ui","component":"controller"}"#, "[]", None),
        ] {
            assert_eq!(component(labels, args), expected, "{labels}");
        }
    }

    #[test]
    fn a_pod_on_its_way_out_is_not_ready() {
        let labels = r#"{"app":"metallb","component":"speaker"}"#;
        assert!(role(labels, "[]", "").unwrap().ready);
        let leaving = r#","deletionTimestamp":"2026-11-22T19:18:26Z""#;
        assert!(!role(labels, "[]", leaving).unwrap().ready);
    }
}
