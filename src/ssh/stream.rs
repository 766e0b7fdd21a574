//! A byte stream that is either TCP or a Unix socket, blocking or polled.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

/// A connected stream in the hands of blocking code, or on its way to a session's loop.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Two ends of one stream within this process.
    ///
    /// # Errors
    /// Whatever the system says, chiefly that there are no descriptors left.
    #[cfg(unix)]
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = UnixStream::pair()?;
        Ok((Self::Unix(one), Self::Unix(other)))
    }

    /// Two ends of one stream within this process, by way of loopback, where the system has no socket pairs.
    ///
    /// # Errors
    /// Whatever the system says, and `ConnectionRefused` if another process took the place of the second end.
    #[cfg(not(unix))]
    pub fn pair() -> io::Result<(Self, Self)> {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        let one = TcpStream::connect(listener.local_addr()?)?;
        let (other, peer) = listener.accept()?;
        if peer != one.local_addr()? {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok((Self::Tcp(one), Self::Tcp(other)))
    }

    /// A second handle to the same stream.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }

    /// Ends the stream in both directions; whoever waits on it is woken.
    pub fn shut_down(&self) {
        // An error means that the stream has ended already, which is what was wanted.
        let _ended_already = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    /// Closes the stream so that the other side sees a reset, where the kind of stream has such a thing.
    pub fn reset(self) {
        if let Some(stream) = self.tcp() {
            linger_zero(&SockRef::from(stream));
        }
    }

    fn tcp(&self) -> Option<&std::net::TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_nonblocking(true),
        }
    }

    /// Receives what has arrived.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    /// Sends as much as the system takes.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => (&mut &*stream).write(bytes),
        }
    }

    /// Hands the stream to libssh2, which keeps its own handle to it.
    pub(super) fn give_to(self, session: &mut ssh2::Session) {
        match self {
            Self::Tcp(stream) => session.set_tcp_stream(stream),
            #[cfg(unix)]
            Self::Unix(stream) => session.set_tcp_stream(stream),
        }
    }
}

/// A connected stream in a session's loop: never blocks.
pub(super) enum Stream {
    Tcp(mio::net::TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

impl Stream {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking()?;
        // Whatever becomes of it on its way, in a queue of a session that has just ended say, a cut must look like one.
        if let Some(stream) = socket.tcp() {
            linger_zero(&SockRef::from(stream));
        }
        Ok(match socket {
            Socket::Tcp(stream) => Self::Tcp(mio::net::TcpStream::from_std(stream)),
            #[cfg(unix)]
            Socket::Unix(stream) => Self::Unix(mio::net::UnixStream::from_std(stream)),
        })
    }

    fn tcp(&self) -> Option<&mio::net::TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// The address at the other end, where it is a TCP one.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// The address of this computer from which the stream was made, if that has moved on: it is no longer this computer's, while
    /// the other end is reached from another one. Nothing will ever come through again. While there is no way there at all
    /// nothing is known: the address may come back.
    pub(super) fn deserted(&self) -> Option<IpAddr> {
        let stream = self.tcp()?;
        let (mut own, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
        own.set_port(0);
        let gone = UdpSocket::bind(own).err()?;
        if gone.kind() != io::ErrorKind::AddrNotAvailable {
            return None;
        }
        let any: IpAddr = match own {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Nothing is sent: the system only tells by which way it would.
        UdpSocket::bind((any, 0)).ok()?.connect(peer).ok()?;
        Some(own.ip())
    }

    /// Ends this direction: the other side reads the end of the stream.
    pub(super) fn shut_down_writing(&self) {
        // An error means that the stream has ended already, which is what was wanted.
        let _ended_already = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Says a few bytes before the close that follows. Nothing was written yet, so the system takes them at once.
    pub(super) fn say_last(&mut self, bytes: &[u8]) {
        if let Err(error) = self.write_all(bytes) {
            tracing::debug!(%error, "a client left before it was told why");
        }
        self.end_in_order();
    }

    /// Has the close that follows let everything arrive that was written. Without this it is a reset.
    pub(super) fn end_in_order(&self) {
        let Some(stream) = self.tcp() else { return };
        if let Err(error) = SockRef::from(stream).set_linger(None) {
            tracing::debug!(%error, "a connection ends in a reset");
        }
    }
}

/// With nothing to linger for, a close is a reset (POSIX, `SO_LINGER`).
fn linger_zero(socket: &SockRef<'_>) {
    if let Err(error) = socket.set_linger(Some(Duration::ZERO)) {
        tracing::debug!(%error, "a connection could not be told to reset");
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interests),
            #[cfg(unix)]
            Self::Unix(stream) => stream.register(registry, token, interests),
        }
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interests),
            #[cfg(unix)]
            Self::Unix(stream) => stream.reregister(registry, token, interests),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            #[cfg(unix)]
            Self::Unix(stream) => stream.deregister(registry),
        }
    }
}
