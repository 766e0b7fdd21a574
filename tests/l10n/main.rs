//! Every text is there in every language, with the same arguments, and is used; every text that is used is there.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

mod catalogue;
mod source;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::Use;

/// The arguments of a text.
type Arguments = BTreeSet<String>;

const LANGUAGES: [&str; 2] = ["en", "ko"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that ends in `extension`.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The texts of a language, and in which file each stands.
fn defined(language: &str) -> BTreeMap<String, (String, Arguments)> {
    let mut all = BTreeMap::new();
    for path in files(&root().join("assets/l10n").join(language), "ftl") {
        let part = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let read = texts::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (id, arguments) in read {
            let before = all.insert(id.clone(), (part.clone(), arguments));
            assert!(before.is_none(), "{language}: {id} stands twice");
        }
    }
    all
}

/// Every text that is named by its id.
fn used() -> Vec<Use> {
    all_used()
        .into_iter()
        .filter(|used| !used.is_sentence)
        .collect()
}

/// Every sentence of `words!`.
fn said() -> Vec<Use> {
    all_used()
        .into_iter()
        .filter(|used| used.is_sentence)
        .collect()
}

fn all_used() -> Vec<Use> {
    let uses = files(&root().join("src"), "rs")
        .into_iter()
        .flat_map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            source::uses(&name, &fs::read_to_string(&path).unwrap())
        });
    uses.collect()
}

/// Says all that is wrong at once.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_language_has_every_text_in_the_same_file_with_the_same_arguments() {
    let english = defined("en");
    assert!(english.len() > 50, "the texts were not found");
    let mut wrong = Vec::new();
    for language in &LANGUAGES[1..] {
        let other = defined(language);
        for (id, (part, arguments)) in &english {
            match other.get(id) {
                None => wrong.push(format!("{language}/{part}.ftl lacks {id}")),
                Some((_, theirs)) if theirs != arguments => {
                    wrong.push(format!(
                        "{language}: {id} takes {theirs:?}, in English {arguments:?}"
                    ));
                }
                Some((there, _)) if there != part => {
                    wrong.push(format!(
                        "{language}: {id} stands in {there}.ftl, in English in {part}.ftl"
                    ));
                }
                Some(_) => {}
            }
        }
        let more = other.iter().filter(|(id, _)| !english.contains_key(*id));
        wrong.extend(more.map(|(id, (part, _))| format!("en/{part}.ftl lacks {id}")));
    }
    assert_none(&wrong);
}

#[test]
fn every_text_that_is_used_is_there_and_gets_its_arguments() {
    let english = defined("en");
    let mut wrong = Vec::new();
    for used in used() {
        let Use {
            place,
            id,
            arguments,
            ..
        } = &used;
        match (english.get(id), arguments) {
            (None, _) => wrong.push(format!("{place}: there is no text {id}")),
            (Some((_, wanted)), Some(given)) if given != wanted => {
                wrong.push(format!(
                    "{place}: {id} takes {wanted:?} and is given {given:?}"
                ));
            }
            _ => {}
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_text_is_used() {
    let used: BTreeSet<String> = used().into_iter().map(|used| used.id).collect();
    let unused = defined("en")
        .into_iter()
        .filter(|(id, _)| !used.contains(id));
    let wrong: Vec<_> = unused
        .map(|(id, (part, _))| format!("nothing uses {id} of {part}.ftl"))
        .collect();
    assert_none(&wrong);
}

#[test]
fn every_file_is_embedded() {
    let bundle = fs::read_to_string(root().join("src/l10n/bundle.rs")).unwrap();
    let mut wrong = Vec::new();
    for language in LANGUAGES {
        for path in files(&root().join("assets/l10n").join(language), "ftl") {
            let part = path.file_stem().unwrap().to_string_lossy();
            let list = bundle.lines().filter(|line| line.contains("files!(\""));
            let mut list = list.filter(|line| line.contains(&format!("\"{language}\":")));
            if !list.any(|line| line.contains(&format!("\"{part}\""))) {
                wrong.push(format!(
                    "src/l10n/bundle.rs leaves out {language}/{part}.ftl"
                ));
            }
        }
    }
    assert_none(&wrong);
}

/// Names that are the same in every language.
const NAMES: [&str; 3] = ["ClusterIP", "MetalLB IP", "NodePort"];

fn has_hangul(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

fn korean_sentences() -> BTreeMap<String, String> {
    let file = root().join("assets/l10n/ko/words.po");
    catalogue::read(&fs::read_to_string(file).unwrap()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn every_sentence_is_said_in_korean_with_the_same_places() {
    let korean = korean_sentences();
    let said = said();
    assert!(said.len() > 250, "the sentences were not found");
    let mut wrong = Vec::new();
    for Use {
        place,
        id,
        arguments,
        ..
    } in &said
    {
        let places = catalogue::places(id);
        if arguments.as_ref() != Some(&places) {
            wrong.push(format!("{place}: {id:?} is given {arguments:?}"));
        }
        match korean.get(id) {
            None if catalogue::words_of(id).trim().is_empty() => {}
            None => wrong.push(format!("{place}: ko/words.po lacks {id:?}")),
            Some(other) if catalogue::places(other) != places => {
                wrong.push(format!(
                    "ko/words.po: {other:?} has other places than {id:?}"
                ));
            }
            Some(other) => {
                let words = catalogue::words_of(other);
                let has_words = words.chars().any(char::is_alphabetic);
                if has_words && !has_hangul(&words) && !NAMES.contains(&other.as_str()) {
                    wrong.push(format!("ko/words.po: {other:?} is not Korean"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_sentence_of_the_catalogue_is_said_somewhere() {
    let said: BTreeSet<String> = said().into_iter().map(|used| used.id).collect();
    let unsaid = korean_sentences().into_keys();
    let unsaid = unsaid.filter(|sentence| !said.contains(sentence));
    let wrong: Vec<_> = unsaid
        .map(|sentence| format!("nobody says {sentence:?} of ko/words.po"))
        .collect();
    assert_none(&wrong);
}

#[test]
fn korean_is_written_in_korean() {
    let (mut words, mut korean) = (0, 0);
    for path in files(&root().join("assets/l10n/ko"), "ftl") {
        for (_, text) in texts::plain(&fs::read_to_string(&path).unwrap()) {
            words += 1;
            korean += usize::from(has_hangul(&text));
        }
    }
    // Names such as ClusterIP stay as they are.
    assert!(
        korean * 10 >= words * 8,
        "{korean} of {words} texts have Hangul"
    );
}
