//! The terminal, where questions are asked and secrets typed without being shown.

use crate::model::{Answer, Prompt, Question, Secret, printable};

/// The terminal this process was started from, if questions may be asked there.
#[derive(Clone, Debug, Default)]
pub(super) struct Terminal {
    tty: tty::Tty,
}

impl Terminal {
    /// Asks, and waits for the answer. Where there is nobody to ask the answer is No, which is always safe.
    ///
    /// What was typed can be remembered where `keyring` is open: that is asked afterwards.
    pub(super) fn ask(&self, prompt: &Prompt, keyring: bool) -> Answer {
        let asked = words(prompt);
        let answer = match &prompt.question {
            Question::UnknownHostKey { fingerprint, .. } => self.yes_or_no(&asked, fingerprint),
            Question::Passphrase { .. } | Question::Password { .. } => self.secret(&asked, false),
            Question::Sudo { .. } => self.yes_or_no(&asked, "yes"),
            Question::Interactive { echo, .. } => self.secret(&asked, *echo),
        };
        match answer {
            Some(Answer::Secret { secret, .. }) => Answer::Secret {
                secret,
                remember: keyring && prompt.question.is_rememberable() && self.may_remember(),
            },
            Some(answer) => answer,
            None => Answer::No,
        }
    }

    fn may_remember(&self) -> bool {
        self.confirm("Remember it in the keyring, once it has turned out to be right? [y/N] ")
            .unwrap_or_default()
    }

    /// Asks for a yes: anything else is a no. None where there is nobody to ask.
    pub(super) fn confirm(&self, asked: &str) -> Option<bool> {
        let line = self.tty.read_line(asked, true)?;
        Some(matches!(line.trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks for a secret; none where there is nobody to ask, or nothing was typed.
    pub(super) fn typed_secret(&self, asked: &str) -> Option<Secret> {
        match self.secret(asked, false) {
            Some(Answer::Secret { secret, .. }) => Some(secret),
            _ => None,
        }
    }

    /// Shows what is typed again: for a process that ends in the middle of a question.
    pub(super) fn restore(&self) {
        self.tty.restore();
    }

    /// Only a whole "yes", or the very fingerprint, counts as yes.
    fn yes_or_no(&self, asked: &str, fingerprint: &str) -> Option<Answer> {
        let mut line = self.tty.read_line(asked, true)?;
        for _another_try in 0..2 {
            match line.trim() {
                "yes" => return Some(Answer::Yes),
                "no" | "n" => return Some(Answer::No),
                other if other == fingerprint => return Some(Answer::Yes),
                _ => {
                    line = self
                        .tty
                        .read_line("Please type 'yes', 'no' or the fingerprint: ", true)?;
                }
            }
        }
        Some(Answer::No)
    }

    /// Nothing typed at all is a cancel.
    fn secret(&self, asked: &str, echo: bool) -> Option<Answer> {
        let mut line = self.tty.read_line(asked, echo)?;
        if line.is_empty() {
            return None;
        }
        Some(Answer::once(Secret::new(std::mem::take(&mut *line))))
    }
}

/// The question in words, with its last line open for the answer.
fn words(prompt: &Prompt) -> String {
    let hop = printable(&prompt.hop);
    let first = |again: &bool| if *again { "That was not it. " } else { "" };
    match &prompt.question {
        Question::UnknownHostKey {
            host,
            key_type,
            fingerprint,
            known_as,
        } => {
            let known_as = if known_as.is_empty() {
                String::new()
            } else {
                format!(
                    "The same key is known as {}: likely the same machine at a new address.\n",
                    printable(&known_as.join(", "))
                )
            };
            format!(
                "{hop} is new: no known_hosts file holds a key of {}.\n\
                 It shows this {} key: {}\n{known_as}\
                 Compare it with what the machine itself prints (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub).\n\
                 Is it the right one? (yes/no/fingerprint) ",
                printable(host),
                printable(key_type),
                printable(fingerprint),
            )
        }
        Question::Passphrase { path, again } => {
            format!(
                "{}Passphrase of the key {}: ",
                first(again),
                printable(&path.to_string_lossy())
            )
        }
        Question::Password { again } => format!("{}Password of {hop}: ", first(again)),
        Question::Sudo { file } => format!(
            "{hop} keeps the cluster's kubeconfig in {0}, which your account there may not read.\n\
             Adit can read it once with: sudo -n cat {0}\n\
             It is kept in memory only. May it? (yes/no) ",
            printable(file)
        ),
        Question::Interactive { text, .. } => {
            format!("{hop} asks: {} ", printable(text.trim_end()))
        }
    }
}

#[cfg(unix)]
mod tty {
    use std::fs::File;
    use std::io::{self, IsTerminal, Read, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    /// `/dev/tty`, with its settings as they were before a secret was asked for.
    #[derive(Clone, Debug, Default)]
    pub(super) struct Tty {
        saved: Arc<Mutex<Option<Termios>>>,
    }

    /// Longer than any passphrase: the buffer never moves, so that no copy of a secret is left behind.
    const MAX_LINE: usize = 1024;

    impl Tty {
        /// Writes `asked` and reads the answer's line; none where there is no terminal, or no line.
        ///
        /// A process whose stdin is not the terminal was started by a script: it must not wait for a person.
        pub(super) fn read_line(&self, asked: &str, echo: bool) -> Option<Zeroizing<String>> {
            if !io::stdin().is_terminal() {
                return None;
            }
            let mut tty = File::options()
                .read(true)
                .write(true)
                .open("/dev/tty")
                .ok()?;
            if !echo {
                self.hide(&tty)?;
            }
            let line = tty
                .write_all(asked.as_bytes())
                .and_then(|()| line(&mut tty));
            if !echo {
                self.restore();
                // The line end that the person typed was not shown either.
                let _cosmetic = tty.write_all(b"\n");
            }
            line.ok().flatten()
        }

        fn hide(&self, tty: &File) -> Option<()> {
            let before = tcgetattr(tty).ok()?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            tcsetattr(tty, OptionalActions::Flush, &hidden).ok()
        }

        pub(super) fn restore(&self) {
            let saved = self
                .saved
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let (Some(before), Ok(tty)) = (saved, File::open("/dev/tty")) {
                let _gone = tcsetattr(&tty, OptionalActions::Now, &before);
            }
        }
    }

    /// One line without its end. Read byte by byte: a buffered reader would keep a copy.
    fn line(tty: &mut impl Read) -> io::Result<Option<Zeroizing<String>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        let mut byte = Zeroizing::new([0_u8]);
        loop {
            match tty.read(&mut byte[..]) {
                Ok(0) if bytes.is_empty() => return Ok(None),
                Ok(0) => break,
                Ok(_) if byte[0] == b'\n' => break,
                Ok(_) if bytes.len() == MAX_LINE => return Ok(None),
                Ok(_) => bytes.push(byte[0]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(std::str::from_utf8(&bytes)
            .ok()
            .map(|text| Zeroizing::new(text.to_owned())))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_ends_at_its_end_and_an_empty_input_is_none() {
            let mut input = &b"secret\nnext"[..];
            let text = |line: Option<Zeroizing<String>>| line.map(|line| line.to_string());
            assert_eq!(text(line(&mut input).unwrap()).as_deref(), Some("secret"));
            assert_eq!(text(line(&mut input).unwrap()).as_deref(), Some("next"));
            assert_eq!(text(line(&mut input).unwrap()), None);
        }
    }
}

#[cfg(not(unix))]
mod tty {
    use zeroize::Zeroizing;

    /// A terminal that cannot be asked: the answer to every question is No, and the fault says what else to do.
    #[derive(Clone, Debug, Default)]
    pub(super) struct Tty;

    impl Tty {
        #[expect(clippy::unused_self, reason = "the same as on Unix")]
        pub(super) fn read_line(&self, _asked: &str, _echo: bool) -> Option<Zeroizing<String>> {
            None
        }

        #[expect(clippy::unused_self, reason = "the same as on Unix")]
        pub(super) fn restore(&self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostId, PromptId};

    fn prompt(question: Question) -> Prompt {
        Prompt {
            id: PromptId(1),
            host: HostId::new("node"),
            hop: "ubuntu@node".to_owned(),
            question,
            was_refused: false,
        }
    }

    #[test]
    fn an_unknown_key_is_asked_about_with_its_fingerprint() {
        let asked = words(&prompt(Question::UnknownHostKey {
            host: "node".to_owned(),
            key_type: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:abc".to_owned(),
            known_as: vec!["10.0.0.9".to_owned()],
        }));
        for part in [
            "ubuntu@node",
            "ssh-ed25519",
            "SHA256:abc",
            "10.0.0.9",
            "(yes/no/fingerprint) ",
        ] {
            assert!(asked.contains(part), "{part}: {asked}");
        }
    }

    #[test]
    fn a_servers_words_cannot_move_the_cursor() {
        let asked = words(&prompt(Question::Interactive {
            text: "\u{1b}[2JCode:".to_owned(),
            echo: true,
        }));
        assert_eq!(asked, "ubuntu@node asks: \u{fffd}[2JCode: ");
    }
}
