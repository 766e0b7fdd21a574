//! Reads catalogues in gettext's format: English sentences and what they are in another language.

use std::collections::BTreeMap;

use crate::Arguments;

/// The sentences of a file and their translations.
pub(crate) fn read(file: &str) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    // An entry is the lines between two empty ones.
    for entry in file.split("\n\n") {
        let lines = entry.lines().filter(|line| !line.starts_with('#'));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        if text.trim().is_empty() {
            continue;
        }
        let (english, other) = text
            .split_once("msgstr")
            .ok_or_else(|| format!("no translation in {text:?}"))?;
        let english = english
            .trim()
            .strip_prefix("msgid")
            .ok_or_else(|| format!("no sentence in {text:?}"))?;
        let (english, other) = (quoted(english)?, quoted(other)?);
        if english.is_empty() {
            continue;
        }
        if other.is_empty() {
            return Err(format!("{english:?} is not translated"));
        }
        if all.insert(english.clone(), other).is_some() {
            return Err(format!("{english:?} stands twice"));
        }
    }
    Ok(all)
}

/// The quoted lines of `text` as one.
fn quoted(text: &str) -> Result<String, String> {
    let mut out = String::new();
    for line in text.trim().lines() {
        let line = line.trim();
        let inner = line
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let inner = inner.ok_or_else(|| format!("{line} is not quoted"))?;
        out.push_str(&inner.replace("\\\"", "\"").replace("\\\\", "\\"));
    }
    Ok(out)
}

/// The names of the places in a sentence.
pub(crate) fn places(sentence: &str) -> Arguments {
    let opened = sentence.split('{').skip(1);
    let names = opened.filter_map(|rest| rest.split_once('}'));
    names
        .map(|(name, _)| name.split('|').next().unwrap_or(name).to_owned())
        .collect()
}

/// A sentence without its places, as far as it has letters.
pub(crate) fn words_of(sentence: &str) -> String {
    let mut out = String::new();
    for (index, part) in sentence.split('{').enumerate() {
        let after = part.split_once('}').filter(|_| index > 0);
        out.push_str(after.map_or(part, |(_, rest)| rest));
    }
    out.retain(|letter| letter.is_alphabetic() || letter == ' ');
    out
}
