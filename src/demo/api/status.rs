//! Failures, worded and shaped as a real API server's `Status` objects are.

use serde_json::{Value, json};

use crate::demo::resources::Resource;

/// A failed request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// The HTTP status.
    pub code: u16,
    /// The body: a Status, or none where a real server answers with plain text.
    pub status: Option<Value>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl Failure {
    fn new(code: u16, reason: &str, message: &str) -> Self {
        Self {
            code,
            status: Some(json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code,
            })),
            retry_after: None,
        }
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        if let Some(status) = &mut self.status {
            status[field] = value;
        }
        self
    }

    /// The Status object, for an ERROR event.
    pub(super) fn into_status(self) -> Value {
        self.status.unwrap_or_default()
    }
}

/// No such path: plain text, not a Status.
pub(super) const fn no_such_path() -> Failure {
    Failure {
        code: 404,
        status: None,
        retry_after: None,
    }
}

/// The credentials are not known.
pub(super) fn unauthorized() -> Failure {
    Failure::new(401, "Unauthorized", "Unauthorized")
}

/// Who may not do what, where.
pub(super) struct Denied<'a> {
    /// The user.
    pub user: &'a str,
    /// `list`, `watch` or `get`.
    pub verb: &'a str,
    /// The resource.
    pub resource: &'a Resource,
    /// The namespace; none for all of them.
    pub namespace: Option<&'a str>,
    /// The object; none for a collection.
    pub name: Option<&'a str>,
}

/// The user may not do this.
pub(super) fn forbidden(denied: &Denied<'_>) -> Failure {
    let Denied {
        user,
        verb,
        resource,
        ..
    } = denied;
    let whole = resource.qualified();
    let subject = match denied.name {
        Some(name) => format!("{whole} \"{name}\""),
        None => whole,
    };
    let place = match denied.namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}",
        resource.plural, resource.group
    );
    Failure::new(403, "Forbidden", &message).with("details", details(resource, denied.name))
}

/// The user may not read this path, which is no resource.
pub(super) fn forbidden_path(user: &str, path: &str) -> Failure {
    let message = format!("forbidden: User \"{user}\" cannot get path \"{path}\"");
    Failure::new(403, "Forbidden", &message).with("details", json!({}))
}

/// There is no such object.
pub(super) fn not_found(resource: &Resource, name: &str) -> Failure {
    let message = format!("{} \"{name}\" not found", resource.qualified());
    Failure::new(404, "NotFound", &message).with("details", details(resource, Some(name)))
}

/// Only reading is served.
pub(super) fn read_only() -> Failure {
    let message = "the server does not allow this method on the requested resource";
    Failure::new(405, "MethodNotAllowed", message).with("details", json!({}))
}

/// A parameter makes no sense.
pub(super) fn bad_request(message: &str) -> Failure {
    Failure::new(400, "BadRequest", message)
}

/// Parameters that do not go together.
pub(super) fn invalid_options(message: &str) -> Failure {
    Failure::new(422, "Invalid", message)
}

/// A list continues from a version that is forgotten; `retry` is a token to go on with regardless.
pub(super) fn expired_continue(retry: &str) -> Failure {
    const MESSAGE: &str = "The provided continue parameter is too old to display a consistent list result. You can start \
        a new list without the continue parameter, or use the continue token in this response to retrieve the remainder \
        of the results. Continuing with the provided token results in an inconsistent list - objects that were created, \
        modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    Failure::new(410, "Expired", MESSAGE).with("metadata", json!({"continue": retry}))
}

/// A list of exactly a version that is forgotten.
pub(super) fn expired_list() -> Failure {
    Failure::new(
        410,
        "Expired",
        "The resourceVersion for the provided list is too old.",
    )
}

/// A watch from a version that is forgotten.
pub(super) fn expired_watch(resource: &Resource, version: u64, oldest: u64) -> Failure {
    // Events are not served from the watch cache, and etcd's words differ.
    if resource.plural == "events" {
        let message = "The resourceVersion for the provided watch is too old.";
        return Failure::new(410, "Expired", message);
    }
    let message = format!("too old resource version: {version} ({oldest})");
    Failure::new(410, "Expired", &message)
}

/// A version that has not come about yet.
pub(super) fn future_version(asked: u64, current: u64) -> Failure {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let mut failure = Failure::new(504, "Timeout", &message).with(
        "details",
        json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }),
    );
    failure.retry_after = Some(1);
    failure
}

fn details(resource: &Resource, name: Option<&str>) -> Value {
    let mut details = json!({"kind": resource.plural});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    if let Some(name) = name {
        details["name"] = json!(name);
    }
    details
}
