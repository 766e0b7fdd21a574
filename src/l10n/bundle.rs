//! The texts of one language, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::{Arg, Lang, josa};

/// The files of a language, embedded in the program.
macro_rules! files {
    ($language:literal: $($part:literal),+ $(,)?) => {
        [$(include_str!(concat!("../../assets/l10n/", $language, "/", $part, ".ftl"))),+]
    };
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| {
    let files =
        files!("en": "common", "list", "details", "map", "hosts", "settings", "keys", "tray");
    Texts::read("en", &files)
});
static KOREAN: LazyLock<Texts> = LazyLock::new(|| {
    let files =
        files!("ko": "common", "list", "details", "map", "hosts", "settings", "keys", "tray");
    Texts::read("ko", &files)
});

/// The texts of a language.
pub(super) fn of(lang: Lang) -> &'static Texts {
    match lang {
        Lang::English => &ENGLISH,
        Lang::Korean => &KOREAN,
    }
}

/// The texts of one language.
pub(super) struct Texts {
    bundle: FluentBundle<FluentResource>,
    /// Those without arguments, ready to show.
    plain: HashMap<String, String>,
}

impl Texts {
    /// Reads `files`. What is wrong in one, a test finds: here it only costs that text.
    fn read(language: &str, files: &[&str]) -> Self {
        let language: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks would part the words of a line that is measured and cut to its cell.
        bundle.set_use_isolating(false);
        let _ = bundle.add_function("JOSA", |positional, _named| josa_function(positional));
        let mut plain = HashMap::new();
        for file in files {
            let resource =
                FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(part, _)| part);
            let ids = ids_of(file);
            let _ = bundle.add_resource(resource);
            for id in ids {
                if let Some(text) = formatted(&bundle, id, None) {
                    plain.insert(id.to_owned(), text);
                }
            }
        }
        Self { bundle, plain }
    }

    pub(super) fn text(&'static self, id: &'static str) -> &'static str {
        self.plain.get(id).map_or(id, String::as_str)
    }

    pub(super) fn text_with(&self, id: &'static str, args: &[(&'static str, Arg<'_>)]) -> String {
        let mut given = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            given.set(*name, arg.value());
        }
        formatted(&self.bundle, id, Some(&given)).unwrap_or_else(|| id.to_owned())
    }

    /// The ids of texts without arguments.
    #[cfg(test)]
    pub(super) fn plain_ids(&'static self) -> impl Iterator<Item = &'static str> {
        self.plain.keys().map(String::as_str)
    }
}

/// The text of this id; none where it is not there or an argument is missing.
fn formatted(
    bundle: &FluentBundle<FluentResource>,
    id: &str,
    args: Option<&FluentArgs<'_>>,
) -> Option<String> {
    let message = bundle.get_message(id)?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(message.value()?, args, &mut errors);
    errors.is_empty().then(|| text.into_owned())
}

/// The names at the beginning of lines, where each text begins.
fn ids_of(file: &str) -> impl Iterator<Item = &str> {
    file.lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| line.split_once('=').map(|(id, _)| id.trim()))
}

fn josa_function<'a>(positional: &[FluentValue<'a>]) -> FluentValue<'a> {
    let word = match positional.first() {
        Some(FluentValue::String(word)) => word.to_string(),
        Some(FluentValue::Number(number)) => number.as_string().into_owned(),
        _ => return FluentValue::Error,
    };
    let Some(FluentValue::String(pair)) = positional.get(1) else {
        return FluentValue::Error;
    };
    FluentValue::from(josa::with(&word, pair))
}
