//! Which host names can be those of a public web site.
//!
//! A name says nothing certain about where it leads: that is the [`resolver`](super::resolver)'s to find out. Refused here
//! are the names that are known never to lead to a posting.

/// Name endings that are never public (RFC 2606, RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, ICANN's reserved
/// `internal`, and those that home routers, companies and clusters use).
const PRIVATE_SUFFIXES: [&str; 22] = [
    "alt",
    "arpa",
    "consul",
    "corp",
    "dmz",
    "home",
    "internal",
    "intra",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "localnet",
    "mail",
    "onion",
    "private",
    "svc",
    "test",
    "workgroup",
    "zeroconf",
];

/// Domains all of whose names lead elsewhere than to a web site, in the order of what they do.
const PRIVATE_DOMAINS: [&str; 45] = [
    // The metadata service of a cloud, which hands out the machine's own credentials.
    "metadata.goog",
    "metadata.exoscale.com",
    "metadata.nicira.com",
    "metadata.oraclecloud.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "metadata.scaleway.com",
    "metadata.tencentyun.com",
    "metadata.vultr.com",
    // Wildcard DNS: the address is a part of the name, such as 10.0.0.1.nip.io.
    "backname.io",
    "ip.addr.tools",
    "local-ip.co",
    "local-ip.dev",
    "local-ip.medicmobile.org",
    "local-ip.sh",
    "nip.io",
    "plex.direct",
    "sslip.io",
    "traefik.me",
    "xip.io",
    "xip.name",
    // Every name is 127.0.0.1, for developers.
    "127-0-0-1.org.uk",
    "fuf.me",
    "lacolhost.com",
    "lcl.host",
    "local.gd",
    "localhost.direct",
    "localho.st",
    "localtest.me",
    "lvh.me",
    "smackaho.st",
    "ulh.us",
    "vcap.me",
    // Rebinding: the answer is public at first and private the next time.
    "1u.ms",
    "rbndr.us",
    "rebind.network",
    // The router at home, which answers for its own name.
    "easy.box",
    "fritz.box",
    "mywifiext.net",
    "orbilogin.com",
    "routerlogin.com",
    "routerlogin.net",
    "speedport.ip",
    "tplinklogin.net",
    "tplinkwifi.net",
];

/// Expects the name as the WHATWG rules leave it: in small letters, ASCII.
pub(super) fn is_public(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((_, last_label)) = name.rsplit_once('.') else {
        return false; // a single label is looked up in the local network
    };
    let is_within =
        |domain: &str| name.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    !name.split('.').any(str::is_empty)
        && !PRIVATE_SUFFIXES.contains(&last_label)
        && !PRIVATE_DOMAINS.iter().any(|domain| is_within(domain))
}

#[cfg(test)]
mod tests {
    use super::{PRIVATE_DOMAINS, PRIVATE_SUFFIXES, is_public};

    /// The endings once more, with who reserved them or uses them inside networks.
    const ENDINGS: [(&str, &str); 22] = [
        ("alt", "RFC 9476"),
        ("arpa", "RFC 3172"),
        ("internal", "ICANN's resolution 2024.07.29.06"),
        ("invalid", "RFC 2606"),
        ("local", "RFC 6762"),
        ("localhost", "RFC 6761"),
        ("onion", "RFC 7686"),
        ("test", "RFC 2606"),
        ("corp", "ICANN, withheld because of collisions"),
        ("home", "ICANN, withheld because of collisions"),
        ("mail", "ICANN, withheld because of collisions"),
        ("intranet", "RFC 6762, appendix G"),
        ("lan", "RFC 6762, appendix G"),
        ("private", "RFC 6762, appendix G"),
        ("consul", "Consul"),
        ("dmz", "firewalls"),
        ("intra", "companies"),
        ("localdomain", "Linux"),
        ("localnet", "BSD"),
        ("svc", "Kubernetes"),
        ("workgroup", "Windows"),
        ("zeroconf", "link-local networks"),
    ];

    /// The domains once more, in the order of the alphabet.
    const DOMAINS: [&str; 45] = [
        "127-0-0-1.org.uk",
        "1u.ms",
        "backname.io",
        "easy.box",
        "fritz.box",
        "fuf.me",
        "ip.addr.tools",
        "lacolhost.com",
        "lcl.host",
        "local-ip.co",
        "local-ip.dev",
        "local-ip.medicmobile.org",
        "local-ip.sh",
        "local.gd",
        "localho.st",
        "localhost.direct",
        "localtest.me",
        "lvh.me",
        "metadata.exoscale.com",
        "metadata.goog",
        "metadata.nicira.com",
        "metadata.oraclecloud.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.scaleway.com",
        "metadata.tencentyun.com",
        "metadata.vultr.com",
        "mywifiext.net",
        "nip.io",
        "orbilogin.com",
        "plex.direct",
        "rbndr.us",
        "rebind.network",
        "routerlogin.com",
        "routerlogin.net",
        "smackaho.st",
        "speedport.ip",
        "sslip.io",
        "tplinklogin.net",
        "tplinkwifi.net",
        "traefik.me",
        "ulh.us",
        "vcap.me",
        "xip.io",
        "xip.name",
    ];

    #[test]
    fn every_ending_that_is_never_public_is_refused() {
        for (ending, whose) in ENDINGS {
            for name in [format!("jobs.{ending}"), format!("a.b.c.{ending}"), format!("jobs.{ending}.")] {
                assert!(!is_public(&name), "{name}: {whose}");
            }
            for name in [format!("{ending}.example.com"), format!("a.{ending}.example.com"), format!("a.not{ending}")] {
                assert!(is_public(&name), "{name}");
            }
        }
        assert_eq!(ENDINGS.len(), PRIVATE_SUFFIXES.len(), "each ending is here");
    }

    #[test]
    fn every_domain_that_leads_elsewhere_is_refused_with_all_that_is_within_it() {
        for domain in DOMAINS {
            for name in
                [domain.to_owned(), format!("10-0-0-1.{domain}"), format!("a.b.{domain}."), format!("{domain}.")]
            {
                assert!(!is_public(&name), "{name}");
            }
            for name in [format!("not{domain}"), format!("a.not{domain}"), format!("{domain}.example.com")] {
                assert!(is_public(&name), "{name}");
            }
        }
        assert_eq!(DOMAINS.len(), PRIVATE_DOMAINS.len(), "each domain is here");
    }

    #[test]
    fn an_ending_that_only_resembles_one_is_public() {
        for ending in ["com", "careers", "email", "homes", "international", "jobs", "land", "network", "services"] {
            assert!(is_public(&format!("jobs.{ending}")), "{ending}");
        }
    }

    #[test]
    fn a_single_label_and_an_empty_one_are_no_site() {
        for name in ["", ".", "com", "com.", ".com", "..", "a..com", "jobs.example.com.."] {
            assert!(!is_public(name), "{name}");
        }
    }
}
