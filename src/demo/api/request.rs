//! What a request asks for: its path, its parameters and the shape it accepts.

use super::status::{self, Failure};
use crate::demo::resources::Resource;

/// What a path names.
#[derive(Debug)]
pub(super) enum Target {
    /// `/version`.
    Version,
    /// `/healthz` and its like.
    Health,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    Resources(String, String),
    /// Objects of a resource.
    Objects {
        /// Which.
        resource: &'static Resource,
        /// The namespace; none for all.
        namespace: Option<String>,
        /// The object; none for the collection.
        name: Option<String>,
    },
    /// Nothing that is served.
    Unknown,
}

impl Target {
    /// What `path` names.
    pub(super) fn of(path: &str) -> Self {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", version] => Self::Resources(String::new(), (*version).to_owned()),
            ["apis", group, version] => Self::Resources((*group).to_owned(), (*version).to_owned()),
            ["api", version, rest @ ..] => Self::objects("", version, rest),
            ["apis", group, version, rest @ ..] => Self::objects(group, version, rest),
            _ => Self::Unknown,
        }
    }

    fn objects(group: &str, version: &str, rest: &[&str]) -> Self {
        let (namespace, plural, name) = match rest {
            ["namespaces", namespace, plural] => (Some(*namespace), *plural, None),
            ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name)),
            [plural] => (None, *plural, None),
            [plural, name] => (None, *plural, Some(*name)),
            _ => return Self::Unknown,
        };
        match Resource::find(group, version, plural) {
            Some(resource)
                if resource.namespaced == namespace.is_some()
                    || (resource.namespaced && name.is_none()) =>
            {
                Self::Objects {
                    resource,
                    namespace: namespace.map(str::to_owned),
                    name: name.map(str::to_owned),
                }
            }
            _ => Self::Unknown,
        }
    }
}

/// The shape in which objects are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole objects.
    #[default]
    Full,
    /// `PartialObjectMetadata`.
    Metadata,
    /// `Table`, as kubectl prints it.
    Table,
    /// `APIGroupDiscoveryList`: all discovery documents in one.
    Discovery,
}

impl Shape {
    /// The first shape of an `Accept` header that is served.
    pub(super) fn accepted(accept: &str) -> Self {
        accept
            .split(',')
            .find_map(|one| {
                let mut parts = one.split(';').map(str::trim);
                if !matches!(parts.next(), Some("application/json" | "*/*")) {
                    return None;
                }
                let wanted: Vec<&str> = parts.collect();
                let version = wanted.iter().find_map(|part| part.strip_prefix("v="));
                match wanted.iter().find_map(|part| part.strip_prefix("as=")) {
                    None => Some(Self::Full),
                    Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                        (version == Some("v1")).then_some(Self::Metadata)
                    }
                    Some("Table") => (version == Some("v1")).then_some(Self::Table),
                    Some("APIGroupDiscoveryList") => {
                        (version == Some("v2")).then_some(Self::Discovery)
                    }
                    Some(_) => None,
                }
            })
            .unwrap_or_default()
    }
}

/// The parameters of a list or a watch.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// `watch`.
    pub watch: bool,
    /// `allowWatchBookmarks`.
    pub bookmarks: bool,
    /// `sendInitialEvents`.
    pub initial_events: bool,
    /// `resourceVersion`; none where it is empty.
    pub version: Option<u64>,
    /// `resourceVersionMatch`.
    pub version_match: String,
    /// `timeoutSeconds`.
    pub timeout_seconds: Option<u64>,
    /// `limit`; none for no limit.
    pub limit: Option<usize>,
    /// `continue`.
    pub continued: String,
    /// `fieldSelector`.
    pub fields: String,
    /// `labelSelector`.
    pub labels: String,
}

impl Options {
    /// The parameters in a query.
    pub(super) fn parse(query: &str) -> Result<Self, Failure> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value);
            match name {
                "watch" => options.watch = truth(&value),
                "allowWatchBookmarks" => options.bookmarks = truth(&value),
                "sendInitialEvents" => options.initial_events = truth(&value),
                "resourceVersion" => options.version = number(&value)?,
                "resourceVersionMatch" => options.version_match = value,
                "timeoutSeconds" => options.timeout_seconds = number(&value)?,
                "limit" => {
                    options.limit = number(&value)?
                        .and_then(|limit| usize::try_from(limit).ok())
                        .filter(|limit| *limit > 0);
                }
                "continue" => options.continued = value,
                "fieldSelector" => options.fields = value,
                "labelSelector" => options.labels = value,
                _ => {}
            }
        }
        Ok(options)
    }
}

fn truth(value: &str) -> bool {
    matches!(value, "" | "1" | "t" | "T" | "true" | "True" | "TRUE")
}

fn number(value: &str) -> Result<Option<u64>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    value
        .parse()
        .map(Some)
        .map_err(|_syntax: std::num::ParseIntError| {
            status::bad_request(&format!(
                "strconv.ParseUint: parsing \"{value}\": invalid syntax"
            ))
        })
}

/// Undoes percent-encoding, and '+' for a space. What is no UTF-8 or no hexadecimal number is left as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        for (path, told) in [
            ("/api/v1/services", "services None None"),
            (
                "/api/v1/namespaces/shop/services",
                "services Some(\"shop\") None",
            ),
            ("/api/v1/namespaces/shop", "namespaces None Some(\"shop\")"),
            ("/api/v1/namespaces", "namespaces None None"),
            (
                "/apis/metallb.io/v1beta1/namespaces/m/ipaddresspools/first",
                "ipaddresspools Some(\"m\") Some(\"first\")",
            ),
        ] {
            let Target::Objects {
                resource,
                namespace,
                name,
            } = Target::of(path)
            else {
                panic!("{path}");
            };
            assert_eq!(format!("{} {namespace:?} {name:?}", resource.plural), told);
        }
        for path in [
            "/",
            "/nope",
            "/api/v1/nope",
            "/api/v1/services/ui",
            "/apis/a/b/c/d/e/f/g",
        ] {
            assert!(matches!(Target::of(path), Target::Unknown), "{path}");
        }
    }

    #[test]
    fn the_first_served_shape_is_taken() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(Shape::accepted(table), Shape::Table);
        let unknown = "application/vnd.kubernetes.protobuf, application/json;as=Table;v=v1beta1, application/json";
        assert_eq!(Shape::accepted(unknown), Shape::Full);
        let partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(Shape::accepted(partial), Shape::Metadata);
        assert_eq!(Shape::accepted(""), Shape::Full);
    }

    #[test]
    fn parameters_are_decoded() {
        let options =
            Options::parse("watch=1&fieldSelector=metadata.name%3Dui&limit=0&resourceVersion=")
                .unwrap();
        assert!(options.watch);
        assert_eq!(options.fields, "metadata.name=ui");
        assert_eq!((options.limit, options.version), (None, None));
        assert_eq!(Options::parse("resourceVersion=x").unwrap_err().code, 400);
        assert_eq!(decode("a%2Fb+%zz%E"), "a/b %zz%E");
    }
}
