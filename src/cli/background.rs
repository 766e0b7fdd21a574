//! `-f`: a process that goes to the background once its forwards stand.
//!
//! A process with threads cannot be forked, so the command starts itself anew as a child that asks its questions in the
//! same terminal. When the child is done with the person it leaves the terminal's session, writes one byte into its stdout,
//! which is a pipe to the parent, and lets go of it; the parent ends. If the child ends before that, its exit code is the
//! parent's.

#[cfg(unix)]
pub(super) use unix::{Detaching, run_in_background};

#[cfg(not(unix))]
pub(super) use other::{Detaching, run_in_background};

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::process::{Command, ExitCode, Stdio};

    use anyhow::Context;
    use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

    /// "Acknowledge" in ASCII: no line that a child prints holds it.
    const READY: u8 = 0x06;

    /// Runs this program again with the same arguments, passes on what it prints, and returns when it has gone to the
    /// background, or has ended.
    pub(in crate::cli) fn run_in_background() -> anyhow::Result<ExitCode> {
        let program = std::env::current_exe().context("cannot find the program's own file")?;
        let mut arguments = std::env::args_os().skip(1);
        let mut child = Command::new(program)
            .args(arguments.next())
            .arg("--detached")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the process for the background")?;
        let mut pipe = child.stdout.take().context("the child has no stdout")?;
        if relay(&mut pipe, &mut std::io::stdout())? {
            return Ok(ExitCode::SUCCESS);
        }
        let status = child.wait().context("cannot wait for the child")?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// Passes on what comes, and tells whether it ended with the word that the child is ready.
    fn relay(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let data = &buffer[..count];
            let (data, ready) = match data.iter().position(|byte| *byte == READY) {
                Some(end) => (&data[..end], true),
                None => (data, false),
            };
            to.write_all(data)?;
            to.flush()?;
            if ready {
                return Ok(true);
            }
        }
    }

    /// The child's part, before it has gone to the background.
    pub(in crate::cli) struct Detaching {
        keep_stderr: bool,
    }

    impl Detaching {
        /// A child that keeps its stderr, for a log, or lets go of it as well.
        pub(in crate::cli) const fn new(keep_stderr: bool) -> Self {
            Self { keep_stderr }
        }

        /// Goes to the background.
        ///
        /// # Errors
        /// The system's.
        pub(in crate::cli) fn complete(self) -> anyhow::Result<()> {
            rustix::process::setsid().context("cannot leave the terminal's session")?;
            let nothing = File::options().read(true).write(true).open("/dev/null")?;
            let mut stdout = std::io::stdout();
            stdout.write_all(&[READY])?;
            stdout.flush()?;
            dup2_stdin(&nothing)?;
            dup2_stdout(&nothing)?;
            if !self.keep_stderr {
                dup2_stderr(&nothing)?;
            }
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_comes_before_the_word_is_passed_on() {
            for (input, output, ready) in [
                (&b"line\n\x06"[..], &b"line\n"[..], true),
                (b"line\n", b"line\n", false),
                (b"", b"", false),
            ] {
                let mut passed = Vec::new();
                assert_eq!(relay(&mut &*input, &mut passed).unwrap(), ready);
                assert_eq!(passed, output);
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::process::ExitCode;

    use crate::cli::failure::Usage;

    pub(in crate::cli) fn run_in_background() -> anyhow::Result<ExitCode> {
        Err(Usage("-f needs Unix: leave it out, and this window open".to_owned()).into())
    }

    /// Never made on this system.
    pub(in crate::cli) struct Detaching;

    impl Detaching {
        pub(in crate::cli) const fn new(_keep_stderr: bool) -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "the same as on Unix")]
        pub(in crate::cli) fn complete(self) -> anyhow::Result<()> {
            Ok(())
        }
    }
}
