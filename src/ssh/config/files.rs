//! Reading the files: which lines apply to this host.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Origin, of_option};
use super::keyword::{self, Kind};
use super::matching;
use super::options::{Context, Options};
use super::query::{ConfigFile, Environment, System};
use super::{expand, glob, lexer};
use crate::model::{Words, printable, words};
use crate::ssh::pattern::{ListMatch, matches, matches_list};

/// OpenSSH's own limit of files that include each other.
pub(super) const MAX_DEPTH: usize = 16;

/// One pass over the files. There is a second one if `Match final` or canonical host names ask for it.
pub(super) struct Pass<'a> {
    pub(super) environment: &'a Environment,
    pub(super) system: &'a mut dyn System,
    pub(super) options: &'a mut Options,
    /// The host that `Host` is compared with.
    pub(super) host: &'a str,
    /// The host as it was given.
    pub(super) argument: &'a str,
    pub(super) is_final: bool,
    /// Whether a line asked for the second pass.
    pub(super) wants_final: bool,
}

/// How a file is read.
#[derive(Clone, Copy)]
struct Manner {
    /// The machine's configuration rather than the person's.
    system: bool,
    /// Whether the file must be safe from others.
    private: bool,
    /// Included from lines that do not apply: the lines are checked, and none applies.
    never: bool,
    depth: usize,
}

impl Pass<'_> {
    /// Reads the files of `which`.
    ///
    /// # Errors
    /// [`ConfigError`] if one cannot be read or makes no sense.
    pub(super) fn run(&mut self, which: &ConfigFile) -> Result<(), ConfigError> {
        let manner = |system, private| Manner {
            system,
            private,
            never: false,
            depth: 0,
        };
        match which {
            ConfigFile::None => Ok(()),
            ConfigFile::File(path) => {
                if self.file(path, manner(false, false), true)? {
                    return Ok(());
                }
                Err(ConfigError::Read {
                    path: path.clone(),
                    source: io::ErrorKind::NotFound.into(),
                })
            }
            ConfigFile::Default => {
                let own = self.environment.user_folder().join("config");
                self.file(&own, manner(false, true), true)?;
                let machine = self.environment.system_folder.join("ssh_config");
                self.file(&machine, manner(true, false), true)?;
                Ok(())
            }
        }
    }

    /// Reads one file; false if it does not exist.
    fn file(&mut self, path: &Path, manner: Manner, active: bool) -> Result<bool, ConfigError> {
        if manner.depth > MAX_DEPTH {
            return Err(ConfigError::TooDeep(path.to_owned()));
        }
        let Some(text) = read(path, manner.private, self.environment)? else {
            return Ok(false);
        };
        let mut active = active;
        for (index, line) in text.split('\n').enumerate() {
            let origin = Origin::File {
                path: path.to_owned(),
                line: index + 1,
                system: manner.system,
            };
            self.line(line, &origin, manner, &mut active)?;
        }
        Ok(true)
    }

    fn line(
        &mut self,
        text: &str,
        origin: &Origin,
        manner: Manner,
        active: &mut bool,
    ) -> Result<(), ConfigError> {
        let fail = |problem: Words| ConfigError::Line {
            origin: origin.clone(),
            problem,
        };
        let Some(line) = lexer::line(text).map_err(fail)? else {
            return Ok(());
        };
        let Some(spec) = keyword::find(&line.keyword) else {
            return unknown(self.options, &line.keyword).map_err(fail);
        };
        let named = |problem: Words| fail(of_option(spec.name, problem));
        let words = || lexer::words(&line.rest).ok_or_else(|| words!("a quote is not closed"));
        match spec.kind {
            Kind::Host => {
                *active = hosts_match(&words().map_err(named)?, self.host).map_err(named)?;
                *active &= !manner.never;
            }
            Kind::Match => {
                words().map_err(named)?;
                *active = matching::matches(self, &line.rest, !manner.never).map_err(named)?;
                *active &= !manner.never;
            }
            Kind::Include => {
                let words = words().map_err(named)?;
                for pattern in &words {
                    let files = included(pattern, manner.system, self.environment, self.system);
                    for path in files.map_err(named)? {
                        self.include(&path, manner, *active)?;
                    }
                }
            }
            _ => {
                let mut context = Context {
                    environment: self.environment,
                    system: &mut *self.system,
                };
                self.options
                    .apply(spec, &line.rest, origin, *active, &mut context)
                    .map_err(named)?;
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &Path, manner: Manner, active: bool) -> Result<(), ConfigError> {
        let manner = Manner {
            private: true,
            never: manner.never || !active,
            depth: manner.depth + 1,
            ..manner
        };
        // A file that went away in the meantime is as good as one that was never matched.
        self.file(path, manner, active).map(|_existed| ())
    }
}

/// The files that a word of `Include` stands for, in the machine's configuration or in the person's.
///
/// # Errors
/// What is wrong with the word.
pub(super) fn included(
    word: &str,
    in_system: bool,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<Vec<PathBuf>, Words> {
    if word.is_empty() {
        return Err(words!("a value is empty"));
    }
    if word.starts_with('~') && in_system {
        return Err(words!(
            "'{word}' cannot stand in the machine's configuration",
            word = word
        ));
    }
    let pattern = if word.starts_with('~') {
        expand::tilde(word, environment, system)?
    } else if Path::new(word).is_absolute() {
        word.to_owned()
    } else {
        let folder = if in_system {
            environment.system_folder.clone()
        } else {
            environment.user_folder()
        };
        folder.join(word).to_string_lossy().into_owned()
    };
    Ok(glob::expand(&pattern))
}

/// A keyword that is no option: fine only if `IgnoreUnknown` says so.
pub(super) fn unknown(options: &Options, keyword: &str) -> Result<(), Words> {
    let ignored = options.get("IgnoreUnknown").unwrap_or_default();
    if matches_list(keyword, ignored, true) == ListMatch::Yes {
        return Ok(());
    }
    Err(words!(
        "'{keyword}' is not an option of ssh_config (IgnoreUnknown {keyword} would skip it)",
        keyword = printable(keyword)
    ))
}

/// Whether the patterns of a `Host` line select `host`.
fn hosts_match(patterns: &[String], host: &str) -> Result<bool, Words> {
    if patterns.iter().any(String::is_empty) {
        return Err(words!("a pattern is empty"));
    }
    let mut selected = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(host, pattern) => return Ok(false),
            Some(_) => {}
            None => selected |= matches(host, pattern),
        }
    }
    Ok(selected)
}

/// The text of a file; none if it does not exist. A folder reads as empty.
pub(super) fn read(
    path: &Path,
    private: bool,
    environment: &Environment,
) -> Result<Option<String>, ConfigError> {
    let fail = |source: io::Error| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(fail(error)),
    };
    let facts = file.metadata().map_err(fail)?;
    if private && !is_safe(&facts, environment) {
        return Err(ConfigError::Permissions(path.to_owned()));
    }
    if facts.is_dir() {
        return Ok(Some(String::new()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether only root and the person can have written the file: a configuration can run commands.
#[cfg(unix)]
fn is_safe(facts: &fs::Metadata, environment: &Environment) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owned = facts.uid() == 0 || Some(facts.uid()) == environment.uid;
    owned && facts.mode() & 0o022 == 0
}

/// Windows has access lists in place of modes; they are not looked at.
#[cfg(not(unix))]
fn is_safe(_facts: &fs::Metadata, _environment: &Environment) -> bool {
    true
}
