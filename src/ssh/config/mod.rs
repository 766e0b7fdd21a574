//! `ssh_config(5)`, resolved for one host as `ssh -G HOST` does it.
//!
//! Tested against `ssh -G` of OpenSSH 9.2 itself; options that later releases added are read too. Effects outside the
//! configuration files (commands of `Match exec`, host name lookups) go through [`System`].

mod algorithms;
mod aliases;
mod canonical;
mod error;
mod expand;
mod files;
mod forward;
mod glob;
mod keyword;
mod lexer;
mod local;
mod matching;
mod options;
mod print;
mod profile;
mod query;
mod resolved;
mod value;

use std::borrow::Cow;

pub use aliases::{aliases, aliases_in};
pub use error::{ConfigError, Origin, Unsupported};
pub use forward::{Connect, Forward, Forwards, Listen};
pub use local::LocalSystem;
pub use options::{Jump, Proxy};
pub use profile::profile;
pub use query::{Argument, ConfigFile, Environment, Lookup, Query, System};
pub use resolved::{AddressFamily, Algorithms, Canonicalize, Resolved, StrictHostKeyChecking};

use error::of_option;
use expand::{Connection, Tokens};
use files::Pass;
use options::{Context, Options, Source, add_file};
use resolved::Facts;

use crate::model::{Words, printable, words};

/// Resolves every option for the host of `query`.
///
/// # Errors
/// [`ConfigError`] if a file cannot be read, a line makes no sense (also one that does not apply to this host, as with
/// `ssh`), or a value cannot be expanded.
pub fn resolve(
    query: &Query,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<Resolved, ConfigError> {
    let mut options = Options::default();
    command_line(query, &mut options, environment, system)?;
    check_safe(&query.host, options.get("User"))?;
    let mut pass = Pass {
        environment,
        system: &mut *system,
        options: &mut options,
        host: &query.host,
        argument: &query.host,
        is_final: false,
        wants_final: false,
    };
    pass.run(&query.file)?;
    let mut again = pass.wants_final;
    // The first pass alone decides about canonical names, as in OpenSSH.
    options.set("CanonicalizeHostname", "false".to_owned());
    options.set("CanonicalizeMaxDots", "1".to_owned());
    options.set("CanonicalizeFallbackLocal", "yes".to_owned());
    let named = match options.get("HostName") {
        Some(name) => Cow::Owned(value_of(
            "HostName",
            Tokens::of(&[('h', &query.host)]).expand(name),
        )?),
        None => Cow::Borrowed(query.host.as_str()),
    };
    let host_name = canonical::host(&named, &options, system)?;
    again |= options
        .get("CanonicalizeHostname")
        .is_some_and(|asked| asked != "false");
    if again {
        options.replace("HostName", host_name.clone());
        let mut pass = Pass {
            environment,
            system: &mut *system,
            options: &mut options,
            host: &host_name,
            argument: &query.host,
            is_final: true,
            wants_final: false,
        };
        pass.run(&query.file)?;
    }
    finish(query, host_name, &options, environment, system)
}

/// Refuses names that would mean something to a shell, since they may become part of a command (CVE-2023-51385). A user
/// named in a file is that file's matter.
fn check_safe(host: &str, user: Option<&str>) -> Result<(), ConfigError> {
    let shell = |c: char| "'`\";&<>|(){}".contains(c) || c.is_control();
    let bad_host = |c: char| shell(c) || c == '$' || c == '\\' || c.is_whitespace();
    if host.is_empty() || host.starts_with('-') || host.contains(bad_host) {
        let shown = printable(host);
        return Err(ConfigError::Destination(shown.into_owned()));
    }
    let bad_user = |user: &&str| {
        user.starts_with('-') || user.contains(" -") || user.ends_with('\\') || user.contains(shell)
    };
    match user.filter(bad_user) {
        Some(user) => Err(ConfigError::Value {
            option: "User",
            problem: words!(
                "'{user}' has characters that a user name cannot have",
                user = printable(user)
            ),
        }),
        None => Ok(()),
    }
}

/// Takes in the command line, whose options come before all files.
fn command_line(
    query: &Query,
    options: &mut Options,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<(), ConfigError> {
    let mut context = Context {
        environment,
        system,
    };
    for argument in &query.arguments {
        take_argument(argument, options, &mut context).map_err(|problem| ConfigError::Line {
            origin: Origin::CommandLine,
            problem,
        })?;
    }
    if let Some(user) = &query.user {
        options.set("User", user.clone());
    }
    if let Some(port) = query.port {
        options.set("Port", port.to_string());
    }
    Ok(())
}

fn take_argument(
    argument: &Argument,
    options: &mut Options,
    context: &mut Context<'_>,
) -> Result<(), Words> {
    match argument {
        Argument::Option(text) => {
            let named = |problem| of_option(&format!("-o {text}"), problem);
            let Some(line) = lexer::line(text).map_err(named)? else {
                return Ok(());
            };
            let Some(spec) = keyword::find(&line.keyword) else {
                return files::unknown(options, &line.keyword).map_err(named);
            };
            options
                .apply(spec, &line.rest, &Origin::CommandLine, true, context)
                .map_err(named)
        }
        Argument::User(user) => {
            options.set("User", user.clone());
            Ok(())
        }
        Argument::Port(text) => match value::port(text, context.system) {
            Some(port @ 1..) => {
                options.set("Port", port.to_string());
                Ok(())
            }
            _ => Err(of_option(
                &format!("-p {text}"),
                words!("'{text}' is not a port from 1 to 65535", text = text),
            )),
        },
        Argument::Jump(text) => {
            let jump = options::jump(text).map_err(|problem| of_option("-J", problem))?;
            if options.take_jump(jump, true) {
                return Ok(());
            }
            Err(of_option(
                "-J",
                words!("there is another -J, ProxyJump or ProxyCommand; join hosts by commas"),
            ))
        }
        Argument::Identity(path) => {
            let path = expand::tilde(path, context.environment, context.system)?;
            add_file(&mut options.identities, &path, Source::Argument)
        }
        Argument::LocalForward(text) => options
            .take_forward(text, false, true, context)
            .map_err(|problem| of_option("-L", problem)),
        Argument::DynamicForward(text) => options
            .take_forward(text, true, true, context)
            .map_err(|problem| of_option("-D", problem)),
    }
}

/// Expands what is left to expand, and fills in defaults.
fn finish(
    query: &Query,
    host_name: String,
    options: &Options,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<Resolved, ConfigError> {
    let user = options.get("User").unwrap_or(&environment.user).to_owned();
    let port = options
        .get("Port")
        .and_then(|port| port.parse().ok())
        .unwrap_or(22);
    let alias = options.get("HostKeyAlias").map(str::to_ascii_lowercase);
    let connection = Connection {
        argument: &query.host,
        host: &host_name,
        host_key_alias: alias.as_deref().unwrap_or(&query.host),
        port,
        user: &user,
    };
    let tokens = Tokens::new(&connection, environment);
    let mut path = |option: &'static str, text: &str| {
        let text = expand::tilde(text, environment, system);
        let text = text.and_then(|text| tokens.expand_all(&text, &environment.variables));
        value_of(option, text)
    };
    let user_known_hosts = match files_of(options, "UserKnownHostsFile") {
        Some(files) => files,
        None => ["known_hosts", "known_hosts2"]
            .map(|name| format!("~/.ssh/{name}"))
            .to_vec(),
    };
    let user_known_hosts = user_known_hosts
        .iter()
        .map(|text| path("UserKnownHostsFile", text))
        .collect::<Result<_, _>>()?;
    let identity_agent = options
        .get("IdentityAgent")
        .map(|text| path("IdentityAgent", text))
        .transpose()?;
    let global_known_hosts = files_of(options, "GlobalKnownHostsFile").unwrap_or_else(|| {
        let folder = environment.system_folder.display();
        ["ssh_known_hosts", "ssh_known_hosts2"]
            .map(|name| format!("{folder}/{name}"))
            .to_vec()
    });
    let forwards = forwards(options, &tokens)?;
    Resolved::new(
        options,
        Facts {
            argument: query.host.clone(),
            host_name,
            user,
            port,
            user_known_hosts,
            global_known_hosts,
            identity_agent,
            forwards,
            file: query.file.clone(),
            tokens,
        },
    )
}

/// The files of an option, none of them for `none`.
fn files_of(options: &Options, option: &str) -> Option<Vec<String>> {
    let words = options.words(option)?;
    let is_none = |word: &String| word.eq_ignore_ascii_case("none");
    Some(
        words
            .iter()
            .filter(|word| !is_none(word))
            .cloned()
            .collect(),
    )
}

/// The forwards, with the tokens in their sockets' paths replaced.
fn forwards(options: &Options, tokens: &Tokens) -> Result<Vec<Forward>, ConfigError> {
    if options.get("ClearAllForwardings") == Some("yes") {
        return Ok(Vec::new());
    }
    let mut forwards = options.forwards.clone();
    for forward in &mut forwards {
        if let Listen::Path(path) = &mut forward.listen {
            *path = value_of("LocalForward", tokens.expand(path))?;
        }
        if let Some(Connect::Path(path)) = &mut forward.connect {
            *path = value_of("LocalForward", tokens.expand(path))?;
        }
    }
    Ok(forwards)
}

fn value_of(option: &'static str, value: Result<String, Words>) -> Result<String, ConfigError> {
    value.map_err(|problem| ConfigError::Value { option, problem })
}

#[cfg(test)]
mod tests;
