//! Wanted stays wanted: what was open is open again after an end, a crash or a login, through real SSH servers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use crate::support::LIMIT;
use crate::support::computer::Computer;
use crate::support::inetd::free_port;
use crate::support::instance::kill;
use crate::support::servers::{closed_port, exchange};

/// Bytes pass through all of these ports.
fn carries(ports: &[u16]) {
    for port in ports {
        let address = SocketAddr::from(([127, 0, 0, 1], *port));
        assert_eq!(exchange(address, b"hello".to_vec()), b"hello");
    }
}

#[test]
fn what_was_open_is_open_again_after_an_end_and_after_a_crash() {
    let computer = Computer::with_services(&["web", "db", "api"]);
    computer.save_host("node", computer.sshd.port());
    let agent = computer.start();
    let ports = ["web", "db", "api"].map(|name| {
        let port = free_port();
        let (service, local) = (format!("default/{name}"), format!("127.0.0.1:{port}"));
        computer.home.ok(&["up", &service, "--local", &local]);
        port
    });
    computer.home.ok(&["down", "default/api"]);
    computer.open_are(&["web", "db"]);
    carries(&ports[..2]);

    // The session ends, or the computer: everybody is told to end.
    computer.terminate(agent);
    let agent = computer.start();
    computer.open_are(&["web", "db"]);
    carries(&ports[..2]);

    // A crash, in the middle of things.
    kill(agent);
    let agent = computer.start();
    computer.open_are(&["web", "db"]);
    carries(&ports[..2]);

    // What was opened meanwhile is remembered before anything is ended: no end is needed for it.
    computer.home.ok(&["up", "default/api"]);
    computer.home.ok(&["down", "default/web"]);
    computer.settings_when(|text| are_wanted(text, &["api", "db"]));
    kill(agent);
    let agent = computer.start();
    computer.open_are(&["db", "api"]);
    carries(&ports[1..]);
    computer.terminate(agent);

    // By a setting nothing is opened by itself, and nothing of it is forgotten.
    let settings = computer.settings_when(|text| text.contains("reopen_tunnels = true"));
    let settings = settings.replace("reopen_tunnels = true", "reopen_tunnels = false");
    fs::write(computer.settings_file(), settings).unwrap();
    let _agent = computer.start();
    // An answer about the cluster: from here on they would have been opened.
    let (_, said) = computer.home.fails(&["up", "default/no-such-service"]);
    assert!(said.contains("no LoadBalancer service"), "{said}");
    computer.open_are(&[]);
    computer.home.ok(&["up", "--all"]);
    computer.open_are(&["web", "db", "api"]);
    carries(&ports);
}

#[test]
fn a_crash_right_after_the_command_line_has_answered_loses_nothing_of_it() {
    let computer = Computer::with_services(&["web", "db"]);
    computer.save_host("node", computer.sshd.port());
    let agent = computer.start();
    for service in ["default/web", "default/db"] {
        computer.home.ok(&["up", service]);
    }
    kill(agent);
    let agent = computer.start();
    computer.open_are(&["web", "db"]);
    computer.home.ok(&["down", "default/web"]);
    kill(agent);
    let agent = computer.start();
    computer.open_are(&["db"]);
    computer.home.ok(&["down", "--all"]);
    kill(agent);
    let _agent = computer.start();
    computer.open_are(&[]);
}

#[test]
fn a_cluster_that_does_not_answer_after_a_restart_is_not_taken_for_another() {
    let computer = Computer::with_services(&["web"]);
    computer.save_host("node", computer.sshd.port());
    let agent = computer.start();
    computer.home.ok(&["up", "default/web"]);
    computer.open_are(&["web"]);
    computer.settings_when(|text| text.contains("cluster = \"tiny\""));
    computer.terminate(agent);
    let kubeconfig = fs::read_to_string(&computer.kubeconfig).unwrap();
    let (_, server) = kubeconfig.split_once("http://").unwrap();
    let server = server.split('"').next().unwrap();
    let nobody = format!("127.0.0.1:{}", closed_port());
    fs::write(&computer.kubeconfig, kubeconfig.replace(server, &nobody)).unwrap();
    let _agent = computer.start();
    let status = computer
        .home
        .status_when(|status| !status["tunnels"][0]["fault"].is_null());
    let fault = status["tunnels"][0]["fault"]["message"].as_str().unwrap();
    assert!(fault.contains(&nobody), "{fault}");
}

/// Whether the settings say that these services are to be open, and no others.
fn are_wanted(settings: &str, names: &[&str]) -> bool {
    let settings: toml::Table = toml::from_str(settings).unwrap();
    let tunnels = settings["tunnels"].as_table().unwrap();
    let up = tunnels
        .iter()
        .filter(|(_, tunnel)| tunnel["up"].as_bool() == Some(true));
    let up: BTreeSet<&str> = up
        .map(|(id, _)| id.split(['/', ':']).nth(1).unwrap())
        .collect();
    up == names.iter().copied().collect()
}

/// A way to the server that is closed until it is opened, and tells of who first stands before it.
struct Gate {
    port: u16,
    opened: mpsc::Sender<()>,
}

/// What happens at all gates.
#[derive(Clone, Default)]
struct Watch {
    waiting: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gate {
    fn to(
        server: u16,
        name: &'static str,
        watch: Watch,
        arrivals: mpsc::Sender<&'static str>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (opened, opening) = mpsc::channel();
        std::thread::spawn(move || {
            let mut clients = listener.incoming().map_while(Result::ok);
            let first = clients.next().unwrap();
            let waiting = watch.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            watch.most.fetch_max(waiting, Ordering::SeqCst);
            let _test_has_ended = arrivals.send(name);
            if opening.recv().is_err() {
                return;
            }
            watch.waiting.fetch_sub(1, Ordering::SeqCst);
            // Further sessions are made where the first is busy.
            for client in std::iter::once(first).chain(clients) {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                std::thread::spawn(move || relay(&client, &server));
            }
        });
        Self { port, opened }
    }
}

/// Carries bytes both ways until both have ended.
fn relay(one: &TcpStream, other: &TcpStream) {
    let carry = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        // A session that is killed ends as it does.
        let _end = std::io::copy(&mut from, &mut to);
        let _gone = to.shutdown(std::net::Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| carry(one, other));
        carry(other, one);
    });
}

/// Eight hosts, one tunnel through each: at the start the logins come a few at a time, those of favourites first.
#[test]
fn many_hosts_are_logged_in_to_in_turn_and_favourites_first() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const FAVOURITES: [&str; 4] = ["h", "e", "g", "c"];
    let computer = Computer::with_services(&NAMES);
    let watch = Watch::default();
    let (arrived, arrivals) = mpsc::channel();
    let gates = NAMES.map(|name| {
        let gate = Gate::to(computer.sshd.port(), name, watch.clone(), arrived.clone());
        computer.save_host(&format!("host-{name}"), gate.port);
        gate
    });
    write_settings(&computer, &FAVOURITES);

    let agent = computer.start();
    let next = || arrivals.recv_timeout(LIMIT).expect("nobody else comes");
    let first: BTreeSet<&str> = (0..4).map(|_| next()).collect();
    assert_eq!(first, BTreeSet::from(FAVOURITES));
    // All are wanted, and shown to be on their way.
    computer.home.status_when(|status| {
        let tunnels = status["tunnels"].as_array().unwrap();
        tunnels.len() == NAMES.len() && tunnels.iter().all(|tunnel| tunnel["light"] == "amber")
    });
    for gate in &gates {
        gate.opened.send(()).unwrap();
    }
    let rest: BTreeSet<&str> = (0..4).map(|_| next()).collect();
    assert!(first.is_disjoint(&rest), "{rest:?}");
    computer.open_are(&NAMES);
    let most = watch.most.load(Ordering::SeqCst);
    eprintln!("at most {most} of {} logins at a time", NAMES.len());
    assert_eq!(most, 4);
    computer.terminate(agent);
}

/// What an earlier run has written: a tunnel of each service through a host of its own, all of them wanted.
fn write_settings(computer: &Computer, favourites: &[&str]) {
    let favourites = favourites.iter().map(|name| format!("\"default/{name}\""));
    let favourites: Vec<String> = favourites.collect();
    let mut text = String::from("version = 1\nselected_host = \"host-a\"\n");
    writeln!(text, "favourites = [{}]", favourites.join(", ")).unwrap();
    for (name, address) in &computer.services {
        let port = address.port();
        writeln!(text, "[tunnels.\"default/{name}:{port}\"]\nup = true").unwrap();
        writeln!(
            text,
            "host = \"host-{name}\"\nlocal = {{ automatic = {} }}",
            free_port()
        )
        .unwrap();
    }
    fs::create_dir_all(computer.settings_file().parent().unwrap()).unwrap();
    fs::write(computer.settings_file(), text).unwrap();
}
