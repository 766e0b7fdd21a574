//! The network under a tunnel changes: an interface goes down and comes back, packets are lost in silence, the address changes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::network::FarSite;
use crate::support::servers::{connect, digest, echo, exchange, noise, source};

const DOWNLOAD: usize = 32 << 20;

fn works(site: &FarSite, address: SocketAddr) {
    let data = noise(300_000);
    let back = site.near(|| exchange(address, data.clone()));
    assert_eq!(digest(&back), digest(&data));
}

/// The next event that tells that the tunnel does not stand, and how long it took.
fn goes_amber(adit: &Running, since: Instant) -> Duration {
    let is_amber = |event: &Value| event["event"] == "state" && event["state"] != "open";
    adit.event_within(Duration::from_secs(30), is_amber);
    since.elapsed()
}

/// A download that is under way and that its reader has not taken yet.
fn begun(site: &FarSite, adit: &Running) -> TcpStream {
    let address = adit.listening(0);
    let before = site.network.received();
    let stream = site.near(|| connect(address));
    let end = Instant::now() + LIMIT;
    while site.network.received() < before + (1 << 20) {
        assert!(Instant::now() < end, "nothing comes");
        std::thread::yield_now();
    }
    stream
}

#[test]
fn an_interface_that_goes_down_for_a_moment_costs_no_byte() {
    let site = FarSite::start(&[]);
    let (target, _) = source(DOWNLOAD);
    let adit = site.forward(&[target], &[]);
    let mut stream = begun(&site, &adit);
    site.network.take_down();
    site.network.bring_up();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(digest(&got), digest(&noise(DOWNLOAD)));
    assert!(!adit.words().contains("was lost"), "{}", adit.words());
}

#[test]
fn an_interface_that_stays_down_is_told_and_the_tunnel_is_back_with_it() {
    let site = FarSite::start(&[]);
    let (target, _) = source(DOWNLOAD);
    let adit = site.forward(&[target, echo()], &[]);
    let mut stream = begun(&site, &adit);
    let struck = Instant::now();
    site.network.take_down();
    let after = goes_amber(&adit, struck);
    assert!(after < Duration::from_secs(18), "{after:?}");
    // What had arrived is given to the client, and then an error, never an end.
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap_err();
    assert!(got.len() < DOWNLOAD && noise(DOWNLOAD)[..got.len()] == got);
    let mended = Instant::now();
    site.network.bring_up();
    adit.state("open");
    // The pause between two tries may be longer by then: it is the network's return that is acted upon.
    let took = mended.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn lost_packets_are_found_out_within_fifteen_seconds_and_the_tunnel_comes_back() {
    let site = FarSite::start(&[]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    works(&site, address);
    let mut client = site.near(|| connect(address));
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let struck = Instant::now();
    site.network.lose_packets();
    let after = goes_amber(&adit, struck);
    // Fifteen, and a busy machine's margin.
    assert!(after < Duration::from_secs(18), "{after:?}");
    client.read_exact(&mut [0]).unwrap_err();
    site.network.carry_packets();
    adit.state("open");
    works(&site, address);
}

#[test]
fn another_address_is_noticed_at_once_and_the_tunnel_goes_on_from_there() {
    let mut site = FarSite::start(&[]);
    let adit = site.forward(&[echo()], &[]);
    let address = adit.listening(0);
    works(&site, address);
    let struck = Instant::now();
    site.network.change_address();
    let after = goes_amber(&adit, struck);
    adit.state("open");
    works(&site, address);
    // No keepalive would be as quick.
    assert!(after < Duration::from_secs(7), "{after:?}");
    let words = adit.words();
    assert!(words.contains("made from 10.77.0.1,"), "{words}");
}

/// Everything that one client says comes back.
fn answers(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut back = [0; 5];
    stream.write_all(b"hello").is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"hello"
}

/// After a change of the network it is not known whether a session still has a server. A session that takes its time with the
/// answer is replaced: new clients go by another one, and those that it carries stay.
#[test]
fn a_session_in_doubt_is_replaced_and_keeps_what_it_carries() {
    let site = FarSite::start(&[]);
    let adit = site.forward(&[echo()], &["AditSessions=1"]);
    let address = adit.listening(0);
    let mut old = site.near(|| connect(address));
    assert!(answers(&mut old, LIMIT));
    site.signal_sessions(Signal::STOP);
    site.network.stir();
    let stopped = Instant::now();
    // Those that come before the change is noticed are still given to the old session.
    while !answers(&mut site.near(|| connect(address)), Duration::from_secs(1)) {
        assert!(stopped.elapsed() < LIMIT);
    }
    let replaced = stopped.elapsed();
    site.signal_sessions(Signal::CONT);
    assert!(replaced < Duration::from_secs(7), "{replaced:?}");
    assert!(answers(&mut old, LIMIT), "what it carried goes on");
    assert!(!adit.words().contains("was lost"), "{}", adit.words());
    assert!(answers(&mut site.near(|| connect(address)), LIMIT));
}
