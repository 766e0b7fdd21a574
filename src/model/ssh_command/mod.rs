//! The `ssh -L ...` command that a person already has, read whole: the host it goes to and what it forwards.
//!
//! Nothing is run, and no file is read. What Adit cannot take over is said, once, by a [`LeftOut`].

mod options;
mod said;
mod shell;

use std::path::PathBuf;

use super::forward::{ForwardSpec, ParseForwardError};
use super::login::Login;
use super::saved_host::SavedHost;
use super::text::printable;
use super::words::{Words, words};
use options::{Meaning, meaning};
use shell::Token;

/// What a pasted command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshCommand {
    /// The host, named by its address, with every option about it.
    pub host: SavedHost,
    /// What to forward, in the order given.
    pub forwards: Vec<ForwardSpec>,
    /// What is not taken over.
    pub left_out: Vec<LeftOut>,
}

/// Something in a pasted command that Adit does not take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// An option, with the reason.
    Option {
        /// Its letter.
        flag: char,
        /// Why, as the rest of a sentence.
        why: Words,
    },
    /// A command for the host.
    RemoteCommand(String),
    /// Another program in the line, or an ssh to another host.
    OtherCommand(String),
    /// A variable of the shell, which stands in the text as it is.
    Variable(String),
    /// A word before ssh that gives it a password.
    PasswordHelper,
    /// A word before ssh that makes it another account's.
    Sudo,
}

/// Why a text is no command of ssh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub enum SshCommandError {
    /// There is nothing in it.
    Empty,
    /// It begins with another program.
    NotSsh(String),
    /// A quote is opened and not closed.
    OpenQuote,
    /// It holds `$(...)` or backticks.
    Substitution,
    /// It names no host.
    NoHost,
    /// An option lacks its value.
    NoValue(char),
    /// ssh has no such option.
    UnknownOption(char),
    /// A `-L` that makes no sense.
    Forward(#[from] ParseForwardError),
    /// A host, a port or an option that makes no sense.
    Value(Words),
}

/// Programs and words that may stand before ssh and change nothing about it.
const WRAPPERS: [&str; 6] = ["nohup", "exec", "time", "env", "command", "setsid"];

/// Reads a pasted command. Several commands to one host are read as one.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<SshCommand, SshCommandError> {
    let mut found: Option<Reading> = None;
    let mut first_problem = None;
    let Line {
        commands,
        variables,
    } = commands(text)?;
    let mut left_out: Vec<LeftOut> = variables.into_iter().map(LeftOut::Variable).collect();
    for words in commands {
        match Reading::of(&words) {
            Ok(reading) => match &mut found {
                None => found = Some(reading),
                Some(first) if first.is_same_host(&reading) => {
                    first.forwards.extend(reading.forwards);
                }
                Some(_) => left_out.push(LeftOut::OtherCommand(words.join(" "))),
            },
            Err(SshCommandError::NotSsh(word)) => {
                first_problem.get_or_insert(SshCommandError::NotSsh(word));
                left_out.push(LeftOut::OtherCommand(words.join(" ")));
            }
            Err(error) => return Err(error),
        }
    }
    let reading = found.ok_or(first_problem.unwrap_or(SshCommandError::Empty))?;
    let mut command = reading.finish()?;
    command.left_out.extend(left_out);
    Ok(command)
}

/// What a line, or several, hold.
#[derive(Default)]
struct Line {
    /// Each command's words.
    commands: Vec<Vec<String>>,
    /// Words with a variable in them.
    variables: Vec<String>,
}

fn commands(text: &str) -> Result<Line, SshCommandError> {
    let mut line = Line::default();
    let mut words = Vec::new();
    let mut is_file_name = false;
    for token in shell::tokens(text)? {
        match token {
            Token::Word { .. } if is_file_name => is_file_name = false,
            Token::Word { text, has_variable } => {
                if has_variable {
                    line.variables.push(printable(&text).into_owned());
                }
                words.push(text);
            }
            Token::Redirection { takes_word } => is_file_name = takes_word,
            Token::End => {
                is_file_name = false;
                line.commands.push(std::mem::take(&mut words));
            }
        }
    }
    line.commands.push(words);
    line.commands.retain(|words| !words.is_empty());
    Ok(line)
}

/// One command of ssh, as far as it was read.
#[derive(Default)]
struct Reading {
    destination: Option<String>,
    user: Option<String>,
    port: Option<String>,
    identities: Vec<PathBuf>,
    jumps: Vec<String>,
    options: Vec<String>,
    forwards: Vec<ForwardSpec>,
    left_out: Vec<LeftOut>,
}

impl Reading {
    fn of(words: &[String]) -> Result<Self, SshCommandError> {
        let mut reading = Self::default();
        let (arguments, is_autossh) = reading.skip_to_arguments(words)?;
        reading.read(arguments, is_autossh)?;
        if reading.destination.is_none() {
            return Err(SshCommandError::NoHost);
        }
        Ok(reading)
    }

    /// The words after ssh's own name, and whether that name is autossh.
    fn skip_to_arguments<'a>(
        &mut self,
        words: &'a [String],
    ) -> Result<(&'a [String], bool), SshCommandError> {
        let mut rest = words;
        let mut seen_wrapper = false;
        while let Some((word, after)) = rest.split_first() {
            rest = after;
            match program(word).as_str() {
                "ssh" => return Ok((rest, false)),
                "autossh" => return Ok((rest, true)),
                "adit" if rest.first().is_some_and(|word| word == "forward") => {
                    return Ok((&rest[1..], false));
                }
                "sshpass" => self.left_out.push(LeftOut::PasswordHelper),
                "sudo" => self.left_out.push(LeftOut::Sudo),
                name if WRAPPERS.contains(&name) => {}
                // The prompt of a terminal that was copied along.
                "$" | "%" | "❯" => continue,
                _ if is_assignment(word) => continue,
                // An option of what stands before ssh, and its value.
                _ if seen_wrapper => continue,
                _ => return Err(SshCommandError::NotSsh(printable(word).into_owned())),
            }
            seen_wrapper = true;
        }
        let first = words.first().map(|word| printable(word).into_owned());
        Err(first.map_or(SshCommandError::Empty, SshCommandError::NotSsh))
    }

    /// Options may stand before and after the host; what follows it and is none is a command (ssh's `main`).
    fn read(&mut self, words: &[String], is_autossh: bool) -> Result<(), SshCommandError> {
        let mut words = words.iter();
        let mut only_names = false;
        while let Some(word) = words.next() {
            if word == "--" && !only_names {
                only_names = true;
            } else if let (Some(flags), false) = (word.strip_prefix('-'), only_names)
                && !flags.is_empty()
            {
                self.flags(flags, &mut words, is_autossh)?;
            } else if self.destination.is_none() {
                self.destination = Some(word.clone());
            } else {
                let rest = std::iter::once(word).chain(words).map(String::as_str);
                let command = rest.collect::<Vec<_>>().join(" ");
                let shown = printable(&command).into_owned();
                self.left_out.push(LeftOut::RemoteCommand(shown));
                return Ok(());
            }
        }
        Ok(())
    }

    /// One word of options: `-fN`, `-p2222`, `-L` with the next word.
    fn flags<'a>(
        &mut self,
        flags: &str,
        words: &mut impl Iterator<Item = &'a String>,
        is_autossh: bool,
    ) -> Result<(), SshCommandError> {
        for (index, flag) in flags.char_indices() {
            let Some(meaning) = meaning(flag, is_autossh) else {
                return Err(SshCommandError::UnknownOption(flag));
            };
            if !meaning.takes_value() {
                self.take(flag, meaning, String::new())?;
                continue;
            }
            let rest = &flags[index + flag.len_utf8()..];
            let value = match rest {
                "" => words.next().ok_or(SshCommandError::NoValue(flag))?.clone(),
                rest => rest.to_owned(),
            };
            return self.take(flag, meaning, value);
        }
        Ok(())
    }

    fn take(&mut self, flag: char, meaning: Meaning, value: String) -> Result<(), SshCommandError> {
        match meaning {
            Meaning::Quiet | Meaning::QuietValue => {}
            Meaning::LeftOut(why) | Meaning::LeftOutValue(why) => {
                let note = LeftOut::Option { flag, why };
                if !self.left_out.contains(&note) {
                    self.left_out.push(note);
                }
            }
            Meaning::Set(option) => self.options.push(option.to_owned()),
            Meaning::SetValue(key) => self.options.push(format!("{key}={value}")),
            Meaning::Forward => self.forwards.push(value.parse()?),
            Meaning::Identity => self.identities.push(PathBuf::from(value)),
            Meaning::User => self.user = self.user.take().or(Some(value)),
            Meaning::Port => self.port = self.port.take().or(Some(value)),
            Meaning::Jump => self.jump(&value),
            Meaning::Option => self.option(&value)?,
        }
        Ok(())
    }

    fn jump(&mut self, value: &str) {
        if self.jumps.is_empty() && value != "none" {
            self.jumps = value.split(',').map(|hop| hop.trim().to_owned()).collect();
        }
    }

    /// `-o`: what has a place of its own goes there, so that a form shows it; the rest stays an option.
    fn option(&mut self, text: &str) -> Result<(), SshCommandError> {
        let text = text.trim();
        let split = |c: char| c == '=' || c.is_whitespace();
        let (key, value) = text.split_once(split).unwrap_or((text, ""));
        let value = value.trim_start_matches(split).trim_matches('"');
        if key.is_empty() || value.is_empty() {
            let shown = printable(text);
            return Err(SshCommandError::Value(words!(
                "-o {option} is not KEY=VALUE",
                option = shown
            )));
        }
        match key.to_ascii_lowercase().as_str() {
            "user" => self.take('l', Meaning::User, value.to_owned()),
            "port" => self.take('p', Meaning::Port, value.to_owned()),
            "proxyjump" => self.take('J', Meaning::Jump, value.to_owned()),
            "identityfile" => self.take('i', Meaning::Identity, value.to_owned()),
            "localforward" => self.take('L', Meaning::Forward, value.to_owned()),
            "gatewayports" => self.take(
                'g',
                meaning('g', false).unwrap_or(Meaning::Quiet),
                String::new(),
            ),
            _ => {
                self.options.push(format!("{key}={value}"));
                Ok(())
            }
        }
    }

    fn is_same_host(&self, other: &Self) -> bool {
        let way = |reading: &Self| {
            (
                reading.destination.clone(),
                reading.user.clone(),
                reading.port.clone(),
                reading.jumps.clone(),
            )
        };
        way(self) == way(other)
    }

    fn finish(self) -> Result<SshCommand, SshCommandError> {
        let destination = self.destination.ok_or(SshCommandError::NoHost)?;
        let login = Login::of_ssh(&destination)
            .map_err(|problem| SshCommandError::Value(problem.into()))?;
        let port = match (&self.port, login.port) {
            (None, port) => port,
            (Some(text), _) => Some(port(text)?),
        };
        let mut host = SavedHost::new(&name_for(&login.host), &login.host);
        host.user = self.user.or(login.user);
        host.port = port;
        host.identities = self.identities;
        host.jumps = self.jumps;
        host.options = self.options;
        Ok(SshCommand {
            host,
            forwards: self.forwards,
            left_out: self.left_out,
        })
    }
}

fn port(text: &str) -> Result<u16, SshCommandError> {
    match text.parse() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(SshCommandError::Value(words!(
            "'{text}' is not a port from 1 to 65535",
            text = printable(text)
        ))),
    }
}

/// The name of a program, whatever folder it is in.
fn program(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

/// `NAME=value` before a command.
fn is_assignment(word: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(inner)
    })
}

/// A name for a host that has none yet: its address, as far as a name may hold that.
#[must_use]
pub fn name_for(address: &str) -> String {
    let kept = address.chars().map(|c| match c {
        c if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') => c,
        _ => '-',
    });
    let name: String = kept.collect();
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    let mut end = name.len().min(SavedHost::MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    if end == 0 {
        "host".to_owned()
    } else {
        name[..end].to_owned()
    }
}

#[cfg(test)]
mod tests;
