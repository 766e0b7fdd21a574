//! Finds the texts that a source names: `tr!(ui, "id", name = value)` and `id!("id")`.

use std::str::FromStr as _;

use proc_macro2::{TokenStream, TokenTree};

use crate::Arguments;

/// A place where a text is named.
#[derive(Debug)]
pub(crate) struct Use {
    /// The file.
    pub(crate) place: String,
    /// The text's id, or the English sentence itself.
    pub(crate) id: String,
    /// Whether it is a sentence of `words!`.
    pub(crate) is_sentence: bool,
    /// What it is given; unknown where only its name is taken.
    pub(crate) arguments: Option<Arguments>,
}

/// Every text that `source`, which stands in `file`, names.
pub(crate) fn uses(file: &str, source: &str) -> Vec<Use> {
    let tokens = TokenStream::from_str(source).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut found = Vec::new();
    walk(file, tokens, &mut found);
    found
}

fn walk(file: &str, tokens: TokenStream, found: &mut Vec<Use>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let macro_name = match index.checked_sub(2).map(|before| &tokens[before..index]) {
            Some([TokenTree::Ident(name), TokenTree::Punct(bang)]) if bang.as_char() == '!' => {
                name.to_string()
            }
            _ => String::new(),
        };
        let arguments = split(group.stream());
        let used = match macro_name.as_str() {
            "words" => arguments
                .first()
                .and_then(|text| literal(text))
                .map(|text| (text, Some(names(&arguments[1..])))),
            "tr" => arguments
                .get(1)
                .and_then(|id| literal(id))
                .map(|id| (id, Some(names(&arguments[2..])))),
            "id" => arguments
                .first()
                .and_then(|id| literal(id))
                .map(|id| (id, None)),
            _ => None,
        };
        found.extend(used.map(|(id, arguments)| Use {
            place: file.to_owned(),
            is_sentence: macro_name == "words",
            id,
            arguments,
        }));
        walk(file, group.stream(), found);
    }
}

/// The parts between commas.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => parts.push(Vec::new()),
            other => parts.last_mut().unwrap().push(other),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn literal(part: &[TokenTree]) -> Option<String> {
    match part {
        [TokenTree::Literal(literal)] => {
            let text = literal.to_string();
            Some(unescaped(text.strip_prefix('"')?.strip_suffix('"')?))
        }
        _ => None,
    }
}

/// What the source of a string stands for: a backslash at the end of a line takes the line's end with it.
fn unescaped(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('\\', Some('\n')) => while rest.next_if(|next| next.is_whitespace()).is_some() {},
            ('\\', Some(_)) => out.extend(rest.next()),
            _ => out.push(letter),
        }
    }
    out
}

/// The names before the equals signs. A comma within a value begins no argument: no name and sign follow it.
fn names(parts: &[Vec<TokenTree>]) -> Arguments {
    let name = |part: &Vec<TokenTree>| match part.as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(equals), ..] if equals.as_char() == '=' => {
            Some(name.to_string())
        }
        _ => None,
    };
    parts.iter().filter_map(name).collect()
}

#[test]
fn texts_are_found_wherever_they_stand() {
    let source = r#"fn f() { if x { g(tr!(scene.ui, "a-b", n = h(1, 2), name = y)); } id!("c"); }"#;
    let found = uses("f.rs", source);
    let ids: Vec<_> = found.iter().map(|used| used.id.as_str()).collect();
    assert_eq!(ids, ["a-b", "c"]);
    let expected = ["n".to_owned(), "name".to_owned()].into();
    assert_eq!(found[0].arguments, Some(expected));
    assert_eq!(found[1].arguments, None);
}

#[test]
fn sentences_are_found_as_they_are_said() {
    let source = "fn f() { words!(\"A \\\"{name}\\\" and \\\n     more.\", name = words!(\"b\")) }";
    let found = uses("f.rs", source);
    let texts: Vec<_> = found.iter().map(|used| used.id.as_str()).collect();
    assert_eq!(texts, ["A \"{name}\" and more.", "b"]);
    assert!(found[0].is_sentence);
}
