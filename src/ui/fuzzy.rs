//! Finds by a few letters in order: `dfui` finds `default/ui`.

/// How well `query` fits `text`, both in lower case; none where a letter is missing. Letters that begin a word or follow one another
/// count more, and so do short texts.
pub(super) fn score(query: &str, text: &str) -> Option<i32> {
    let count = i32::try_from(query.chars().count()).unwrap_or(i32::MAX / 8);
    let mut letters = text.chars().enumerate();
    let (mut score, mut before, mut last) = (0_i32, ' ', None);
    for wanted in query.chars().filter(|letter| !letter.is_whitespace()) {
        loop {
            let (place, letter) = letters.next()?;
            let begins = !before.is_alphanumeric();
            before = letter;
            if letter == wanted {
                score += 1;
                if begins {
                    score += 6;
                }
                if last.is_some_and(|last| last + 1 == place) {
                    score += 4;
                }
                last = Some(place);
                break;
            }
        }
    }
    // A text that holds the words as they are was most likely meant.
    for (place, _) in text.match_indices(query).take(8) {
        let before = text[..place].chars().last();
        let begins = before.is_none_or(|letter| !letter.is_alphanumeric());
        score = score.max(count * 5 + if begins { 14 } else { 2 });
    }
    let length = i32::try_from(text.chars().count()).unwrap_or(i32::MAX);
    Some(score.saturating_mul(8).saturating_sub(length.min(200)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_to_come_in_order() {
        assert!(score("dui", "default/ui").is_some());
        assert!(score("uid", "default/ui").is_none());
        assert!(score("", "anything").is_some());
        assert!(score("설정", "설정 열기").is_some());
    }

    #[test]
    fn what_was_most_likely_meant_comes_first() {
        for (query, better, worse) in [
            ("ui", "default/ui port 80", "build/runtime port 80"),
            ("sw", "shop/web port 80", "shop/answers port 80"),
            ("web", "shop/web", "shop/wide-elastic-bus"),
            ("api", "api", "shop/api-with-a-very-long-name"),
        ] {
            assert!(score(query, better) > score(query, worse), "{query}");
        }
    }
}
