//! Field and label selectors, as far as clients of the demo use them: equality, inequality, existence.

use serde_json::Value;

use super::request::Options;
use super::status::{self, Failure};
use crate::demo::resources::Resource;
use crate::demo::store::{Key, Object};

#[derive(Debug)]
enum Rule {
    /// The value at this path of the object must (not) be this text.
    Field(String, String, bool),
    /// The label must (not) have this value.
    Label(String, String, bool),
    /// The label must (not) be there.
    HasLabel(String, bool),
}

/// Which objects a list or a watch is about.
#[derive(Debug)]
pub(super) struct Filter {
    resource: &'static str,
    namespace: Option<String>,
    rules: Vec<Rule>,
}

impl Filter {
    /// The filter of a request.
    pub(super) fn new(
        resource: &Resource,
        namespace: Option<String>,
        options: &Options,
    ) -> Result<Self, Failure> {
        let mut rules = Vec::new();
        for term in terms(&options.fields) {
            rules.push(field_rule(resource, term)?);
        }
        for term in terms(&options.labels) {
            rules.push(label_rule(term)?);
        }
        Ok(Self {
            resource: resource.plural,
            namespace,
            rules,
        })
    }

    /// Whether every object of the resource in the namespace is meant.
    pub(super) fn selects_all(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether this object is meant.
    pub(super) fn matches(&self, key: &Key, object: &Object) -> bool {
        self.covers(key) && self.rules.iter().all(|rule| rule.holds(&object.body))
    }

    /// Whether an object of this key can be meant at all.
    pub(super) fn covers(&self, key: &Key) -> bool {
        let inside = self
            .namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == key.namespace);
        key.resource == self.resource && inside
    }

    /// Where the keys of the objects begin, without namespace and name.
    pub(super) fn first_key(&self) -> Key {
        Key::new(self.resource, self.namespace.as_deref().unwrap_or(""), "")
    }
}

impl Rule {
    fn holds(&self, object: &Value) -> bool {
        match self {
            Self::Field(pointer, text, equal) => {
                (object.pointer(pointer).map_or("", text_of) == text) == *equal
            }
            Self::Label(label, text, equal) => {
                (label_of(object, label).is_some_and(|value| value == text)) == *equal
            }
            Self::HasLabel(label, there) => label_of(object, label).is_some() == *there,
        }
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn label_of<'a>(object: &'a Value, label: &str) -> Option<&'a str> {
    object["metadata"]["labels"].get(label)?.as_str()
}

fn terms(selector: &str) -> impl Iterator<Item = &str> {
    selector
        .split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
}

/// Splits `a=b`, `a==b` or `a!=b`; whether it is an equality comes last.
fn comparison(term: &str) -> Option<(&str, &str, bool)> {
    if let Some((name, value)) = term.split_once("!=") {
        return Some((name.trim(), value.trim(), false));
    }
    let (name, value) = term.split_once("==").or_else(|| term.split_once('='))?;
    Some((name.trim(), value.trim(), true))
}

fn field_rule(resource: &Resource, term: &str) -> Result<Rule, Failure> {
    let (field, value, equal) = comparison(term).ok_or_else(|| {
        status::bad_request(&format!(
            "invalid selector: '{term}'; can't understand '{term}'"
        ))
    })?;
    let of_resource: &[&str] = match resource.plural {
        "services" => &["spec.type", "spec.clusterIP"],
        "pods" => &["status.phase", "spec.nodeName", "status.podIP"],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.uid",
            "reason",
            "type",
        ],
        _ => &[],
    };
    if !matches!(field, "metadata.name" | "metadata.namespace") && !of_resource.contains(&field) {
        return Err(status::bad_request(&format!(
            "field label not supported: {field}"
        )));
    }
    let pointer = format!("/{}", field.replace('.', "/"));
    Ok(Rule::Field(pointer, value.to_owned(), equal))
}

fn label_rule(term: &str) -> Result<Rule, Failure> {
    if let Some((label, value, equal)) = comparison(term) {
        return Ok(Rule::Label(label.to_owned(), value.to_owned(), equal));
    }
    let (label, there) = term
        .strip_prefix('!')
        .map_or((term, true), |label| (label, false));
    if label.contains([' ', '(', ')']) {
        return Err(status::bad_request(&format!(
            "unable to parse requirement: '{term}' is more than the demo understands"
        )));
    }
    Ok(Rule::HasLabel(label.to_owned(), there))
}
