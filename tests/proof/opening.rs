//! The line to the server, and the server itself, fail while a tunnel is being opened.

use std::time::{Duration, Instant};

use crate::client::{Site, listeners_turn_away};
use crate::faults::{
    BLOWS, Blow, COLUMNS, PATIENCE, QUICK, Seen, open_again, recover, shown, strike, wait_for,
    works,
};
use crate::line::{Cut, Plan, Way};
use crate::support::servers::echo;
use crate::table::Table;

/// How many bytes Adit sends until its tunnel stands.
pub(crate) fn bytes_of_a_login() -> u64 {
    let site = Site::new(&[]);
    let adit = site.forward(&[echo()], &QUICK);
    adit.listening(0);
    site.line.carried(Way::Up)
}

/// The line is held after so many bytes, and what happens then happens at that moment.
fn while_opening(blow: Blow, fault: &'static str, moment: &'static str, after: u64) -> Seen {
    let mut site = Site::new(&[]);
    let at = |cut| Plan {
        cut,
        way: Way::Up,
        after,
    };
    let adit = match blow {
        // The relay cuts by itself, at the very byte.
        Blow::Line(cut) => {
            site.line.cut(at(cut));
            site.forward(&[echo()], &QUICK)
        }
        Blow::Killed | Blow::Stopped => {
            site.line.cut(at(Cut::Hold));
            let adit = site.forward(&[echo()], &QUICK);
            wait_for(|| site.line.is_held());
            strike(&mut site, blow);
            site.line.mend();
            adit
        }
    };
    let (shown, shown_after) = shown(&adit, Instant::now());
    listeners_turn_away(adit.pid());
    recover(&mut site, blow);
    let healed_after = open_again(&adit, Instant::now());
    works(adit.listening(0));
    Seen {
        fault,
        moment,
        shown,
        shown_after,
        healed_after,
        data: "none yet; a client is turned away",
    }
}

/// At how many moments of a login the line is cut.
const MOMENTS: u64 = 16;

/// The line is cut again and again on one way to a server, a little later each time.
fn at_every_moment(cut: Cut, login: u64) {
    let site = Site::new(&[]);
    for moment in 0..MOMENTS {
        let after = login * moment / MOMENTS;
        site.line.cut(Plan {
            cut,
            way: Way::Up,
            after,
        });
        let adit = site.forward(&[echo()], &QUICK);
        let started = Instant::now();
        let event = adit.event_within(PATIENCE, |event| {
            !event["fault"].is_null() || event["state"] == "open"
        });
        let (fault, shown_after) = (&event["fault"], started.elapsed());
        if fault.is_null() {
            // No two logins take the same number of bytes: this one was over before the last moments.
            assert!(
                moment > MOMENTS / 2,
                "{cut:?} after {after} of {login} bytes"
            );
            return;
        }
        let words = format!("{cut:?} after {after} of {login} bytes: {fault}");
        let codes = ["connect-reset", "handshake-failed", "session-lost"];
        assert!(codes.contains(&fault["code"].as_str().unwrap()), "{words}");
        // Neither libssh2's own words, nor those of a key that could not be used.
        for part in ["libssh2", "Unable", "userauth", "sign", "cannot be used"] {
            assert!(
                !fault["message"].as_str().unwrap().contains(part),
                "{words}"
            );
        }
        // What is silent is found out in the time that was set, whatever it was silent in the middle of.
        assert!(
            shown_after < Duration::from_secs(15),
            "{shown_after:?}: {words}"
        );
        site.line.mend();
        open_again(&adit, Instant::now());
    }
}

#[test]
fn whenever_a_login_is_cut_the_fault_says_what_happened() {
    let login = bytes_of_a_login();
    let cuts = [Cut::Silence, Cut::Fin, Cut::Rst];
    let cuts = cuts.map(|cut| std::thread::spawn(move || at_every_moment(cut, login)));
    for cut in cuts {
        cut.join().unwrap();
    }
}

#[test]
fn a_line_or_a_server_that_fails_while_a_tunnel_is_opened() {
    let login = bytes_of_a_login();
    let moments = [
        ("dialling", 0),
        ("key exchange", login / 3),
        ("authenticating", login * 3 / 4),
        ("proving", login * 19 / 20),
    ];
    let mut table = Table::new("opening", &COLUMNS);
    for (moment, after) in moments {
        let cells: Vec<_> = BLOWS
            .into_iter()
            .map(|(blow, fault)| {
                std::thread::spawn(move || while_opening(blow, fault, moment, after))
            })
            .collect();
        for cell in cells {
            cell.join().unwrap().into_line(&mut table);
        }
    }
    table.finish();
}
