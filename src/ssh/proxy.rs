//! `ProxyCommand`: a command whose input and output take the place of the TCP connection.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::stream::Socket;
use crate::model::{Words, printable, words};

/// How long a command may take to end by itself once it was asked to, or its connection is gone.
const END_LIMIT: Duration = Duration::from_secs(1);

/// A command that runs. It ends with this value, and is waited for: nothing is left of it.
pub(super) struct Proxy {
    child: Child,
    /// What it said last on stderr.
    said: Arc<Mutex<String>>,
    /// Closed when everything that held its stderr has ended.
    silence: Receiver<()>,
    /// Whoever waits for the end sees this go.
    ended: Option<mpsc::Sender<()>>,
}

impl Proxy {
    /// Starts `command` by the person's shell. Returns the connection too.
    pub(super) fn start(command: &str) -> io::Result<(Self, Socket)> {
        let mut shell = shell(command);
        shell.stderr(Stdio::piped());
        let (mut child, socket) = connected(shell)?;
        let said = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&said);
        let (ended, silence) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            thread::Builder::new()
                .name("proxy-words".to_owned())
                .spawn(move || {
                    let _until_the_end: mpsc::Sender<()> = ended;
                    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                        let line = String::from_utf8_lossy(&line);
                        let line = printable(line.trim()).into_owned();
                        if !line.is_empty() {
                            tracing::warn!("ProxyCommand: {line}");
                            *heard.lock().unwrap_or_else(PoisonError::into_inner) = line;
                        }
                    }
                })?;
        }
        let proxy = Self {
            child,
            said,
            silence,
            ended: None,
        };
        Ok((proxy, socket))
    }

    /// What closes when the command has ended and this value is gone.
    pub(super) fn tell_end(&mut self) -> Receiver<()> {
        let (ended, told) = mpsc::channel();
        self.ended = Some(ended);
        told
    }

    /// How the command ended, with what it said last; none if it goes on. To be asked when the connection has ended.
    pub(super) fn end_in_words(&mut self) -> Option<Words> {
        // An error is the end of everything that could speak; in time or not, the command tells by itself.
        let _ended_or_not = self.silence.recv_timeout(END_LIMIT);
        let status = self.end_soon()?;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let status = status.to_string();
        Some(if said.is_empty() {
            words!("the ProxyCommand ended ({status})", status = status)
        } else {
            words!(
                "the ProxyCommand ended ({status}): {said}",
                status = status,
                said = said.as_str()
            )
        })
    }
}

/// How often a command that is ending is looked at.
const END_INTERVAL: Duration = Duration::from_millis(5);

impl Proxy {
    /// How the command ended. A process closes its streams a moment before it can be waited for.
    fn end_soon(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + END_LIMIT;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(END_INTERVAL),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_status))) {
            hang_up(&self.child);
            // Those that hold its stderr end with it; one that does not is not waited for longer.
            let _ended_or_not = self.silence.recv_timeout(END_LIMIT);
            // An error means that it has ended.
            let _ended = self.child.kill();
            let _ended = self.child.wait();
        }
    }
}

/// OpenSSH ends its proxy command by a SIGHUP too.
#[cfg(unix)]
fn hang_up(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let _ended = kill_process(Pid::from_child(child), Signal::HUP);
}

#[cfg(not(unix))]
fn hang_up(_child: &Child) {}

/// The person's shell, replaced by the command where that is one: then a signal reaches it.
#[cfg(unix)]
fn shell(command: &str) -> Command {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let mut shell = Command::new(shell.unwrap_or_else(|| "/bin/sh".into()));
    shell.arg("-c").arg(format!("exec {command}"));
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}

#[cfg(unix)]
fn connected(mut command: Command) -> io::Result<(Child, Socket)> {
    use std::os::fd::OwnedFd;
    let (near, far) = Socket::pair()?;
    let far = match far {
        Socket::Unix(stream) => OwnedFd::from(stream),
        Socket::Tcp(stream) => OwnedFd::from(stream),
    };
    command.stdin(far.try_clone()?).stdout(far);
    let child = command.spawn()?;
    // The command's ends are held by `command` until here; if we kept them, its end would never be seen.
    drop(command);
    Ok((child, near))
}

/// Where a process cannot be given a socket, threads carry the bytes to its pipes.
#[cfg(not(unix))]
fn connected(mut command: Command) -> io::Result<(Child, Socket)> {
    let (near, far) = Socket::pair()?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let Socket::Tcp(mut far) = far;
    let no_pipe = || io::Error::other("the command has no pipes");
    let mut input = child.stdin.take().ok_or_else(no_pipe)?;
    let mut output = child.stdout.take().ok_or_else(no_pipe)?;
    let mut back = far.try_clone()?;
    thread::spawn(move || {
        let _until_the_end = io::copy(&mut far, &mut input);
    });
    thread::spawn(move || {
        let _until_the_end = io::copy(&mut output, &mut back);
        let _gone = back.shutdown(std::net::Shutdown::Both);
    });
    Ok((child, near))
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn unix(socket: Socket) -> std::os::unix::net::UnixStream {
        match socket {
            Socket::Unix(stream) => stream,
            Socket::Tcp(_) => panic!("not a pair of Unix sockets"),
        }
    }

    #[test]
    fn bytes_go_in_and_come_out() {
        let (proxy, socket) = Proxy::start("cat").unwrap();
        let mut stream = unix(socket);
        stream.write_all(b"hello").unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"hello");
        drop(proxy);
        assert_eq!(stream.read(&mut back).unwrap_or(0), 0, "it has ended");
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let (mut proxy, socket) = Proxy::start("sh -c 'echo no such way >&2; exit 3'").unwrap();
        assert_eq!(unix(socket).read(&mut [0]).unwrap(), 0);
        let words = proxy.end_in_words().unwrap().to_string();
        assert!(
            words.contains('3') && words.ends_with(": no such way"),
            "{words}"
        );
    }

    #[test]
    fn one_that_will_not_end_is_killed() {
        let (proxy, socket) =
            Proxy::start("sh -c 'trap \"\" HUP; echo x; while :; do read y; done'").unwrap();
        let mut stream = unix(socket);
        stream.read_exact(&mut [0; 2]).unwrap();
        drop(proxy);
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
}
