//! Objects in the shape in which they are served.

use serde_json::{Value, json};

use super::request::Shape;
use super::table;
use crate::demo::resources::Resource;
use crate::demo::store::Object;

/// The whole object with its kind, as a single GET and a watch serve it.
pub(super) fn whole(resource: &Resource, object: &Object, version: u64) -> Value {
    let mut out = object.body.clone();
    out["metadata"]["resourceVersion"] = json!(version.to_string());
    out["kind"] = json!(resource.kind);
    out["apiVersion"] = json!(resource.api_version());
    out
}

/// One object by itself.
pub(super) fn single(resource: &Resource, shape: Shape, object: &Object, version: u64) -> Value {
    let whole = whole(resource, object, version);
    match shape {
        Shape::Metadata => partial(&whole),
        Shape::Table => table::of(resource, std::slice::from_ref(&whole), &whole["metadata"]),
        Shape::Full | Shape::Discovery => whole,
    }
}

/// A list with its metadata.
pub(super) fn list(resource: &Resource, shape: Shape, items: &[Value], metadata: &Value) -> Value {
    match shape {
        Shape::Table => table::of(resource, items, metadata),
        Shape::Metadata => json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "items": items.iter().map(partial).collect::<Vec<_>>(),
        }),
        Shape::Full | Shape::Discovery => json!({
            "kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(),
            "metadata": list_metadata(resource, metadata),
            "items": items.iter().map(|item| in_list(resource, item)).collect::<Vec<_>>(),
        }),
    }
}

/// A bookmark's object: the zero value of the type, with a version.
pub(super) fn bookmark(
    resource: &Resource,
    shape: Shape,
    version: u64,
    initial_end: bool,
) -> Value {
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if initial_end {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    if shape == Shape::Metadata {
        return json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
    }
    let mut out: Value = serde_json::from_str(resource.blank).unwrap_or_default();
    out["kind"] = json!(resource.kind);
    out["apiVersion"] = json!(resource.api_version());
    out["metadata"] = metadata;
    match shape {
        Shape::Table => table::of(resource, &[], &out["metadata"]),
        _ => out,
    }
}

fn partial(whole: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": whole["metadata"],
    })
}

/// Items of a built-in list do not repeat their kind; those of a custom one do.
fn in_list(resource: &Resource, whole: &Value) -> Value {
    let mut out = whole.clone();
    if let (false, Some(object)) = (resource.custom, out.as_object_mut()) {
        object.remove("kind");
        object.remove("apiVersion");
    }
    out
}

/// Lists of custom resources always have `continue`.
fn list_metadata(resource: &Resource, metadata: &Value) -> Value {
    let mut out = metadata.clone();
    if resource.custom && out.get("continue").is_none() {
        out["continue"] = json!("");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::resources::RESOURCES;

    #[test]
    fn every_bookmark_has_its_blank() {
        for resource in RESOURCES {
            let blank: Value = serde_json::from_str(resource.blank).unwrap();
            let mark = bookmark(resource, Shape::Full, 7, false);
            for (field, value) in blank.as_object().unwrap() {
                assert_eq!(mark[field], *value, "{}", resource.plural);
            }
            assert_eq!(mark["kind"], resource.kind);
        }
    }
}
