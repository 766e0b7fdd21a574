//! Findings and quotes in them. Names are of the cluster's making and are made safe to show.

use crate::model::{Finding, Severity, Words, printable};

/// Longer quotes are cut short.
const QUOTED_CHARS: usize = 300;

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

pub(super) fn error(code: &'static str, message: Words, hint: Words) -> Finding {
    finding(code, Severity::Error, message, hint)
}

pub(super) fn warning(code: &'static str, message: Words, hint: Words) -> Finding {
    finding(code, Severity::Warning, message, hint)
}

pub(super) fn info(code: &'static str, message: Words, hint: Words) -> Finding {
    finding(code, Severity::Info, message, hint)
}

const fn finding(code: &'static str, severity: Severity, message: Words, hint: Words) -> Finding {
    Finding {
        code,
        severity,
        message,
        hint,
    }
}
