//! Texts of others (servers, object names) made safe to show.

use std::borrow::Cow;

/// `text` with every control character, and every character that changes the direction of writing, replaced by `�`, so
/// that a hostile server's words cannot move a terminal's cursor or disguise what is shown. Line breaks are replaced too.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(
            text.chars()
                .map(|c| if is_unsafe(c) { '\u{fffd}' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// `text` with a capital letter first, as a sentence begins.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `text` without its full stop: for what goes on after it, or has one of its own. An ellipsis stays.
#[must_use]
pub fn without_stop(text: &str) -> &str {
    let text = text.trim_end();
    match text.strip_suffix('.') {
        Some(rest) if !rest.ends_with('.') => rest,
        _ => text,
    }
}

/// `text` as one word of a POSIX shell (POSIX.1-2017, Shell, 2.2.2).
#[must_use]
pub fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Control characters (C0, DEL, C1), and the bidirectional controls of Unicode's UAX #9.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_goes_on_where_its_full_stop_was() {
        for (text, rest) in [
            ("It is gone.", "It is gone"),
            ("It is gone", "It is gone"),
            ("It is gone. ", "It is gone"),
            ("It goes on...", "It goes on..."),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(without_stop(text), rest, "{text}");
        }
    }

    #[test]
    fn a_word_of_a_shell_stays_one_word() {
        for (text, word) in [
            ("key.pem", "key.pem"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(shell_quoted(text), word);
        }
    }

    #[test]
    fn escapes_are_neutralised_and_text_is_kept() {
        assert_eq!(printable("shop/ui 한글"), "shop/ui 한글");
        assert_eq!(
            printable("a\u{1b}[31mb\r\n"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}"
        );
        assert_eq!(printable("\u{202e}gpj.exe"), "\u{fffd}gpj.exe");
    }
}
