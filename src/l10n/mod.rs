//! L0: everything that a person reads in the window or the tray, in English and in Korean; no I/O, no clock.
//!
//! The texts stand in `assets/l10n`, a folder for each language and a file for each part of the program, in Fluent's syntax.
//! Code names a text by `tr!(ui, "list-open-count", count = 3)`: the first word is whatever knows the language in use
//! ([`Speaks`]). What the model says (`words!`) is translated in `words.po` beside them. `tests/l10n` fails on a text that one of the languages lacks, that no code uses, or whose arguments differ.

mod args;
mod bundle;
mod faults;
mod findings;
mod josa;
mod system;
mod words;

pub use args::Arg;
pub use findings::Told;

use crate::model::Language;

/// A language that Adit speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

/// The name of a text, made by the macro `id!` alone, so that a test can find every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(#[doc(hidden)] pub &'static str);

/// Whatever knows the language in use.
pub trait Speaks {
    /// That language.
    fn lang(&self) -> Lang;
}

impl Speaks for Lang {
    fn lang(&self) -> Lang {
        *self
    }
}

impl Lang {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The language that a person chose, or else the system's.
    #[must_use]
    pub const fn chosen(language: Language, system: Self) -> Self {
        match language {
            Language::System => system,
            Language::English => Self::English,
            Language::Korean => Self::Korean,
        }
    }

    /// The first of the system's locales (`ko-KR`, `en_US.UTF-8`), most wanted first, that Adit speaks; else English.
    pub fn of_locales<L: AsRef<str>>(locales: impl IntoIterator<Item = L>) -> Self {
        let spoken = |locale: L| {
            let language = locale.as_ref().split(['-', '_', '.', '@']).next()?;
            match language.to_ascii_lowercase().as_str() {
                "ko" => Some(Self::Korean),
                "en" | "c" | "posix" => Some(Self::English),
                _ => None,
            }
        };
        locales.into_iter().find_map(spoken).unwrap_or_default()
    }

    /// The language's own name, by which a person finds it.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// A text without arguments.
    #[must_use]
    pub fn text(self, id: Id) -> &'static str {
        bundle::of(self).text(id.0)
    }

    /// A text with its arguments filled in.
    #[must_use]
    pub fn text_with(self, id: Id, args: &[(&'static str, Arg<'_>)]) -> String {
        bundle::of(self).text_with(id.0, args)
    }
}

/// The name of a text: a literal, so that a test can find it.
macro_rules! id {
    ($id:literal) => {
        $crate::l10n::Id($id)
    };
}
pub(crate) use id;

/// A text in the language of the first word: `tr!(ui, "list-search")` is a `&'static str`, `tr!(ui, "list-open-count", count = 3)` a
/// `String`.
macro_rules! tr {
    ($speaker:expr, $id:literal $(,)?) => {{
        #[allow(unused_imports, reason = "a type of its own may know its language without the trait")]
        use $crate::l10n::Speaks as _;
        $speaker.lang().text($crate::l10n::id!($id))
    }};
    ($speaker:expr, $id:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        #[allow(unused_imports, reason = "a type of its own may know its language without the trait")]
        use $crate::l10n::Speaks as _;
        $speaker.lang().text_with(
            $crate::l10n::id!($id),
            &[$((stringify!($name), $crate::l10n::Arg::from($value))),+],
        )
    }};
}
pub(crate) use tr;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_spoken_counts() {
        for (locales, expected) in [
            (&["ko-KR", "en-US"][..], Lang::Korean),
            (&["ko_KR.UTF-8"], Lang::Korean),
            (&["de-DE", "ko"], Lang::Korean),
            (&["C", "ko-KR"], Lang::English),
            (&["de_DE.UTF-8@euro"], Lang::English),
            (&[], Lang::English),
        ] {
            assert_eq!(Lang::of_locales(locales), expected, "{locales:?}");
        }
    }

    #[test]
    fn what_a_person_chose_goes_before_the_system() {
        let chosen = |language| Lang::chosen(language, Lang::Korean);
        assert_eq!(chosen(Language::System), Lang::Korean);
        assert_eq!(chosen(Language::English), Lang::English);
    }

    #[test]
    fn numbers_have_their_plural_forms() {
        let ports = |lang: Lang, count: usize| tr!(lang, "status-ports", count = count);
        assert_eq!(ports(Lang::English, 1), "1 port");
        assert_eq!(ports(Lang::English, 2), "2 ports");
        assert_eq!(ports(Lang::Korean, 1), "포트 1개");
        assert_eq!(ports(Lang::Korean, 12_345), "포트 12345개");
    }

    #[test]
    fn every_text_can_be_had_and_none_is_empty() {
        for lang in Lang::ALL {
            for id in bundle::of(lang).plain_ids() {
                let text = bundle::of(lang).text(id);
                assert!(!text.trim().is_empty(), "{lang:?}: {id}");
            }
        }
    }
}
