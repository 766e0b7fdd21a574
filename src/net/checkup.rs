//! Whether a local port could be listened on now. Nothing stays open.

use super::listener::bind;
use crate::model::{Check, CheckArea, Fault, FaultCause, LocalBind};

/// So much of a process's name Linux keeps (`TASK_COMM_LEN`, less its end).
const LINUX_NAME_BYTES: usize = 15;

/// Looks whether `local`, where the tunnel `whose` is to be opened, is free. None where Adit chooses the port itself, or a socket's
/// file is asked for.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn port_checkup(whose: &str, local: &LocalBind) -> Option<Check> {
    let LocalBind::Port { .. } = local else {
        return None;
    };
    let area = CheckArea::Port;
    let check = match bind(local, &[]) {
        Ok(_listener) => Check::ok(area, format!("the local port {local} of {whose} is free")),
        // Adit itself, most likely with this very tunnel.
        Err(fault) if is_held_by_adit(&fault) => Check::ok(
            area,
            format!("the local port {local} of {whose} is open: Adit holds it"),
        ),
        Err(fault) => Check::problem(
            area,
            format!("the local port {local} of {whose} cannot be used: {fault}"),
            fault.next_step(),
        ),
    };
    Some(check.at(local))
}

fn is_held_by_adit(fault: &Fault) -> bool {
    let FaultCause::PortInUse {
        holder: Some(holder),
        ..
    } = &fault.cause
    else {
        return false;
    };
    let own = std::env::current_exe();
    let own = own
        .ok()
        .and_then(|path| path.file_stem().map(ToOwned::to_owned));
    own.is_some_and(|own| is_name_of(&own.to_string_lossy(), &holder.name))
}

/// Whether the system calls a process of the program `own` so: Linux cuts names, Windows adds to them.
fn is_name_of(own: &str, name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    own == name || (name.len() == LINUX_NAME_BYTES && own.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CheckStatus, ListenAddress};

    #[tokio::test]
    async fn a_port_is_free_or_held() {
        let held = bind(&LocalBind::loopback(0), &[]).unwrap();
        let ListenAddress::Tcp(address) = held.addresses()[0] else {
            panic!("a port was asked for")
        };
        let local = LocalBind::loopback(address.port());
        // The holder is this very program, and Adit's own tunnel is no trouble.
        let check = port_checkup("default/ui:80", &local).unwrap();
        assert_eq!(check.status, CheckStatus::Ok, "{check:?}");
        assert!(check.what.contains("Adit holds it"), "{check:?}");
        drop(held);
        let check = port_checkup("default/ui:80", &local).unwrap();
        assert!(check.what.contains("is free"), "{check:?}");
        assert_eq!(check.place, Some(local.to_string()));
        let automatic = LocalBind::Automatic { preferred: 80 };
        assert_eq!(port_checkup("default/ui:80", &automatic), None);
    }

    #[test]
    fn a_program_is_known_by_what_is_left_of_its_name() {
        for (name, is_own) in [
            ("adit", true),
            ("adit.exe", true),
            ("ad", false),
            ("audit", false),
        ] {
            assert_eq!(is_name_of("adit", name), is_own, "{name}");
        }
        assert!(is_name_of("adit-0123456789abcdef", "adit-0123456789"));
        assert!(!is_name_of("adit-0123456789abcdef", "adit-01234"));
    }
}
