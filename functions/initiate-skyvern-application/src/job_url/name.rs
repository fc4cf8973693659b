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
