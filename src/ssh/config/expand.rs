//! `TOKENS`, environment variables and `~` in values (`ssh_config(5)`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use super::query::{Environment, System};
use crate::model::{Words, words};

/// What the tokens of one connection stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens(BTreeMap<char, String>);

/// The facts behind the tokens.
pub(super) struct Connection<'a> {
    /// The host as it was given.
    pub(super) argument: &'a str,
    /// The host as it is dialled.
    pub(super) host: &'a str,
    pub(super) host_key_alias: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
}

impl Tokens {
    /// Every token there is.
    pub(super) fn new(connection: &Connection<'_>, environment: &Environment) -> Self {
        let Connection {
            argument,
            host,
            host_key_alias,
            port,
            user,
        } = connection;
        let port = port.to_string();
        let this = &environment.hostname;
        let short = this.split('.').next().unwrap_or_default();
        let digest = Sha1::digest([this, *host, &port, *user].concat());
        let hash = digest.iter().fold(String::new(), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let uid = environment.uid.map(|uid| uid.to_string());
        let home = environment.home.to_string_lossy();
        Self::of(&[
            ('C', &hash),
            ('L', short),
            ('d', &home),
            ('h', host),
            ('i', uid.as_deref().unwrap_or_default()),
            ('k', host_key_alias),
            ('l', this),
            ('n', argument),
            ('p', &port),
            ('r', user),
            ('u', &environment.user),
        ])
    }

    /// These tokens alone.
    pub(super) fn of(pairs: &[(char, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(token, text)| (*token, (*text).to_owned()))
                .collect(),
        )
    }

    /// `text` with its `%` tokens replaced.
    ///
    /// # Errors
    /// Which token is unknown.
    pub(super) fn expand(&self, text: &str) -> Result<String, Words> {
        expand(text, Some(self), None)
    }

    /// `text` with its `%` tokens and its `${VARIABLES}` replaced, in one pass.
    ///
    /// # Errors
    /// Which token or variable is unknown.
    pub(super) fn expand_all(
        &self,
        text: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<String, Words> {
        expand(text, Some(self), Some(variables))
    }
}

/// `text` with its `${VARIABLES}` replaced.
///
/// # Errors
/// Which one is not set.
pub(super) fn variables(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Words> {
    expand(text, None, Some(variables))
}

fn expand(
    text: &str,
    tokens: Option<&Tokens>,
    variables: Option<&BTreeMap<String, String>>,
) -> Result<String, Words> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match (c, variables, tokens) {
            ('$', Some(variables), _) if after.starts_with('{') => {
                let (name, after) = after[1..].split_once('}').ok_or_else(|| {
                    words!(
                        "a '{sign}' in '{text}' is not closed",
                        sign = "${",
                        text = text
                    )
                })?;
                let value = variables.get(name).ok_or_else(|| {
                    words!(
                        "the environment variable '{name}' in '{text}' is not set",
                        name = name,
                        text = text
                    )
                })?;
                result.push_str(value);
                rest = after;
            }
            ('%', _, Some(tokens)) => {
                let token = after
                    .chars()
                    .next()
                    .ok_or_else(|| words!("'{text}' ends in a lone '%'", text = text))?;
                match tokens.0.get(&token) {
                    _ if token == '%' => result.push('%'),
                    Some(value) => result.push_str(value),
                    None => {
                        let token = format!("%{token}");
                        return Err(words!(
                            "'{token}' in '{text}' is not known here",
                            token = token,
                            text = text
                        ));
                    }
                }
                rest = &after[token.len_utf8()..];
            }
            _ => {
                result.push(c);
                rest = after;
            }
        }
    }
    Ok(result)
}

/// `path` with a `~` or `~ACCOUNT` at its start replaced by that home folder.
///
/// # Errors
/// Whose home folder is unknown.
pub(super) fn tilde(
    path: &str,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<String, Words> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path.to_owned());
    };
    let (account, below) = match rest.split_once('/') {
        Some((account, below)) => (account, Some(below.trim_start_matches('/'))),
        None => (rest, None),
    };
    let home = if account.is_empty() {
        environment.home.clone()
    } else {
        let home = system.home_of(account);
        home.ok_or_else(|| {
            words!(
                "there is no account '{account}' for '{path}'",
                account = account,
                path = path
            )
        })?
    };
    let home = home.to_string_lossy();
    Ok(match below {
        Some(below) => format!("{}/{below}", home.trim_end_matches('/')),
        None => home.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_and_variables() {
        let tokens = Tokens::of(&[('h', "host"), ('p', "22")]);
        let known = BTreeMap::from([("A".to_owned(), "%h".to_owned())]);
        for (text, expected) in [
            ("%h:%p", Ok("host:22")),
            ("%%h%", Err("lone")),
            ("100%%", Ok("100%")),
            ("%x", Err("'%x'")),
            ("${A}/%h", Ok("%h/host")),
            ("${B}", Err("'B'")),
            ("${A", Err("not closed")),
            ("$A", Ok("$A")),
        ] {
            match (tokens.expand_all(text, &known), expected) {
                (Ok(result), Ok(expected)) => assert_eq!(result, expected),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(tokens.expand("${A}%h").unwrap(), "${A}host");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", tokens in "[%${}h]*") {
            let known = BTreeMap::new();
            for text in [text, tokens] {
                let _texts = (Tokens::default().expand_all(&text, &known), variables(&text, &known));
            }
        }
    }
}
