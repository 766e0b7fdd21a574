//! A line of a shell taken apart into words: quotes, backslashes, continued lines, comments, operators (POSIX.1-2017, Shell,
//! 2.2 and 2.3). Nothing is run and nothing is looked up.

use super::SshCommandError;

/// A piece of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, without its quotes.
    Word {
        /// The word.
        text: String,
        /// Whether a variable is in it, whose value is not known.
        has_variable: bool,
    },
    /// `>` or `<` with a number before it or an `&` after it; the word that follows is a file's name, or is in here already.
    Redirection {
        /// Whether the file's name comes as the next word.
        takes_word: bool,
    },
    /// What ends a command: `;`, `&`, `&&`, `|`, `||`, or the end of a line.
    End,
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SshCommandError> {
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
        word: None,
        has_variable: false,
        tokens: Vec::new(),
    };
    while let Some(c) = reader.next() {
        reader.take(c)?;
    }
    reader.end_word();
    Ok(reader.tokens)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    word: Option<String>,
    has_variable: bool,
    tokens: Vec<Token>,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Takes `c`, if it comes next.
    fn eat(&mut self, c: char) -> bool {
        let comes = self.peek() == Some(c);
        self.at += usize::from(comes);
        comes
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        let has_variable = std::mem::take(&mut self.has_variable);
        if let Some(text) = self.word.take() {
            self.tokens.push(Token::Word { text, has_variable });
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.tokens.push(Token::End);
    }

    fn take(&mut self, c: char) -> Result<(), SshCommandError> {
        match c {
            // As well as the shell's own, the signs that continue a line in Windows' two shells.
            '\\' | '^' | '`' if self.line_goes_on() => self.end_word_unless_glued(c),
            '\\' => {
                let escaped = self.next().unwrap_or('\\');
                self.push(escaped);
            }
            '\'' => self.single()?,
            '"' => self.double()?,
            '`' => return Err(SshCommandError::Substitution),
            '$' if self.peek() == Some('(') => return Err(SshCommandError::Substitution),
            '$' => self.variable(),
            '#' if self.word.is_none() => self.comment(),
            '\n' | ';' => self.end_command(),
            '&' | '|' => {
                self.eat(c);
                self.end_command();
            }
            '>' | '<' => self.redirection(),
            c if c.is_whitespace() => self.end_word(),
            c => self.push(c),
        }
        Ok(())
    }

    /// Takes the end of the line, if that is what follows.
    fn line_goes_on(&mut self) -> bool {
        let carriage = usize::from(self.peek() == Some('\r'));
        let goes_on = self.chars.get(self.at + carriage) == Some(&'\n');
        if goes_on {
            self.at += carriage + 1;
        }
        goes_on
    }

    /// After a backslash the two lines are one; Windows' signs stand between words.
    fn end_word_unless_glued(&mut self, sign: char) {
        if sign != '\\' {
            self.end_word();
        }
    }

    fn single(&mut self) -> Result<(), SshCommandError> {
        self.word.get_or_insert_default();
        loop {
            match self.next().ok_or(SshCommandError::OpenQuote)? {
                '\'' => return Ok(()),
                c => self.push(c),
            }
        }
    }

    fn double(&mut self) -> Result<(), SshCommandError> {
        self.word.get_or_insert_default();
        loop {
            match self.next().ok_or(SshCommandError::OpenQuote)? {
                '"' => return Ok(()),
                '\\' if self.line_goes_on() => {}
                '\\' => match self.peek() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => {
                        self.at += 1;
                        self.push(c);
                    }
                    _ => self.push('\\'),
                },
                '`' => return Err(SshCommandError::Substitution),
                '$' if self.peek() == Some('(') => return Err(SshCommandError::Substitution),
                '$' => self.variable(),
                c => self.push(c),
            }
        }
    }

    /// `$HOME` at the start of a word is `~`; any other variable stays as it is written, for the person to see.
    fn variable(&mut self) {
        let rest: String = self.chars[self.at..].iter().take(6).collect();
        let length = match rest.as_str() {
            rest if rest.starts_with("{HOME}") => 6,
            rest if rest.starts_with("HOME") => 4,
            _ => 0,
        };
        let ends = |c: Option<&char>| c.is_none_or(|c| !c.is_alphanumeric() && *c != '_');
        let at_start = self.word.as_deref().unwrap_or_default().is_empty();
        if length > 0 && at_start && (length == 6 || ends(self.chars.get(self.at + length))) {
            self.at += length;
            self.push('~');
        } else {
            let named = |c: char| c.is_alphanumeric() || c == '_' || c == '{';
            self.has_variable |= self.peek().is_some_and(named);
            self.push('$');
        }
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    /// `>FILE`, `2>FILE`, `2>&1`, `>>FILE`; a number before it belongs to it.
    fn redirection(&mut self) {
        let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        while self.eat('>') || self.eat('<') {}
        let to_descriptor = self.eat('&');
        while to_descriptor && self.peek().is_some_and(|c| c.is_ascii_digit() || c == '-') {
            self.at += 1;
        }
        self.tokens.push(Token::Redirection {
            takes_word: !to_descriptor,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = tokens(text).unwrap();
        let shown = tokens.into_iter().map(|token| match token {
            Token::Word { text, .. } => text,
            Token::Redirection { .. } => ">".to_owned(),
            Token::End => ";".to_owned(),
        });
        shown.collect()
    }

    #[test]
    fn words_are_taken_apart_as_a_shell_does() {
        for (text, expected) in [
            ("ssh  -N\thost", &["ssh", "-N", "host"][..]),
            ("a 'b c' \"d e\" f\\ g", &["a", "b c", "d e", "f g"]),
            ("a\\\nb", &["ab"]),
            ("a \\\n b", &["a", "b"]),
            ("a \\\r\n b", &["a", "b"]),
            ("a ^\r\n b `\n c", &["a", "b", "c"]),
            ("''", &[""]),
            ("a\"b\"'c'", &["abc"]),
            (r#""\"\\\$x""#, &[r#""\$x"#]),
            ("a # b\nc", &["a", ";", "c"]),
            ("a#b", &["a#b"]),
            (
                "a & b && c; d | e",
                &["a", ";", "b", ";", "c", ";", "d", ";", "e"],
            ),
            ("a > log 2>&1 &", &["a", ">", "log", ">", ";"]),
            ("a >log", &["a", ">", "log"]),
            (
                "$HOME/k \"${HOME}/k\" $HOMER/k",
                &["~/k", "~/k", "$HOMER/k"],
            ),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn what_would_run_a_command_or_does_not_end_is_refused() {
        assert_eq!(tokens("a 'b"), Err(SshCommandError::OpenQuote));
        assert_eq!(tokens("a \"b"), Err(SshCommandError::OpenQuote));
        for text in ["ssh $(cat host)", "ssh `cat host`", "ssh \"$(cat host)\""] {
            assert_eq!(tokens(text), Err(SshCommandError::Substitution), "{text}");
        }
    }
}
