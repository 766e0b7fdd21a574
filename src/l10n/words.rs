//! Sentences of the model in a person's language.
//!
//! The English ones stand where they are made (`words!`). Their translations stand in `assets/l10n/*/words.po`, in gettext's format:
//! the English sentence and the other one, with the same places. `{name|을/를}` is a place with the particle that fits it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Lang, josa, system};
use crate::model::{Joint, Part, Words, places};

static KOREAN: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| catalogue(include_str!("../../assets/l10n/ko/words.po")));

impl Lang {
    /// A sentence in this language; one that nobody has translated, in English.
    #[must_use]
    pub fn say(self, words: &Words) -> String {
        match self {
            Self::English => words.to_string(),
            Self::Korean => filled(words),
        }
    }
}

fn filled(words: &Words) -> String {
    let text = KOREAN.get(words.text());
    let text = text.map_or(words.text(), String::as_str);
    let mut out = String::new();
    for (before, place) in places(text) {
        out.push_str(before);
        let Some(place) = place else { continue };
        let (name, particle) = match place.split_once('|') {
            Some((name, particle)) => (name, Some(particle)),
            None => (place, None),
        };
        let said = words.part(name).map_or_else(String::new, said);
        match particle {
            Some(particle) => out.push_str(&josa::with(&said, particle)),
            None => out.push_str(&said),
        }
    }
    out
}

fn said(part: &Part) -> String {
    match part {
        Part::Text(text) => system::in_korean(text).unwrap_or_else(|| text.clone()),
        Part::Words(words) => filled(words),
        Part::Fault(fault) => Lang::Korean.fault(fault),
        Part::NextStep(fault) => Lang::Korean.next_step(fault),
        Part::List { named, more, joint } => {
            let named: Vec<String> = named.iter().map(said).collect();
            let text = named.join(match joint {
                Joint::And | Joint::Comma => ", ",
                Joint::Semicolon => "; ",
                Joint::Space => " ",
            });
            match more {
                0 => text,
                more => format!("{text} 외 {more}개"),
            }
        }
    }
}

/// What `file` translates. A test finds what is wrong in it; here that only costs the sentence.
fn catalogue(file: &str) -> HashMap<String, String> {
    let mut all = HashMap::new();
    let (mut english, mut other) = (String::new(), String::new());
    let mut is_other = false;
    for line in file.lines().chain(["msgid \"\""]) {
        let quoted = if let Some(rest) = line.strip_prefix("msgid ") {
            all.insert(std::mem::take(&mut english), std::mem::take(&mut other));
            is_other = false;
            rest
        } else if let Some(rest) = line.strip_prefix("msgstr ") {
            is_other = true;
            rest
        } else {
            line
        };
        let target = if is_other { &mut other } else { &mut english };
        target.push_str(&unquoted(quoted));
    }
    // What stands without an English sentence is the file's own head.
    all.remove("");
    all
}

/// The text within the quotes of a line; nothing for a line that has none.
fn unquoted(line: &str) -> String {
    let inner = line
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner
        .unwrap_or_default()
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, FaultCause, words};

    #[test]
    fn a_sentence_is_said_in_either_language_with_the_same_parts() {
        let said = words!(
            "It asks for {ip}, which {by} has.",
            ip = "10.0.0.1",
            by = Part::list(["shop/a", "shop/b"])
        );
        assert_eq!(
            Lang::English.say(&said),
            "It asks for 10.0.0.1, which shop/a and shop/b has."
        );
        assert_eq!(
            Lang::Korean.say(&said),
            "10.0.0.1을 요청했지만 shop/a, shop/b에서 이미 쓰고 있습니다."
        );
    }

    #[test]
    fn parts_are_said_in_the_same_language() {
        let fault = Fault::cluster(FaultCause::ClusterUnavailable {
            reason: words!("the engine has ended"),
            hint: None,
        });
        let said = words!(
            "try {attempt} failed: {fault}",
            attempt = 2_u32,
            fault = &fault
        );
        assert_eq!(
            Lang::Korean.say(&said),
            "2번째 시도 실패: 클러스터에 물어볼 수 없습니다: 엔진이 끝났습니다"
        );
        let list = Part::list(["a", "b", "c", "d", "e"]);
        assert!(
            Lang::Korean
                .say(&words!("{addresses}", addresses = list))
                .ends_with("외 1개")
        );
    }

    #[test]
    fn a_catalogue_is_read_with_its_head_and_its_long_sentences() {
        let read = catalogue(
            "msgid \"\"\nmsgstr \"\"\n\"Language: ko\"\n\n# a note\nmsgid \"\"\n\"a \\\"b\\\"\"\n\" c\"\nmsgstr \"가 \"\n\"나\"\n",
        );
        assert_eq!(
            read,
            HashMap::from([("a \"b\" c".to_owned(), "가 나".to_owned())])
        );
    }
}
