//! The options as they are collected: the first value of each wins, and some add up.

use std::collections::BTreeMap;

use super::error::{Origin, Unsupported};
use super::expand;
use super::forward::{self, Forward};
use super::keyword::{Kind, Spec, Support};
use super::lexer;
use super::query::{Environment, System};
use super::value::{self, Place};
use crate::model::{Words, words};

/// OpenSSH's own limit of identities and of certificates.
const MAX_FILES: usize = 100;
/// OpenSSH's own limit of known_hosts files, domains and aliases.
const MAX_NAMES: usize = 32;

/// What the lines read so far amount to.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// The words of every option that was set, by the name in `ssh_config(5)`.
    values: BTreeMap<&'static str, Vec<String>>,
    pub(super) proxy: Option<Proxy>,
    /// `ProxyJump none` came first: a later one counts no more, though a later `ProxyCommand` does.
    no_jump: bool,
    pub(super) identities: Vec<(String, Source)>,
    pub(super) certificates: Vec<(String, Source)>,
    pub(super) forwards: Vec<Forward>,
    pub(super) unsupported: Vec<Unsupported>,
}

/// Who named an identity: the same file counts once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Argument,
    User,
    System,
}

/// How the host is reached, if not directly. `ProxyCommand` and `ProxyJump` compete: whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// The command whose input and output are the connection, with its tokens.
    Command(String),
    /// Through other hosts.
    Jump(Jump),
}

/// The hosts of a `ProxyJump`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The hosts before the last one, as they were given.
    pub before: Option<String>,
    /// The user on the last host.
    pub user: Option<String>,
    /// The last host: the one that connects to the destination.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
}

/// What is needed to take in a line.
pub(super) struct Context<'a> {
    pub(super) environment: &'a Environment,
    pub(super) system: &'a mut dyn System,
}

impl Options {
    /// The first word of an option, if it was set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.first().map(String::as_str)
    }

    /// The words of an option; none if it was not set.
    pub(super) fn words(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// Gives an option a value, unless it has one.
    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.values.entry(name).or_insert_with(|| vec![value]);
    }

    /// Gives an option another value.
    pub(super) fn replace(&mut self, name: &'static str, value: String) {
        self.values.insert(name, vec![value]);
    }

    /// Checks the value `rest` of an option, and takes it in if `active`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub(super) fn apply(
        &mut self,
        spec: &'static Spec,
        rest: &str,
        origin: &Origin,
        active: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Words> {
        let words = lexer::words(rest).ok_or_else(|| words!("a quote is not closed"))?;
        let taken = match spec.kind {
            Kind::Host | Kind::Match | Kind::Include => {
                return Err(words!("{option} has no place here", option = spec.name));
            }
            Kind::Skipped => return Ok(()),
            Kind::Command => self.take_first(spec, vec![command(rest)], active),
            Kind::ProxyCommand => self.take_proxy(Proxy::Command(command(rest)), active),
            Kind::ProxyJump => {
                let jump = jump(&command(rest))?;
                self.take_jump(jump, active)
            }
            Kind::Names | Kind::Domains | Kind::Cnames => {
                let words = names(spec.kind, &words)?;
                self.take_first(spec, words, active)
            }
            Kind::Words => self.take_first(spec, words, active),
            Kind::LocalForward | Kind::DynamicForward => {
                let dynamic = spec.kind == Kind::DynamicForward;
                let text = forward_text(&words, dynamic)?;
                self.take_forward(&text, dynamic, active, context)?;
                active
            }
            kind => {
                let word = only_word(&words)?;
                self.take_word(spec, kind, word, origin, active, context)?
            }
        };
        if taken {
            self.note_unsupported(spec, rest, origin);
        }
        Ok(())
    }

    fn take_word(
        &mut self,
        spec: &'static Spec,
        kind: Kind,
        word: &str,
        origin: &Origin,
        active: bool,
        context: &mut Context<'_>,
    ) -> Result<bool, Words> {
        if let Kind::Identity | Kind::Certificate = kind {
            let source = match origin {
                Origin::File { system: true, .. } => Source::System,
                _ => Source::User,
            };
            let list = match kind {
                Kind::Identity => &mut self.identities,
                _ => &mut self.certificates,
            };
            if active {
                add_file(list, word, source)?;
            }
            return Ok(active);
        }
        let value = checked(kind, word, context)?;
        // To OpenSSH a time of `none` is one that was never set: a later line may still set it.
        let sets = active && !(kind == Kind::Time && value == "none");
        Ok(self.take_first(spec, vec![value], sets))
    }

    fn take_first(&mut self, spec: &'static Spec, words: Vec<String>, active: bool) -> bool {
        let new = active && !words.is_empty() && !self.values.contains_key(spec.name);
        if new {
            self.values.insert(spec.name, words);
        }
        new
    }

    fn take_proxy(&mut self, proxy: Proxy, active: bool) -> bool {
        let new = active && self.proxy.is_none();
        if new {
            self.proxy = Some(proxy);
        }
        new
    }

    /// Takes in the hosts of `ProxyJump` and `-J`; none are `none`. Whether it counts.
    pub(super) fn take_jump(&mut self, jump: Option<Jump>, active: bool) -> bool {
        let counts = active && self.proxy.is_none() && !self.no_jump;
        match jump {
            _ if !counts => {}
            Some(jump) => self.proxy = Some(Proxy::Jump(jump)),
            None => self.no_jump = true,
        }
        counts
    }

    /// Takes in a forward written as `-L` and `-D` have it.
    pub(super) fn take_forward(
        &mut self,
        text: &str,
        dynamic: bool,
        active: bool,
        context: &mut Context<'_>,
    ) -> Result<(), Words> {
        let text = expand::variables(text, &context.environment.variables)?;
        let forward = forward::parse(&text, dynamic, context.system).map_err(|problem| {
            words!(
                "'{text}' is not a forward: {problem}",
                text = &text,
                problem = problem
            )
        })?;
        if active && !self.forwards.contains(&forward) {
            self.forwards.push(forward);
        }
        Ok(())
    }

    fn note_unsupported(&mut self, spec: &'static Spec, rest: &str, origin: &Origin) {
        let system = matches!(origin, Origin::File { system: true, .. });
        let (fine, why) = match spec.support {
            Support::Honoured | Support::Quiet => return,
            Support::NotUnlessSystem(..) if system => return,
            Support::Not(fine, why) | Support::NotUnlessSystem(fine, why) => (fine, why),
        };
        // Without quotes and comments, whichever way the option itself reads its line.
        let value = lexer::words(rest).unwrap_or_default().join(" ");
        if !fine.iter().any(|word| word.eq_ignore_ascii_case(&value)) {
            self.unsupported.push(Unsupported {
                option: spec.name,
                value,
                origin: origin.clone(),
                why,
            });
        }
    }
}

/// Adds an identity or a certificate, unless the same source named it before.
pub(super) fn add_file(
    list: &mut Vec<(String, Source)>,
    path: &str,
    source: Source,
) -> Result<(), Words> {
    let entry = (path.to_owned(), source);
    if list.contains(&entry) {
        return Ok(());
    }
    if list.len() >= MAX_FILES {
        return Err(words!(
            "there are more than {most} key files",
            most = MAX_FILES
        ));
    }
    list.push(entry);
    Ok(())
}

fn only_word(words: &[String]) -> Result<&str, Words> {
    match words {
        [] => Err(words!("the value is missing")),
        [word] if word.is_empty() => Err(words!("the value is empty")),
        [word] => Ok(word),
        [_, more, ..] => Err(words!(
            "there is more than one value: '{more}'",
            more = more
        )),
    }
}

/// The rest of the line as a command takes it.
fn command(rest: &str) -> String {
    rest.trim_start_matches([' ', '\t', '\r', '\n', '='])
        .to_owned()
}

/// The value in the form in which `ssh -G` prints it.
fn checked(kind: Kind, word: &str, context: &mut Context<'_>) -> Result<String, Words> {
    let bad = |wanted: Words| {
        Err(words!(
            "'{word}' is not {wanted}",
            word = word,
            wanted = wanted
        ))
    };
    match kind {
        Kind::Choice(choices) => {
            let choice = choices
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(word));
            if let Some((_, printed)) = choice {
                return Ok((*printed).to_owned());
            }
            let keys: Vec<&str> = choices.iter().map(|(key, _)| *key).collect();
            bad(words!("one of {words}", words = keys.join(", ")))
        }
        Kind::Time if word == "none" => Ok(word.to_owned()),
        Kind::Time => match value::seconds(word) {
            Some(seconds) => Ok(seconds.to_string()),
            None => bad(words!("a time (90, 1m30s, none)")),
        },
        Kind::Integer => match word.parse::<i32>() {
            Ok(number @ 0..) => Ok(number.to_string()),
            _ => bad(words!("a whole number")),
        },
        Kind::UpTo(most) => match word.parse::<u32>() {
            Ok(number) if (1..=most).contains(&number) => Ok(number.to_string()),
            _ => bad(words!("a whole number from 1 to {most}", most = most)),
        },
        Kind::Port => match value::port(word, context.system) {
            Some(port @ 1..) => Ok(port.to_string()),
            _ => bad(words!("a port from 1 to 65535")),
        },
        Kind::Algorithms(family) => family.check(word).map(|()| word.to_owned()),
        Kind::Agent => agent(word, context).map(|()| word.to_owned()),
        _ => Ok(word.to_owned()),
    }
}

/// A socket may be named by `${VARIABLE}`, which must be set, or by `$VARIABLE`.
fn agent(word: &str, context: &Context<'_>) -> Result<(), Words> {
    expand::variables(word, &context.environment.variables)?;
    match word.strip_prefix('$') {
        Some(name) if !name.starts_with('{') => {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(good) {
                return Err(words!(
                    "'{name}' is not the name of an environment variable",
                    name = name
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn names(kind: Kind, words: &[String]) -> Result<Vec<String>, Words> {
    if words.iter().any(String::is_empty) {
        return Err(words!("a value is empty"));
    }
    if words.len() > 1 && words.iter().any(|word| word.eq_ignore_ascii_case("none")) {
        return Err(words!("'none' must stand alone"));
    }
    if words.len() > MAX_NAMES {
        return Err(words!(
            "there are more than {most} values",
            most = MAX_NAMES
        ));
    }
    words
        .iter()
        .map(|word| match kind {
            Kind::Domains => {
                value::domain(word).ok_or_else(|| words!("'{word}' is not a domain", word = word))
            }
            Kind::Cnames => cname_rule(word),
            _ => Ok(word.clone()),
        })
        .collect()
}

/// `SOURCES:TARGETS`, `*` or `none`.
fn cname_rule(word: &str) -> Result<String, Words> {
    if word == "*" {
        return Ok("*:*".to_owned());
    }
    if word.eq_ignore_ascii_case("none") {
        return Ok("none".to_owned());
    }
    match word.split_once(':') {
        Some((_, targets)) if !targets.is_empty() => Ok(word.to_ascii_lowercase()),
        _ => Err(words!(
            "'{word}' is not SOURCE_DOMAINS:TARGET_DOMAINS",
            word = word
        )),
    }
}

fn forward_text(words: &[String], dynamic: bool) -> Result<String, Words> {
    match (dynamic, words) {
        (true, [listen]) => Ok(listen.clone()),
        (false, [listen, target]) if !target.is_empty() => Ok(format!("{listen}:{target}")),
        (false, [_]) => Err(words!("the target is missing: LISTEN TARGET")),
        (_, []) => Err(words!("the value is missing")),
        (_, [.., more]) => Err(words!(
            "there is more than one value: '{more}'",
            more = more
        )),
    }
}

/// Reads `HOST[,HOST…]`, nearest first, or `none`.
pub(super) fn jump(text: &str) -> Result<Option<Jump>, Words> {
    let text = text.split('#').next().unwrap_or_default().trim_end();
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let mut last = Place::default();
    for hop in text.split(',') {
        let place = value::place(hop).filter(|_| !hop.contains(char::is_whitespace));
        last = place.ok_or_else(|| {
            words!(
                "'{hop}' in '{text}' is not a jump host: use [USER@]HOST[:PORT], separated by commas",
                hop = hop,
                text = text
            )
        })?;
    }
    Ok(Some(Jump {
        before: text.rsplit_once(',').map(|(before, _)| before.to_owned()),
        user: last.user,
        host: last.host,
        port: last.port,
    }))
}
