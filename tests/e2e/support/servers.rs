//! Small TCP servers that stand for the targets behind the SSH host.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::LIMIT;

/// A SHA-256 digest.
pub(crate) type Sum = [u8; 32];

/// Listens on a free loopback port for as long as the test's process lives, and serves each connection on a thread.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    listen_on("127.0.0.1:0", serve)
}

fn listen_on(place: &str, serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(place).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Sends back every byte, and the end of the stream as well.
pub(crate) fn echo() -> SocketAddr {
    listen(|mut stream| {
        let mut back = stream.try_clone().unwrap();
        // A connection that is reset in a test which kills servers is no fault of this one.
        let _until_the_end = std::io::copy(&mut stream, &mut back);
        let _gone = back.shutdown(Shutdown::Write);
    })
}

/// Answers the first request of every connection with this body, by HTTP. Returns the port too, for other names of the place.
pub(crate) fn page(place: &str, body: Vec<u8>) -> (SocketAddr, u16) {
    let address = listen_on(place, move |mut stream| {
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => asked.push(byte[0]),
                _ => return,
            }
        }
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        // A client that leaves early is its own affair.
        let _gone = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body));
    });
    (address, address.port())
}

/// Reads to the end of the stream, and only then answers with the digest of all it got.
pub(crate) fn sink() -> SocketAddr {
    listen(|mut stream| {
        let sum = digest_of(&mut stream);
        stream.write_all(&sum).unwrap();
    })
}

/// Sends `bytes` bytes and ends its direction; what it then still receives goes, as a digest, into the channel. A connection
/// that sends nothing, as the one by which Adit proves that the target answers, is passed over.
pub(crate) fn source(bytes: usize) -> (SocketAddr, mpsc::Receiver<Sum>) {
    let (sums, received) = mpsc::channel();
    let address = listen(move |mut stream| {
        let data = noise(bytes);
        if stream
            .write_all(&data)
            .and_then(|()| stream.shutdown(Shutdown::Write))
            .is_err()
        {
            return;
        }
        let sum = digest_of(&mut stream);
        if sum != digest(&[]) {
            let _test_has_ended = sums.send(sum);
        }
    });
    (address, received)
}

/// A port that takes no more connections and refuses none: whoever connects waits.
pub(crate) struct Silent {
    listener: socket2::Socket,
    _waiting: Vec<TcpStream>,
}

impl Silent {
    pub(crate) fn start() -> Self {
        let listener =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        // Linux lets one more wait than was asked for.
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(stream);
        }
        Self {
            listener,
            _waiting: waiting,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap().as_socket().unwrap()
    }
}

/// A long line to a port of loopback: what goes in at one end comes out at the other so much later, either way.
pub(crate) fn delayed(port: u16, one_way: Duration) -> SocketAddr {
    listen(move |near| {
        // A server that is gone refuses: so does the line, by closing.
        let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
            return;
        };
        for stream in [&near, &far] {
            stream.set_nodelay(true).unwrap();
        }
        let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || carry_late(from, to, one_way));
        carry_late(far, near, one_way);
    })
}

fn carry_late(mut from: TcpStream, mut to: TcpStream, one_way: Duration) {
    let (pieces, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        for (at, piece) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _gone = to.shutdown(Shutdown::Write);
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if pieces
            .send((Instant::now() + one_way, buffer[..count].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

/// `-L` for a forward from a free local port to `target`.
pub(crate) fn to(target: SocketAddr) -> String {
    format!("127.0.0.1:0:127.0.0.1:{}", target.port())
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Bytes without a pattern, always the same.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// The digest of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> Sum {
    Sha256::digest(bytes).into()
}

fn digest_of(stream: &mut TcpStream) -> Sum {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return hash.finalize().into(),
            Ok(count) => hash.update(&buffer[..count]),
        }
    }
}

/// A connection that fails a test rather than hang it.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends `data` and reads what comes back to its end, both at once; the end of sending is passed on when all is sent.
pub(crate) fn exchange(address: SocketAddr, data: Vec<u8>) -> Vec<u8> {
    let mut stream = connect(address);
    let mut sender = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        sender.write_all(&data).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    sending.join().unwrap();
    back
}
