//! Channels that are opened before anybody asks for them, over a long line, as their target sees it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::LIMIT;
use crate::support::adit::Running;
use crate::support::servers::{connect, delayed, to};
use crate::support::sshd::Sshd;

/// A target that counts those who connect, in their order, and says back what it hears.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    /// What each of them has said.
    heard: Arc<Mutex<Vec<Option<u8>>>>,
}

impl Target {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
        };
        let all = target.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut heard = all.heard.lock().unwrap();
                let place = heard.len();
                heard.push(None);
                let target = all.clone();
                std::thread::spawn(move || target.serve(stream, place));
            }
        });
        target
    }

    fn serve(&self, mut stream: TcpStream, place: usize) {
        let mut word = [0];
        // A proof, and a channel that nobody wanted, say nothing.
        if stream.read_exact(&mut word).is_ok() {
            self.heard.lock().unwrap()[place] = Some(word[0]);
            let _gone = stream.write_all(&word);
        }
    }

    fn connected(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// The place of the connection that has said this.
    fn place_of(&self, word: u8) -> usize {
        let heard = self.heard.lock().unwrap();
        heard.iter().position(|it| *it == Some(word)).unwrap()
    }
}

/// A client that says a word and hears it again; whether its connection to the target was there before it came.
fn was_awaited(target: &Target, address: SocketAddr, word: u8) -> bool {
    let before = target.connected();
    let mut stream = connect(address);
    stream.write_all(&[word]).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    target.place_of(word) < before
}

/// A tunnel over a line with a round trip of 40 ms. A command leads to it, so that its length must be found out.
fn over_a_long_line(sshd: &Sshd, target: &Target, options: &[&str]) -> Running {
    let line = delayed(sshd.port(), Duration::from_millis(20));
    let way = format!("ProxyCommand=nc 127.0.0.1 {}", line.port());
    let forward = to(target.address);
    let words = ["-o", &way, "-o", "AditSessions=1", "-L", &forward];
    Running::forward(sshd, &[&words[..], options].concat())
}

#[test]
fn a_client_of_many_finds_a_channel_that_was_opened_before_it_came() {
    let (sshd, target) = (Sshd::start(&[]), Target::start());
    let adit = over_a_long_line(&sshd, &target, &[]);
    let address = adit.listening(0);
    let end = Instant::now() + LIMIT;
    let awaited = (0..=u8::MAX).any(|word| {
        assert!(Instant::now() < end, "no channel is opened ahead");
        was_awaited(&target, address, word)
    });
    assert!(awaited);
}

#[test]
fn where_it_is_turned_off_the_target_sees_those_who_come_and_nobody_else() {
    let (sshd, target) = (Sshd::start(&[]), Target::start());
    let adit = over_a_long_line(&sshd, &target, &["-o", "AditOpenAhead=no"]);
    let address = adit.listening(0);
    for word in 0..20 {
        assert!(!was_awaited(&target, address, word), "{word}");
    }
    // The proof, and the clients: the server opens channels in the order in which they are asked for.
    assert_eq!(target.connected(), 1 + 20);
}
