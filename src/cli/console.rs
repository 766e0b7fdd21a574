//! Where words and data go: data on stdout, words on stderr, both free of what could move a terminal's cursor.

use std::borrow::Cow;
use std::io::{self, Write};

use super::failure::OutputClosed;
use crate::model::printable;

/// The two outputs of a command.
pub(super) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    quiet: bool,
}

impl Console {
    /// The process's own outputs; a quiet one says nothing on stderr.
    pub(super) fn of_process(quiet: bool) -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), quiet)
    }

    pub(super) fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, quiet: bool) -> Self {
        Self { out, err, quiet }
    }

    /// Writes a line of data, at once.
    ///
    /// # Errors
    /// [`OutputClosed`] where nobody reads any more; else the system's error.
    pub(super) fn data(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{}", printable(line))
            .and_then(|()| self.out.flush())
            .map_err(output_error)
    }

    /// Writes JSON of one or more lines. What could move a terminal's cursor can only stand within its strings, and is
    /// written there as JSON's own escape, so that nothing of it is lost.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(super) fn json(&mut self, json: &str) -> anyhow::Result<()> {
        let mut safe = String::with_capacity(json.len() + 1);
        for c in json.chars() {
            if c == '\n' || matches!(printable(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) {
                safe.push(c);
            } else {
                safe.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
        }
        safe.push('\n');
        self.text(&safe)
    }

    /// Writes a text of several lines as it is: its maker has cleaned what is not its own.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(super) fn text(&mut self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes data that is no text.
    ///
    /// # Errors
    /// As [`Console::data`].
    pub(super) fn bytes(&mut self, data: &[u8]) -> anyhow::Result<()> {
        self.out
            .write_all(data)
            .and_then(|()| self.out.flush())
            .map_err(output_error)
    }

    /// Says something to the person. A stderr that is gone is no reason to end.
    pub(super) fn say(&mut self, line: &str) {
        if !self.quiet {
            let _nobody_listens = writeln!(self.err, "adit: {}", printable(line));
        }
    }
}

fn output_error(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        OutputClosed.into()
    } else {
        anyhow::Error::from(error).context("cannot write to standard output")
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! A console whose outputs a test can read while they are written.

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::Console;

    /// Text that was written so far.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A console, its stdout and its stderr.
    pub(in crate::cli) fn console() -> (Console, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        let console = Console::new(Box::new(out.clone()), Box::new(err.clone()), false);
        (console, out, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_output_is_told_apart_from_other_errors() {
        let mut console = Console::new(Box::new(Closed), Box::new(Closed), false);
        let error = console.data("x").unwrap_err();
        assert!(error.is::<OutputClosed>(), "{error}");
        console.say("nobody hears this");
    }

    #[test]
    fn escapes_of_others_reach_no_terminal() {
        let (mut console, out, err) = testing::console();
        console.data("a\u{1b}[2Jb").unwrap();
        console.say("c\u{1b}[2Jd");
        assert_eq!(out.text(), "a\u{fffd}[2Jb\n");
        assert_eq!(err.text(), "adit: c\u{fffd}[2Jd\n");
    }

    #[test]
    fn json_keeps_what_it_escapes() {
        let (mut console, out, _) = testing::console();
        console.json("{\n\"a\": \"\u{9b}2J\u{202e}한\"\n}").unwrap();
        assert_eq!(out.text(), "{\n\"a\": \"\\u009b2J\\u202e한\"\n}\n");
    }
}
