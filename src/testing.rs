//! For tests alone: inputs made by spoiling real ones.
//!
//! A parser that is fed noise rejects its first byte and is never really tried. These inputs start from a corpus of good
//! and odd ones, and are cut, doubled, spliced with each other and sprinkled with the format's own words. What fails is
//! shrunk by proptest and kept by it (`proptest-regressions`). `tests/fuzz` runs them for longer.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One way to spoil an input.
#[derive(Clone, Debug)]
enum Spoil {
    /// Leave this much out.
    Cut(Index, Index),
    /// Have this much twice.
    Double(Index, Index),
    /// Put a word in.
    Insert(Index, Vec<u8>),
    /// Change a byte.
    Set(Index, u8),
    /// Go on with the rest of another input.
    Splice(Index, Index, Index),
}

/// Words of a format.
type Words = &'static [&'static str];

/// What all JSON is made of.
pub(crate) const JSON: Words = &[
    "{", "}", "[", "]", ",", ":", "null", "true", "\"\"", "0", "-1", "65536", "1e999", "\\u0000",
];

/// Spoiled inputs of a corpus: the files in these folders below `tests/`, deeper ones included, whose names end like
/// `ending`; `words` are what the format is made of.
pub(crate) fn spoiled(
    folders: &[&str],
    ending: &str,
    words: &[Words],
) -> impl Strategy<Value = Vec<u8>> + use<> {
    let corpus: Vec<Vec<u8>> = folders
        .iter()
        .flat_map(|folder| {
            files(
                &Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("tests")
                    .join(folder),
            )
        })
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert!(!corpus.is_empty(), "no corpus in {folders:?}");
    spoiled_of(corpus, words)
}

/// Spoiled inputs of this corpus.
pub(crate) fn spoiled_of(
    corpus: Vec<Vec<u8>>,
    words: &[Words],
) -> impl Strategy<Value = Vec<u8>> + use<> {
    (any::<Index>(), vec(spoil(words), 0..8)).prop_map(move |(first, spoils)| {
        let mut input = first.get(&corpus).clone();
        for spoil in &spoils {
            apply(spoil, &mut input, &corpus);
        }
        input
    })
}

fn spoil(words: &[Words]) -> impl Strategy<Value = Spoil> + use<> {
    let index = any::<Index>;
    let word = prop_oneof![
        4 => select(words.concat()).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..5),
        1 => select(vec!["\0", "\r\n", "\u{1b}[2J", "\u{202e}", "9999999999999999999999", "-1", "한", "\"", "'", "\\"])
            .prop_map(|odd| odd.as_bytes().to_vec()),
    ];
    prop_oneof![
        1 => (index(), index()).prop_map(|(from, to)| Spoil::Cut(from, to)),
        1 => (index(), index()).prop_map(|(from, to)| Spoil::Double(from, to)),
        3 => (index(), word).prop_map(|(at, word)| Spoil::Insert(at, word)),
        1 => (index(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        1 => (index(), index(), index()).prop_map(|(at, other, from)| Spoil::Splice(at, other, from)),
    ]
}

fn apply(spoil: &Spoil, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let place = |index: &Index, input: &[u8]| index.index(input.len() + 1);
    match spoil {
        Spoil::Cut(from, to) => drop(input.drain(range(*from, *to, input.len()))),
        Spoil::Double(from, to) => {
            let range = range(*from, *to, input.len());
            let piece = input[range.clone()].to_vec();
            input.splice(range.end..range.end, piece);
        }
        Spoil::Insert(at, word) => {
            let at = place(at, input);
            input.splice(at..at, word.iter().copied());
        }
        Spoil::Set(at, byte) => {
            let at = place(at, input);
            if let Some(old) = input.get_mut(at) {
                *old = *byte;
            }
        }
        Spoil::Splice(at, other, from) => {
            input.truncate(place(at, input));
            let other = other.get(corpus);
            input.extend(&other[place(from, other)..]);
        }
    }
}

/// A piece of at most a quarter, so that something is left.
fn range(from: Index, length: Index, total: usize) -> std::ops::Range<usize> {
    let from = from.index(total + 1);
    let length = length.index(total / 4 + 1);
    from..(from + length).min(total)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}
