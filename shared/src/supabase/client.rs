//! `PostgREST`, through the `postgrest` crate, wrapped once: typed, with timeouts, and without its
//! panics (it panics in `auth()` on a token with odd bytes, so the headers are set here).

use std::time::Duration;

use postgrest::Postgrest;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::error::Category;
use url::Url;

use super::rpc::{Repeat, Rpc, accounts::EnsurePerson};
use crate::{
    application_status::ApplicationStatus,
    config::Supabase,
    ids::ApplicationId,
    outgoing::{Failure, Request, Response, RetryPolicy, Upstream},
    problem::{Problem, SentApplication, TokenProblem},
    sign_in::{Person, ServiceRole},
};

/// For calls that may be repeated.
const RETRY: RetryPolicy = RetryPolicy::pausing(&[100, 400]);

/// The database as one caller may use it.
#[derive(Debug)]
pub struct Database<'a> {
    supabase: &'a Supabase,
    upstream: &'a Upstream,
    caller: Caller<'a>,
}

#[derive(Debug)]
enum Caller<'a> {
    Person(&'a Person),
    Service,
}

impl<'a> Database<'a> {
    /// As the person: row level security decides what they see and change.
    #[must_use]
    pub fn of(person: &'a Person, supabase: &'a Supabase, upstream: &'a Upstream) -> Self {
        Self { supabase, upstream, caller: Caller::Person(person) }
    }

    /// Around row level security, for when no person is present or a vendor's response is recorded.
    #[must_use]
    pub fn as_service_role(_role: ServiceRole, supabase: &'a Supabase, upstream: &'a Upstream) -> Self {
        Self { supabase, upstream, caller: Caller::Service }
    }

    /// Calls an SQL function: one transaction, one round trip. A call that is harmless to repeat is tried up to three
    /// times while the database is unavailable. One that did not return in time is not tried again: somebody has waited
    /// long enough.
    ///
    /// A person may be quicker than the webhook that makes them known. When the function refuses
    /// with `profile_pending`, they are made known from what their own token says, and the function
    /// is called again; so only those calls pay for the extra round trips.
    ///
    /// # Errors
    /// The problem that the SQL function raised, or one of the `Database…` problems.
    pub async fn call<R: Rpc>(&self, rpc: &R) -> Result<R::Answer, Problem> {
        let request = self.request(R::NAME, serde_json::to_vec(rpc))?;
        let response = self.respond(R::NAME, R::REPEAT, &request).await?;
        response.json().map_err(|error| unexpected(R::NAME, &error))
    }

    // From here on nothing depends on the type of the call, so that a function has this code once.

    async fn respond(&self, function: &'static str, repeat: Repeat, request: &Request) -> Result<Response, Problem> {
        let policy = match repeat {
            Repeat::Harmless => RETRY,
            Repeat::NotHarmless | Repeat::LeftToCaller => RetryPolicy::ONCE,
        };
        for pause in policy.pauses() {
            match self.attempt(function, request).await {
                // Anything but JSON is a page of a proxy in between.
                Ok(response) if response.json::<IgnoredAny>().is_ok() => return Ok(response),
                Ok(_) | Err(Problem::DatabaseUnavailable) => self.upstream.wait(pause).await,
                Err(problem) => return Err(problem),
            }
        }
        self.attempt(function, request).await
    }

    async fn attempt(&self, function: &'static str, request: &Request) -> Result<Response, Problem> {
        match self.exchange(function, request).await {
            Err(Problem::ProfilePending) if matches!(self.caller, Caller::Person(_)) => {
                let ensure = self.request(EnsurePerson::NAME, serde_json::to_vec(&EnsurePerson {}))?;
                self.exchange(EnsurePerson::NAME, &ensure).await?;
                self.exchange(function, request).await
            }
            response => response,
        }
    }

    async fn exchange(&self, function: &'static str, request: &Request) -> Result<Response, Problem> {
        let answer = self.upstream.send("database", request.clone()).await;
        self.accepted(function, answer)
    }

    fn request(&self, function: &str, arguments: serde_json::Result<Vec<u8>>) -> Result<Request, Problem> {
        let arguments = arguments.map_err(|error| Problem::internal(error.to_string()))?;
        let credentials = match self.caller {
            Caller::Person(person) => person.headers(&self.supabase.project),
            Caller::Service => self.supabase.service_headers(),
        };
        let request = Request::post_json(self.url(function)?, arguments);
        Ok(request.header("accept", "application/json").headers(credentials).of_any_length())
    }

    /// Where a function is called. The crate would take the arguments as well, but only as a copy.
    fn url(&self, function: &str) -> Result<Url, Problem> {
        let internal = |error: &dyn std::error::Error| Problem::internal(error.to_string());
        let root = self.supabase.project.url.join("rest/v1").map_err(|error| internal(&error))?;
        let built = Postgrest::new(root).rpc(function, "").build().build().map_err(|error| internal(&error))?;
        Ok(built.url().clone())
    }

    /// The response, unless it is a refusal.
    fn accepted(&self, function: &'static str, answer: Result<Response, Failure>) -> Result<Response, Problem> {
        let response = answer.map_err(|failure| match failure {
            Failure::TimedOut => Problem::DatabaseTimedOut,
            Failure::Unreachable | Failure::TooLong => Problem::DatabaseUnavailable,
        })?;
        if response.is_success() {
            return Ok(response);
        }
        // Every refusal of PostgREST's has a code. Any other is the gateway's, which is overloaded, cannot reach
        // PostgREST, or does not know our key; the log line has its status.
        match response.json::<Refusal>() {
            Ok(Refusal { code: Some(code), message, details }) => {
                Err(self.problem(function, response.status, &code, message, details.as_deref()))
            }
            _ => Err(Problem::DatabaseUnavailable),
        }
    }

    /// Our own SQL functions refuse with the codes of our problems; the others are `PostgREST`'s and
    /// `PostgreSQL`'s (docs/vendors/supabase.md#postgrest).
    fn problem(
        &self,
        function: &'static str,
        status: u16,
        code: &str,
        message: String,
        details: Option<&str>,
    ) -> Problem {
        match code {
            "account_deleted" => Problem::AccountDeleted,
            "already_applied" => match read::<Sent>(details) {
                Some(Sent { application_id, application_status }) => {
                    Problem::AlreadyApplied(Box::new(SentApplication {
                        detail: message,
                        application_id,
                        application_status,
                    }))
                }
                None => unnamed(function, status, code, &message),
            },
            "application_limit_reached" => match read::<Limit>(details) {
                Some(Limit { retry_after_seconds }) => Problem::ApplicationLimitReached {
                    detail: message,
                    retry_after: Duration::from_secs(retry_after_seconds),
                },
                None => unnamed(function, status, code, &message),
            },
            "application_not_found" => Problem::ApplicationNotFound,
            "application_wrong_status" => Problem::ApplicationWrongStatus { detail: message },
            "company_excluded" => Problem::CompanyExcluded { detail: message },
            "idempotency_key_reused" => Problem::IdempotencyKeyReused,
            "impersonation_refused" => Problem::ImpersonationRefused,
            "profile_pending" => Problem::ProfilePending,
            "resume_missing" => Problem::ResumeMissing,
            "57014" | "PGRST003" => Problem::DatabaseTimedOut,
            // A deadlock, or a lock that was waited for too long: nothing was done, and a moment later it may be.
            "40P01" | "55P03" => Problem::DatabaseUnavailable,
            "PGRST301" | "PGRST303" if matches!(self.caller, Caller::Person(_)) => {
                // Expired on the way, by the database's clock.
                Problem::Unauthenticated(TokenProblem::Expired)
            }
            _ if status == 503 || status == 504 => Problem::DatabaseUnavailable,
            code => unnamed(function, status, code, &message),
        }
    }
}

/// A refusal that has no problem of its own.
fn unnamed(function: &str, status: u16, code: &str, message: &str) -> Problem {
    Problem::internal(format!("{function} failed with {status} {code}: {message}"))
}

/// What a refusal of ours says besides its message.
fn read<T: DeserializeOwned>(details: Option<&str>) -> Option<T> {
    serde_json::from_str(details?).ok()
}

/// With `already_applied`.
#[derive(Deserialize)]
struct Sent {
    application_id: ApplicationId,
    application_status: ApplicationStatus,
}

/// With `application_limit_reached`.
#[derive(Deserialize)]
struct Limit {
    retry_after_seconds: u64,
}

fn unexpected(function: &'static str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::internal(format!("{function} answered in an unexpected shape: {error}")),
        // A page of a proxy in between.
        Category::Io | Category::Syntax | Category::Eof => Problem::DatabaseUnavailable,
    }
}

/// `PostgREST`'s error body. `details` is read of our own refusals only: in others it quotes the values of rows.
#[derive(Deserialize)]
struct Refusal {
    code: Option<String>,
    #[serde(default)]
    message: String,
    details: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Database, unexpected};
    use crate::{
        application_status::ApplicationStatus,
        config::{Project, Supabase},
        outgoing::{Failure, Response},
        problem::Problem,
        secret::Secret,
        supabase::rpc::{
            Rpc as _,
            accounts::EnsurePerson,
            push::ClaimPushReceipts,
            queue::{PurgeExpiredRows, PurgedUpTo, QueueDailyPurge},
        },
        testing::{Machine, block_on, environment, service_role},
    };

    fn answered(status: u16, body: &str) -> Problem {
        let project =
            Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("eyJanon") };
        let supabase = Supabase { project, service_role_key: Secret::new("eyJservice") };
        let upstream = Machine::new().upstream();
        let database = Database::as_service_role(service_role(), &supabase, &upstream);
        let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        let accepted = database.accepted("note_ongoing_skyvern_run", Ok(response));
        let read = |response: Response| response.json::<bool>().map_err(|error| unexpected("note_…", &error));
        accepted.and_then(read).unwrap_err()
    }

    #[test]
    fn a_refusal_of_our_sql_becomes_the_problem_of_the_same_code() {
        let problem =
            answered(409, r#"{"code":"application_wrong_status","message":"it is DRAFT","details":null,"hint":null}"#);
        assert_eq!(problem.kind().status, 409);
        assert_eq!(problem.to_string(), "it is DRAFT");
        for code in [
            "account_deleted",
            "application_not_found",
            "company_excluded",
            "idempotency_key_reused",
            "impersonation_refused",
            "profile_pending",
            "resume_missing",
        ] {
            assert_eq!(answered(400, &json!({ "code": code, "message": "" }).to_string()).kind().code, code);
        }
    }

    #[test]
    fn a_person_whose_token_expired_on_the_way_is_told_and_our_own_key_does_not_expire() {
        let supabase = Supabase::read(&environment(&[])).unwrap();
        for code in ["PGRST301", "PGRST303"] {
            let body = json!({ "code": code, "message": "JWT expired" });
            let machine = Machine::new().responds("/rpc/a", 401, body.clone()).responds("/rpc/a", 401, body);
            let (upstream, person) = (machine.upstream(), machine.person());
            let refused = |database: Database| {
                let request = database.request("a", Ok(Vec::new())).unwrap();
                block_on(database.exchange("a", &request)).unwrap_err().kind().code
            };
            assert_eq!(refused(Database::of(&person, &supabase, &upstream)), "token_expired");
            assert_eq!(refused(Database::as_service_role(service_role(), &supabase, &upstream)), "internal");
        }
    }

    #[test]
    fn a_refusal_says_more_than_its_message_where_the_caller_needs_it() {
        let refusal = |code: &str, details: serde_json::Value| {
            json!({ "code": code, "message": "no", "details": details.to_string(), "hint": null }).to_string()
        };
        let application_id = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";
        let sent = json!({ "application_id": application_id, "application_status": "SUBMITTED_BY_SKYVERN" });
        match answered(409, &refusal("already_applied", sent)) {
            Problem::AlreadyApplied(sent) => {
                assert_eq!(sent.application_id.to_string(), application_id);
                assert_eq!(sent.application_status, ApplicationStatus::SubmittedBySkyvern);
            }
            problem => panic!("{problem:?}"),
        }
        let limit = answered(429, &refusal("application_limit_reached", json!({ "retry_after_seconds": 90 })));
        assert_eq!((limit.kind().status, limit.retry_after()), (429, Some(Duration::from_secs(90))));
        for code in ["already_applied", "application_limit_reached"] {
            assert_eq!(answered(409, &refusal(code, json!({}))).kind().code, "internal");
        }
    }

    #[test]
    fn a_database_that_is_down_or_slow_is_told_from_a_fault_of_ours() {
        let down = r#"{"code":"PGRST000","message":"no connection","details":null,"hint":null}"#;
        assert_eq!(answered(503, down).kind().code, "database_unavailable");
        assert_eq!(answered(500, r#"{"code":"57014","message":"canceled"}"#).kind().code, "database_timed_out");
        for busy in ["40P01", "55P03"] {
            let refusal = format!(r#"{{"code":"{busy}","message":"deadlock detected"}}"#);
            assert_eq!(answered(500, &refusal).kind().code, "database_unavailable");
        }
        assert_eq!(answered(400, r#"{"code":"23514","message":"check"}"#).kind().code, "internal");
        assert_eq!(answered(200, "{}").kind().code, "internal", "our SQL answers otherwise than we read");
    }

    #[test]
    fn what_only_the_gateway_can_have_said_is_no_fault_of_ours() {
        for (status, body) in [
            (502, "<html>Bad gateway</html>"),
            (502, r#"{"message":"An invalid response was received from the upstream server"}"#),
            (429, r#"{"message":"API rate limit exceeded"}"#),
            (403, "<html>Attention required</html>"),
            (401, r#"{"message":"Invalid API key","hint":""}"#),
            (401, ""),
            (200, "<html>Welcome</html>"),
            (200, ""),
        ] {
            assert_eq!(answered(status, body).kind().code, "database_unavailable", "{status} {body}");
        }
    }

    #[test]
    fn an_unanswered_call_is_unavailable_or_timed_out() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let supabase = Supabase { project, service_role_key: Secret::new("s") };
        let upstream = Machine::new().upstream();
        let database = Database::as_service_role(service_role(), &supabase, &upstream);
        let read = |failure| database.accepted("claim_application", Err(failure)).unwrap_err().kind().code;
        assert_eq!(read(Failure::TimedOut), "database_timed_out");
        assert_eq!(read(Failure::Unreachable), "database_unavailable");
    }

    #[test]
    fn a_call_goes_to_the_rpc_endpoint() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let supabase = Supabase { project, service_role_key: Secret::new("s") };
        let upstream = Machine::new().upstream();
        let request = Database::as_service_role(service_role(), &supabase, &upstream)
            .request(EnsurePerson::NAME, serde_json::to_vec(&EnsurePerson {}))
            .unwrap();
        assert_eq!(request.url().as_str(), "https://project.supabase.example/rest/v1/rpc/ensure_person");
        assert_eq!(request.body(), Some(&b"{}"[..]));
    }

    #[test]
    fn a_harmless_call_is_made_three_times_and_any_other_once() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let supabase = Supabase { project, service_role_key: Secret::new("s") };
        let machine = Machine::new()
            .fails("/rpc/purge_expired_rows", Failure::Unreachable)
            .responds_with("/rpc/purge_expired_rows", 200, &[], "<html>Welcome</html>")
            .responds("/rpc/purge_expired_rows", 200, json!({ "purged": { "webhook_events": 7 }, "after": {} }))
            .fails("/rpc/purge_expired_rows", Failure::TimedOut)
            .fails("/rpc/claim_push_receipts", Failure::Unreachable)
            .fails("/rpc/queue_daily_purge", Failure::Unreachable);
        let upstream = machine.upstream();
        let database = Database::as_service_role(service_role(), &supabase, &upstream);

        let call = PurgeExpiredRows { limit: 9, after: &PurgedUpTo::default() };
        assert_eq!(block_on(database.call(&call)).unwrap().purged["webhook_events"], 7);
        assert!(machine.sent().iter().all(|sent| sent.body == json!({ "p_limit": 9, "p_after": {} })));
        assert_eq!(machine.sent().len(), 3);

        let late = block_on(database.call(&call)).unwrap_err();
        assert_eq!(late.kind().code, "database_timed_out", "somebody has waited long enough");
        assert_eq!(block_on(database.call(&ClaimPushReceipts {})).unwrap_err().kind().code, "database_unavailable");
        assert!(block_on(database.call(&QueueDailyPurge {})).is_err());
    }
}
