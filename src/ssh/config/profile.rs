//! From resolved options to the profile that Adit connects by.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ConfigError;
use super::expand::{Tokens, tilde};
use super::options::{Jump, Proxy};
use super::query::{Argument, Environment, Query, System};
use super::resolve;
use super::resolved::{AddressFamily, Algorithms, Resolved, StrictHostKeyChecking};
use crate::model::{Family, HostId, HostKeyPolicy, HostProfile, LoginMethod};

/// More hosts than this on one way are a mistake, likely a circle.
const MAX_HOPS: usize = 16;

/// The default identities that Adit can use, in OpenSSH's order.
const DEFAULT_IDENTITIES: [&str; 3] = ["id_rsa", "id_ecdsa", "id_ed25519"];

/// The profile of a resolved host, with each of its jump hosts resolved by the same configuration files.
///
/// Identities that are named are kept whether they exist or not; of the default ones, those that exist. What the
/// configuration does not say stays at Adit's own defaults.
///
/// # Errors
/// [`ConfigError`] if the configuration refuses the connection, a value cannot be expanded, a jump host cannot be resolved, or the jump hosts lead in a circle.
pub fn profile(
    resolved: &Resolved,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<HostProfile, ConfigError> {
    profile_at(resolved, environment, system, 0)
}

fn profile_at(
    resolved: &Resolved,
    environment: &Environment,
    system: &mut dyn System,
    depth: usize,
) -> Result<HostProfile, ConfigError> {
    if let Some(reason) = &resolved.refused {
        return Err(ConfigError::Refused {
            host: crate::model::printable(&resolved.argument).into_owned(),
            reason: crate::model::printable(reason).into_owned(),
        });
    }
    let mut profile = HostProfile::new(&resolved.user, &resolved.host_name, resolved.port);
    profile.id = HostId::new(&resolved.argument);
    add_keys(&mut profile, resolved, environment, system)?;
    add_host_keys(&mut profile, resolved);
    add_transport(&mut profile, resolved);
    match &resolved.proxy {
        None => {}
        Some(Proxy::Command(command)) => {
            profile.proxy_command = Some(proxy_command(resolved, command)?);
        }
        Some(Proxy::Jump(jump)) => {
            profile.jumps = hops(resolved, jump, environment, system, depth)?;
        }
    }
    Ok(profile)
}

/// The hosts on the way, nearest first. As with `ssh`, the last one named is resolved by its own options and with the ones
/// before it as its `-J`; where there are none before it, its own `ProxyJump` counts.
fn hops(
    resolved: &Resolved,
    jump: &Jump,
    environment: &Environment,
    system: &mut dyn System,
    depth: usize,
) -> Result<Vec<HostProfile>, ConfigError> {
    let circle = || ConfigError::JumpLoop(resolved.argument.clone());
    // As with `ssh`, only the name counts: behind a jump host its own address may be another host's. Longer circles come to
    // the limit.
    let is_itself = jump.host == resolved.host_name
        && jump.port.unwrap_or(22) == resolved.port
        && jump.user.as_ref().is_none_or(|user| *user == resolved.user);
    if is_itself || depth >= MAX_HOPS {
        return Err(circle());
    }
    let arguments = [
        jump.user.clone().map(Argument::User),
        jump.port.map(|port| Argument::Port(port.to_string())),
        jump.before.clone().map(Argument::Jump),
    ];
    let query = Query {
        host: jump.host.clone(),
        arguments: arguments.into_iter().flatten().collect(),
        file: resolved.file.clone(),
        ..Query::default()
    };
    let hop = resolve(&query, environment, system)?;
    let mut hop = profile_at(&hop, environment, system, depth + 1)?;
    let mut hops = std::mem::take(&mut hop.jumps);
    hops.push(hop);
    Ok(hops)
}

fn add_keys(
    profile: &mut HostProfile,
    resolved: &Resolved,
    environment: &Environment,
    system: &mut dyn System,
) -> Result<(), ConfigError> {
    let mut expanded = |option: &'static str, texts: &[String]| {
        let mut paths: Vec<PathBuf> = Vec::new();
        for text in texts
            .iter()
            .filter(|text| !text.eq_ignore_ascii_case("none"))
        {
            let path = tilde(text, environment, system)
                .and_then(|text| resolved.tokens.expand_all(&text, &environment.variables))
                .map_err(|problem| ConfigError::Value { option, problem })?;
            if !paths.iter().any(|known| known == Path::new(&path)) {
                paths.push(path.into());
            }
        }
        Ok(paths)
    };
    profile.identities = expanded("IdentityFile", &resolved.identity_files)?;
    profile.certificates = expanded("CertificateFile", &resolved.certificate_files)?;
    if resolved.identity_files.is_empty() {
        let folder = environment.user_folder();
        let paths = DEFAULT_IDENTITIES.map(|name| folder.join(name));
        profile.identities = paths.into_iter().filter(|path| path.exists()).collect();
    }
    if resolved.certificate_files.is_empty() {
        let beside = profile.identities.iter().map(|path| certificate_of(path));
        profile.certificates = beside.filter(|path| path.exists()).collect();
    }
    profile.identities_only = resolved.identities_only;
    (profile.use_agent, profile.agent_socket) = agent(resolved, environment);
    profile.login_methods = login_methods(resolved);
    profile.password_prompts = resolved.password_prompts;
    profile.batch_mode = resolved.batch_mode;
    profile.pubkey_accepted_algorithms = chosen(&resolved.pubkey_accepted_algorithms);
    Ok(())
}

/// `KEY-cert.pub`, where OpenSSH looks for the certificate of `KEY`.
fn certificate_of(identity: &Path) -> PathBuf {
    let mut name = identity.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

/// Whether an agent is asked, and where it listens if not at `SSH_AUTH_SOCK`.
fn agent(resolved: &Resolved, environment: &Environment) -> (bool, Option<PathBuf>) {
    match resolved.identity_agent.as_deref() {
        None | Some("SSH_AUTH_SOCK") => (true, None),
        Some("none") => (false, None),
        Some(text) => match text.strip_prefix('$') {
            // A variable that is not set means no agent.
            Some(name) => match environment.variables.get(name) {
                Some(path) if !path.is_empty() => (true, Some(path.into())),
                _ => (false, None),
            },
            None => (true, Some(text.into())),
        },
    }
}

/// The ways to log in that are allowed, in the order that is preferred.
fn login_methods(resolved: &Resolved) -> Vec<LoginMethod> {
    let by_name = |name: &str| {
        LoginMethod::ALL
            .into_iter()
            .find(|method| method.name() == name)
    };
    let preferred: Vec<LoginMethod> = match &resolved.preferred_authentications {
        Some(list) => list
            .split(',')
            .filter_map(|name| by_name(name.trim()))
            .collect(),
        None => LoginMethod::ALL.to_vec(),
    };
    let allowed = |method: &LoginMethod| match method {
        LoginMethod::PublicKey => resolved.pubkey_authentication != "false",
        LoginMethod::KeyboardInteractive => resolved.keyboard_interactive_authentication,
        LoginMethod::Password => resolved.password_authentication,
    };
    preferred.into_iter().filter(allowed).collect()
}

fn add_host_keys(profile: &mut HostProfile, resolved: &Resolved) {
    let paths = |texts: &[String]| texts.iter().map(PathBuf::from).collect();
    profile.known_hosts = paths(&resolved.user_known_hosts);
    profile.global_known_hosts = paths(&resolved.global_known_hosts);
    profile.host_key_alias.clone_from(&resolved.host_key_alias);
    profile.hash_known_hosts = resolved.hash_known_hosts;
    profile.host_key_policy = match resolved.strict_host_key_checking {
        StrictHostKeyChecking::Ask => HostKeyPolicy::Ask,
        StrictHostKeyChecking::Yes => HostKeyPolicy::Strict,
        // With `no`, ssh goes on in spite of a changed key but disables all forwarding: nothing is lost by refusing.
        StrictHostKeyChecking::No | StrictHostKeyChecking::AcceptNew => HostKeyPolicy::AcceptNew,
    };
    profile.host_key_algorithms = chosen(&resolved.host_key_algorithms);
}

fn add_transport(profile: &mut HostProfile, resolved: &Resolved) {
    let seconds = |count: u32| Duration::from_secs(count.into());
    if let Some(timeout) = resolved.connect_timeout.filter(|timeout| *timeout > 0) {
        profile.connect_timeout = seconds(timeout);
    }
    if let Some(interval) = resolved.server_alive_interval {
        profile.keepalive_interval = seconds(interval);
    }
    if let Some(count) = resolved.server_alive_count_max {
        profile.keepalive_count_max = count;
    }
    if let Some(sessions) = resolved.sessions {
        profile.max_sessions = sessions;
    }
    profile.opens_ahead = resolved.open_ahead;
    profile.no_delay = resolved.no_delay;
    profile.compression = resolved.compression;
    profile.ciphers = chosen(&resolved.ciphers);
    profile.macs = chosen(&resolved.macs);
    profile.kex_algorithms = chosen(&resolved.kex_algorithms);
    profile.bind_address.clone_from(&resolved.bind_address);
    profile.address_family = match resolved.address_family {
        AddressFamily::Any => None,
        AddressFamily::Inet => Some(Family::V4),
        AddressFamily::Inet6 => Some(Family::V6),
    };
}

fn chosen(algorithms: &Algorithms) -> Option<String> {
    algorithms.chosen.then(|| algorithms.list.clone())
}

/// The command with its tokens replaced, for the shell to run.
fn proxy_command(resolved: &Resolved, command: &str) -> Result<String, ConfigError> {
    let alias = resolved
        .host_key_alias
        .as_deref()
        .unwrap_or(&resolved.argument);
    let tokens = Tokens::of(&[
        ('h', &resolved.host_name),
        ('k', alias),
        ('n', &resolved.argument),
        ('p', &resolved.port.to_string()),
        ('r', &resolved.user),
    ]);
    tokens
        .expand(command)
        .map_err(|problem| ConfigError::Value {
            option: "ProxyCommand",
            problem,
        })
}
