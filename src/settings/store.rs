//! The file on the disk: read with care, replaced whole.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File as DiskFile, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::file::{File, VERSION};
use crate::model::{Settings, Words, words};

/// The environment variable that names another folder, for tests and for those who keep several.
const FOLDER_VARIABLE: &str = "ADIT_CONFIG_DIR";

/// The file's name.
const NAME: &str = "settings.toml";

/// More than this is no settings file.
const MAX_BYTES: u64 = 1 << 20;

/// What the file begins with.
const PREAMBLE: &str = "# Adit's settings. Adit rewrites this file; keys it does not know are kept, comments are not.\n\
                        # Hosts, passphrases and passwords are not in here: the system's keyring has them.\n\n";

/// The folder of Adit's configuration; none where this account has no home.
#[must_use]
pub fn config_dir() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(folder.into()),
        None => Some(ProjectDirs::from("", "", "adit")?.config_dir().to_owned()),
    }
}

/// Why settings were not written.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub enum SettingsError {
    /// The disk or its rights.
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// They do not fit the file's form, which is a mistake of Adit's.
    Form(#[from] toml::ser::Error),
}

impl SettingsError {
    /// What happened, for any language; without a full stop.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Write { path, source } => words!(
                "the settings cannot be written to {path}: {reason}",
                path = shown(path),
                reason = source.to_string()
            ),
            Self::Form(error) => words!(
                "the settings cannot be written as TOML: {reason}",
                reason = error.to_string()
            ),
        }
    }
}

/// The settings' file, and what stood in it that this Adit does not know.
pub struct Store {
    path: PathBuf,
    file: File,
}

/// What was read.
pub struct Loaded {
    /// Where it came from and goes to.
    pub store: Store,
    /// The settings, or the defaults.
    pub settings: Settings,
    /// What the person should know.
    pub notes: Vec<Words>,
}

impl Store {
    /// Reads the settings of this folder. Whatever is wrong with the file, there are settings: then it is set aside.
    #[must_use]
    pub fn load(folder: &Path) -> Loaded {
        let path = folder.join(NAME);
        let (file, problem) = match read(&path) {
            Ok(file) => (file, None),
            Err(problem) => (File::default(), Some(problem)),
        };
        let (settings, mut notes) = file.settings();
        notes.extend(problem.map(|problem| set_aside(&path, &problem)));
        Loaded {
            store: Self { path, file },
            settings,
            notes,
        }
    }

    /// Reads the settings of this folder and leaves everything as it is.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn peek(folder: &Path) -> Result<Settings, String> {
        let path = folder.join(NAME);
        match read(&path) {
            Ok(file) => Ok(file.settings().0),
            Err(problem) => Err(format!("{}: {problem}", path.display())),
        }
    }

    /// Writes the settings: to a file beside, then in place of the old one.
    ///
    /// # Errors
    /// [`SettingsError`]; the old file is still there then.
    pub fn save(&mut self, settings: &Settings) -> Result<(), SettingsError> {
        self.file.take(settings);
        let text = format!("{PREAMBLE}{}", toml::to_string(&self.file)?);
        replace(&self.path, text.as_bytes()).map_err(|source| SettingsError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// Reads the file; one that is not there is an empty one. Else what is wrong, in words.
fn read(path: &Path) -> Result<File, Words> {
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(error.to_string().into()),
        Ok(facts) if !facts.is_file() => return Err(words!("it is no file")),
        Ok(facts) if facts.len() > MAX_BYTES => return Err(words!("it is far too long")),
        Ok(_) => fs::read_to_string(path).map_err(|error| error.to_string())?,
    };
    parse(&text)
}

/// Reads the file's text.
fn parse(text: &str) -> Result<File, Words> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| line_of(text, &error))?;
    // The version comes first: the form of a newer one may differ in anything.
    if let Some(version) = table.get("version") {
        match version.as_integer().map(u64::try_from) {
            Some(Ok(version)) if version <= VERSION => {}
            Some(Ok(version)) => {
                return Err(words!(
                    "it is of a newer Adit (format {version})",
                    version = version
                ));
            }
            _ => return Err(words!("its version is no number")),
        }
    }
    toml::from_str(text).map_err(|error| line_of(text, &error))
}

fn line_of(text: &str, error: &toml::de::Error) -> Words {
    let start = error
        .span()
        .map_or(0, |span| text.floor_char_boundary(span.start));
    let line = 1 + text[..start].matches('\n').count();
    words!(
        "line {line}: {problem}",
        line = line,
        problem = error.message()
    )
}

/// Gives a file that makes no sense another name, and says so.
fn set_aside(path: &Path, problem: &Words) -> Words {
    let aside = (1..1000)
        .map(|number| beside(path, &format!(".set-aside-{number}")))
        .find(|aside| fs::symlink_metadata(aside).is_err());
    let moved = aside.map(|aside| fs::rename(path, &aside).map(|()| aside));
    match moved {
        Some(Ok(aside)) => words!(
            "The settings in {path} were set aside ({problem}), and Adit starts with its defaults. They are kept in {aside}.",
            path = shown(path),
            problem = problem,
            aside = shown(&aside)
        ),
        Some(Err(error)) => words!(
            "The settings in {path} cannot be used ({problem}) nor set aside ({reason}); Adit starts with its defaults.",
            path = shown(path),
            problem = problem,
            reason = error.to_string()
        ),
        None => words!(
            "The settings in {path} cannot be used ({problem}); Adit starts with its defaults.",
            path = shown(path),
            problem = problem
        ),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path
        .file_name()
        .map_or_else(OsString::new, ToOwned::to_owned);
    name.push(ending);
    path.with_file_name(name)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    // Where the file is a link, as those have it who keep such files elsewhere, what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_not_there_yet| path.to_owned());
    let new = beside(&path, &format!(".new-{}", std::process::id()));
    let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        // A full disk must not be filled further.
        let _gone_already = fs::remove_file(&new);
    }
    written?;
    sync_folder(&path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a crash has left behind under this name.
    let _nothing_there = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The new name must outlast a power cut as well. Windows has no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => DiskFile::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
