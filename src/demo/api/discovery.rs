//! The discovery documents, made from the table of resources.

use serde_json::{Map, Value, json};

use super::status::{self, Failure};
use crate::demo::resources::{RESOURCES, Resource};

/// What can be done to a resource here. A real server lists the writing verbs too; this one serves none of them.
const VERBS: [&str; 3] = ["get", "list", "watch"];

/// `/version`.
pub(super) fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.2", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-07-21T00:00:00Z", "goVersion": "go1.26.6", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// `/api`.
pub(super) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.100:6443"}],
    })
}

/// `/apis`.
pub(super) fn groups() -> Value {
    let groups: Vec<Value> = group_names().into_iter().map(group_entry).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`.
pub(super) fn group(name: &str) -> Result<Value, Failure> {
    if !group_names().contains(&name) {
        return Err(status::no_such_path());
    }
    let mut group = group_entry(name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Ok(group)
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(super) fn resources(group: &str, version: &str) -> Result<Value, Failure> {
    let resources: Vec<Value> = RESOURCES
        .iter()
        .filter(|resource| resource.group == group && resource.version == version)
        .map(resource_entry)
        .collect();
    if resources.is_empty() {
        return Err(status::no_such_path());
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut out =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources});
    // The core group's list is of a time before lists had a version of their own.
    if !group.is_empty() {
        out["apiVersion"] = json!("v1");
    }
    Ok(out)
}

/// `/api` or `/apis` with everything below it in one document.
pub(super) fn aggregated(core: bool) -> Value {
    let names = if core { vec![""] } else { group_names() };
    let items: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let versions: Vec<Value> = versions(name)
                .into_iter()
                .map(|version| aggregated_version(name, version))
                .collect();
            let metadata = if core {
                json!({})
            } else {
                json!({ "name": name })
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}

fn aggregated_version(group: &str, version: &str) -> Value {
    let resources: Vec<Value> = RESOURCES
        .iter()
        .filter(|resource| resource.group == group && resource.version == version)
        .map(|resource| {
            let (group, version) = if resource.custom {
                (resource.group, resource.version)
            } else {
                ("", "")
            };
            let mut out = json!({
                "resource": resource.plural, "singularResource": resource.singular, "verbs": VERBS,
                "responseKind": {"group": group, "version": version, "kind": resource.kind},
                "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
            });
            if !resource.short.is_empty() {
                out["shortNames"] = json!(resource.short);
            }
            out
        })
        .collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn resource_entry(resource: &Resource) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(resource.plural));
    out.insert("singularName".to_owned(), json!(resource.singular));
    out.insert("namespaced".to_owned(), json!(resource.namespaced));
    out.insert("kind".to_owned(), json!(resource.kind));
    out.insert("verbs".to_owned(), json!(VERBS));
    if !resource.short.is_empty() {
        out.insert("shortNames".to_owned(), json!(resource.short));
    }
    Value::Object(out)
}

fn group_entry(name: &str) -> Value {
    let versions: Vec<Value> = versions(name)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
}

fn group_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = RESOURCES.iter().map(|resource| resource.group).collect();
    names.dedup();
    names.retain(|name| !name.is_empty());
    names
}

fn versions(group: &str) -> Vec<&'static str> {
    let of_group = RESOURCES.iter().filter(|resource| resource.group == group);
    let mut versions: Vec<&str> = of_group.map(|resource| resource.version).collect();
    versions.dedup();
    versions
}
