//! Label selectors, by the rules of `metav1.LabelSelector`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// What labels must be like: all of it must hold. An empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// Labels that must have these values.
    pub match_labels: Labels,
    /// Further conditions.
    pub match_expressions: Vec<Expression>,
}

/// A condition on one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Expression {
    /// The label's name.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values of `In` and `NotIn`.
    pub values: Vec<String>,
}

impl Selector {
    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let has_label = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.match_labels.iter().all(has_label)
            && self
                .match_expressions
                .iter()
                .all(|expression| expression.matches(labels))
    }
}

impl Expression {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            // A label that is not there has none of the values.
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}

/// Whether any of the selectors selects these labels.
pub(super) fn any(selectors: &[Selector], labels: &Labels) -> bool {
    selectors.iter().any(|selector| selector.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn every_operator_is_understood() {
        let shop = labels(&[("team", "shop"), ("tier", "web")]);
        for (selector, expected) in [
            ("{}", true),
            (r#"{"matchLabels":{"team":"shop"}}"#, true),
            (r#"{"matchLabels":{"team":"shop","tier":"db"}}"#, false),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"In","values":["a","shop"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"NotIn","values":["shop"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"no","operator":"NotIn","values":["shop"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"no","operator":"In","values":["shop"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"tier","operator":"Exists"}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"tier","operator":"DoesNotExist"}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"tier","operator":"Like"}]}"#,
                false,
            ),
        ] {
            let read: Selector = serde_json::from_str(selector).unwrap();
            assert_eq!(read.matches(&shop), expected, "{selector}");
        }
    }
}
