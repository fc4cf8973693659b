//! What a host name resolves to, asked over HTTPS: the runtime has no resolver of its own.
//!
//! The JSON form that Cloudflare, Google and Quad9 share (docs/configuration.md#resolver). Skyvern resolves the name once
//! more when its browser gets there, so a name whose owner changes the answer in between is not found out.

use std::{net::IpAddr, time::Duration};

use serde::Deserialize;
use shared::{
    outgoing::{Request, Upstream},
    problem::Problem,
};
use url::Url;

use super::address;

/// Somebody waits, and a resolver that has to ask further takes a second or two.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Types of records (RFC 1035, RFC 3596).
const A: u16 = 1;
const AAAA: u16 = 28;

/// Response codes (RFC 1035): there is such a name, and there is none.
const NO_ERROR: u16 = 0;
const NO_SUCH_NAME: u16 = 3;

/// Checks every address of a name: a browser may take any of them.
///
/// # Errors
/// [`Problem::JobUrlNotAllowed`], and [`Problem::JobUrlUnresolved`] when nobody can tell.
pub(super) async fn check(resolver: &Url, name: &str, upstream: &Upstream) -> Result<(), Problem> {
    let (old, new) =
        futures_util::future::join(ask(resolver, name, A, upstream), ask(resolver, name, AAAA, upstream)).await;
    let addresses = [old?, new?].concat();
    if addresses.is_empty() {
        return Err(Problem::JobUrlNotAllowed { reason: "there is no web site of this name" });
    }
    if addresses.into_iter().all(address::is_public) {
        Ok(())
    } else {
        Err(Problem::JobUrlNotAllowed { reason: super::NOT_PUBLIC })
    }
}

/// The addresses of one type. The resolver follows aliases (CNAME) and returns them along with what they lead to.
async fn ask(resolver: &Url, name: &str, record_type: u16, upstream: &Upstream) -> Result<Vec<IpAddr>, Problem> {
    let mut url = resolver.clone();
    url.query_pairs_mut().append_pair("name", name).append_pair("type", if record_type == A { "A" } else { "AAAA" });
    let request = Request::get(url).header("accept", "application/dns-json").within(TIMEOUT);
    let response = upstream.send("resolver", request).await.map_err(|_| Problem::JobUrlUnresolved)?;
    if !response.is_success() {
        return Err(Problem::JobUrlUnresolved);
    }
    read(&response.body, record_type).ok_or(Problem::JobUrlUnresolved)
}

/// The addresses in a response. None if it says nothing about them.
fn read(body: &[u8], record_type: u16) -> Option<Vec<IpAddr>> {
    #[derive(Deserialize)]
    struct Response {
        #[serde(rename = "Status")]
        status: u16,
        #[serde(rename = "TC", default)]
        is_truncated: bool,
        #[serde(rename = "Answer", default)]
        answer: Vec<Record>,
    }
    #[derive(Deserialize)]
    struct Record {
        #[serde(rename = "type")]
        record_type: u16,
        data: String,
    }
    let response: Response = serde_json::from_slice(body).ok()?;
    match response.status {
        NO_SUCH_NAME => Some(Vec::new()),
        // What is cut off would not be checked, and an address that cannot be read may be any.
        NO_ERROR if !response.is_truncated => {
            let wanted = response.answer.into_iter().filter(|record| record.record_type == record_type);
            wanted.map(|record| record.data.parse().ok()).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::{Value, json};

    use super::{A, AAAA, read};

    fn addresses(response: &Value, record_type: u16) -> Option<Vec<IpAddr>> {
        read(response.to_string().as_bytes(), record_type)
    }

    #[test]
    fn all_addresses_are_read_and_aliases_passed_over() {
        let alias = json!({ "name": "jobs.example", "type": 5, "TTL": 60, "data": "board.example." });
        let record =
            |record_type, data| json!({ "name": "board.example", "type": record_type, "TTL": 60, "data": data });
        let four = json!({ "Status": 0, "TC": false, "Answer": [alias, record(1, "8.8.8.8"), record(1, "10.0.0.1")] });
        assert_eq!(addresses(&four, A).unwrap(), ["8.8.8.8", "10.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap()));
        let six = json!({ "Status": 0, "TC": false, "Answer": [alias, record(28, "2606:4700::1111")] });
        assert_eq!(addresses(&six, AAAA).unwrap().len(), 1);
        assert_eq!(addresses(&json!({ "Status": 0, "Answer": [alias] }), A), Some(Vec::new()));
    }

    #[test]
    fn a_name_without_addresses_is_told_from_a_resolver_that_cannot_tell() {
        for (response, expected) in [
            (json!({ "Status": 3 }), Some(Vec::new())),
            (json!({ "Status": 0 }), Some(Vec::new())),
            (json!({ "Status": 2 }), None),
            (json!({ "Status": 5 }), None),
            (json!({ "Status": 0, "TC": true, "Answer": [] }), None),
            (json!({ "Status": 0, "Answer": [{ "type": 1, "data": "elsewhere" }] }), None),
            (json!({ "error": "no" }), None),
            (json!("<html>"), None),
        ] {
            assert_eq!(addresses(&response, A), expected, "{response}");
        }
    }
}
