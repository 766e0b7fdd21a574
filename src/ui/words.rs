//! States and numbers in words.

use std::time::Duration;

use crate::model::{
    Intent, Light, ListenAddress, LocalBind, Moment, Question, TunnelState, TunnelStatus, printable,
};

use super::meter::Rate;

/// A state in a word or two, for the list.
pub(super) fn state(tunnel: Option<&TunnelStatus>, now: Moment) -> String {
    let Some(tunnel) = tunnel else {
        return "Off".to_owned();
    };
    match &tunnel.state {
        TunnelState::Off if tunnel.intent == Intent::Up => "Starting".to_owned(),
        TunnelState::Off => "Off".to_owned(),
        TunnelState::Binding => "Binding".to_owned(),
        TunnelState::Resolving => "Looking up".to_owned(),
        TunnelState::Dialing { .. } => "Connecting".to_owned(),
        TunnelState::Asking(_) => "Asks you".to_owned(),
        TunnelState::Proving => "Checking".to_owned(),
        TunnelState::Open { .. } => "Open".to_owned(),
        TunnelState::Waiting { retry_at, .. } => match retry_at {
            Some(at) => format!("Retry in {}", seconds(at.since(now))),
            None => "Waiting".to_owned(),
        },
        TunnelState::Failed(fault) => capitalised(&fault.cause.code().replace('-', " ")),
    }
}

/// A state in a sentence, for the details.
pub(super) fn sentence(tunnel: Option<&TunnelStatus>, now: Moment) -> String {
    let Some(tunnel) = tunnel else {
        return "Closed. Nothing listens on this computer.".to_owned();
    };
    match &tunnel.state {
        TunnelState::Off => "Closed. Nothing listens on this computer.".to_owned(),
        TunnelState::Binding => format!("Taking the local port {}.", tunnel.spec.local),
        TunnelState::Resolving => "Looking up the service's address.".to_owned(),
        TunnelState::Dialing { hop } => format!("Connecting to {}.", printable(hop)),
        TunnelState::Asking(_) => "A question waits for you.".to_owned(),
        TunnelState::Proving => "Connected. Checking that the service answers.".to_owned(),
        TunnelState::Open { since } => format!("Open for {}.", duration(now.since(*since))),
        TunnelState::Waiting {
            attempt, retry_at, ..
        } => match retry_at {
            Some(at) => format!(
                "Not working. Adit tries again in {} (try {}).",
                seconds(at.since(now)),
                attempt.saturating_add(1)
            ),
            None => "Not working. Adit goes on when the cluster changes.".to_owned(),
        },
        TunnelState::Failed(_) => "Not working. It needs you.".to_owned(),
    }
}

/// What is worth a small line under the state: what has gone through an open tunnel, why another is not open.
pub(super) fn remark(tunnel: &TunnelStatus) -> String {
    match &tunnel.state {
        TunnelState::Open { .. } if tunnel.traffic.connections_total > 0 => {
            let traffic = tunnel.traffic;
            bytes(traffic.down_bytes.saturating_add(traffic.up_bytes))
        }
        TunnelState::Waiting { fault, .. } => capitalised(&fault.cause.code().replace('-', " ")),
        _ => String::new(),
    }
}

/// What a search finds a tunnel by.
pub(super) fn searched(tunnel: Option<&TunnelStatus>) -> String {
    let Some(tunnel) = tunnel else {
        return "off".to_owned();
    };
    let fault = tunnel.state.fault();
    format!(
        "{} {} {}",
        state(Some(tunnel), Moment::START),
        local_address(tunnel),
        fault.map_or_else(String::new, ToString::to_string)
    )
    .to_lowercase()
}

/// The order of states in the list: what needs the person comes first.
pub(super) fn urgency(tunnel: Option<&TunnelStatus>) -> u8 {
    match tunnel.map_or(Light::Grey, |tunnel| tunnel.state.light()) {
        Light::Red => 0,
        Light::Amber => 1,
        Light::Green => 2,
        Light::Grey => 3,
    }
}

/// Whether something happens now, rather than being waited for.
pub(super) const fn is_moving(state: &TunnelState) -> bool {
    matches!(
        state,
        TunnelState::Binding
            | TunnelState::Resolving
            | TunnelState::Dialing { .. }
            | TunnelState::Proving
    )
}

/// Where a tunnel listens; empty if it does not.
pub(super) fn local_address(tunnel: &TunnelStatus) -> String {
    match tunnel.listening.first() {
        Some(ListenAddress::Tcp(address)) => address.to_string(),
        Some(ListenAddress::Socket(path)) => path.display().to_string(),
        None => String::new(),
    }
}

/// Where a tunnel would listen.
pub(super) fn planned_local(tunnel: Option<&TunnelStatus>, port: u16) -> String {
    match tunnel {
        Some(tunnel) => tunnel.spec.local.to_string(),
        None => LocalBind::preferred_for(port).to_string(),
    }
}

/// The address for a browser, while something listens there.
pub(super) fn url(tunnel: &TunnelStatus, service_port: u16) -> Option<String> {
    let mut address = tunnel.local_address()?;
    if address.ip().is_unspecified() {
        // Every interface is no address to go to; this computer's own one is.
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let scheme = if matches!(service_port, 443 | 8443 | 6443) {
        "https"
    } else {
        "http"
    };
    Some(format!("{scheme}://{address}"))
}

/// A question's title.
pub(super) const fn question(question: &Question) -> &'static str {
    match question {
        Question::UnknownHostKey { .. } => "Is this the right host?",
        Question::Passphrase { .. } => "Passphrase of the private key",
        Question::Password { .. } => "Password",
        Question::Sudo { .. } => "May Adit read this file as root?",
        Question::Interactive { .. } => "The server asks",
    }
}

/// A number of bytes.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut rest = count;
    let mut unit = 0;
    while rest >= 1_000_000 && unit + 1 < UNITS.len() {
        rest /= 1000;
        unit += 1;
    }
    let (whole, tenth) = (rest / 1000, rest % 1000 / 100);
    if whole < 100 {
        format!("{whole}.{tenth} {}", UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

/// How fast bytes move.
pub(super) fn rate(rate: Rate) -> String {
    format!("↓ {}/s  ↑ {}/s", bytes(rate.down), bytes(rate.up))
}

/// A time that is waited, rounded up: never "0 s" while there is something left.
fn seconds(left: Duration) -> String {
    format!("{} s", left.as_millis().div_ceil(1000))
}

/// How long something has lasted, in words that need no repainting every second.
pub(super) fn duration(lasted: Duration) -> String {
    match lasted.as_secs() {
        0..60 => "less than a minute".to_owned(),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::testing::{key, ui_in};
    use crate::model::{Fault, FaultCause, TunnelId};

    #[test]
    fn numbers_of_bytes() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12.3 kB"),
            (123_456, "123 kB"),
            (999_999, "999 kB"),
            (1_234_567, "1.2 MB"),
            (u64::MAX, "18446 PB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }

    #[test]
    fn states_in_words() {
        let now = Moment::after_start(Duration::from_millis(1_500));
        let fault = Fault::local(FaultCause::PortInUse {
            address: "127.0.0.1:8080".parse().unwrap(),
            holder: None,
            free_port: None,
        });
        let waiting = |retry_at| TunnelState::Waiting {
            attempt: 1,
            retry_at,
            fault: fault.clone(),
        };
        for (given, expected) in [
            (
                waiting(Some(now + Duration::from_millis(10))),
                "Retry in 1 s",
            ),
            (waiting(None), "Waiting"),
            (TunnelState::Failed(fault.clone()), "Port in use"),
            (TunnelState::Proving, "Checking"),
        ] {
            let snapshot = ui_in(given);
            let tunnel = &snapshot.tunnels[&TunnelId::service(key(), 80)];
            assert_eq!(state(Some(tunnel), now), expected);
        }
    }

    #[test]
    fn browsers_are_sent_to_an_address_they_can_reach() {
        let snapshot = ui_in(TunnelState::Proving);
        let mut tunnel = TunnelStatus::clone(&snapshot.tunnels[&TunnelId::service(key(), 80)]);
        assert_eq!(url(&tunnel, 80).unwrap(), "http://127.0.0.1:8080");
        tunnel.listening = vec![ListenAddress::Tcp("[::1]:8443".parse().unwrap())];
        assert_eq!(url(&tunnel, 443).unwrap(), "https://[::1]:8443");
        tunnel.listening = vec![ListenAddress::Tcp("0.0.0.0:1".parse().unwrap())];
        assert_eq!(url(&tunnel, 80).unwrap(), "http://127.0.0.1:1");
        tunnel.listening.clear();
        assert_eq!(url(&tunnel, 80), None);
    }
}
