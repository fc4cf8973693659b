//! Which addresses a browser of Skyvern's may be sent to: public ones on the web, and nothing that
//! could name a machine of somebody's own network.
//!
//! The address is read by the WHATWG rules that browsers follow, so every spelling of an IP address
//! (decimal, hexadecimal, octal, shortened, full-width digits) is the address it names.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Skyvern's limit in characters (docs/vendors/skyvern.md#starting-a-run).
const MAXIMUM_LENGTH: usize = 2083;

/// Name endings that are never public (RFC 6761, RFC 6762, RFC 8375, ICANN's reserved `internal`,
/// and those that home routers and companies use).
const PRIVATE_SUFFIXES: [&str; 12] = [
    "local",
    "localhost",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "svc",
    "onion",
];

/// The address if a browser may visit it, else why not, in words for a person.
pub(crate) fn check(text: &str) -> Result<Url, &'static str> {
    if text.len() > MAXIMUM_LENGTH {
        return Err("it is too long");
    }
    let url = Url::parse(text).map_err(|_| "it is not a web address")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https addresses can be visited");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a user name or password");
    }
    let is_public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    };
    if is_public { Ok(url) } else { Err("it does not name a public web site") }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((_, last_label)) = name.rsplit_once('.') else {
        return false; // a single label is looked up in the local network
    };
    !last_label.is_empty() && !PRIVATE_SUFFIXES.contains(&last_label)
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
    !special
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
    use super::check;

    #[test]
    fn public_web_addresses_are_accepted() {
        for text in [
            "https://jobs.example.com/7",
            "http://jobs.example.com:8080/a?b=c#d",
            "https://example.com./jobs",
            "https://bücher.example/stelle",
            "https://8.8.8.8/jobs",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::8.8.8.8]/",
            "https://localhost.example.com/",
            "https://internal.example.com/",
        ] {
            assert!(check(text).is_ok(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn no_spelling_of_this_network_is_accepted() {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
            "http://127.0.0.1./",
            "http://0.0.0.0/",
            "http://0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:1::1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://localhost/",
            "http://LOCALHOST:3000/",
            "http://localhost./",
            "http://app.localhost/",
            "http://intranet/",
            "http://printer.local/",
            "http://printer.LOCAL./",
            "http://metadata.google.internal/",
            "http://db.svc/",
            "http://1.0.0.127.in-addr.arpa/",
        ] {
            assert!(check(text).is_err(), "{text} was accepted as {:?}", check(text));
        }
    }

    #[test]
    fn only_plain_web_addresses_are_accepted() {
        for text in [
            "",
            "jobs.example.com",
            "/jobs",
            "//jobs.example.com",
            "ftp://jobs.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https://user@jobs.example.com/",
            "https://user:password@jobs.example.com/",
            "https://:password@jobs.example.com/",
            "https://jobs.example.com@127.0.0.1/",
        ] {
            assert!(check(text).is_err(), "{text} was accepted as {:?}", check(text));
        }
        assert!(check(&format!("https://jobs.example.com/{}", "a".repeat(2083))).is_err());
    }
}
