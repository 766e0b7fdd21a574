//! Ranges of addresses, as pools and nodes have them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::cluster::Family;

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
    /// The addresses from `first` to `last`; none where they are of two families or in the wrong order.
    #[must_use]
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (Family::of(first) == Family::of(last) && first <= last).then_some(Self { first, last })
    }

    /// The smallest CIDR that holds all of these addresses, with its number of bits; none where they are of two families, or
    /// there are none.
    #[must_use]
    pub fn covering(ips: impl IntoIterator<Item = IpAddr>) -> Option<(Self, u8)> {
        let mut ips = ips.into_iter();
        let first = ips.next()?;
        let (mut low, mut high) = (first, first);
        for ip in ips {
            if Family::of(ip) != Family::of(first) {
                return None;
            }
            low = low.min(ip);
            high = high.max(ip);
        }
        let all = match Family::of(first) {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        let differing = u128::BITS - (number_of(low) ^ number_of(high)).leading_zeros();
        let bits = all - u8::try_from(differing).ok()?;
        Some((block(low, bits)?, bits))
    }

    /// How many addresses it has; as many as fit, where there are more.
    #[must_use]
    pub fn count(&self) -> u128 {
        (number_of(self.last) - number_of(self.first)).saturating_add(1)
    }

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
        let (first, last) = (number_of(self.first), number_of(self.last));
        let all = (last - first).saturating_add(1);
        if !avoid_buggy || self.family() == Family::V6 {
            return all;
        }
        // Of the addresses below n, so many end in 0 or 255.
        let buggy_below = |n: u128| (n / 256) * 2 + u128::from(!n.is_multiple_of(256));
        all - (buggy_below(last + 1) - buggy_below(first))
    }

    /// Whether the first `bits` of some address of the range are those of `ip`.
    #[must_use]
    pub fn is_near(&self, ip: IpAddr, bits: u8) -> bool {
        block(ip, bits).is_some_and(|block| self.overlaps(&block))
    }
}

/// Whether firmware of old may take `ip` for a broadcast: what `avoidBuggyIPs` leaves out.
#[must_use]
pub const fn is_buggy_ip(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if matches!(ip.octets()[3], 0 | 255))
}

/// An address as a number.
#[must_use]
pub fn number_of(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The address of this number; none where the family has no such.
#[must_use]
pub fn address_of(number: u128, family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => Some(Ipv4Addr::from(u32::try_from(number).ok()?).into()),
        Family::V6 => Some(Ipv6Addr::from(number).into()),
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
    fn the_smallest_block_around_addresses() {
        for (ips, expected) in [
            (
                vec!["10.0.0.100", "10.0.0.103"],
                Some("10.0.0.100-10.0.0.103 30"),
            ),
            (
                vec!["10.96.0.1", "10.111.3.4"],
                Some("10.96.0.0-10.111.255.255 12"),
            ),
            (vec!["10.0.0.1"], Some("10.0.0.1-10.0.0.1 32")),
            (vec!["fd00::1", "fd00::f"], Some("fd00::-fd00::f 124")),
            (
                vec!["0.0.0.1", "255.0.0.1"],
                Some("0.0.0.0-255.255.255.255 0"),
            ),
            (vec!["10.0.0.1", "fd00::1"], None),
            (vec![], None),
        ] {
            let found = AddressRange::covering(ips.iter().map(|ip| ip.parse().unwrap()));
            let shown = found.map(|(block, bits)| format!("{block} {bits}"));
            assert_eq!(shown.as_deref(), expected, "{ips:?}");
        }
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
