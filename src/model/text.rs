//! Texts of others (servers, object names) made safe to show.

use std::borrow::Cow;

/// `text` with every control character, every character that changes the direction of writing, and every one that is not to be seen,
/// replaced by `�`, so that a hostile server's words cannot move a terminal's cursor or disguise what is shown. Line breaks are
/// replaced too.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly every text is made of these alone.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut before = None;
    let mut is_changed = false;
    let safe = text.chars().map(|c| {
        let is_bad = is_unsafe(c, before);
        is_changed |= is_bad;
        before = Some(c);
        if is_bad { '\u{fffd}' } else { c }
    });
    let safe: String = safe.collect();
    if is_changed {
        Cow::Owned(safe)
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

/// Control characters (C0, DEL, C1), the bidirectional controls of Unicode's UAX #9, line separators, and what is not to be seen
/// (`Default_Ignorable_Code_Point` of UAX #44). Selectors of variants stay, and so do joiners where they follow a letter that can be
/// joined: Persian and Hindi are written with them, and many emoji.
fn is_unsafe(c: char, before: Option<char>) -> bool {
    if matches!(c, '\u{200c}' | '\u{200d}') {
        return before.is_none_or(|before| before.is_ascii() || is_unsafe(before, None));
    }
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
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
        assert_eq!(printable("pro\u{200b}d\u{200d}"), "pro\u{fffd}d\u{fffd}");
        assert_eq!(
            printable("\u{200c}a\u{feff}\u{e0061}"),
            "\u{fffd}a\u{fffd}\u{fffd}"
        );
        for kept in ["می\u{200c}خواهم", "👩\u{200d}💻 ❤\u{fe0f}", "e\u{301}"] {
            assert_eq!(printable(kept), kept);
        }
    }
}
