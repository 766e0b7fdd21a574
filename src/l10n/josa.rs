//! Korean particles, which follow from how the word before them ends: 서비스를, but 터널을.

/// How a word ends when it is read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// In a vowel.
    Open,
    /// In ㄹ, which 으로 treats as a vowel.
    Rieul,
    /// In another consonant.
    Closed,
    /// It cannot be told, as with most Latin letters.
    Unknown,
}

/// `word` and the particle of `pair` (`을/를`: after a consonant, after a vowel) that it takes; both, where that cannot be told.
pub(super) fn with(word: &str, pair: &str) -> String {
    let Some((closed, open)) = pair.split_once('/') else {
        return format!("{word}{pair}");
    };
    let particle = match ending(word) {
        Ending::Open => open.to_owned(),
        Ending::Rieul if closed == "으로" => open.to_owned(),
        Ending::Rieul | Ending::Closed => closed.to_owned(),
        Ending::Unknown => format!("{closed}({open})"),
    };
    format!("{word}{particle}")
}

fn ending(word: &str) -> Ending {
    /// The first of the syllables, each of which is 28 endings apart from the next vowel.
    const FIRST: u32 = '가' as u32;
    const RIEUL: u32 = 8;
    // Closing marks are not read.
    let last = word
        .trim_end_matches(['"', '\'', ')', ']', '”', '’', '.'])
        .chars()
        .last();
    match last {
        Some(syllable @ '가'..='힣') => match (u32::from(syllable) - FIRST) % 28 {
            0 => Ending::Open,
            RIEUL => Ending::Rieul,
            _ => Ending::Closed,
        },
        Some('2' | '4' | '5' | '9') => Ending::Open,
        Some('1' | '7' | '8') => Ending::Rieul,
        Some('0' | '3' | '6') => Ending::Closed,
        _ => Ending::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_the_last_sound() {
        for (word, pair, expected) in [
            ("서비스", "을/를", "서비스를"),
            ("터널", "을/를", "터널을"),
            ("터널", "으로/로", "터널로"),
            ("이름", "으로/로", "이름으로"),
            ("8080", "이/가", "8080이"),
            ("22", "이/가", "22가"),
            ("결제(테스트)", "은/는", "결제(테스트)는"),
            ("web", "은/는", "web은(는)"),
        ] {
            assert_eq!(with(word, pair), expected);
        }
    }
}
