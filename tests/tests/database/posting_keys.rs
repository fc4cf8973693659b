//! When two addresses are the same posting.

use tests::Stack;

const UUID: &str = "0a1b2c3d-1111-2222-3333-444455556666";

/// Each entry is one posting: its key, and the ways to spell it.
#[expect(clippy::too_many_lines, reason = "one entry for each posting")]
#[tokio::test]
async fn a_posting_has_one_key_however_its_address_is_spelled() {
    let lever = format!("lever:{UUID}");
    let ashby = format!("ashby:{UUID}");
    let publication = format!("smartrecruiters:{UUID}");
    let upper = UUID.to_uppercase();
    let spelled = |text: &str| text.replace("{uuid}", UUID).replace("{UUID}", &upper);
    let postings: &[(&str, &[&str])] = &[
        (
            "url:jobs.example.com/engines/7",
            &[
                "https://jobs.example.com/engines/7",
                "http://jobs.example.com/engines/7",
                "https://www.jobs.example.com/engines/7/",
                "HTTPS://Jobs.Example.COM:443/engines/7",
                "http://jobs.example.com.:80/engines/7#apply",
                "  https://jobs.example.com/engines/7\n",
                "https:\\\\jobs.example.com\\engines\\7",
                "https://jobs.example.com/engines/7?",
                "https://jobs.example.com/engines/7?utm_source=x&UTM_Medium=y&gclid=1&fbclid=2&msclkid=3",
                "https://jobs.example.com/engines/7?lang=de#:~:text=a/b",
                "https://jobs.example.com/engines/7?&&mc_eid=1&",
            ],
        ),
        (
            "url:jobs.example.com/job?id=7&ref=abc",
            &["https://jobs.example.com/job?id=7&ref=abc", "https://jobs.example.com/job/?ref=abc&utm_id=1&id=7&id=7"],
        ),
        ("url:jobs.example.com/Engines", &["https://jobs.example.com/Engines"]),
        ("url:jobs.example.com/engines", &["https://jobs.example.com/engines"]),
        ("url:jobs.example.com:8443/7", &["https://jobs.example.com:8443/7"]),
        (
            "url:jobs.example.com#/jobs/12",
            &["https://jobs.example.com/#/jobs/12", "https://jobs.example.com#/jobs/12/"],
        ),
        ("url:jobs.example.com", &["https://jobs.example.com", "http://www.jobs.example.com/#top"]),
        ("url:[2001:db8::1]/7", &["https://[2001:DB8::1]/7"]),
        ("url:not an address", &["not an address"]),
        (
            "greenhouse:4012345",
            &[
                "https://boards.greenhouse.io/acme/jobs/4012345",
                "https://job-boards.greenhouse.io/acme/jobs/4012345?gh_src=abc&source=x",
                "https://boards.eu.greenhouse.io/acme/jobs/4012345#app",
                "https://boards.greenhouse.io/acme/jobs/4012345?gh_jid=4012345",
                "https://boards.greenhouse.io/embed/job_app?for=acme&token=4012345",
                "https://boards-api.greenhouse.io/v1/boards/acme/jobs/4012345",
                "https://acme.example/careers?gh_jid=4012345&gh_src=1",
                "https://www.acme.example/careers/4012345/engineer?team=2&gh_jid=4012345",
            ],
        ),
        ("url:acme.example/careers?gh_jid=x", &["https://acme.example/careers?gh_jid=x&gh_src=2"]),
        (
            "url:boards.greenhouse.io/acme/jobs/1?gh_jid=2",
            &["https://boards.greenhouse.io/acme/jobs/1?gh_jid=2&source=mail"],
        ),
        ("url:boards.greenhouse.io/acme", &["https://boards.greenhouse.io/acme?from=x"]),
        (
            &lever,
            &[
                "https://jobs.lever.co/acme/{uuid}",
                "https://jobs.lever.co/acme/{UUID}/apply?lever-source=LinkedIn&lever-origin=applied",
                "https://jobs.eu.lever.co/acme/{uuid}/",
                "https://api.lever.co/v0/postings/acme/{uuid}?mode=json",
            ],
        ),
        (
            &ashby,
            &[
                "https://jobs.ashbyhq.com/Acme%20Inc/{uuid}",
                "https://jobs.ashbyhq.com/acme/{uuid}/application?utm_source=x&embed=js",
                "https://careers.acme.example/jobs?ashby_jid={UUID}",
            ],
        ),
        (
            "workable:0A1B2C3D4E",
            &["https://apply.workable.com/acme/j/0A1B2C3D4E/apply/", "https://apply.workable.com/j/0a1b2c3d4e"],
        ),
        (
            "smartrecruiters:743999912345678",
            &[
                "https://jobs.smartrecruiters.com/Acme/743999912345678-senior-engineer",
                "https://careers.smartrecruiters.com/portal/Acme/743999912345678?trid=1&oga=true",
                "https://jobs.smartrecruiters.com/Acme/743999912345678?dcr_ci=Acme",
            ],
        ),
        (&publication, &["https://jobs.smartrecruiters.com/oneclick-ui/company/Acme/publication/{uuid}?dcr_ci=Acme"]),
        (
            "recruitee:acme.recruitee.com:senior-engineer",
            &[
                "https://acme.recruitee.com/o/senior-engineer",
                "https://acme.recruitee.com/o/Senior-Engineer/c/new?source=x",
            ],
        ),
        (
            "personio:acme:123456",
            &[
                "https://acme.jobs.personio.de/job/123456?language=en",
                "https://acme.jobs.personio.com/job/123456#apply",
            ],
        ),
        (
            "adzuna:5123456789",
            &[
                "https://www.adzuna.com/land/ad/5123456789?se=abc&utm_medium=api&v=DEF",
                "https://www.adzuna.co.uk/jobs/details/5123456789?utm_source=x",
                "https://www.adzuna.com.au/jobs/land/ad/5123456789",
                "https://adzuna.de/details/5123456789/",
            ],
        ),
        (
            "url:www.adzuna.com.evil.example/land/ad/5123456789",
            &["https://www.www.adzuna.com.evil.example/land/ad/5123456789"],
        ),
        ("url:jobs.lever.co.evil.example/acme/{uuid}", &["https://jobs.lever.co.evil.example/acme/{uuid}"]),
    ];
    let stack = Stack::get().await;
    for (key, addresses) in postings {
        for address in *addresses {
            let address = spelled(address);
            let rows = stack.database().query("select private.posting_key($1)", &[&address]).await;
            assert_eq!(rows[0].get::<_, String>(0), spelled(key), "{address}");
        }
    }
}

#[tokio::test]
async fn an_address_of_any_length_has_a_key_that_an_index_takes() {
    let stack = Stack::get().await;
    let ada = stack.new_person().await;
    let address = format!("https://jobs.example.com/{}", "ö".repeat(2000));
    let row = ada.application_row(ada.application("DRAFT", &address).await).await;
    let key = row["posting_key"].as_str().unwrap();
    assert!(key.starts_with("sha256:") && key.len() < 100, "{key}");
    let other = ada.application_row(ada.application("DRAFT", &format!("{address}o")).await).await;
    assert_ne!(other["posting_key"], key);
}
