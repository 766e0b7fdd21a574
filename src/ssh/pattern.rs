//! OpenSSH's patterns (`PATTERNS` in `ssh_config(5)`): `*`, `?`, and comma-separated lists with `!` for negation.

/// What a list of patterns says about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListMatch {
    /// A pattern matches and no negated one does.
    Yes,
    /// No pattern matches.
    No,
    /// A negated pattern matches, which outweighs all others.
    Negated,
}

/// Whether `pattern`, in which `*` stands for any characters and `?` for exactly one, matches all of `text`.
///
/// Works on bytes as OpenSSH does, in time proportional to the product of the lengths: a hostile pattern cannot hang it.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, at));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[at] => {
                at += 1;
                p += 1;
            }
            _ => match star {
                // The last star takes one byte more, and the rest is tried again.
                Some((after_star, taken)) => {
                    star = Some((after_star, taken + 1));
                    p = after_star;
                    at = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Matches `text` against a comma-separated list of patterns, whose case is ignored when `fold_case` is set (the text is
/// then expected in lower case).
pub(super) fn matches_list(text: &str, list: &str, fold_case: bool) -> ListMatch {
    let mut result = ListMatch::No;
    for entry in list.split(',') {
        let (pattern, negated) = match entry.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (entry, false),
        };
        // An empty list entry matches nothing, not even an empty text.
        let hit = !entry.is_empty()
            && if fold_case {
                matches(text, &pattern.to_ascii_lowercase())
            } else {
                matches(text, pattern)
            };
        match (hit, negated) {
            (true, true) => return ListMatch::Negated,
            (true, false) => result = ListMatch::Yes,
            (false, _) => {}
        }
    }
    result
}

/// Matches a host name against a list of patterns, ignoring case on both sides.
pub(super) fn matches_host(host: &str, list: &str) -> bool {
    matches_list(&host.to_ascii_lowercase(), list, true) == ListMatch::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "*", true),
            ("", "?", false),
            ("abc", "a*c", true),
            ("abc", "a?c", true),
            ("abc", "**c", true),
            ("abc", "*b", false),
            ("ababab", "*ab", true),
            ("web-12.example.org", "web-??.example.*", true),
            ("web-1.example.org", "web-??.example.*", false),
            ("a*c", "a*c", true),
        ] {
            assert_eq!(matches(text, pattern), expected, "{text} ~ {pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        assert!(!matches(
            &"a".repeat(5_000),
            &format!("{}b", "a*".repeat(200))
        ));
    }

    #[test]
    fn lists_and_negation() {
        for (text, list, expected) in [
            ("a", "a,b", ListMatch::Yes),
            ("c", "a,b", ListMatch::No),
            ("db.example", "*.example,!db.*", ListMatch::Negated),
            ("db.example", "!db.*,*.example", ListMatch::Negated),
            ("web.example", "*.example,!db.*", ListMatch::Yes),
            ("web.example", "!db.*", ListMatch::No),
            ("", "", ListMatch::No),
        ] {
            assert_eq!(matches_list(text, list, true), expected, "{text} ~ {list}");
        }
        assert!(matches_host("WEB.Example", "web.EXAMPLE"));
    }
}
