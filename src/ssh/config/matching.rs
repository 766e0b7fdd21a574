//! The conditions of `Match`.

use std::net::IpAddr;

use super::expand::{Connection, Tokens};
use super::files::Pass;
use super::lexer;
use crate::model::{Words, printable, words};
use crate::ssh::pattern::{ListMatch, matches_host, matches_list};

/// Whether all conditions of a `Match` line hold. Commands are run only if `may_run` and all conditions before them hold.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn matches(pass: &mut Pass<'_>, conditions: &str, may_run: bool) -> Result<bool, Words> {
    let mut rest = Some(conditions);
    let mut result = true;
    let mut count = 0;
    while let Some(word) = lexer::delimited(&mut rest).filter(|word| !word.is_empty()) {
        if word.starts_with('#') {
            break;
        }
        let (negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name.to_ascii_lowercase()),
            None => (false, word.to_ascii_lowercase()),
        };
        if name == "all" {
            // OpenSSH takes it after one other condition: `Match final all`.
            let more = lexer::delimited(&mut rest).unwrap_or_default();
            if count > 1 || !(more.is_empty() || more.starts_with('#')) {
                return Err(words!("'all' cannot be combined with other conditions"));
            }
            return Ok(result && !negated);
        }
        count += 1;
        let holds = match name.as_str() {
            "canonical" => pass.is_final,
            "final" => {
                pass.wants_final = true;
                pass.is_final
            }
            name => {
                let argument = lexer::delimited(&mut rest).unwrap_or_default();
                if argument.is_empty() || argument.starts_with('#') {
                    return Err(words!("'{name}' has no value", name = name));
                }
                holds(pass, name, &argument, result && may_run)?
            }
        };
        result &= holds != negated;
    }
    if count == 0 {
        return Err(words!("there is no condition"));
    }
    Ok(result)
}

fn holds(pass: &mut Pass<'_>, name: &str, argument: &str, may_run: bool) -> Result<bool, Words> {
    let in_list = |text: &str| matches_list(text, argument, false) == ListMatch::Yes;
    match name {
        "host" => Ok(matches_host(&current_host(pass)?, argument)),
        "originalhost" => Ok(matches_host(pass.argument, argument)),
        "user" => Ok(in_list(
            pass.options.get("User").unwrap_or(&pass.environment.user),
        )),
        "localuser" => Ok(in_list(&pass.environment.user)),
        "tagged" => Ok(in_list(pass.options.get("Tag").unwrap_or_default())),
        // Adit is like `ssh -N`: a session of no type and no command.
        "sessiontype" => Ok(in_list("none")),
        "command" => Ok(false),
        "version" => Ok(in_list(concat!("Adit_", env!("CARGO_PKG_VERSION")))),
        "localnetwork" => in_networks(&pass.system.local_addresses(), argument),
        "exec" => run(pass, argument, may_run),
        name => Err(words!(
            "'{name}' is not a condition",
            name = printable(name)
        )),
    }
}

/// The host as far as it is known by now.
fn current_host(pass: &Pass<'_>) -> Result<String, Words> {
    match pass.options.get("HostName") {
        Some(name) if pass.is_final => Ok(name.to_owned()),
        Some(name) => Tokens::of(&[('h', pass.host)]).expand(name),
        None => Ok(pass.host.to_owned()),
    }
}

fn run(pass: &mut Pass<'_>, command: &str, may_run: bool) -> Result<bool, Words> {
    let host = current_host(pass)?;
    let options = &pass.options;
    let connection = Connection {
        argument: pass.argument,
        host: &host,
        host_key_alias: options.get("HostKeyAlias").unwrap_or(&host),
        port: options
            .get("Port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(22),
        user: options.get("User").unwrap_or(&pass.environment.user),
    };
    let command = Tokens::new(&connection, pass.environment).expand(command)?;
    if !may_run {
        return Ok(false);
    }
    pass.system.run(&command).map_err(|reason| {
        words!(
            "the command '{command}' failed: {reason}",
            command = &command,
            reason = reason
        )
    })
}

/// Whether an address lies in one of the networks (`ADDRESS/BITS`, comma-separated, `!` for negation).
fn in_networks(addresses: &[IpAddr], networks: &str) -> Result<bool, Words> {
    let mut found = false;
    for network in networks.split(',') {
        let (negated, text) = match network.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, network),
        };
        let (base, bits) = parse_network(text)
            .ok_or_else(|| words!("'{text}' is not a network (ADDRESS/BITS)", text = text))?;
        let hit = addresses
            .iter()
            .any(|address| in_network(*address, base, bits));
        match (hit, negated) {
            (true, true) => return Ok(false),
            (true, false) => found = true,
            (false, _) => {}
        }
    }
    Ok(found)
}

fn parse_network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address.parse().ok()?, Some(bits.parse().ok()?)),
        None => (text.parse().ok()?, None),
    };
    let width = if matches!(address, IpAddr::V4(_)) {
        32
    } else {
        128
    };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some((address, bits))
}

fn in_network(address: IpAddr, base: IpAddr, bits: u32) -> bool {
    let shifted = |value: u128, width: u32| value.checked_shr(width - bits).unwrap_or(0);
    match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            let value = |ip: std::net::Ipv4Addr| shifted(u32::from(ip).into(), 32);
            value(address) == value(base)
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => {
            shifted(address.into(), 128) == shifted(base.into(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let addresses: Vec<IpAddr> = ["10.1.2.3", "fd00::5"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        for (networks, expected) in [
            ("10.0.0.0/8", Some(true)),
            ("10.2.0.0/16", Some(false)),
            ("10.1.2.3", Some(true)),
            ("0.0.0.0/0", Some(true)),
            ("::/0", Some(true)),
            ("fd00::/64,10.0.0.0/8", Some(true)),
            ("10.0.0.0/8,!10.1.0.0/16", Some(false)),
            ("10.0.0.0/33", None),
            ("nonsense", None),
        ] {
            assert_eq!(
                in_networks(&addresses, networks).ok(),
                expected,
                "{networks}"
            );
        }
    }
}
