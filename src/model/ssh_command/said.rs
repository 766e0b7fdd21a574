//! What is wrong with a pasted command and what is left out of it, in words for any language.

use std::fmt;

use super::{LeftOut, SshCommandError};
use crate::model::text::printable;
use crate::model::words::{Words, words};

impl SshCommandError {
    /// What is wrong, without a full stop.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Empty => words!("there is no command yet"),
            Self::NotSsh(word) => words!(
                "'{word}' is not ssh: paste the whole command, as in ssh -L 8080:10.0.0.241:80 ubuntu@203.0.113.7",
                word = printable(word)
            ),
            Self::OpenQuote => words!("a quote is not closed"),
            Self::Substitution => words!(
                "it holds $(…) or `…`, and Adit runs no commands to read it: write what they stand for"
            ),
            Self::NoHost => words!("it names no host: the [USER@]HOST is missing"),
            Self::NoValue(flag) => words!(
                "-{flag} is the last word, and what belongs to it is missing",
                flag = flag.to_string()
            ),
            Self::UnknownOption(flag) => words!(
                "ssh has no option -{flag}",
                flag = printable(&flag.to_string())
            ),
            Self::Forward(error) => error.words(),
            Self::Value(problem) => problem.clone(),
        }
    }
}

impl LeftOut {
    /// What is left out and why, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Option { flag, why } => words!(
                "-{flag} is left out: {why}",
                flag = flag.to_string(),
                why = why
            ),
            Self::RemoteCommand(command) => words!(
                "The command '{command}' is left out: Adit forwards ports and runs nothing on the host",
                command = printable(command)
            ),
            Self::OtherCommand(command) => words!(
                "'{command}' is left out: one host at a time",
                command = printable(command)
            ),
            Self::Variable(word) => words!(
                "{word} holds a variable that Adit does not know: write its value",
                word = printable(word)
            ),
            Self::PasswordHelper => words!(
                "sshpass is left out: Adit asks for the password, and can remember it in the keyring"
            ),
            Self::Sudo => words!("sudo is left out: Adit runs as you"),
        }
    }
}

impl fmt::Display for LeftOut {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}
