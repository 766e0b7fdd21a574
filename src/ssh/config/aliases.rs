//! The names that the person's own configuration gives to hosts, to choose from.

use std::path::Path;

use super::error::{ConfigError, Origin};
use super::files::{MAX_DEPTH, included, read};
use super::keyword::{self, Kind};
use super::lexer;
use super::query::{ConfigFile, Environment, System};

/// The host names without wildcards on the `Host` lines of the person's own configuration and of the files that it includes,
/// each once, in order. What cannot be read as a line is left for [`super::resolve`] to complain of.
///
/// # Errors
/// [`ConfigError`] if a file cannot be read.
pub fn aliases(
    environment: &Environment,
    system: &mut dyn System,
) -> Result<Vec<String>, ConfigError> {
    aliases_in(&ConfigFile::Default, environment, system)
}

/// The same of the file that `-F` names in place of the person's own.
///
/// # Errors
/// [`ConfigError`] if a file cannot be read.
pub fn aliases_in(
    file: &ConfigFile,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<Vec<String>, ConfigError> {
    let mut found = Vec::new();
    let own = environment.user_folder().join("config");
    let (path, private) = match file {
        ConfigFile::None => return Ok(found),
        ConfigFile::Default => (own.as_path(), true),
        ConfigFile::File(path) => (path.as_path(), false),
    };
    collect(path, private, 0, environment, system, &mut found)?;
    Ok(found)
}

fn collect(
    path: &Path,
    private: bool,
    depth: usize,
    environment: &Environment,
    system: &mut dyn System,
    found: &mut Vec<String>,
) -> Result<(), ConfigError> {
    if depth > MAX_DEPTH {
        return Err(ConfigError::TooDeep(path.to_owned()));
    }
    let text = read(path, private, environment)?.unwrap_or_default();
    for (index, text) in text.split('\n').enumerate() {
        let Ok(Some(line)) = lexer::line(text) else {
            continue;
        };
        let kind = keyword::find(&line.keyword).map(|spec| spec.kind);
        let words = lexer::words(&line.rest).unwrap_or_default();
        match kind {
            Some(Kind::Host) => {
                for word in words {
                    if is_name(&word) && !found.contains(&word) {
                        found.push(word);
                    }
                }
            }
            Some(Kind::Include) => {
                for word in &words {
                    let files = included(word, false, environment, system).map_err(|problem| {
                        ConfigError::Line {
                            origin: Origin::File {
                                path: path.to_owned(),
                                line: index + 1,
                                system: false,
                            },
                            problem,
                        }
                    })?;
                    for file in files {
                        collect(&file, private, depth + 1, environment, system, found)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a pattern of `Host` is the name of one host.
fn is_name(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern.starts_with(['!', '-']) && !pattern.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ssh::config::LocalSystem;

    #[test]
    fn names_are_listed_once_and_wildcards_are_not() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".ssh");
        fs::create_dir_all(folder.join("more")).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            }
        };
        write(
            "config",
            "Include more/*.conf\n# Host no\nHost node-1 node-? !node-9\n  HostName 10.0.0.100\nHost *\n  User me\nhost=\"node-2\"\n\
             Match host other\nHost node-1\nGarbled\n",
        );
        write(
            "more/a.conf",
            "Host bastion 203.0.113.7\n  Include nested.conf\n",
        );
        write("nested.conf", "Host inner\n");
        let environment = Environment {
            home: home.path().to_owned(),
            ..Environment::of_this_computer()
        };
        let names = aliases(&environment, &mut LocalSystem).unwrap();
        assert_eq!(
            names,
            ["bastion", "203.0.113.7", "inner", "node-1", "node-2"]
        );
        fs::remove_file(folder.join("config")).unwrap();
        assert_eq!(
            aliases(&environment, &mut LocalSystem).unwrap(),
            Vec::<String>::new()
        );
    }
}
