//! Finds every path that a Rust source names: in `use` trees, which are spelt out, and in expressions and types.

/// A path as it was written, with the module it stands in taken into account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its segments: `["crate", "engine", "Handle"]`. A path that climbs out of its module by `super` starts at `crate`.
    pub(crate) path: Vec<String>,
    /// The line, from 1.
    pub(crate) line: usize,
    /// Whether it stands in code that is compiled for tests only.
    pub(crate) in_tests: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Sign(char),
}

/// What a source holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Every path it names.
    pub(crate) named: Vec<Named>,
    /// The modules in files of their own that it declares for tests only.
    pub(crate) test_modules: Vec<Vec<String>>,
}

/// Reads `source`, whose module is `module` (`["model", "fault"]` for `src/model/fault.rs`).
pub(crate) fn scan(source: &str, module: &[String]) -> Scan {
    let mut walk = Walk {
        tokens: tokens(source),
        at: 0,
        module: module.to_vec(),
        braces: Vec::new(),
        test_depth: None,
        found: Scan::default(),
    };
    while walk.at < walk.tokens.len() {
        walk.step();
    }
    walk.found
}

struct Walk {
    tokens: Vec<(Token, usize)>,
    at: usize,
    /// The module that the walk is in, inline ones included.
    module: Vec<String>,
    /// For each open brace, whether it is that of an inline module.
    braces: Vec<bool>,
    /// How many braces were open where test-only code began.
    test_depth: Option<usize>,
    found: Scan,
}

impl Walk {
    fn step(&mut self) {
        match self.token(0) {
            Some(Token::Sign('{')) => self.open(false),
            Some(Token::Sign('}')) => self.close(),
            Some(Token::Sign(';')) => {
                self.at += 1;
                self.end_of_test_item();
            }
            Some(Token::Sign('#')) if self.is_cfg_test() => {
                self.at += 7;
                self.test_depth.get_or_insert(self.braces.len());
            }
            Some(Token::Word(word)) if word == "mod" => self.module_item(),
            // Not the `use<'a>` of an `impl` type, which names lifetimes and parameters.
            Some(Token::Word(word))
                if word == "use" && self.token(1) != Some(&Token::Sign('<')) =>
            {
                self.at += 1;
                self.use_tree(&[]);
            }
            Some(Token::Word(_)) => self.plain_path(),
            _ => self.at += 1,
        }
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn word(&self, ahead: usize) -> Option<String> {
        match self.token(ahead) {
            Some(Token::Word(word)) => Some(word.clone()),
            _ => None,
        }
    }

    fn open(&mut self, is_module: bool) {
        self.braces.push(is_module);
        self.at += 1;
    }

    fn close(&mut self) {
        if self.braces.pop() == Some(true) {
            self.module.pop();
        }
        self.at += 1;
        self.end_of_test_item();
    }

    fn end_of_test_item(&mut self) {
        if self.test_depth == Some(self.braces.len()) {
            self.test_depth = None;
        }
    }

    /// `#[cfg(test)]`
    fn is_cfg_test(&self) -> bool {
        let word = |text: &str| Token::Word(text.to_owned());
        let attribute = [
            Token::Sign('#'),
            Token::Sign('['),
            word("cfg"),
            Token::Sign('('),
            word("test"),
            Token::Sign(')'),
            Token::Sign(']'),
        ];
        (0..attribute.len()).all(|ahead| self.token(ahead) == Some(&attribute[ahead]))
    }

    fn module_item(&mut self) {
        let name = self.word(1);
        self.at += 2;
        match (name, self.token(0)) {
            (Some(name), Some(Token::Sign('{'))) => {
                self.module.push(name);
                self.open(true);
            }
            (Some(name), _) if self.test_depth.is_some() => {
                let mut module = self.module.clone();
                module.push(name);
                self.found.test_modules.push(module);
            }
            _ => {}
        }
    }

    /// One tree of a `use`, after `prefix`: a path that ends in a name, `*`, or a group of trees.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        loop {
            match self.token(0).cloned() {
                Some(Token::Word(word)) if word == "as" => self.at += 2,
                Some(Token::Word(word)) => {
                    path.push(word);
                    self.at += 1;
                }
                Some(Token::Colons) => self.at += 1,
                Some(Token::Sign('*')) => {
                    path.push("*".to_owned());
                    self.at += 1;
                }
                Some(Token::Sign('{')) => {
                    self.at += 1;
                    while !matches!(self.token(0), Some(Token::Sign('}')) | None) {
                        if self.token(0) == Some(&Token::Sign(',')) {
                            self.at += 1;
                        } else {
                            self.use_tree(&path);
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => break,
            }
        }
        self.name(path, line);
    }

    /// A path in an expression or a type.
    fn plain_path(&mut self) {
        let line = self.tokens[self.at].1;
        let continues = self.at > 0
            && matches!(
                self.tokens[self.at - 1].0,
                Token::Colons | Token::Sign('.' | '\'')
            );
        let mut path = Vec::new();
        while let Some(word) = self.word(0) {
            path.push(word);
            self.at += 1;
            match (self.token(0), self.token(1)) {
                (Some(Token::Colons), Some(Token::Word(_))) => self.at += 1,
                (Some(Token::Sign('!')), _) => {
                    let last = path.len() - 1;
                    path[last].push('!');
                    break;
                }
                _ => break,
            }
        }
        if !continues {
            self.name(path, line);
        }
    }

    fn name(&mut self, path: Vec<String>, line: usize) {
        self.found.named.push(Named {
            path: self.resolved(path),
            line,
            in_tests: self.test_depth.is_some(),
        });
    }

    /// `self` and `super` replaced by what they stand for.
    fn resolved(&self, path: Vec<String>) -> Vec<String> {
        let supers = path.iter().take_while(|word| *word == "super").count();
        let own = usize::from(path[0] == "self" && path.len() > 1);
        if supers + own == 0 {
            return path;
        }
        let parents = self.module.len().saturating_sub(supers);
        let mut resolved = vec!["crate".to_owned()];
        resolved.extend(self.module[..parents].iter().cloned());
        resolved.extend(path.into_iter().skip(supers + own));
        resolved
    }
}

/// The words and signs of `source`, without comments and without what stands in quotes.
fn tokens(source: &str) -> Vec<(Token, usize)> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            line += rest[..length].matches('\n').count();
            rest = &rest[length..];
            continue;
        }
        let (token, length) = if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (Token::Word(rest[..end].to_owned()), end)
        } else if rest.starts_with("::") {
            (Token::Colons, 2)
        } else {
            (Token::Sign(first), first.len_utf8())
        };
        found.push((token, line));
        rest = &rest[length..];
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the white space, comment, macro sign or literal that `rest` begins with; 0 where it begins with code.
fn skipped(rest: &str) -> usize {
    let first = rest.chars().next().unwrap_or_default();
    // A macro's `$crate::model` is the same path as `crate::model`.
    if first.is_whitespace() || first == '$' {
        return first.len_utf8();
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let prefix = ["br", "b", "r", "c", "cr", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(['"', '#']))
    });
    match prefix {
        // `r#type` is a name: its mark is left out.
        Some("r")
            if rest
                .strip_prefix("r#")
                .is_some_and(|name| name.starts_with(is_word)) =>
        {
            2
        }
        Some(prefix) if prefix.contains('r') => prefix.len() + raw_string(&rest[prefix.len()..]),
        Some(prefix) if rest[prefix.len()..].starts_with('"') => {
            prefix.len() + string(&rest[prefix.len()..])
        }
        _ if first == '\'' => char_literal(rest),
        _ => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of `#"…"#` with any number of `#`.
fn raw_string(rest: &str) -> usize {
    let hashes = rest.chars().take_while(|c| *c == '#').count();
    if !rest[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = hashes + 1;
    rest[body..]
        .find(&end)
        .map_or(rest.len(), |place| body + place + end.len())
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `'x'`; 0 for a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars
                .find(|(_, c)| *c == '\'')
                .map_or(rest.len(), |(place, _)| place + 1)
        }
        Some(_) => match chars.next() {
            Some((place, '\'')) => place + 1,
            _ => 0,
        },
        None => 0,
    }
}
