//! Lines of ssh_config into words.

use crate::model::{Words, words};

const WHITESPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A line with something on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The keyword, in lower case.
    pub(super) keyword: String,
    /// What follows it, untouched: some options take the rest of the line as it is.
    pub(super) rest: String,
}

/// Splits the keyword off a line; none for a comment or an empty line.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn line(text: &str) -> Result<Option<Line>, Words> {
    let text = text.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']);
    let mut rest = Some(text);
    let mut keyword = delimited(&mut rest);
    if keyword.as_deref() == Some("") {
        keyword = delimited(&mut rest);
    }
    let Some(keyword) = keyword.filter(|word| !word.is_empty() && !word.starts_with('#')) else {
        return Ok(None);
    };
    let keyword = keyword.to_ascii_lowercase();
    let rest = rest.unwrap_or_default().trim_start_matches(WHITESPACE);
    if rest.is_empty() {
        return Err(words!(
            "there is nothing after {keyword}",
            keyword = keyword
        ));
    }
    Ok(Some(Line {
        keyword,
        rest: rest.to_owned(),
    }))
}

/// Takes the next word off `rest`, where words end at white space or at one `=`, and a quoted part ends the word. At the
/// end of the text an empty word, then none; none also for a quote that is not closed.
pub(super) fn delimited(rest: &mut Option<&str>) -> Option<String> {
    let text = rest.take()?;
    let ends = |c: char| WHITESPACE.contains(&c) || c == '"' || c == '=';
    let Some((word, delimiter, after)) = split_at_char(text, ends) else {
        return Some(text.to_owned());
    };
    if delimiter == '"' {
        let (quoted, after) = after.split_once('"')?;
        *rest = Some(after.trim_start_matches(WHITESPACE));
        return Some(format!("{word}{quoted}"));
    }
    let mut after = after.trim_start_matches(WHITESPACE);
    if delimiter != '=' {
        // One equals sign between the words counts as white space.
        after = match after.strip_prefix('=') {
            Some(after) => after.trim_start_matches(WHITESPACE),
            None => after,
        };
    }
    *rest = Some(after);
    Some(word.to_owned())
}

fn split_at_char(text: &str, wanted: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let (at, found) = text.char_indices().find(|(_, c)| wanted(*c))?;
    Some((&text[..at], found, &text[at + found.len_utf8()..]))
}

/// Splits the rest of a line into its words: either kind of quotes, a backslash before a quote, a backslash or (outside
/// quotes) a space, and a comment at the end. None if a quote is not closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => words.push(word(&mut chars)?),
        }
    }
}

fn word(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut word = String::new();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = |next: &char| {
                    matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')
                };
                word.push(chars.next_if(escaped).unwrap_or('\\'));
            }
            ' ' | '\t' if quote.is_none() => return Some(word),
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            _ => word.push(c),
        }
    }
    quote.is_none().then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_are_split_off() {
        for (text, keyword, rest) in [
            ("Port 22", "port", "22"),
            ("  port=22  ", "port", "22"),
            ("PORT =\t22\r", "port", "22"),
            ("Port = = 22", "port", "= 22"),
            ("\"Port\" 22 # note", "port", "22 # note"),
            ("ProxyCommand nc \"a b\" c", "proxycommand", "nc \"a b\" c"),
        ] {
            let expected = Line {
                keyword: keyword.to_owned(),
                rest: rest.to_owned(),
            };
            assert_eq!(line(text), Ok(Some(expected)), "{text}");
        }
        for text in ["", "   ", "# x", "  # x", "#"] {
            assert_eq!(line(text), Ok(None), "{text}");
        }
        assert!(line("Port").is_err() && line("Port =").is_err());
    }

    #[test]
    fn words_are_split() {
        for (text, expected) in [
            ("a b", Some(vec!["a", "b"])),
            ("\"a b\" 'c d'e", Some(vec!["a b", "c de"])),
            (r#"a\ b "c\"d" e\f"#, Some(vec!["a b", "c\"d", r"e\f"])),
            (r#""a\ b""#, Some(vec![r"a\ b"])),
            ("a # b", Some(vec!["a"])),
            ("a#b", Some(vec!["a#b"])),
            ("\"\"", Some(vec![""])),
            ("\"a", None),
            ("", Some(vec![])),
        ] {
            let expected = expected.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(words(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(text in ".*") {
            let _line = line(&text);
            let _words = words(&text);
            let mut rest = Some(text.as_str());
            while delimited(&mut rest).is_some_and(|word| !word.is_empty()) {}
        }
    }
}
