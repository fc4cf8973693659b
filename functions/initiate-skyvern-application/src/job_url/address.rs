//! Which IP addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address in Azure where its machines find their own host (DHCP, DNS, health), though it is in a public range.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Everything that IANA's special-purpose registry (RFC 6890) calls globally reachable.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special && address != AZURE_HOST
}

/// Global unicast only, and where an IPv4 address is carried inside, that one must be public too.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // 64:ff9b::/96, NAT64 (RFC 6052); 2002::/16, 6to4 (RFC 3056)
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // 2001::/23, protocol assignments with Teredo; 2001:db8::/32 and 3fff::/20, documentation
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => false,
        // Outside 2000::/3: loopback, IPv4-mapped, unique local, link-local, multicast, …
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::{is_public_v4, is_public_v6};

    /// The first and the last address of each block that is not on the public internet: IANA's registry of special-purpose
    /// IPv4 addresses, multicast, and Azure's own. Neighbours that are no block of the list are public.
    const BLOCKS: [(&str, &str); 15] = [
        ("0.0.0.0", "0.255.255.255"),       // this network (RFC 791)
        ("10.0.0.0", "10.255.255.255"),     // private use (RFC 1918)
        ("100.64.0.0", "100.127.255.255"),  // shared address space (RFC 6598)
        ("127.0.0.0", "127.255.255.255"),   // loopback (RFC 1122)
        ("168.63.129.16", "168.63.129.16"), // Azure's host
        ("169.254.0.0", "169.254.255.255"), // link-local (RFC 3927)
        ("172.16.0.0", "172.31.255.255"),   // private use (RFC 1918)
        ("192.0.0.0", "192.0.0.255"),       // protocol assignments (RFC 6890)
        ("192.0.2.0", "192.0.2.255"),       // documentation (RFC 5737)
        ("192.88.99.0", "192.88.99.255"),   // 6to4 relays (RFC 7526)
        ("192.168.0.0", "192.168.255.255"), // private use (RFC 1918)
        ("198.18.0.0", "198.19.255.255"),   // benchmarking (RFC 2544)
        ("198.51.100.0", "198.51.100.255"), // documentation (RFC 5737)
        ("203.0.113.0", "203.0.113.255"),   // documentation (RFC 5737)
        ("224.0.0.0", "255.255.255.255"),   // multicast (RFC 5771), reserved (RFC 1112), broadcast (RFC 919)
    ];

    /// The edges of the blocks with whether they are public, and those just outside.
    fn edges() -> Vec<(Ipv4Addr, bool)> {
        let mut edges = Vec::new();
        for (first, last) in BLOCKS {
            let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().unwrap(), last.parse().unwrap());
            edges.extend([(first, false), (last, false)]);
            let outside = [first.to_bits().checked_sub(1), last.to_bits().checked_add(1)];
            edges.extend(outside.into_iter().flatten().map(|bits| (Ipv4Addr::from_bits(bits), true)));
        }
        edges
    }

    fn v6(text: &str) -> bool {
        is_public_v6(text.parse().unwrap())
    }

    #[test]
    fn every_block_ends_where_the_registry_says() {
        for (address, expected) in edges() {
            assert_eq!(is_public_v4(address), expected, "{address}");
        }
        assert_eq!(edges().len(), 4 * BLOCKS.len() - 2, "the first block begins and the last one ends where all do");
    }

    #[test]
    fn an_address_that_carries_another_one_is_as_public_as_that_one() {
        for (inner, expected) in edges() {
            let [a, b, c, d] = inner.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for carrier in [
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0),
                Ipv6Addr::new(0x2002, high, low, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff),
            ] {
                assert_eq!(is_public_v6(carrier), expected, "{carrier}");
            }
            // Mapped and compatible addresses are none on the internet, whatever they carry.
            assert!(!is_public_v6(inner.to_ipv6_mapped()) && !is_public_v6(inner.to_ipv6_compatible()), "{inner}");
        }
    }

    #[test]
    fn only_the_well_known_prefix_carries_an_address() {
        assert!(v6("64:ff9b::808:808"));
        for place in 2..6 {
            let mut segments = [0x64, 0xff9b, 0, 0, 0, 0, 0x808, 0x808];
            segments[place] = 1;
            assert!(!is_public_v6(segments.into()), "{segments:x?}");
        }
    }

    #[test]
    fn of_the_new_addresses_only_global_unicast_is_public() {
        for (first, last) in [
            ("::", "::1"),                                              // unspecified and loopback (RFC 4291)
            ("::ffff:0:0", "::ffff:ffff:ffff"),                         // IPv4-mapped (RFC 4291)
            ("64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::"),     // before and at the first of NAT64
            ("64:ff9b::1:808:808", "64:ff9b:0:1::808:808"),             // after the last of NAT64 (RFC 6052)
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:808:808"),        // local NAT64 (RFC 8215)
            ("100::", "100::ffff:ffff:ffff:ffff"),                      // discard only (RFC 6666)
            ("100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), // dummy prefix (RFC 9780) and unassigned
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),       // protocol assignments (RFC 2928), Teredo
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),   // documentation (RFC 3849)
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),       // documentation (RFC 9637)
            ("4000::", "5f00::"),                                       // unassigned, segment routing (RFC 9602)
            ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::"),      // before and at the first of unique local
            ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"),      // at and after the last of it (RFC 4193)
            ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::"),      // before and at the first of link-local
            ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"),      // at and after the last of it (RFC 4291)
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),      // multicast (RFC 4291)
        ] {
            assert!(!v6(first), "{first}");
            assert!(!v6(last), "{last}");
        }
        for (first, last) in [
            ("2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db9::", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert!(v6(first), "{first}");
            assert!(v6(last), "{last}");
        }
    }
}
