//! The vendors' own answers, read by the clients and parsers that will read them in production. The simulators are
//! compared with the same files (local/simulators/fixtures), so that both cannot be wrong together.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    config::{Environment, Project, Supabase},
    ids::RunId,
    problem::Problem,
    secret::Secret,
    sign_in::{SignIn, person},
    supabase::{Database, RESUMES, Storage, rpc::applications::ClaimApplication},
    testing::{Fixture, Machine, block_on, environment, fixture, service_role},
    vendors::{
        Fault, adzuna,
        expo::{self, Content, Expo, Message, NotSent, Receipt, Ticket},
        jsearch::{self, Jsearch, Next},
        skyvern::{self, Event, RunStatus, Skyvern},
    },
};

/// A machine whose next request to that path is answered as it is in the fixture.
fn answering(path: &str, name: &str) -> Machine {
    let Fixture { status, content_type, body, .. } = fixture(name);
    assert_ne!(status, 0, "{name} is an answer");
    Machine::new().responds_with(path, status, &[("content-type", &content_type)], body.to_string())
}

mod of_skyvern {
    use super::*;

    fn settings() -> skyvern::Settings {
        skyvern::Settings { api_url: "https://skyvern.example/".parse().unwrap(), api_key: Secret::new("k") }
    }

    fn start(name: &str) -> Result<(String, RunStatus), Fault> {
        let (settings, machine) = (settings(), answering("/v1/run/tasks", name));
        let upstream = machine.upstream();
        let run = skyvern::NewRun {
            prompt: "Apply".to_owned(),
            url: "https://jobs.example/7".parse().unwrap(),
            title: "jobraker-1".to_owned(),
            webhook_url: "https://functions.example/".parse().unwrap(),
            max_steps: 1,
            data_extraction_schema: Value::Null,
            error_code_mapping: Value::Null,
        };
        block_on(Skyvern::new(&settings, &upstream).start(&run)).map(|run| (run.id.as_str().to_owned(), run.status))
    }

    fn read(name: &str) -> Result<Option<Event>, Fault> {
        let run_id = RunId::parse("tsk_410000000000000001").unwrap();
        let machine = answering("/v1/runs/tsk_410000000000000001", name);
        let upstream = machine.upstream();
        block_on(Skyvern::new(&settings(), &upstream).read(&run_id))
    }

    fn cancel(name: &str) -> Result<bool, Fault> {
        let machine = answering("/v1/runs/tsk_41/cancel", name);
        let upstream = machine.upstream();
        block_on(Skyvern::new(&settings(), &upstream).cancel(&RunId::parse("tsk_41").unwrap()))
    }

    fn event(name: &str) -> Event {
        Event::parse(fixture(name).body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_run_that_was_created_is_read() {
        let (id, status) = start("skyvern/run_created").unwrap();
        assert_eq!((id.as_str(), status.as_str()), ("tsk_410000000000000001", "created"));

        let event = read("skyvern/run_created").unwrap().unwrap();
        assert!(!event.is_final());
        assert_eq!((event.attempt, event.retry_pending, event.output), (1, false, Value::Null));
    }

    #[test]
    fn a_refusal_is_told_by_its_meaning() {
        for (name, fault, leaves_open) in [
            ("skyvern/key_refused", skyvern::FAULTS.unauthorized, false),
            ("skyvern/credits_exhausted", skyvern::CREDITS_EXHAUSTED, false),
            ("skyvern/prompt_missing", skyvern::FAULTS.rejected, false),
            ("skyvern/rate_limited", skyvern::FAULTS.rate_limited, false),
            ("skyvern/database_away", skyvern::FAULTS.failed, true),
        ] {
            let told = start(name).unwrap_err();
            assert_eq!(told.code, fault.code, "{name}");
            assert_eq!(skyvern::leaves_outcome_open(told), leaves_open, "{name}");
        }
    }

    #[test]
    fn an_unknown_run_is_told_from_a_refusal() {
        assert!(read("skyvern/run_unknown").unwrap().is_none());
        assert_eq!(read("skyvern/key_refused").unwrap_err(), skyvern::FAULTS.unauthorized);
        assert_eq!(cancel("skyvern/run_unknown"), Ok(false));
    }

    #[test]
    fn a_cancellation_is_taken_or_not() {
        assert_eq!(cancel("skyvern/cancelled"), Ok(true));
        assert_eq!(cancel("skyvern/transition_refused"), Err(skyvern::FAULTS.rejected));
        assert_eq!(cancel("skyvern/webhook_not_delivered"), Err(skyvern::FAULTS.failed));
    }

    #[test]
    fn the_webhook_of_each_kind_of_run_is_read() {
        let task = event("skyvern/webhook_of_task");
        assert_eq!((task.run_id.as_str(), task.status), ("tsk_41", RunStatus::Completed));
        assert_eq!((task.attempt, task.retry_pending), (1, false), "tasks have no attempts");
        assert_eq!(task.output, json!({ "confirmation_text": "Thank you, Dana", "resume_attached": true }));
        assert_eq!((task.errors.len(), task.failure_reason), (0, None));

        let workflow = event("skyvern/webhook_of_workflow");
        assert_eq!((workflow.run_id.as_str(), workflow.status), ("wr_41", RunStatus::Completed));
        assert_eq!((workflow.attempt, workflow.retry_pending), (1, false));
        assert_eq!(workflow.output["apply_output"], json!({ "ok": true }));
    }

    #[test]
    fn what_a_webhook_says_went_wrong_is_read() {
        let mut body = fixture("skyvern/webhook_of_task").body;
        body["errors"] = json!([fixture("skyvern/run_error").body]);
        let event = Event::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(event.errors.len(), 1);
        assert_eq!(
            (event.errors[0].error_code.as_str(), event.errors[0].reasoning.as_deref()),
            ("job_closed", Some("…"))
        );
    }

    #[test]
    fn the_answer_to_a_replay_is_no_event() {
        // It has a run id, but its status is that of the receiver: nobody must take it for the run's.
        let body = fixture("skyvern/webhook_replayed").body.to_string();
        assert!(Event::parse(body.as_bytes()).is_err(), "{body}");
    }

    #[test]
    fn the_signature_of_a_webhook_is_over_its_bytes() {
        let Fixture { text, key, signature, .. } = fixture("skyvern/webhook_signed");
        assert_eq!(skyvern::sign(&Secret::new(key), text.as_bytes()), signature);
        let event = Event::parse(text.as_bytes()).unwrap();
        assert_eq!(event.output["note"], "Merci – reçu");
    }
}

mod of_adzuna {
    use super::*;

    fn search(name: &str) -> Result<adzuna::Page, Fault> {
        let settings = adzuna::Settings {
            api_url: "https://adzuna.example/".parse().unwrap(),
            app_id: Secret::new("id"),
            app_key: Secret::new("key"),
        };
        let query = adzuna::Query {
            country: adzuna::Country::find("gb").unwrap(),
            page: 1,
            page_size: 20,
            what: Some("data engineer".to_owned()),
            what_exclude: None,
            title_only: None,
            location: None,
            distance: None,
            max_days_old: None,
            category: None,
            company: None,
            salary_min: None,
            salary_max: None,
            salary_include_unknown: false,
            full_time: false,
            part_time: false,
            contract: false,
            permanent: false,
            sort_by: None,
            sort_dir: None,
        };
        let machine = answering("/v1/api/jobs/gb/search/1", name);
        let upstream = machine.upstream();
        block_on(adzuna::Adzuna::new(&settings, &upstream).search(&query))
    }

    #[test]
    fn a_page_of_postings_is_read() {
        let page = search("adzuna/search").unwrap();
        assert_eq!((page.total, page.postings.len()), (Some(173), 1));
        let posting = &page.postings[0];
        assert_eq!((posting.id.as_str(), posting.title.as_str()), ("5000000001", "Data Engineer"));
        assert_eq!(posting.created.as_deref(), Some("2026-07-15T08:33:45Z"));
        assert_eq!(posting.company.as_deref(), Some("Example Ltd"));
        assert_eq!(posting.location.as_deref(), Some("Farringdon, Central London"));
        assert_eq!(posting.category.as_deref(), Some("it-jobs"));
        let salary = [&posting.salary_min, &posting.salary_max].map(|salary| salary.as_ref().unwrap().to_string());
        assert_eq!((salary, posting.salary_is_predicted), (["60000".to_owned(), "75000.5".to_owned()], false));
        assert_eq!(posting.contract_time.as_deref(), Some("full_time"));
        assert_eq!(posting.contract_type.as_deref(), Some("permanent"));
        assert!(posting.url.as_ref().unwrap().contains("/jobs/land/ad/5000000001?se=abc"));
    }

    #[test]
    fn a_refusal_is_told_by_its_meaning() {
        assert_eq!(search("adzuna/key_refused").unwrap_err(), adzuna::FAULTS.unauthorized);
    }
}

mod of_expo {
    use super::*;

    fn settings() -> expo::Settings {
        expo::Settings::read(&Environment::new(|_| None)).unwrap()
    }

    fn send(name: &str) -> Result<Vec<Ticket>, NotSent> {
        let content = Content::new("New match", "Backend developer".to_owned(), "1".to_owned(), Map::new());
        let message = Message { to: vec!["ExpoPushToken[a]", "ExponentPushToken[bbb]"], content: &content };
        let machine = answering("/push/send", name);
        let upstream = machine.upstream();
        block_on(Expo::new(&settings(), &upstream).send(&[message], Duration::from_secs(10)))
    }

    fn fault(name: &str) -> Fault {
        match send(name) {
            Err(NotSent::Failed { fault, .. }) => fault,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn a_ticket_for_each_recipient_is_read() {
        let tickets = send("expo/tickets").unwrap();
        assert_eq!(tickets[0], Ticket::Ok { id: "019b0000-1111-7222-8333-444455556666".to_owned() });
        let Ticket::Error { error, message } = &tickets[1] else { panic!("{tickets:?}") };
        assert_eq!(error, expo::DEVICE_NOT_REGISTERED);
        assert_eq!(message, "\"ExponentPushToken[bbb]\" is not a registered push notification recipient");
    }

    #[test]
    fn receipts_are_found_by_the_ids_of_their_tickets() {
        let machine = answering("/push/getReceipts", "expo/receipts");
        let upstream = machine.upstream();
        let ids = ["019b0000-1111-7222-8333-444455556666", "019b0000-1111-7222-8333-444455556667"].map(str::to_owned);
        let receipts = block_on(Expo::new(&settings(), &upstream).receipts(&ids)).unwrap();
        assert_eq!(receipts[&ids[0]], Receipt::Delivered);
        let Receipt::Failed { error, .. } = &receipts[&ids[1]] else { panic!("{receipts:?}") };
        assert_eq!(error, expo::DEVICE_NOT_REGISTERED);
    }

    #[test]
    fn the_mismatch_of_senders_is_found_where_expo_hides_it() {
        let details = fixture("expo/sender_mismatch").body;
        let body = json!({ "data": { "1": { "status": "error", "message": "no", "details": details } } });
        let machine = Machine::new().responds("/push/getReceipts", 200, body);
        let upstream = machine.upstream();
        let receipts = block_on(Expo::new(&settings(), &upstream).receipts(&["1".to_owned()])).unwrap();
        let Receipt::Failed { error, .. } = &receipts["1"] else { panic!("{receipts:?}") };
        assert_eq!(error, "MismatchSenderId");
    }

    #[test]
    fn a_refusal_is_told_by_its_meaning() {
        assert_eq!(fault("expo/bearer_refused"), expo::FAULTS.unauthorized);
        let Err(NotSent::SeveralProjects(projects)) = send("expo/several_projects") else { panic!("several") };
        let expected = json!({ "@acme/app": ["ExponentPushToken[a]"], "@acme/app-dev": ["ExponentPushToken[b]"] });
        assert_eq!(serde_json::to_value(projects).unwrap(), expected);
    }
}

mod of_jsearch {
    use super::*;

    fn search(machine: &Machine) -> Result<jsearch::Page, Fault> {
        let search_url = "https://jsearch.p.rapidapi.com/search-v2".parse().unwrap();
        let settings = jsearch::Settings { search_url, api_key: Secret::new("k") };
        let query = json!({ "query": "backend developer in berlin", "country": "de", "language": "de" });
        let query = serde_json::from_value(query).unwrap();
        block_on(Jsearch::new(&settings, &machine.upstream()).search(&query, None))
    }

    fn refused(name: &str) -> &'static str {
        search(&answering("/search-v2", name)).unwrap_err().code
    }

    #[test]
    fn a_page_says_where_the_next_one_is() {
        let mut body = fixture("jsearch/search").body;
        // Only that there are postings is shown there.
        body["data"]["jobs"][0] = json!({ "job_id": "abc==", "job_title": "Backend developer" });
        let page = search(&Machine::new().responds("/search-v2", 200, body)).unwrap();
        assert_eq!(page.next, Some(Next::Cursor("b3BhcXVl".to_owned())));
        assert_eq!((page.postings.len(), page.unreadable, page.quota_is_spent), (1, 0, false));
    }

    #[test]
    fn a_refusal_is_told_by_its_meaning() {
        assert_eq!(refused("jsearch/quota_spent"), jsearch::QUOTA_SPENT.code);
        assert_eq!(refused("jsearch/path_unknown"), "jsearch_unknown_path");
        assert_eq!(refused("jsearch/not_subscribed"), jsearch::FAULTS.unauthorized.code);
    }

    #[test]
    fn a_request_too_many_in_a_second_is_tried_again() {
        let Fixture { status, body, .. } = fixture("jsearch/too_many");
        let machine = Machine::new().responds("/search-v2", status, body).responds(
            "/search-v2",
            200,
            fixture("jsearch/search").body,
        );
        assert!(search(&machine).is_ok());
        assert_eq!(machine.sent().len(), 2);
    }
}

mod of_clerk {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn token(claims: &Value, key_id: &str) -> String {
        let header = json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": key_id, "typ": "JWT" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(&header), part(claims), URL_SAFE_NO_PAD.encode([7; 256]))
    }

    fn sign_in(machine: &Machine, token: &str, issuer: &str) -> Result<(), Problem> {
        let changes = [("CLERK_ISSUER", issuer)];
        let settings = SignIn::read(&environment(&changes)).unwrap();
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))].into_iter().collect();
        block_on(person(&headers, &settings, &machine.upstream(), machine.now())).map(drop)
    }

    /// The key set with a number of the right size, which the recording cuts short.
    fn key_set() -> String {
        let mut body = fixture("clerk/key_set").body;
        body["keys"][0]["n"] = json!(URL_SAFE_NO_PAD.encode([0xab; 256]));
        body.to_string()
    }

    #[test]
    fn the_key_of_a_token_is_found_in_the_key_set() {
        let claims = fixture("clerk/session_token").body;
        let issuer = claims["iss"].as_str().unwrap();
        for (key_id, code) in [("ins_2lab", "token_signature_invalid"), ("ins_other", "token_key_unknown")] {
            // Each isolate, here each thread, loads the keys for itself.
            let told = std::thread::scope(|scope| {
                let asked = scope.spawn(|| {
                    let machine = Machine::new().responds_with("/.well-known/jwks.json", 200, &[], key_set());
                    let problem = sign_in(&machine, &token(&claims, key_id), issuer).unwrap_err();
                    problem.kind().code.to_owned()
                });
                asked.join().unwrap()
            });
            assert_eq!(told, code, "the signature is nobody's, so a key that is found refuses it");
        }
    }
}

mod of_supabase {
    use super::*;

    fn supabase() -> Supabase {
        let url = "https://project.supabase.example/".parse().unwrap();
        Supabase { project: Project { url, anon_key: Secret::new("a") }, service_role_key: Secret::new("eyJs") }
    }

    fn call(name: &str) -> Problem {
        let (supabase, machine) = (supabase(), answering("/rest/v1/rpc/claim_application", name));
        let upstream = machine.upstream();
        let application_id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap();
        let claim = ClaimApplication { application_id, idempotency_key: None, apply_again: false };
        match block_on(Database::as_service_role(service_role(), &supabase, &upstream).call(&claim)) {
            Err(problem) => problem,
            Ok(_) => panic!("{name} is a refusal"),
        }
    }

    #[test]
    fn a_refusal_of_the_database_is_logged_without_the_values_of_its_row() {
        let Problem::Internal { cause } = call("supabase/row_exists") else { panic!("internal") };
        let logged = format!("{cause:?}");
        assert!(logged.contains("claim_application failed with 409 23505: duplicate key value"), "{logged}");
        assert!(!logged.contains("already exists"), "the details quote the row: {logged}");
    }

    #[test]
    fn a_refusal_of_the_gateway_is_none_of_the_database() {
        for name in ["supabase/key_missing", "supabase/key_refused"] {
            assert!(matches!(call(name), Problem::DatabaseUnavailable), "{name}");
        }
    }

    #[test]
    fn a_link_is_made_absolute_and_a_missing_file_is_none() {
        let sign = |name: &str| {
            let (supabase, path) = (supabase(), "user_2lab/cv.pdf");
            let machine = answering(&format!("/storage/v1/object/sign/resumes/{path}"), name);
            let upstream = machine.upstream();
            let storage = Storage::as_service_role(service_role(), &supabase, &upstream);
            block_on(storage.sign(RESUMES, path, None, Duration::from_mins(5))).unwrap()
        };
        let link = sign("supabase/link_signed").unwrap();
        assert!(link.as_str().starts_with(
            "https://project.supabase.example/storage/v1/object/sign/resumes/user_2lab/cv.pdf?token=eyJhbGciOi"
        ));
        assert_eq!(sign("supabase/file_missing"), None);
    }
}
