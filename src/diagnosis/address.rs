//! Ranges of addresses, as pools and nodes have them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::model::Family;

/// The addresses from `first` to `last`, both included and of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// A text that is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither ADDRESS/BITS nor FIRST-LAST")]
pub struct ParseRangeError(pub String);

impl AddressRange {
    /// The first address.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    #[must_use]
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// IPv4 or IPv6.
    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(self.first)
    }

    /// Whether `ip` is in the range.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        Family::of(ip) == self.family() && (self.first..=self.last).contains(&ip)
    }

    /// Whether any address is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.family() == other.family() && self.first <= other.last && other.first <= self.last
    }

    /// How many addresses MetalLB gives out of it; those that end in .0 and .255 are left out where `avoid_buggy`.
    #[must_use]
    pub fn usable(&self, avoid_buggy: bool) -> u128 {
        let (first, last) = (number(self.first), number(self.last));
        let all = (last - first).saturating_add(1);
        if !avoid_buggy || self.family() == Family::V6 {
            return all;
        }
        // Of the addresses below n, so many end in 0 or 255.
        let buggy_below = |n: u128| (n / 256) * 2 + u128::from(!n.is_multiple_of(256));
        all - (buggy_below(last + 1) - buggy_below(first))
    }

    /// Whether the first `bits` of some address of the range are those of `ip`.
    pub(super) fn is_near(&self, ip: IpAddr, bits: u8) -> bool {
        block(ip, bits).is_some_and(|block| self.overlaps(&block))
    }
}

/// Whether firmware of old may take `ip` for a broadcast: what `avoidBuggyIPs` leaves out.
pub(super) fn is_buggy(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if matches!(ip.octets()[3], 0 | 255))
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The block of addresses that share the first `bits` of `ip`; none where there are no so many bits.
fn block(ip: IpAddr, bits: u8) -> Option<AddressRange> {
    Some(match ip {
        IpAddr::V4(ip) => {
            let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or_default();
            let (first, last) = (u32::from(ip) & !host, u32::from(ip) | host);
            (bits <= 32).then(|| AddressRange {
                first: Ipv4Addr::from(first).into(),
                last: Ipv4Addr::from(last).into(),
            })?
        }
        IpAddr::V6(ip) => {
            let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or_default();
            let (first, last) = (u128::from(ip) & !host, u128::from(ip) | host);
            (bits <= 128).then(|| AddressRange {
                first: Ipv6Addr::from(first).into(),
                last: Ipv6Addr::from(last).into(),
            })?
        }
    })
}

impl FromStr for AddressRange {
    type Err = ParseRangeError;

    /// Reads `10.0.0.0/24` and `10.0.0.240-10.0.0.250`, as MetalLB does; bits of a CIDR's host part are ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseRangeError(text.to_owned());
        let ip = |text: &str| text.trim().parse().ok().map(|ip: IpAddr| ip.to_canonical());
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = ip(first).zip(ip(last)).ok_or_else(fail)?;
            let ordered = Family::of(first) == Family::of(last) && first <= last;
            return ordered.then_some(Self { first, last }).ok_or_else(fail);
        }
        let (address, bits) = text.trim().split_once('/').ok_or_else(fail)?;
        let address: IpAddr = address.parse().map_err(|_not_an_ip| fail())?;
        let bits: u8 = bits.parse().map_err(|_not_a_number| fail())?;
        block(address, bits).ok_or_else(fail)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_read_as_metallb_reads_them() {
        for (text, shown) in [
            ("10.0.0.240-10.0.0.250", "10.0.0.240-10.0.0.250"),
            ("10.0.0.240 - 10.0.0.240", "10.0.0.240-10.0.0.240"),
            ("10.0.7.9/24", "10.0.7.0-10.0.7.255"),
            ("10.0.7.9/32", "10.0.7.9-10.0.7.9"),
            ("0.0.0.0/0", "0.0.0.0-255.255.255.255"),
            ("fd00::/124", "fd00::-fd00::f"),
            ("fd00::1/128", "fd00::1-fd00::1"),
        ] {
            assert_eq!(range(text).to_string(), shown, "{text}");
        }
        for text in [
            "",
            "10.0.0.1",
            "10.0.0.0/33",
            "fd00::/129",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-fd00::1",
            "x-y",
            "10.0.0.0/x",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_counted_without_the_buggy_ones_where_asked() {
        for (text, all, without) in [
            ("10.0.0.240-10.0.0.250", 11, 11),
            ("10.0.7.0/24", 256, 254),
            ("10.0.6.0/23", 512, 508),
            ("10.0.6.0/28", 16, 15),
            ("10.0.6.250-10.0.7.1", 8, 6),
            ("10.0.6.255-10.0.6.255", 1, 0),
            ("fd00::/124", 16, 16),
        ] {
            let range = range(text);
            assert_eq!(
                (range.usable(false), range.usable(true)),
                (all, without),
                "{text}"
            );
        }
        assert_eq!(range("::/0").usable(true), u128::MAX);
    }

    #[test]
    fn ranges_contain_and_overlap() {
        let pool = range("10.0.0.240-10.0.0.250");
        assert!(pool.contains("10.0.0.240".parse().unwrap()));
        assert!(pool.contains("::ffff:10.0.0.250".parse().unwrap()));
        assert!(!pool.contains("10.0.0.251".parse().unwrap()));
        assert!(!pool.contains("fd00::1".parse().unwrap()));
        assert!(pool.overlaps(&range("10.0.0.0/24")));
        assert!(!pool.overlaps(&range("10.0.0.251-10.0.0.255")));
        assert!(pool.is_near("10.0.9.1".parse().unwrap(), 16));
        assert!(!pool.is_near("10.0.9.1".parse().unwrap(), 24));
    }
}
