//! The Role that is missing, as YAML to copy. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::resource::{Kind, Scope};

/// What is not allowed: this verb on this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lack {
    pub(super) kind: Kind,
    /// `list` or `watch`, whichever failed first.
    pub(super) verb: &'static str,
}

/// A `ClusterRole`, a Role or both that grant what is missing and no more; none where nothing is. `scope` is what was looked at.
pub(super) fn missing(lacks: &[Lack], scope: &Scope) -> Option<String> {
    let (everywhere, within): (Vec<Lack>, Vec<Lack>) = lacks
        .iter()
        .partition(|lack| lack.kind.scope(scope) == Scope::All);
    let mut documents = Vec::new();
    if !everywhere.is_empty() {
        documents.push(document("kind: ClusterRole", "  name: adit", &everywhere));
    }
    if let Scope::Namespace(namespace) = scope
        && !within.is_empty()
    {
        // A JSON string is a YAML string, whatever is in it.
        let namespace = serde_json::Value::from(namespace.as_str());
        let metadata = format!("  name: adit\n  namespace: {namespace}");
        documents.push(document("kind: Role", &metadata, &within));
    }
    (!documents.is_empty()).then(|| documents.join("---\n"))
}

fn document(kind: &str, metadata: &str, lacks: &[Lack]) -> String {
    let mut rules: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for Lack { kind, verb } in lacks {
        let resource = kind.resource();
        // Who may not list may not watch either, as far as is known.
        let verbs = if *verb == "watch" {
            "[watch]"
        } else {
            "[list, watch]"
        };
        rules
            .entry((resource.group, verbs))
            .or_default()
            .push(resource.plural);
    }
    let mut text = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\n{kind}\nmetadata:\n{metadata}\nrules:\n"
    );
    for ((group, verbs), resources) in rules {
        let resources = resources.join(", ");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "- apiGroups: [\"{group}\"]\n  resources: [{resources}]\n  verbs: {verbs}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Namespace;

    fn lack(kind: Kind, verb: &'static str) -> Lack {
        Lack { kind, verb }
    }

    #[test]
    fn nothing_missing_is_no_role() {
        assert_eq!(missing(&[], &Scope::All), None);
    }

    #[test]
    fn all_namespaces_need_a_cluster_role() {
        let lacks = [
            lack(Kind::Nodes, "list"),
            lack(Kind::Pods, "watch"),
            lack(Kind::Pools, "list"),
            lack(Kind::L2Statuses, "list"),
        ];
        assert_eq!(
            missing(&lacks, &Scope::All).unwrap(),
            "apiVersion: rbac.authorization.k8s.io/v1\n\
             kind: ClusterRole\n\
             metadata:\n\
             \x20 name: adit\n\
             rules:\n\
             - apiGroups: [\"\"]\n\
             \x20 resources: [nodes]\n\
             \x20 verbs: [list, watch]\n\
             - apiGroups: [\"\"]\n\
             \x20 resources: [pods]\n\
             \x20 verbs: [watch]\n\
             - apiGroups: [\"metallb.io\"]\n\
             \x20 resources: [ipaddresspools, servicel2statuses]\n\
             \x20 verbs: [list, watch]\n"
        );
    }

    #[test]
    fn one_namespace_needs_a_role_there() {
        let shop = Scope::Namespace(Namespace::new("shop"));
        let text = missing(
            &[lack(Kind::Events, "list"), lack(Kind::Nodes, "list")],
            &shop,
        )
        .unwrap();
        let (cluster, own) = text.split_once("---\n").unwrap();
        assert!(
            cluster.contains("kind: ClusterRole") && cluster.contains("[nodes]"),
            "{cluster}"
        );
        assert!(
            own.contains("kind: Role\n") && own.contains("namespace: \"shop\""),
            "{own}"
        );
        assert!(own.contains("[events]") && !own.contains("nodes"), "{own}");
    }
}
