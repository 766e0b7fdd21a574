//! Values of ssh_config: times, ports, places.

use super::query::System;

/// The words of an option that takes yes or no, and how `ssh -G` prints them.
pub(super) const FLAG: &[(&str, &str)] = &[
    ("yes", "yes"),
    ("true", "yes"),
    ("no", "no"),
    ("false", "no"),
];

/// Seconds in `TIME FORMATS` of `sshd_config(5)`: `90`, `1m30s`, `2h`; at most what fits a C int.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let mut total: i64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let number: i64 = number.parse().ok()?;
        let mut after = after.chars();
        let unit = match after.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86400,
            Some('w' | 'W') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after.as_str();
    }
    i32::try_from(total).ok()?.try_into().ok()
}

/// A TCP port by number or by its service's name; 0 is a port here.
pub(super) fn port(text: &str, system: &mut dyn System) -> Option<u16> {
    match text.parse() {
        Ok(port) => Some(port),
        Err(_) if text.bytes().all(|c| c.is_ascii_digit()) => None,
        Err(_) => system.service_port(text),
    }
}

/// A host with an optional user and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

/// Reads `[USER@]HOST[:PORT]`, where an IPv6 address is in brackets, or an `ssh://` URI.
pub(super) fn place(text: &str) -> Option<Place> {
    if let Some(text) = text.strip_prefix("ssh://") {
        return uri(text);
    }
    let (user, rest) = match text.rsplit_once('@') {
        Some(("", _)) => return None,
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    let (host, port) = host_and_port(rest)?;
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
    };
    Some(Place { user, host, port })
}

/// Reads what follows `ssh://`.
pub(super) fn uri(text: &str) -> Option<Place> {
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) => {
            let user = user.split(';').next().unwrap_or_default();
            if user.is_empty() {
                return None;
            }
            (Some(percent_decoded(user)?), rest)
        }
        None => (None, text),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return None;
    }
    Some(Place {
        user,
        ..place(rest)?
    })
}

/// The host without brackets, and what stands after its colon.
fn host_and_port(text: &str) -> Option<(String, Option<&str>)> {
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, after) = inner.split_once(']')?;
        match after.strip_prefix([':', '/']) {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return None,
        }
    } else {
        match text.split_once([':', '/']) {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(
                u8::from_str_radix(digits, 16)
                    .ok()
                    .filter(|byte| *byte != 0)?,
            );
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A host name as `CanonicalDomains` takes it, in lower case and without a dot at its end.
pub(super) fn domain(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed)
        && !text.contains("..");
    good.then(|| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("1M30", Some(90)),
            ("1w2d3h4m5s", Some(788_645)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("9999999999999999999w", None),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1x", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn places() {
        let place_of = |user: Option<&str>, host: &str, port| Place {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        };
        for (text, expected) in [
            ("h", Some(place_of(None, "h", None))),
            ("u@h:2222", Some(place_of(Some("u"), "h", Some(2222)))),
            ("a@b@h", Some(place_of(Some("a@b"), "h", None))),
            ("[fd00::1]:22", Some(place_of(None, "fd00::1", Some(22)))),
            (
                "ssh://u%40x@h:2222/",
                Some(place_of(Some("u@x"), "h", Some(2222))),
            ),
            ("ssh://h", Some(place_of(None, "h", None))),
            ("ssh://h/path", None),
            ("@h", None),
            ("h:0", None),
            ("h:x", None),
            ("", None),
            ("[::1", None),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _values = (seconds(&text), place(&text), uri(&text), domain(&text));
        }
    }
}
