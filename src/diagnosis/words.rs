//! Lists and quotes in sentences. Names are of the cluster's making and are made safe to show.

use std::fmt::Display;

use crate::model::{Finding, Severity, printable};

/// Longer lists are cut short.
const NAMED: usize = 4;
/// Longer quotes are cut short.
const QUOTED_CHARS: usize = 300;

/// `a, b and 3 more`.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = items
        .into_iter()
        .map(|item| printable(&item.to_string()).into_owned())
        .collect();
    let (named, rest) = all.split_at(all.len().min(NAMED));
    match (named, rest.len()) {
        ([], _) => String::new(),
        (named, 0) => match named.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        },
        (named, more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// The cluster's own words, in one line of sensible length.
pub(super) fn quote(text: &str) -> String {
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(QUOTED_CHARS)
        .collect();
    printable(&line).into_owned()
}

/// `1 address`, `2 addresses`.
pub(super) fn count(number: u128, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{number} {word}")
}

pub(super) fn error(
    code: &'static str,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    finding(code, Severity::Error, message, hint)
}

pub(super) fn warning(
    code: &'static str,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    finding(code, Severity::Warning, message, hint)
}

pub(super) fn info(
    code: &'static str,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    finding(code, Severity::Info, message, hint)
}

fn finding(
    code: &'static str,
    severity: Severity,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    Finding {
        code,
        severity,
        message: message.into(),
        hint: hint.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_readable_and_short() {
        for (items, expected) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c", "d"], "a, b, c and d"),
            (&["a", "b", "c", "d", "e", "f"], "a, b, c, d and 2 more"),
            (&["a\u{1b}[2J"], "a\u{fffd}[2J"),
        ] {
            assert_eq!(list(items), expected);
        }
    }
}
