//! The names of files that `Include` patterns stand for, as glob(3) has them.

use std::fs;
use std::path::{Path, PathBuf};

/// The existing files that an absolute `pattern` stands for, in the order of their bytes. A pattern without wildcards
/// stands for itself if it exists.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    // On Windows a path starts with its drive, and a backslash escapes nothing.
    let pattern = if cfg!(windows) {
        pattern.replace('\\', "/")
    } else {
        pattern.to_owned()
    };
    let (root, rest) = match pattern.split_once('/') {
        Some((drive, rest)) => (format!("{drive}/"), rest),
        None => return Vec::new(),
    };
    let mut found = vec![PathBuf::from(root)];
    let parts = rest.split('/').filter(|part| !part.is_empty());
    for part in parts {
        found = found
            .iter()
            .flat_map(|folder| matching_in(folder, part))
            .collect();
    }
    found
}

fn matching_in(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[', '\\']) {
        let path = folder.join(part);
        return if path.symlink_metadata().is_ok() {
            vec![path]
        } else {
            Vec::new()
        };
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('.') == part.starts_with('.'))
        .filter(|name| matches(name, part))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// Whether a wildcard pattern matches a file's name.
fn matches(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pieces = pieces(pattern);
    // matched[i]: the pieces so far can match the first i characters.
    let mut matched = vec![false; name.len() + 1];
    matched[0] = true;
    for piece in pieces {
        let mut next = vec![false; name.len() + 1];
        match piece {
            Piece::Any => {
                let first = matched.iter().position(|m| *m).unwrap_or(next.len());
                next[first..].fill(true);
            }
            Piece::One(wanted) => {
                for (index, c) in name.iter().enumerate() {
                    next[index + 1] = matched[index] && wanted.allows(*c);
                }
            }
        }
        matched = next;
    }
    matched.last().is_some_and(|m| *m)
}

enum Piece {
    Any,
    One(Wanted),
}

enum Wanted {
    Anything,
    Only(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Wanted {
    fn allows(&self, c: char) -> bool {
        match self {
            Self::Anything => true,
            Self::Only(wanted) => *wanted == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One(Wanted::Anything),
            '[' => match class(&chars[at..]) {
                Some((wanted, length)) => {
                    at += length;
                    Piece::One(wanted)
                }
                None => Piece::One(Wanted::Only('[')),
            },
            '\\' if at < chars.len() => {
                at += 1;
                Piece::One(Wanted::Only(chars[at - 1]))
            }
            c => Piece::One(Wanted::Only(*c)),
        });
    }
    pieces
}

/// Reads what follows a `[` up to its `]`, and how long that is; none if it is not closed.
fn class(chars: &[char]) -> Option<(Wanted, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let start = usize::from(negated);
    // A bracket that closes at once is one of the characters.
    let end = start + 1 + chars.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let mut ranges = Vec::new();
    let mut rest = &chars[start..end];
    while let [low, after @ ..] = rest {
        if let ['-', high, after @ ..] = after {
            ranges.push((*low, *high));
            rest = after;
        } else {
            ranges.push((*low, *low));
            rest = after;
        }
    }
    Some((Wanted::Class { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards() {
        for (name, pattern, expected) in [
            ("a.conf", "*.conf", true),
            ("a.conf", "?.conf", true),
            ("ab.conf", "?.conf", false),
            ("a1", "a[0-9]", true),
            ("ax", "a[!0-9]", true),
            ("a1", "a[^0-9]", false),
            ("a]", "a[]]", true),
            ("a[", "a[", true),
            ("a*", r"a\*", true),
            ("ab", r"a\*", false),
        ] {
            assert_eq!(matches(name, pattern), expected, "{name} ~ {pattern}");
        }
    }

    #[test]
    fn files_come_sorted_and_hidden_ones_only_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".h.conf", "c.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            expand(&format!("{}/{pattern}", folder.path().display()))
                .iter()
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(names("*.conf"), ["a.conf", "b.conf"]);
        assert_eq!(names(".*.conf"), [".h.conf"]);
        assert_eq!(names("c.txt"), ["c.txt"]);
        assert!(names("d.txt").is_empty() && names("no/*.conf").is_empty());
    }

    proptest! {
        #[test]
        fn no_pattern_panics(name in ".*", pattern in ".*", special in "[a*?!^\\]\\[\\\\-]*") {
            let _matches = (matches(&name, &pattern), matches(&name, &special));
        }
    }
}
