//! Which addresses a browser of Skyvern's may be sent to: public ones on the web, and nothing that
//! could name a machine of somebody's own network.
//!
//! The address is read by the WHATWG rules that browsers follow, so every spelling of an IP address
//! (decimal, hexadecimal, octal, shortened, full-width digits) is the address it names.

mod address;
mod name;
mod resolver;
#[cfg(test)]
mod tests;

use shared::{outgoing::Upstream, problem::Problem};
use url::{Host, Url};

/// Skyvern's limit in characters (docs/vendors/skyvern.md#starting-a-run).
const MAXIMUM_LENGTH: usize = 2083;

/// Where postings are: the usual ports of the web, and those of its servers that run without rights. Everything else that
/// listens somewhere (databases, mail, consoles) is no posting.
const WEB_PORTS: [u16; 4] = [80, 443, 8080, 8443];

const NOT_PUBLIC: &str = "it does not name a public web site";

/// The address if a browser may visit it. Where there is a resolver, that is also so of every address that its name
/// resolves to.
///
/// # Errors
/// [`Problem::JobUrlNotAllowed`], and [`Problem::JobUrlUnresolved`] when the resolver cannot tell.
pub(crate) async fn check(text: &str, resolver: Option<&Url>, upstream: &Upstream) -> Result<Url, Problem> {
    let url = read(text).map_err(|reason| Problem::JobUrlNotAllowed { reason })?;
    if let (Some(resolver), Some(Host::Domain(name))) = (resolver, url.host()) {
        resolver::check(resolver, name, upstream).await?;
    }
    Ok(url)
}

/// The address if its spelling is that of a public one, else why not, in words for a person.
fn read(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a web address")?;
    // As it is sent: letters outside ASCII are longer there than they were written.
    if url.as_str().len() > MAXIMUM_LENGTH {
        return Err("it is too long");
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https addresses can be visited");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a user name or password");
    }
    if !url.port_or_known_default().is_some_and(|port| WEB_PORTS.contains(&port)) {
        return Err("it names a port where web sites are not");
    }
    let is_public = match url.host() {
        Some(Host::Domain(name)) => name::is_public(name),
        Some(Host::Ipv4(address)) => address::is_public(address.into()),
        Some(Host::Ipv6(address)) => address::is_public(address.into()),
        None => false,
    };
    if is_public { Ok(url) } else { Err(NOT_PUBLIC) }
}
