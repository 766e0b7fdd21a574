//! A port whose connections are each served by a process of their own, as inetd does it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

use super::LIMIT;

/// Listens for as long as it lives; the processes end with it.
pub(crate) struct Inetd {
    port: u16,
    knock: Box<dyn Fn() + Send>,
    stop: Arc<AtomicBool>,
    sessions: Arc<Sessions>,
    thread: Option<JoinHandle<()>>,
}

/// What serves the connections.
#[derive(Default)]
struct Sessions {
    state: Mutex<State>,
    thawed: Condvar,
}

#[derive(Default)]
struct State {
    running: Vec<Child>,
    /// All is stopped (SIGSTOP), as a server that hangs is: connections come to stand, and nobody serves them.
    is_frozen: bool,
}

impl State {
    fn signal(&self, signal: Signal) {
        for session in &self.running {
            // One that has ended by itself is no group any more.
            let _ended = kill_process_group(Pid::from_child(session), signal);
        }
    }
}

impl Inetd {
    /// Listens on `port` of loopback, 0 for any. `serve` starts a process in a group of its own.
    pub(crate) fn start(port: u16, serve: impl Fn(TcpStream) -> Child + Send + 'static) -> Self {
        let listener = match port {
            0 => bind_anywhere(),
            port => bind_again(port),
        };
        let port = listener.local_addr().unwrap().port();
        Self::on(listener, serve, move || {
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        })
    }

    /// The same on a listener that is there already; `knock` makes a connection to it.
    pub(crate) fn on(
        listener: TcpListener,
        serve: impl Fn(TcpStream) -> Child + Send + 'static,
        knock: impl Fn() + Send + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let sessions = Arc::<Sessions>::default();
        let (stopped, started) = (Arc::clone(&stop), Arc::clone(&sessions));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                let state = started.state.lock().unwrap();
                let mut state = started
                    .thawed
                    .wait_while(state, |state| state.is_frozen)
                    .unwrap();
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                state.running.push(serve(stream));
            }
        });
        Self {
            port,
            knock: Box::new(knock),
            stop,
            sessions,
            thread: Some(thread),
        }
    }

    /// Sends a signal to every process that serves a connection.
    pub(crate) fn signal(&self, signal: Signal) {
        self.sessions.state.lock().unwrap().signal(signal);
    }

    /// Ends what serves the first connection (-9).
    pub(crate) fn kill_first(&self) {
        let state = self.sessions.state.lock().unwrap();
        let first = state.running.first().unwrap();
        kill_process_group(Pid::from_child(first), Signal::KILL).unwrap();
    }

    /// Stops every process that serves a connection, and has new connections wait.
    #[allow(dead_code, reason = "not all tests that share this ask for it")]
    pub(crate) fn freeze(&self) {
        let mut state = self.sessions.state.lock().unwrap();
        state.is_frozen = true;
        state.signal(Signal::STOP);
    }

    /// Has everything go on.
    pub(crate) fn thaw(&self) {
        let mut state = self.sessions.state.lock().unwrap();
        state.is_frozen = false;
        state.signal(Signal::CONT);
        self.sessions.thawed.notify_all();
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Listens where a server listened that has been stopped. A process that was being started meanwhile has that server's socket
/// until it becomes another program: the port is free when all such have.
fn bind_again(port: u16) -> TcpListener {
    let end = Instant::now() + LIMIT;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < end => {
                std::thread::yield_now();
            }
            bound => return bound.unwrap(),
        }
    }
}

/// A port on which nobody listens, and which nobody is given who does not ask for it.
pub(crate) fn free_port() -> u16 {
    bind_anywhere().local_addr().unwrap().port()
}

/// A free port below those that the system gives out by itself: a server that is stopped finds its own again.
fn bind_anywhere() -> TcpListener {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let next = NEXT.fetch_add(1, Ordering::SeqCst);
        let port = 20_000 + (first + next) % 12_000;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener;
        }
    }
}

impl Drop for Inetd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thaw();
        // The thread sits in accept: a connection wakes it.
        (self.knock)();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        for mut session in self.sessions.state.lock().unwrap().running.drain(..) {
            // One that has ended by itself is no group any more.
            let _ended = kill_process_group(Pid::from_child(&session), Signal::KILL);
            session.wait().unwrap();
        }
    }
}
