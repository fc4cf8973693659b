//! `docs/problems.md` is written from the code. After a change, write it anew:
//!
//! ```sh
//! UPDATE=1 cargo test -p shared problems_page
//! ```
//!
//! A problem, token problem or kind of fault without an entry here does not compile. The refusals of SQL functions are
//! compared with the migrations.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf, time::Duration};

use shared::{
    application_status::ApplicationStatus,
    config::Misconfigured,
    problem::{Kind, Problem, SentApplication, TokenProblem},
    vendors::{self, Fault, FaultKind, Faults, skyvern},
};

const INTRODUCTION: &str = "\
# Problems

<!-- Written by `UPDATE=1 cargo test -p shared problems_page`. Change shared/tests/problems_page.rs, not this file. -->

A function reports a failure as `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

```json
{
  \"type\": \"https://jobraker.app/problems/resume_missing\",
  \"title\": \"Résumé missing\",
  \"status\": 422,
  \"detail\": \"upload a résumé before applying\",
  \"code\": \"resume_missing\",
  \"request_id\": \"6f9619ff-8b86-4d11-b42d-00c04fc964ff\"
}
```

`type` is `https://jobraker.app/problems/<code>`, and this page is where it leads: every code has an anchor of its name.
Match on `code`. Codes are added, never renamed or removed; `title` and `detail` are for people. `request_id` is also in
the log lines of the request. `invalid_input` has one more member, `errors`, with a `field` and a `message` for each bad
field, and `already_applied` has two, `application_id` and `application_status`. Where the table says so, a `Retry-After` header tells in how many seconds to try again.

What the database itself refuses, through PostgREST, has [another form](#from-the-database-directly).
";

struct Section {
    heading: String,
    introduction: String,
    entries: Vec<Entry>,
}

/// One code.
struct Entry {
    kind: Kind,
    detail: String,
    has_retry_after: bool,
    meaning: String,
    advice: String,
}

impl Entry {
    fn new(problem: &Problem, meaning: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            kind: problem.kind(),
            detail: problem.to_string(),
            has_retry_after: problem.retry_after().is_some(),
            meaning: meaning.into(),
            advice: advice.into(),
        }
    }
}

/// Sections, each with an example, the meaning and the advice for some variants of an enum. A variant that is in none
/// does not compile.
macro_rules! sections {
    ($enum:ident, elsewhere: [$($elsewhere:ident),*],
     $($heading:literal, $introduction:literal {
        $($variant:ident: $example:expr, $meaning:literal, $advice:literal;)+
     })+) => {{
        let _ = |value: &$enum| match value {
            $($($enum::$variant { .. } => (),)+)+
            $($enum::$elsewhere { .. } => (),)*
        };
        vec![$(Section {
            heading: $heading.to_owned(),
            introduction: $introduction.to_owned(),
            entries: vec![$({
                let example = $example;
                assert!(matches!(example, $enum::$variant { .. }), "the example of {}", stringify!($variant));
                Entry::new(&example.into(), $meaning, $advice)
            }),+],
        }),+]
    }};
}

#[expect(clippy::too_many_lines, reason = "one entry for each problem")]
#[expect(clippy::unwrap_used, reason = "this is how a test fails")]
fn problems() -> Vec<Section> {
    let minute = Duration::from_mins(1);
    sections! { Problem, elsewhere: [Unauthenticated, Vendor],
        "The request", "" {
            InvalidInput: Problem::invalid("application_id", "must be a UUID"),
                "The body, the query or a header is not what the function expects.",
                "Correct the fields that `errors` names.";
            BodyTooLarge: Problem::BodyTooLarge { limit: 65_536 },
                "The body is longer than the function reads; `detail` has the function's own limit.",
                "Send less.";
            UnsupportedMediaType: Problem::UnsupportedMediaType,
                "The body is not declared as JSON.",
                "Send `Content-Type: application/json`.";
            MethodNotAllowed: Problem::MethodNotAllowed { allow: "POST, OPTIONS" },
                "The function does not know the method.",
                "Use one of those in the `Allow` header.";
        }
        "Who is calling", "The reasons why a token is refused are [below](#tokens)." {
            ServiceKeyRequired: Problem::ServiceKeyRequired,
                "An internal function was called without the service-role key.",
                "It is not for apps. An operator sends the key of the project.";
            ProfilePending: Problem::ProfilePending,
                "The token is valid, but the person's profile has not arrived from Clerk yet.",
                "Try again after `Retry-After`.";
            AccountDeleted: Problem::AccountDeleted,
                "The token is still valid, but the account was deleted at Clerk.",
                "Sign the person out.";
            ImpersonationRefused: Problem::ImpersonationRefused,
                "The token was made for impersonation: it carries the claim `act`. What costs money, or what an \
                 employer sees, takes the person themselves.",
                "Let the person do it.";
            SignInUnavailable: Problem::SignInUnavailable,
                "The keys that check tokens cannot be fetched, so nobody can be let in or turned away.",
                "Try again after `Retry-After`.";
            SignatureInvalid: Problem::SignatureInvalid,
                "A webhook's signature is missing, was made with another key, or over other bytes.",
                "An operator compares the sender's secret with the setting.";
        }
        "Applications", "" {
            ApplicationNotFound: Problem::ApplicationNotFound,
                "There is no such application, or it is another person's; the response does not tell which.",
                "Reload the list of applications.";
            ApplicationWrongStatus: Problem::ApplicationWrongStatus {
                    detail: "the application is SUBMITTED_BY_SKYVERN".to_owned(),
                },
                "The application has gone further than this call, or was closed. `detail` names its status.",
                "Show the current status.";
            AlreadyApplied: Problem::AlreadyApplied(Box::new(SentApplication {
                    detail: "another application for this posting was or may have been sent: it is SUBMITTED_BY_SKYVERN"
                        .to_owned(),
                    application_id: "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap(),
                    application_status: ApplicationStatus::SubmittedBySkyvern,
                })),
                "An application for this posting was sent, or may have been: another one, or an earlier submission of \
                 the same. `application_id` and `application_status` tell which, and what came of it.",
                "Show it, and ask. If it is meant, send `\"apply_again\": true`.";
            CompanyExcluded: Problem::CompanyExcluded {
                    detail: "Acme is among the companies that you exclude".to_owned(),
                },
                "The company is in the person's `user_preferences.excluded_companies`.",
                "Show why. The person may change their preferences.";
            ApplicationLimitReached: Problem::ApplicationLimitReached {
                    detail: "your plan allows 10 applications in 24 hours".to_owned(),
                    retry_after: minute,
                },
                "The person has as many runs in 24 hours, or at the same time, as their tier allows. `detail` names the \
                 limit.",
                "Try again after `Retry-After`.";
            SubmissionInProgress: Problem::SubmissionInProgress,
                "Another call is handing this application to Skyvern right now.",
                "Try again after `Retry-After`; the same run is returned then.";
            SubmissionOpen: Problem::SubmissionOpen,
                "It is not known yet whether an earlier call started a run. The backend is finding out.",
                "Wait for the application's status, or try again after `Retry-After`. Nothing is sent twice.";
            IdempotencyKeyReused: Problem::IdempotencyKeyReused,
                "The `Idempotency-Key` belongs to another application.",
                "Make a new key for each application.";
            JobUrlNotAllowed: Problem::JobUrlNotAllowed { reason: "it does not name a public web site" },
                "The posting's address is not one that a browser may be sent to. `detail` says why.",
                "Correct `job_url`.";
            JobUrlUnresolved: Problem::JobUrlUnresolved,
                "It cannot be found out at the moment where the posting's address leads. Nothing was sent.",
                "Try again after `Retry-After`. If that does not help, the posting's host has no working DNS.";
        }
        "Files", "" {
            ResumeMissing: Problem::ResumeMissing,
                "The person has no résumé.",
                "Ask for one, then apply again.";
            ResumeNotFound: Problem::ResumeNotFound,
                "The stored path leads to no file of this person.",
                "Ask for the résumé again.";
            CoverLetterNotFound: Problem::CoverLetterNotFound,
                "The application names a cover letter, and the path leads to no file of this person.",
                "Ask for it again, or take it out of the application.";
            PathNotAllowed: Problem::PathNotAllowed,
                "No file of a person can have this bucket or path.",
                "Send the path as it is stored.";
            FileNotFound: Problem::FileNotFound,
                "There is no such file, or it is another person's; the response does not tell which.",
                "Reload the list of files.";
        }
        "Searching for jobs", "" {
            SearchLimitReached: Problem::SearchLimitReached { retry_after: minute },
                "The person's own share of the searches is used up, and there are no results from earlier.",
                "Try again after `Retry-After`.";
            SearchQuotaSpent: Problem::SearchQuotaSpent { retry_after: minute },
                "The searches that Adzuna allows are used up, and there are no results from earlier.",
                "Try again after `Retry-After`.";
        }
        "The job sync", "Only internal callers see these." {
            JobSyncRunning: Problem::JobSyncRunning { retry_after: minute },
                "Another run is going on.",
                "Leave it to that run, or try again after `Retry-After`.";
            JobSyncSuperseded: Problem::JobSyncSuperseded,
                "This run was too slow: its lock has expired, and another run may have begun.",
                "Nothing. What it stored until then is kept.";
        }
        "Our own side", "" {
            StorageTimedOut: Problem::StorageTimedOut,
                "Supabase Storage did not answer in time.",
                "Try again later.";
            StorageFailed: Problem::StorageFailed,
                "Supabase Storage failed, or what it returned cannot be read.",
                "Try again later.";
            DatabaseTimedOut: Problem::DatabaseTimedOut,
                "The database did not answer in time. The change may have been made all the same.",
                "Look before you try again.";
            DatabaseUnavailable: Problem::DatabaseUnavailable,
                "The database cannot be reached.",
                "Try again after `Retry-After`.";
            Overloaded: Problem::Overloaded,
                "More requests came at once than can be served in good time. Nothing was done about this one.",
                "Try again after `Retry-After`.";
            Misconfigured: Problem::from(Misconfigured { name: "SUPABASE_URL", fault: "is missing" }),
                "A setting is missing or malformed. Its name is in the log only.",
                "Nothing that an app can do. An operator finds the `request_id` in the log.";
            Internal: Problem::internal("for the log"),
                "A fault of ours. The cause is in the log only.",
                "Report it with its `request_id`.";
        }
    }
}

fn tokens() -> Vec<Section> {
    sections! { TokenProblem, elsewhere: [],
        "Tokens", "Why a token does not let its bearer in. The `WWW-Authenticate` header has the same reason." {
            Missing: TokenProblem::Missing,
                "The request carries no bearer token.",
                "Sign the person in.";
            Malformed: TokenProblem::Malformed,
                "Not a JWT of the expected form, or longer than any of Clerk's.",
                "Send Clerk's session token as it is.";
            AlgorithmRefused: TokenProblem::AlgorithmRefused,
                "Not an algorithm of the token's issuer: RS256 for Clerk; for Supabase Auth ES256, or HS256 where the \
                 project's secret is set.",
                "Send Clerk's session token.";
            KeyUnknown: TokenProblem::KeyUnknown,
                "Signed with a key that is not among the issuer's.",
                "Ask Clerk for a fresh token. If that does not help, an operator checks the issuer's settings.";
            SignatureInvalid: TokenProblem::SignatureInvalid,
                "The signature does not fit the content.",
                "Ask Clerk for a fresh token.";
            Expired: TokenProblem::Expired,
                "It has expired. Session tokens live for a minute.",
                "Ask Clerk for a fresh token for every request.";
            NotYetValid: TokenProblem::NotYetValid,
                "It becomes valid only later.",
                "Try again; if that does not help, a clock is wrong.";
            IssuerRefused: TokenProblem::IssuerRefused,
                "It comes from another Clerk instance or Supabase project.",
                "Use the keys of the environment that you call.";
            PartyRefused: TokenProblem::PartyRefused,
                "It was made for another front end.",
                "An operator adds the front end's origin to `CLERK_AUTHORIZED_PARTIES`.";
            KindRefused: TokenProblem::KindRefused,
                "It is a machine's or a template's, or of a sign-in that is not finished.",
                "Finish signing in, and send the session token.";
        }
    }
}

/// One for each of [`vendors::FAULTS`].
const VENDORS: [&str; vendors::FAULTS.len()] = [
    "Adzuna: the search found nothing new, and there are no results from earlier.",
    "Expo: push messages. Only internal callers see these, and the results of background jobs.",
    "JSearch: the job sync. Only internal callers see these; what was fetched before is kept.",
    "Skyvern: the code is also the `reason` in `applications.status_details`.",
];

fn vendors() -> Vec<Section> {
    let section = |(faults, introduction): (&Faults, &str)| Section {
        heading: faults.vendor.to_owned(),
        introduction: introduction.to_owned(),
        entries: faults.all().map(|fault| vendor_entry(faults.vendor, fault)).collect(),
    };
    vendors::FAULTS.into_iter().zip(VENDORS).map(section).collect()
}

fn vendor_entry(vendor: &str, fault: Fault) -> Entry {
    let (meaning, advice) = match fault.kind {
        FaultKind::Unauthorized => (
            format!("{vendor} does not accept the backend's credentials."),
            "Nothing that an app can do. An operator checks the key.",
        ),
        FaultKind::CreditsExhausted => {
            (format!("There are no credits left in the backend's account at {vendor}."), "An operator buys credits.")
        }
        FaultKind::QuotaSpent => (
            format!("The requests of the backend's plan at {vendor} are used up."),
            "Wait until the plan begins anew, or take a larger one.",
        ),
        FaultKind::UnknownPath => (
            format!("{vendor} does not know the path that the backend asks for."),
            "An operator checks the setting of the path.",
        ),
        FaultKind::RateLimited => {
            (format!("{vendor} takes no more requests for the moment."), "Try again after `Retry-After`.")
        }
        FaultKind::Rejected => (
            format!("{vendor} refused this request, and will do so again."),
            "Change the request, or report it with its `request_id`.",
        ),
        FaultKind::Failed => (format!("{vendor} failed."), "Try again later."),
        FaultKind::TimedOut => (format!("{vendor} did not answer in time."), "Try again later."),
        FaultKind::Unreachable => {
            (format!("The connection to {vendor} could not be made, or broke."), "Try again later.")
        }
        FaultKind::Unreadable => (format!("What {vendor} returned is not in the expected form."), "Try again later."),
        FaultKind::Paused => (
            format!("{vendor} was not called: it has failed or refused us, and is left alone for a while."),
            "Try again after `Retry-After`.",
        ),
    };
    if vendor == skyvern::FAULTS.vendor && skyvern::leaves_outcome_open(fault) {
        return Entry::new(
            &fault.into(),
            format!("{meaning} Whether a run was started is open, and the backend is finding out."),
            "Wait for the application's status. Nothing is sent twice.",
        );
    }
    Entry::new(&fault.into(), meaning, advice)
}

/// The refusals of SQL functions and triggers: code, status, where an app meets it.
const REFUSALS: &[(&str, u16, &str)] = &[
    ("account_deleted", 403, "`ensure_person`"),
    ("already_applied", 409, "`claim_application`; `details` is JSON with `application_id` and `application_status`"),
    (
        "application_limit_reached",
        429,
        "`claim_application`; `details` is JSON with `retry_after_seconds`, which is also in the header",
    ),
    ("application_not_found", 404, "`claim_application`"),
    ("application_wrong_status", 409, "`claim_application`"),
    ("company_excluded", 409, "`claim_application`"),
    ("idempotency_key_reused", 422, "`claim_application`"),
    ("impersonation_refused", 403, "`claim_application`"),
    ("invalid_input", 422, "an argument or a payload that is too long or malformed; a function says 400"),
    ("job_not_found", 404, "`count_job_click`: there is no such posting, or it is not active any more"),
    ("profile_pending", 403, "RPCs, before the person's profile has arrived: try again in a moment"),
    ("resume_missing", 422, "`claim_application`"),
    ("resume_not_found", 404, "`make_resume_primary`: there is no such résumé, or it is another person's"),
    (
        "status_not_yours",
        409,
        "inserting into or updating `applications`: the person may not set this status themselves",
    ),
    (
        "too_many_applications",
        409,
        "inserting into `applications`: the person has as many as they may have, deleted ones among them",
    ),
    (
        "too_many_background_jobs",
        429,
        "inserting into `background_jobs`: the person has queued too many within a day, cancelled ones included",
    ),
    ("too_many_jobs", 429, "inserting into `background_jobs`: too many of the person's are waiting already"),
    ("too_many_resumes", 409, "inserting into `resumes`: the person has as many as they may have"),
    ("too_many_saved_jobs", 409, "inserting into `saved_jobs`: likewise"),
    ("too_many_saved_searches", 409, "inserting into `saved_searches`: likewise"),
];

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let sections: Vec<Section> = problems().into_iter().chain(tokens()).chain(vendors()).collect();
    for section in &sections {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "\n## {}\n", section.heading);
        if !section.introduction.is_empty() {
            let _ = writeln!(page, "{}\n", section.introduction);
        }
        page.push_str(
            "| code | status | title and `detail` | meaning | what to do |\n| --- | --- | --- | --- | --- |\n",
        );
        for Entry { kind, detail, has_retry_after, meaning, advice } in &section.entries {
            let (Kind { status, code, title }, retry_after) =
                (kind, if *has_retry_after { ", `Retry-After`" } else { "" });
            let _ = writeln!(
                page,
                "| <a id=\"{code}\"></a>`{code}` | {status}{retry_after} | {title}: {detail} | {meaning} | {advice} |"
            );
        }
    }
    page.push_str(
        "\n## From the database directly\n\n\
         What an app asks of PostgREST itself is refused in PostgREST's form, `{\"code\", \"message\", \"details\", \
         \"hint\"}`, without\n`type` and `request_id`. These codes are ours; all others are PostgREST's (`PGRST…`) and \
         PostgreSQL's (five characters,\nsuch as `42501`).\n\n\
         | code | status | where |\n| --- | --- | --- |\n",
    );
    let known: BTreeSet<&str> =
        sections.iter().flat_map(|section| &section.entries).map(|entry| entry.kind.code).collect();
    for (code, status, place) in REFUSALS {
        let name = if known.contains(code) {
            format!("[`{code}`](#{code})")
        } else {
            format!("<a id=\"{code}\"></a>`{code}`")
        };
        let _ = writeln!(page, "| {name} | {status} | {place} |");
    }
    page
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn problems_page_is_up_to_date() {
    let file = root().join("docs/problems.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/problems.md is stale; write it anew: UPDATE=1 cargo test -p shared problems_page");
}

#[test]
fn problems_page_has_every_code_once() {
    let page = page();
    let anchors: Vec<&str> = page.split("<a id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    let distinct: BTreeSet<&str> = anchors.iter().copied().collect();
    assert_eq!(anchors.len(), distinct.len(), "{anchors:?}");
    for (faults, introduction) in vendors::FAULTS.iter().zip(VENDORS) {
        assert!(introduction.starts_with(faults.vendor), "{introduction}");
        assert!(faults.all().all(|fault| distinct.contains(fault.code)), "{}", faults.vendor);
    }
}

#[test]
fn problems_page_has_the_refusals_of_the_migrations() {
    let mut raised = BTreeSet::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        for call in fs::read_to_string(path).unwrap().split("private.refuse('").skip(1) {
            let mut arguments = call.splitn(3, ',');
            let code = arguments.next().unwrap().trim().trim_end_matches('\'').to_owned();
            raised.insert((code, arguments.next().unwrap().trim().parse::<u16>().unwrap()));
        }
    }
    assert_eq!(raised, REFUSALS.iter().map(|(code, status, _)| ((*code).to_owned(), *status)).collect());
}
