//! Host names in their canonical form (`CanonicalizeHostname`), and addresses in theirs.

use std::net::{IpAddr, Ipv4Addr};

use super::error::ConfigError;
use super::options::{Options, Proxy};
use super::query::System;
use crate::ssh::pattern::{ListMatch, matches_list};

/// `host` as it is dialled: an address in its usual form, a name in lower case and, where the configuration asks for it,
/// completed and followed through its aliases.
///
/// # Errors
/// [`ConfigError::NotCanonical`] if the name is to be completed, cannot be, and must not be taken as it is.
pub(super) fn host(
    host: &str,
    options: &Options,
    system: &mut dyn System,
) -> Result<String, ConfigError> {
    if let Some(address) = address(host) {
        return Ok(address.to_string());
    }
    // What looks like an address and is none may have a scope (fe80::1%eth0): it is left alone.
    if host.contains([':', '%']) || host.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
        return Ok(host.to_owned());
    }
    let host = host.to_ascii_lowercase();
    let asked = options.get("CanonicalizeHostname").unwrap_or("false");
    let direct = match &options.proxy {
        None => true,
        Some(Proxy::Command(command)) => command.eq_ignore_ascii_case("none"),
        Some(Proxy::Jump(_)) => false,
    };
    if asked == "false" || !direct && asked != "always" {
        return Ok(host);
    }
    if let Some(bare) = host.strip_suffix('.') {
        return match system.lookup(&host) {
            Some(found) => Ok(followed(bare, found.canonical_name, options)),
            None => not_found(host, options),
        };
    }
    let max_dots = options
        .get("CanonicalizeMaxDots")
        .and_then(|dots| dots.parse().ok());
    if host.matches('.').count() > max_dots.unwrap_or(1) {
        return Ok(aliased(host, options, system));
    }
    for domain in options.words("CanonicalDomains").unwrap_or_default() {
        if domain == "none" {
            break;
        }
        let full = format!("{host}.{domain}");
        if let Some(found) = system.lookup(&format!("{full}.")) {
            return Ok(followed(&full, found.canonical_name, options));
        }
    }
    not_found(host, options).map(|host| aliased(host, options, system))
}

fn not_found(host: String, options: &Options) -> Result<String, ConfigError> {
    match options.get("CanonicalizeFallbackLocal") {
        Some("no") => Err(ConfigError::NotCanonical(host)),
        _ => Ok(host),
    }
}

/// A name that was not completed may still be an alias that is to be followed.
fn aliased(host: String, options: &Options, system: &mut dyn System) -> String {
    if rules(options).next().is_none() {
        return host;
    }
    match system.lookup(&host) {
        Some(found) => followed(&host, found.canonical_name, options),
        None => host,
    }
}

/// The name behind the alias `name`, if a rule permits to follow it.
fn followed(name: &str, canonical: Option<String>, options: &Options) -> String {
    let Some(canonical) = canonical.filter(|canonical| !canonical.is_empty()) else {
        return name.to_owned();
    };
    let canonical = canonical.trim_end_matches('.').to_ascii_lowercase();
    let permitted = rules(options).any(|(sources, targets)| {
        matches_list(name, sources, true) == ListMatch::Yes
            && matches_list(&canonical, targets, true) == ListMatch::Yes
    });
    if permitted {
        canonical
    } else {
        name.to_owned()
    }
}

/// `CanonicalizePermittedCNAMEs`.
fn rules(options: &Options) -> impl Iterator<Item = (&str, &str)> {
    let words = options
        .words("CanonicalizePermittedCNAMEs")
        .unwrap_or_default();
    words.iter().filter_map(|word| word.split_once(':'))
}

/// The address that `text` is, also in the forms that the C library takes (`127.1`, `0x7f000001`).
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| classic_v4(text).map(IpAddr::V4))
}

/// `inet_aton(3)`: one to four numbers, of which the last fills what is left; decimal, octal or hexadecimal.
fn classic_v4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text.split('.').map(classic_number).collect::<Option<_>>()?;
    let (last, leading) = numbers.split_last()?;
    if leading.len() > 3 || leading.iter().any(|number| *number > 255) {
        return None;
    }
    let bits_left = 32 - 8 * u32::try_from(leading.len()).ok()?;
    if last.checked_shr(bits_left).unwrap_or(0) != 0 {
        return None;
    }
    let high = leading
        .iter()
        .fold(0, |sum: u64, number| sum << 8 | u64::from(*number));
    u32::try_from(high << bits_left | u64::from(*last))
        .ok()
        .map(Ipv4Addr::from)
}

fn classic_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_take_their_usual_form() {
        for (text, expected) in [
            ("127.1", Some("127.0.0.1")),
            ("0x7f000001", Some("127.0.0.1")),
            ("010.0.0.1", Some("8.0.0.1")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("FD00::0001", Some("fd00::1")),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.65536", None),
            ("4294967296", None),
            ("1..2", None),
            ("web1", None),
        ] {
            assert_eq!(
                address(text).map(|ip| ip.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-fx.:%+]*") {
            let _address = address(&text);
        }
    }
}
