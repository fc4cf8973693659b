//! Spellings, good and bad, and what names resolve to.

use serde_json::{Value, json};
use shared::{
    outgoing::Failure,
    testing::{Machine, block_on, problem_of},
};

use super::{check, read};

/// Postings as they are found on the web.
const GOOD: [&str; 36] = [
    "https://jobs.example.com/7",
    "HTTPS://JOBS.EXAMPLE.COM/7",
    " https://jobs.example.com/7\n",
    "http://jobs.example.com/",
    "http://jobs.example.com:80/",
    "http://jobs.example.com:8080/a?b=c#d",
    "http://jobs.example.com:443/",
    "https://jobs.example.com:443/",
    "https://jobs.example.com:8443/",
    "https://jobs.example.com:/",
    "https:jobs.example.com/7",
    "https:\\\\jobs.example.com\\7",
    "https://example.com./jobs",
    "https://bücher.example/stelle",
    "https://xn--bcher-kva.example/stelle",
    "https://求人.example/応募?職=技師",
    "https://a-b.c-d.example/",
    "https://1.example.com/",
    "https://10.0.0.1.example.com/",
    "https://8.8.8.8/jobs",
    "https://134744072/jobs",
    "https://168.63.129.17/",
    "https://172.32.0.1/",
    "https://100.128.0.1/",
    "https://[2606:4700::1111]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://[2002:808:808::]/",
    "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://metadata.io/careers",
    "https://metadata.example.com/",
    "https://notnip.io/",
    "https://nip.io.example.com/",
    "https://mysslip.io/",
    "https://lvh.me.example/",
    "https://jobs.example.com/?next=http://127.0.0.1/",
];

/// The machine itself, its neighbours, and what hands out credentials.
const PRIVATE: [&str; 95] = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1:80/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1",
    "http:///127.0.0.1/",
    "\thttp://127.0.\n0.1/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0/",
    "http://0x/",
    "http://10.1.2.3/",
    "http://10.66051/",
    "http://012.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://192.168.257/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://0251.0376.0251.0376/",
    "http://169.254.170.2/v2/credentials",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:0:1::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[5f00::1]/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://app.localhost/",
    "http://localhost.localdomain/",
    "http://intranet/",
    "http://metadata/computeMetadata/v1/",
    "http://instance-data/latest/",
    "http://printer.local/",
    "http://printer.LOCAL./",
    "http://nas.lan/",
    "http://wiki.corp/",
    "http://shop.test/",
    "http://nobody.invalid/",
    "http://router.home.arpa/",
    "http://metadata.google.internal/",
    "http://host.docker.internal/",
    "http://db.svc/",
    "http://kubernetes.default.svc.cluster.local/",
    "http://vault.service.consul/",
    "http://hidden.onion/",
    "http://1.0.0.127.in-addr.arpa/",
    "http://metadata.goog/computeMetadata/v1/",
    "http://METADATA.GOOG./",
    "http://metadata.tencentyun.com/",
    "http://metadata.platformequinix.com/",
];

/// Public names that lead to private machines.
const MISLEADING: [&str; 25] = [
    "http://127.0.0.1.nip.io/",
    "http://10-0-0-1.nip.io/",
    "http://7f000001.nip.io/",
    "http://nip.io/",
    "http://app.10.0.0.1.NIP.IO./",
    "http://app.10.0.0.1.nip。io/",
    "http://app.10.0.0.1.ｎｉｐ.io/",
    "http://app.10.0.0.1.n\u{ad}ip.io/",
    "http://app.10.0.0.1.%6eip.io/",
    "http://169-254-169-254.sslip.io/",
    "http://--1.sslip.io/",
    "http://10.0.0.1.xip.io/",
    "http://10-0-0-1.traefik.me/",
    "http://192-168-1-1.0123456789abcdef.plex.direct/",
    "http://10-0-0-1.my.local-ip.co/",
    "http://localtest.me/",
    "http://anything.localtest.me/",
    "http://lvh.me/",
    "http://a.b.lvh.me:8080/",
    "http://vcap.me/",
    "http://www.lacolhost.com/",
    "http://localho.st/",
    "http://7f000001.0a000001.rbndr.us/",
    "http://make-1.2.3.4-rebind-127.0.0.1-rr.1u.ms/",
    "http://fritz.box/",
];

/// No web address, or one that a browser of ours has no business at.
const ODD: [&str; 41] = [
    "",
    " ",
    "7",
    "jobs.example.com",
    "/jobs",
    "//jobs.example.com",
    "?jobs",
    "ftp://jobs.example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/html,x",
    "blob:https://jobs.example.com/1",
    "view-source:https://jobs.example.com/",
    "about:blank",
    "chrome://settings/",
    "gopher://jobs.example.com/",
    "ws://jobs.example.com/",
    "mailto:jobs@example.com",
    "https://",
    "https://.",
    "https://..",
    "https://.com",
    "https://jobs..example.com/",
    "https://example",
    "https://exa mple.com/",
    "https://exam<ple.com/",
    "https://1.2.3.4.5/",
    "https://256.1.1.1/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "https://user@jobs.example.com/",
    "https://user:password@jobs.example.com/",
    "https://:password@jobs.example.com/",
    "https://jobs.example.com@127.0.0.1/",
    "https://jobs.example.com:22/",
    "https://jobs.example.com:25/",
    "http://jobs.example.com:3000/",
    "http://jobs.example.com:5432/",
    "https://jobs.example.com:0/",
    "https://jobs.example.com:65536/",
    "https://8.8.8.8:53/",
];

#[test]
fn public_web_addresses_are_accepted() {
    for text in GOOD {
        assert!(read(text).is_ok(), "{text}: {:?}", read(text));
    }
}

#[test]
fn no_spelling_of_this_network_is_accepted() {
    for text in PRIVATE {
        assert!(read(text).is_err(), "{text} was accepted as {:?}", read(text));
    }
}

#[test]
fn no_public_name_of_a_private_machine_is_accepted() {
    for text in MISLEADING {
        assert_eq!(read(text), Err(super::NOT_PUBLIC), "{text}");
    }
}

#[test]
fn only_plain_web_addresses_are_accepted() {
    for text in ODD {
        assert!(read(text).is_err(), "{text} was accepted as {:?}", read(text));
    }
}

#[test]
fn an_address_is_as_long_as_it_is_sent() {
    let of_length = |letter: &str, length: usize| {
        let start = "https://jobs.example.com/";
        format!("{start}{}", letter.repeat(length - start.len()))
    };
    assert!(read(&of_length("a", 2083)).is_ok());
    assert_eq!(read(&of_length("a", 2083 + 1)), Err("it is too long"));
    // Six characters each once they are sent.
    assert_eq!(read(&of_length("é", 400)), Err("it is too long"));
    // What a browser leaves out does not count.
    assert!(read(&of_length("\n", 2083 + 1)).is_ok());
    assert!(read(&format!("https://jobs.example.com/{}", "a/../".repeat(2083))).is_ok());
}

/// A resolver's answers for addresses of the old kind and of the new one.
fn resolves(old: &Value, new: &Value) -> Machine {
    let path = "/dns-query";
    Machine::new().responds(path, 200, old.clone()).responds(path, 200, new.clone())
}

fn addresses(record_type: u16, addresses: &[&str]) -> Value {
    let record = |data: &&str| json!({ "name": "jobs.example.com", "type": record_type, "TTL": 60, "data": data });
    json!({ "Status": 0, "TC": false, "Answer": addresses.iter().map(record).collect::<Vec<_>>() })
}

/// What becomes of an address whose name is looked up on this machine.
fn looked_up(machine: &Machine) -> &'static str {
    let resolver = "https://dns.example/dns-query".parse().unwrap();
    match block_on(check("https://jobs.example.com/7", Some(&resolver), &machine.upstream())) {
        Ok(url) => {
            assert_eq!(url.as_str(), "https://jobs.example.com/7");
            "allowed"
        }
        Err(problem) => problem_of(&Err(problem)),
    }
}

#[test]
fn a_name_is_as_good_as_every_address_it_resolves_to() {
    let none = || json!({ "Status": 0, "TC": false });
    for (old, new, expected) in [
        (addresses(1, &["8.8.8.8"]), addresses(28, &["2606:4700::1111"]), "allowed"),
        (addresses(1, &["8.8.8.8", "8.8.4.4"]), none(), "allowed"),
        (none(), addresses(28, &["2606:4700::1111"]), "allowed"),
        (addresses(1, &["127.0.0.1"]), none(), "job_url_not_allowed"),
        (addresses(1, &["8.8.8.8", "169.254.169.254"]), none(), "job_url_not_allowed"),
        (addresses(1, &["8.8.8.8"]), addresses(28, &["::1"]), "job_url_not_allowed"),
        (addresses(1, &["8.8.8.8"]), addresses(28, &["::ffff:10.0.0.1"]), "job_url_not_allowed"),
        (none(), none(), "job_url_not_allowed"),
        (json!({ "Status": 3 }), json!({ "Status": 3 }), "job_url_not_allowed"),
        (json!({ "Status": 2 }), none(), "job_url_unresolved"),
        (addresses(1, &["8.8.8.8"]), json!({ "Status": 2 }), "job_url_unresolved"),
        (addresses(1, &["8.8.8.8"]), json!({ "Status": 0, "TC": true }), "job_url_unresolved"),
        (json!("<html>"), none(), "job_url_unresolved"),
    ] {
        assert_eq!(looked_up(&resolves(&old, &new)), expected, "{old} {new}");
    }
}

#[test]
fn the_resolver_is_asked_for_both_kinds_of_addresses() {
    let machine = resolves(&addresses(1, &["8.8.8.8"]), &addresses(28, &[]));
    assert_eq!(looked_up(&machine), "allowed");
    let asked: Vec<String> = machine.sent().into_iter().map(|sent| sent.url).collect();
    let query = "https://dns.example/dns-query?name=jobs.example.com&type=";
    assert_eq!(asked, [format!("{query}A"), format!("{query}AAAA")]);
    assert!(machine.sent().iter().all(|sent| sent.headers.get("accept") == Some("application/dns-json")));
}

#[test]
fn while_the_resolver_is_away_nothing_is_let_through() {
    let public = addresses(28, &["2606:4700::1111"]);
    for failing in [Failure::TimedOut, Failure::Unreachable] {
        let machine = Machine::new().fails("/dns-query", failing).responds("/dns-query", 200, public.clone());
        assert_eq!(looked_up(&machine), "job_url_unresolved");
        let waits = if failing == Failure::TimedOut { 5 } else { 0 };
        assert_eq!(machine.waited().as_secs(), waits, "somebody waits for the response");
    }
    // Whatever it says along with it.
    for status in [400, 429, 500, 302] {
        let machine = Machine::new().responds("/dns-query", status, addresses(1, &["8.8.8.8"])).responds(
            "/dns-query",
            200,
            public.clone(),
        );
        assert_eq!(looked_up(&machine), "job_url_unresolved");
    }
}

#[test]
fn only_names_are_looked_up_and_only_where_there_is_a_resolver() {
    let resolver = "https://dns.example/dns-query".parse().unwrap();
    let machine = Machine::new();
    assert!(block_on(check("https://8.8.8.8/7", Some(&resolver), &machine.upstream())).is_ok());
    assert!(block_on(check("https://jobs.example.com/7", None, &machine.upstream())).is_ok());
    assert!(block_on(check("https://10.0.0.1.nip.io/7", Some(&resolver), &machine.upstream())).is_err());
    assert!(machine.sent().is_empty());
}
