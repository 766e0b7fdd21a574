//! Which program on this computer opened a connection.

use std::net::SocketAddr;

use crate::model::Client;

/// The programs behind the clients at `peers` of listeners on `ports`. Reads every process's open files, where it may: not for
/// a thread that has something better to do. Elsewhere than on Linux the system is not asked.
#[must_use]
pub fn programs_of(peers: &[SocketAddr], ports: &[u16]) -> Vec<(SocketAddr, Client)> {
    let found = find(peers, ports);
    let client = |peer: &SocketAddr| {
        found
            .get(peer)
            .cloned()
            .map_or(Client::Unknown, Client::Program)
    };
    peers.iter().map(|peer| (*peer, client(peer))).collect()
}

#[cfg(not(target_os = "linux"))]
fn find(
    _peers: &[SocketAddr],
    _ports: &[u16],
) -> std::collections::HashMap<SocketAddr, crate::model::PortHolder> {
    std::collections::HashMap::new()
}

#[cfg(target_os = "linux")]
use linux::find;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    use crate::model::{PortHolder, printable};

    pub(super) fn find(peers: &[SocketAddr], ports: &[u16]) -> HashMap<SocketAddr, PortHolder> {
        let mut inodes = HashMap::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = fs::read_to_string(table).unwrap_or_default();
            for (local, remote, inode) in text.lines().filter_map(entry) {
                if peers.contains(&local) && ports.contains(&remote.port()) {
                    inodes.insert(inode, local);
                }
            }
        }
        let mut found = HashMap::new();
        if inodes.is_empty() {
            return found;
        }
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            let pid: Option<u32> = process
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            let Some(pid) = pid else { continue };
            // Another user's process hides its files; then its connections stay unnamed.
            let files = fs::read_dir(process.path().join("fd"))
                .into_iter()
                .flatten()
                .flatten();
            let links = files.filter_map(|file| fs::read_link(file.path()).ok());
            let sockets = links.filter_map(|link| socket(link.to_str()?));
            for peer in sockets.filter_map(|inode| inodes.get(&inode)) {
                found.entry(*peer).or_insert_with(|| holder(pid));
            }
            if found.len() == inodes.len() {
                break;
            }
        }
        found
    }

    fn holder(pid: u32) -> PortHolder {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        PortHolder {
            pid,
            name: printable(name.trim()).into_owned(),
        }
    }

    /// `socket:[1234]`, as the links of a process's open files read.
    fn socket(link: &str) -> Option<u64> {
        link.strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    }

    /// The local and the remote address and the inode of a line of `/proc/net/tcp` or `tcp6` (`proc_net_tcp(5)`).
    pub(super) fn entry(line: &str) -> Option<(SocketAddr, SocketAddr, u64)> {
        let mut words = line.split_whitespace();
        let (local, remote) = (words.nth(1)?, words.next()?);
        let inode = words.nth(6)?.parse().ok()?;
        Some((address(local)?, address(remote)?, inode))
    }

    /// `0100007F:1F90`: words of four bytes in the machine's own order, as hexadecimal numbers.
    fn address(text: &str) -> Option<SocketAddr> {
        let (ip, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let word = |at: usize| {
            let word = ip.get(at * 8..at * 8 + 8)?;
            Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
        };
        let ip = match ip.len() {
            8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
            32 => {
                let mut bytes = [0; 16];
                for (at, part) in bytes.chunks_mut(4).enumerate() {
                    part.copy_from_slice(&word(at)?);
                }
                Ipv6Addr::from(bytes).to_canonical()
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn this_program_is_found_behind_its_own_connection() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peer = client.local_addr().unwrap();
            let nobody = SocketAddr::new(peer.ip(), 1);
            let found = programs_of(&[peer, nobody], &[port]);
            assert_eq!(found[1], (nobody, Client::Unknown));
            let (Client::Program(program), found_peer) = (&found[0].1, found[0].0) else {
                panic!("{found:?}")
            };
            assert_eq!((program.pid, found_peer), (std::process::id(), peer));
            assert!(!program.name.is_empty());
        }
    }

    #[test]
    fn lines_of_the_systems_table_are_read() {
        let line = "   1: 0100007F:1F90 0200007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 20";
        let (local, remote, inode) = linux::entry(line).unwrap();
        assert_eq!(
            (local.to_string(), remote.to_string(), inode),
            (
                "127.0.0.1:8080".to_owned(),
                "127.0.0.2:50000".to_owned(),
                4242
            )
        );
        assert!(linux::entry("  sl  local_address rem_address   st").is_none());
    }
}
