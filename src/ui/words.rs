//! States and numbers in words.

use std::borrow::Cow;
use std::time::Duration;

use crate::l10n::{Lang, id, tr};
use crate::model::{
    Intent, Light, LocalBind, Moment, Question, TunnelState, TunnelStatus, capitalised, printable,
};

use super::meter::Rate;

/// A state in a word or two, for the list.
pub(super) fn state(lang: Lang, tunnel: Option<&TunnelStatus>, now: Moment) -> Cow<'static, str> {
    let Some(tunnel) = tunnel else {
        return tr!(lang, "state-off").into();
    };
    let id = match &tunnel.state {
        TunnelState::Off if tunnel.intent == Intent::Up => id!("state-starting"),
        TunnelState::Off => id!("state-off"),
        TunnelState::Binding => id!("state-binding"),
        TunnelState::Resolving => id!("state-resolving"),
        TunnelState::Dialing { .. } => id!("state-dialing"),
        TunnelState::Asking(_) => id!("state-asking"),
        TunnelState::Proving => id!("state-proving"),
        TunnelState::Open { .. } => id!("state-open"),
        TunnelState::Waiting { retry_at: None, .. } => id!("state-waiting"),
        TunnelState::Waiting {
            retry_at: Some(at), ..
        } => {
            let time = seconds(lang, at.since(now));
            return tr!(lang, "state-retry-in", time = time).into();
        }
        TunnelState::Failed(fault) => {
            return capitalised(&lang.fault_name(&fault.cause)).into();
        }
    };
    lang.text(id).into()
}

/// A state in a sentence, for the details.
pub(super) fn sentence(lang: Lang, tunnel: Option<&TunnelStatus>, now: Moment) -> String {
    let Some(tunnel) = tunnel else {
        return tr!(lang, "sentence-off").to_owned();
    };
    let id = match &tunnel.state {
        TunnelState::Off => id!("sentence-off"),
        TunnelState::Binding => {
            return tr!(
                lang,
                "sentence-binding",
                local = tunnel.spec.local.to_string()
            );
        }
        TunnelState::Resolving => id!("sentence-resolving"),
        TunnelState::Dialing { hop } => return tr!(lang, "sentence-dialing", hop = printable(hop)),
        TunnelState::Asking(_) => id!("sentence-asking"),
        TunnelState::Proving => id!("sentence-proving"),
        TunnelState::Open { since } => {
            return tr!(
                lang,
                "sentence-open",
                time = duration(lang, now.since(*since))
            );
        }
        TunnelState::Waiting { retry_at: None, .. } => id!("sentence-waiting-cluster"),
        TunnelState::Waiting {
            attempt,
            retry_at: Some(at),
            ..
        } => {
            let (time, attempt) = (seconds(lang, at.since(now)), attempt.saturating_add(1));
            return tr!(lang, "sentence-waiting", time = time, attempt = attempt);
        }
        TunnelState::Failed(_) => id!("sentence-failed"),
    };
    lang.text(id).to_owned()
}

/// What is worth a small line under the state: why it is not open, or that it leads into another cluster.
pub(super) fn remark(lang: Lang, tunnel: &TunnelStatus) -> String {
    match &tunnel.state {
        // The row's service is the one of the cluster that is shown.
        _ if tunnel.is_elsewhere => tr!(lang, "state-elsewhere").to_owned(),
        TunnelState::Waiting { fault, .. } => capitalised(&lang.fault_name(&fault.cause)),
        _ => String::new(),
    }
}

/// What a search finds a tunnel by.
pub(super) fn searched(lang: Lang, tunnel: Option<&TunnelStatus>) -> String {
    let Some(tunnel) = tunnel else {
        return tr!(lang, "state-off").to_lowercase();
    };
    let fault = tunnel.state.fault();
    format!(
        "{} {} {}",
        state(lang, Some(tunnel), Moment::START),
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
    let address = tunnel.listening.first();
    address.map(ToString::to_string).unwrap_or_default()
}

/// The port on this computer, now or planned; zero where it is a Unix socket.
pub(super) fn planned_port(tunnel: Option<&TunnelStatus>, port: u16) -> u16 {
    let local = tunnel.map(|tunnel| (tunnel.local_address(), &tunnel.spec.local));
    let preferred = LocalBind::preferred_for(port);
    match local {
        Some((Some(address), _)) => address.port(),
        other => match other.map_or(&preferred, |(_, local)| local) {
            LocalBind::Port { port, .. } => *port,
            LocalBind::Automatic { preferred } => *preferred,
            LocalBind::Socket(_) => 0,
        },
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
pub(super) fn question(lang: Lang, question: &Question) -> &'static str {
    lang.text(match question {
        Question::UnknownHostKey { .. } => id!("question-unknown-host"),
        Question::Passphrase { .. } => id!("question-passphrase"),
        Question::Password { .. } => id!("question-password"),
        Question::Sudo { .. } => id!("question-sudo"),
        Question::Interactive { .. } => id!("question-interactive"),
    })
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
pub(super) fn rate(lang: Lang, rate: Rate) -> String {
    let (down, up) = (each_second(lang, rate.down), each_second(lang, rate.up));
    format!("↓ {down}  ↑ {up}")
}

/// Bytes in each second.
pub(super) fn each_second(lang: Lang, count: u64) -> String {
    tr!(lang, "rate-each-second", bytes = bytes(count))
}

/// A time that is waited, rounded up: never "0 s" while there is something left.
fn seconds(lang: Lang, left: Duration) -> String {
    tr!(
        lang,
        "time-seconds",
        seconds = left.as_millis().div_ceil(1000)
    )
}

/// How long something has lasted, in words that need no repainting every second.
pub(super) fn duration(lang: Lang, lasted: Duration) -> String {
    let minutes = lasted.as_secs() / 60;
    match minutes {
        0 => tr!(lang, "time-moment").to_owned(),
        1..60 => tr!(lang, "time-minutes", minutes = minutes),
        _ => tr!(
            lang,
            "time-hours",
            hours = minutes / 60,
            minutes = minutes % 60
        ),
    }
}

/// `text` with a capital letter first, as a sentence begins; a login, an address or a file's name at its beginning stays as it is.
pub(super) fn first_upper(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_word = first
        .chars()
        .all(|letter| letter.is_ascii_alphabetic() || "',:".contains(letter));
    if is_word {
        capitalised(text)
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::testing::{key, ui_in};
    use crate::model::{Fault, FaultCause, ListenAddress, TunnelId};

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
    fn names_keep_their_letters_at_the_beginning_of_a_sentence() {
        for (text, expected) in [
            ("the SSH host", "The SSH host"),
            ("connect to a@b", "Connect to a@b"),
            ("ubuntu@10.0.0.2 refused", "ubuntu@10.0.0.2 refused"),
            ("ec2-user@host의 호스트 키", "ec2-user@host의 호스트 키"),
            ("", ""),
        ] {
            assert_eq!(first_upper(text), expected);
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
            assert_eq!(state(Lang::English, Some(tunnel), now), expected);
        }
    }

    #[test]
    fn a_tunnel_into_another_cluster_says_so_below_its_state() {
        let snapshot = ui_in(TunnelState::Proving);
        let mut tunnel = TunnelStatus::clone(&snapshot.tunnels[&TunnelId::service(key(), 80)]);
        assert_eq!(remark(Lang::English, &tunnel), "");
        tunnel.is_elsewhere = true;
        assert_eq!(remark(Lang::English, &tunnel), "In another cluster");
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
