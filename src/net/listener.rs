//! Binding a tunnel's local side, and accepting its clients.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::time::timeout;

use super::holder::holder_of;
use crate::model::{BindAddress, Fault, FaultCause, ListenAddress, LocalBind, words};

/// How many clients may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How many ports above the preferred one are tried before the system chooses.
const PORTS_TRIED: u16 = 64;

/// The pause after the system could not accept, chiefly for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long clients wait for a descriptor before they are turned away: many that come at once are soon over.
const CLIENTS_WAIT: Duration = Duration::from_secs(3);

/// How long all clients must have been accepted until it is over that they are turned away.
const RELIEF: Duration = Duration::from_secs(5);

/// A bound local side: one listener, or one for each address that a name like `localhost` stands for.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    addresses: Vec<ListenAddress>,
    /// Holds the place in the table of descriptors by which clients can be turned away when there is no other.
    spare: Option<Socket>,
    /// Since when no client could be accepted.
    failing: Option<Instant>,
    /// When that was so last, while clients are turned away.
    turned_away: Option<Instant>,
}

#[derive(Debug)]
enum Kind {
    Tcp(Vec<TcpListener>),
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        _file: RemoveOnDrop,
    },
}

/// The socket's file goes with the listener.
#[cfg(unix)]
#[derive(Debug)]
struct RemoveOnDrop(PathBuf);

#[cfg(unix)]
impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "a socket's file was gone already");
        }
    }
}

/// What comes of listening.
#[derive(Debug)]
pub enum Arrival {
    /// A client.
    Client(Accepted),
    /// The system can accept no clients, chiefly for want of descriptors: they are turned away from now on.
    TurningAway(io::Error),
    /// They are accepted again.
    Accepting,
}

/// A client that has connected.
#[derive(Debug)]
pub enum Accepted {
    /// By TCP, from this address.
    Tcp(std::net::TcpStream, SocketAddr),
    /// Through a Unix socket.
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    fn reset(self) {
        if let Self::Tcp(stream, _) = &self
            && let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO))
        {
            tracing::debug!(%error, "a client is turned away by an end");
        }
    }
}

/// Binds what `local` asks for. Ports in `taken` are other tunnels' and are passed over when Adit chooses.
///
/// # Errors
/// A [`Fault`]: the port is in use (by whom, and which one is free), or cannot be bound for another reason.
pub fn bind(local: &LocalBind, taken: &[u16]) -> Result<Listener, Fault> {
    match local {
        LocalBind::Port { address, port } => {
            bind_named(address, *port, taken).map_err(Fault::local)
        }
        LocalBind::Automatic { preferred } => {
            bind_automatic(*preferred, taken).map_err(Fault::local)
        }
        LocalBind::Socket(path) => {
            bind_socket(path).map_err(|error| failed(&path.display(), &error))
        }
    }
}

impl Listener {
    /// What it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// The next client. Where the system cannot accept it is asked again after a pause, and whoever waits too long meanwhile is
    /// turned away, since the system itself would have them wait for ever: the beginning and the end of that are told.
    pub async fn next(&mut self) -> Arrival {
        loop {
            if self.is_relieved() {
                self.turned_away = None;
                return Arrival::Accepting;
            }
            let accepted = match self.turned_away {
                None => self.try_accept().await,
                Some(last) => {
                    let left = RELIEF.saturating_sub(last.elapsed());
                    match timeout(left, self.try_accept()).await {
                        Ok(accepted) => accepted,
                        Err(_nobody_came) => continue,
                    }
                }
            };
            match accepted {
                Ok(client) => {
                    self.failing = None;
                    return Arrival::Client(client);
                }
                Err(error) => {
                    if self.has_failed(&error) {
                        return Arrival::TurningAway(error);
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Whether clients that were turned away could be accepted for long enough.
    fn is_relieved(&mut self) -> bool {
        let Some(last) = self.turned_away.filter(|last| last.elapsed() >= RELIEF) else {
            return false;
        };
        // Nobody may have come meanwhile: a socket of its own shows whether there is a descriptor.
        let free = spare();
        self.turned_away = Some(if free.is_some() { last } else { Instant::now() });
        let is_relieved = free.is_some();
        self.spare = self.spare.take().or(free);
        is_relieved
    }

    /// No client could be accepted; whether they are turned away from now on.
    fn has_failed(&mut self, error: &io::Error) -> bool {
        let now = Instant::now();
        if self.failing.is_none() {
            tracing::debug!(%error, "clients of {} cannot be accepted", self.name());
        }
        let since = *self.failing.get_or_insert(now);
        if now.duration_since(since) < CLIENTS_WAIT {
            return false;
        }
        self.turn_clients_away();
        self.turned_away.replace(now).is_none()
    }

    fn name(&self) -> String {
        let address = self.addresses.first();
        address.map(ToString::to_string).unwrap_or_default()
    }

    /// Resets all who wait, by the place that was kept for this.
    fn turn_clients_away(&mut self) {
        self.spare = None;
        while let Some(Ok(client)) = self.try_accept().now_or_never() {
            client.reset();
        }
        self.spare = spare();
    }

    async fn try_accept(&self) -> io::Result<Accepted> {
        match &self.kind {
            Kind::Tcp(listeners) => {
                let accepts = listeners.iter().map(|listener| Box::pin(listener.accept()));
                let (result, _, _) = futures::future::select_all(accepts).await;
                let (stream, origin) = result?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream.into_std()?, origin))
            }
            #[cfg(unix)]
            Kind::Unix { listener, .. } => {
                Ok(Accepted::Unix(listener.accept().await?.0.into_std()?))
            }
        }
    }
}

fn bind_named(address: &BindAddress, port: u16, taken: &[u16]) -> Result<Listener, FaultCause> {
    let (first, second) = match address {
        BindAddress::Localhost => (
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ),
        BindAddress::All => (
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        ),
        BindAddress::Ip(ip) => (*ip, None),
    };
    let wanted = SocketAddr::new(first, port);
    let listener = listen(wanted).map_err(|error| bind_cause(wanted, &error, taken))?;
    let bound = listener
        .local_addr()
        .map_err(|error| bind_cause(wanted, &error, taken))?;
    let mut listeners = vec![listener];
    // The IPv6 half is a convenience: many machines have none.
    if let Some(ip) = second
        && let Ok(listener) = listen(SocketAddr::new(ip, bound.port()))
    {
        listeners.push(listener);
    }
    Ok(tcp(listeners))
}

fn bind_automatic(preferred: u16, taken: &[u16]) -> Result<Listener, FaultCause> {
    let near = (0..PORTS_TRIED)
        .filter_map(|step| preferred.checked_add(step))
        .filter(|port| !taken.contains(port));
    for port in near {
        if let Ok(listener) = listen(loopback(port)) {
            return Ok(tcp(vec![listener]));
        }
    }
    let listener =
        listen(loopback(0)).map_err(|error| bind_cause(loopback(preferred), &error, taken))?;
    Ok(tcp(vec![listener]))
}

fn spare() -> Option<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, None).ok()
}

fn tcp(listeners: Vec<TcpListener>) -> Listener {
    let addresses = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .map(ListenAddress::Tcp)
        .collect();
    Listener {
        kind: Kind::Tcp(listeners),
        addresses,
        spare: spare(),
        failing: None,
        turned_away: None,
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Unix this only lets a port be bound again whose last connections linger; on Windows it would let it be stolen.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(unix)]
fn bind_socket(path: &Path) -> io::Result<Listener> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = RemoveOnDrop(path.to_owned());
    // Before it listens: nobody else can have connected.
    set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    let listener = UnixListener::from_std(socket.into())?;
    Ok(Listener {
        kind: Kind::Unix {
            listener,
            _file: file,
        },
        addresses: vec![ListenAddress::Socket(path.to_owned())],
        spare: spare(),
        failing: None,
        turned_away: None,
    })
}

#[cfg(not(unix))]
fn bind_socket(_path: &Path) -> io::Result<Listener> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "Unix sockets cannot be listened on here",
    ))
}

fn bind_cause(address: SocketAddr, error: &io::Error, taken: &[u16]) -> FaultCause {
    if error.kind() == io::ErrorKind::AddrInUse {
        let free_port = free_port_near(address, taken);
        return FaultCause::PortInUse {
            address,
            holder: holder_of(address),
            free_port,
        };
    }
    FaultCause::BindFailed {
        address: address.to_string(),
        reason: error.to_string().into(),
    }
}

/// A port that could be bound a moment ago: the next above, or any.
fn free_port_near(address: SocketAddr, taken: &[u16]) -> Option<u16> {
    let is_free = |port: &u16| listen(SocketAddr::new(address.ip(), *port)).is_ok();
    let near = (1..PORTS_TRIED).filter_map(|step| address.port().checked_add(step));
    near.filter(|port| !taken.contains(port))
        .find(is_free)
        .or_else(|| {
            let any = listen(SocketAddr::new(address.ip(), 0)).ok()?;
            any.local_addr().ok().map(|address| address.port())
        })
}

fn failed(what: &dyn std::fmt::Display, error: &io::Error) -> Fault {
    let reason = match error.kind() {
        io::ErrorKind::AddrInUse => words!("a file of this name exists already"),
        _ => error.to_string().into(),
    };
    Fault::local(FaultCause::BindFailed {
        address: what.to_string(),
        reason,
    })
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_of(listener: &Listener) -> u16 {
        match listener.addresses()[0] {
            ListenAddress::Tcp(address) => address.port(),
            ListenAddress::Socket(_) => panic!("a port was asked for"),
        }
    }

    #[tokio::test]
    async fn a_busy_port_names_this_process_and_offers_a_free_one() {
        let held = bind(&LocalBind::loopback(0), &[]).unwrap();
        let fault = bind(&LocalBind::loopback(port_of(&held)), &[]).unwrap_err();
        let FaultCause::PortInUse {
            address,
            holder,
            free_port,
        } = fault.cause
        else {
            panic!("{fault:?}")
        };
        assert_eq!(address, loopback(port_of(&held)));
        assert_eq!(holder.map(|holder| holder.pid), Some(std::process::id()));
        assert!(bind(&LocalBind::loopback(free_port.unwrap()), &[]).is_ok());
    }

    #[tokio::test]
    async fn an_automatic_port_moves_on_when_it_is_taken() {
        let held = bind(&LocalBind::loopback(0), &[]).unwrap();
        let preferred = port_of(&held);
        let chosen = port_of(&bind(&LocalBind::Automatic { preferred }, &[]).unwrap());
        assert_ne!(chosen, preferred);
    }

    #[tokio::test]
    async fn localhost_stays_on_loopback() {
        let listener = bind(
            &LocalBind::Port {
                address: BindAddress::Localhost,
                port: 0,
            },
            &[],
        )
        .unwrap();
        for address in listener.addresses() {
            let ListenAddress::Tcp(address) = address else {
                panic!("{address:?}")
            };
            assert!(address.ip().is_loopback(), "{address}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_socket_is_the_users_alone_and_goes_with_its_listener() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ui.sock");
        let listener = bind(&LocalBind::Socket(path.clone()), &[]).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let fault = bind(&LocalBind::Socket(path.clone()), &[]).unwrap_err();
        assert!(
            matches!(fault.cause, FaultCause::BindFailed { .. }),
            "{fault:?}"
        );
        drop(listener);
        assert!(!path.exists());
    }
}
