//! Sentences that are told in more than one language: the English words and what they name are kept apart.
//!
//! Whoever finds something out writes it down once, in English, by the macro `words!`. The command line and programs get it as
//! [`Display`](fmt::Display) writes it; the window and the tray have `l10n` look the sentence up and fill in the same parts.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::address::{Destination, LocalBind};
use super::cluster::Route;
use super::fault::Fault;
use super::ids::{Namespace, ServiceKey};
use super::text::printable;

/// How many of a list are named before the rest is a number.
const NAMED: usize = 4;

/// A sentence, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: &'static str,
    parts: Vec<(&'static str, Part)>,
}

/// What a place in a sentence is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A name, a number, an address or somebody else's words: the same in every language.
    Text(String),
    /// Words that have their own translation.
    Words(Words),
    /// A fault, which has words of its own.
    Fault(Box<Fault>),
    /// What to do about a fault, which has words of its own, too.
    NextStep(Box<Fault>),
    /// Several things.
    List {
        /// Those that are named.
        named: Vec<Part>,
        /// How many more there are.
        more: usize,
        /// How they are strung together.
        joint: Joint,
    },
}

/// What stands between the things of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `a, b and c`.
    And,
    /// `a, b, c`.
    Comma,
    /// `a; b; c`, for what has commas of its own.
    Semicolon,
    /// Nothing: they are sentences.
    Space,
}

impl Words {
    /// An English sentence whose places `{name}` are filled in with the part of that name. Made by the macro `words!`, so that a
    /// test finds every sentence and its translations.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(text: &'static str, parts: Vec<(&'static str, Part)>) -> Self {
        Self { text, parts }
    }

    /// Somebody else's words, which no language changes. Safe to show.
    #[must_use]
    pub fn quoted(text: &str) -> Self {
        Self {
            text: "{quoted}",
            parts: vec![("quoted", Part::Text(printable(text).into_owned()))],
        }
    }

    /// The English sentence with its places, by which translations are found.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// What the place `name` is filled in with.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        let found = self.parts.iter().find(|(own, _)| *own == name);
        found.map(|(_, part)| part)
    }

    /// Whether the English has `part` in it.
    #[must_use]
    pub fn contains(&self, part: &str) -> bool {
        self.to_string().contains(part)
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl Part {
    /// Several things, of which the first few are named; made safe to show.
    pub fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> Self {
        let all: Vec<Self> = items
            .into_iter()
            .map(|item| Self::Text(printable(&item.to_string()).into_owned()))
            .collect();
        Self::several(all)
    }

    /// Several things, of which the first few are named.
    #[must_use]
    pub fn several(named: Vec<Self>) -> Self {
        Self::strung(named, Joint::And, NAMED)
    }

    /// Several things in the order given, `most` of them named.
    #[must_use]
    pub fn strung(mut named: Vec<Self>, joint: Joint, most: usize) -> Self {
        let more = named.len().saturating_sub(most);
        named.truncate(most);
        Self::List { named, more, joint }
    }
}

/// The places of `text`: what stands before each, and its name; the rest comes last, without one.
pub fn places(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let place = text
            .find('{')
            .and_then(|open| Some((open, open + text[open..].find('}')?)));
        if let Some((open, close)) = place {
            rest = Some(&text[close + 1..]);
            return Some((&text[..open], Some(&text[open + 1..close])));
        }
        rest = None;
        Some((text, None))
    })
}

impl fmt::Display for Words {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (before, place) in places(self.text) {
            f.write_str(before)?;
            match place.map(|name| (name, self.part(name))) {
                None => {}
                Some((_, Some(part))) => fmt::Display::fmt(part, f)?,
                Some((name, None)) => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Words(words) => words.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::NextStep(fault) => f.write_str(&fault.next_step()),
            Self::List { named, more, joint } => list(f, named, *more, *joint),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, named: &[Part], more: usize, joint: Joint) -> fmt::Result {
    let between = match joint {
        Joint::And | Joint::Comma => ", ",
        Joint::Semicolon => "; ",
        Joint::Space => " ",
    };
    for (index, item) in named.iter().enumerate() {
        let is_last = index + 1 == named.len() && more == 0;
        match index {
            0 => {}
            _ if is_last && joint == Joint::And => f.write_str(" and ")?,
            _ => f.write_str(between)?,
        }
        fmt::Display::fmt(item, f)?;
    }
    match (more, joint) {
        (0, _) => Ok(()),
        (_, Joint::Semicolon) => f.write_str("; and so on"),
        (more, Joint::And | Joint::Comma | Joint::Space) => write!(f, " and {more} more"),
    }
}

/// Somebody else's words.
impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::quoted(&text)
    }
}

impl From<Words> for Part {
    fn from(words: Words) -> Self {
        Self::Words(words)
    }
}

impl From<&Words> for Part {
    fn from(words: &Words) -> Self {
        Self::Words(words.clone())
    }
}

impl From<&Fault> for Part {
    fn from(fault: &Fault) -> Self {
        Self::Fault(Box::new(fault.clone()))
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Cow<'_, str>> for Part {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Text(text.into_owned())
    }
}

macro_rules! from_shown {
    ($($shown:ty),+ $(,)?) => {
        $(impl From<$shown> for Part {
            fn from(shown: $shown) -> Self {
                Self::Text(shown.to_string())
            }
        })+
    };
}

from_shown!(
    &String,
    Arc<str>,
    &Arc<str>,
    IpAddr,
    &IpAddr,
    SocketAddr,
    &SocketAddr,
    Destination,
    &Destination,
    &LocalBind,
    Route,
    &Namespace,
    &ServiceKey,
    u16,
    u32,
    u64,
    u128,
    usize,
);

/// A sentence in English: `words!("It asks for {ip}, which {by} has.", ip = ip, by = Part::list(keys))`. Its translations stand in
/// `assets/l10n/*/words.po`.
macro_rules! words {
    ($text:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::model::Words::new(
            $text,
            vec![$((stringify!($name), $crate::model::Part::from($value))),*],
        )
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_fills_its_places() {
        let by = Part::list(["shop/a", "shop/b"]);
        let ip: IpAddr = "10.0.0.1".parse().unwrap();
        let text = Words::new(
            "It asks for {ip}, which {by} has {.",
            vec![("ip", ip.into()), ("by", by)],
        );
        assert_eq!(
            text.to_string(),
            "It asks for 10.0.0.1, which shop/a and shop/b has {."
        );
    }

    #[test]
    fn lists_are_readable_and_short() {
        for (items, expected) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c", "d"], "a, b, c and d"),
            (&["a", "b", "c", "d", "e", "f"], "a, b, c, d and 2 more"),
            (&["a\u{1b}[2J"], "a\u{fffd}[2J"),
        ] {
            assert_eq!(Part::list(items).to_string(), expected);
        }
        let clauses = || vec![Part::from("a"), Part::from("b"), Part::from("c")];
        let strung = |most| Part::strung(clauses(), Joint::Semicolon, most).to_string();
        assert_eq!(strung(3), "a; b; c");
        assert_eq!(strung(2), "a; b; and so on");
    }

    #[test]
    fn the_words_of_others_stay_as_they_are_and_are_safe() {
        let said = Words::quoted("a {place} \u{1b}[2J");
        assert_eq!(said.to_string(), "a {place} \u{fffd}[2J");
    }
}
