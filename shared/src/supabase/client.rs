//! `PostgREST`, through the `postgrest` crate, wrapped once: typed, with timeouts, and without its
//! panics (it panics in `auth()` on a token with odd bytes, so the headers are set here).

use postgrest::Postgrest;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::error::Category;

use crate::{
    config::Supabase,
    outgoing::{Failure, Request, Response, RetryPolicy, Upstream},
    problem::{Problem, TokenProblem},
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

    /// Around row level security, for when no person is present or a vendor's word is recorded.
    #[must_use]
    pub fn as_service_role(_role: ServiceRole, supabase: &'a Supabase, upstream: &'a Upstream) -> Self {
        Self { supabase, upstream, caller: Caller::Service }
    }

    /// Calls an SQL function: one transaction, one round trip. `arguments` is an object with the
    /// function's own argument names.
    ///
    /// A person may be quicker than the webhook that makes them known. When the function refuses
    /// with `profile_pending`, they are made known from what their own token says, and the function
    /// is called again; so nobody else pays for the extra round trips.
    ///
    /// # Errors
    /// The problem that the SQL function raised, or one of the `Database…` problems.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &'static str,
        arguments: &impl Serialize,
    ) -> Result<T, Problem> {
        let arguments = serde_json::to_string(arguments).map_err(|error| Problem::internal(error.to_string()))?;
        match self.exchange(function, &arguments).await {
            Err(Problem::ProfilePending) if matches!(self.caller, Caller::Person(_)) => {
                let IgnoredAny = self.exchange("ensure_person", "{}").await?;
                self.exchange(function, &arguments).await
            }
            answer => answer,
        }
    }

    async fn exchange<T: DeserializeOwned>(&self, function: &'static str, arguments: &str) -> Result<T, Problem> {
        let answer = self.upstream.send("database", self.request(function, arguments)?).await;
        self.read(function, answer)
    }

    /// As [`Self::call`], tried up to three times while the database is unavailable: only for SQL
    /// functions that do the same once as twice. One that did not answer in time is not asked again:
    /// somebody has waited long enough.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_idempotent<T: DeserializeOwned>(
        &self,
        function: &'static str,
        arguments: &impl Serialize,
    ) -> Result<T, Problem> {
        for pause in RETRY.pauses() {
            match self.call(function, arguments).await {
                Err(Problem::DatabaseUnavailable) => self.upstream.wait(pause).await,
                other => return other,
            }
        }
        self.call(function, arguments).await
    }

    fn request(&self, function: &str, arguments: &str) -> Result<Request, Problem> {
        let internal = |error: &dyn std::error::Error| Problem::internal(error.to_string());
        let root = self.supabase.url.join("rest/v1").map_err(|error| internal(&error))?;
        let built = Postgrest::new(root)
            .rpc(function, arguments.to_owned())
            .build()
            .build()
            .map_err(|error| internal(&error))?;

        let credentials = match self.caller {
            Caller::Person(person) => person.headers(self.supabase),
            Caller::Service => self.supabase.service_headers(),
        };
        let request = Request::post_json(built.url().clone(), arguments);
        Ok(request.header("accept", "application/json").headers(credentials))
    }

    fn read<T: DeserializeOwned>(
        &self,
        function: &'static str,
        answer: Result<Response, Failure>,
    ) -> Result<T, Problem> {
        let response = answer.map_err(|failure| match failure {
            Failure::TimedOut => Problem::DatabaseTimedOut,
            Failure::Unreachable => Problem::DatabaseUnavailable,
        })?;
        if response.is_success() {
            return response.json().map_err(|error| match error.classify() {
                Category::Data => Problem::internal(format!("{function} answered in an unexpected shape: {error}")),
                // A page of somebody in between.
                Category::Io | Category::Syntax | Category::Eof => Problem::DatabaseUnavailable,
            });
        }
        // Every refusal of PostgREST's has a code. Any other is the gateway's, which is overloaded, cannot reach
        // PostgREST, or does not know our key; the log line has its status.
        match response.json::<Refusal>() {
            Ok(Refusal { code: Some(code), message }) => Err(self.problem(function, response.status, &code, message)),
            _ => Err(Problem::DatabaseUnavailable),
        }
    }

    /// Our own SQL functions refuse with the codes of our problems; the others are `PostgREST`'s and
    /// `PostgreSQL`'s (Supabase contract §2).
    fn problem(&self, function: &'static str, status: u16, code: &str, message: String) -> Problem {
        match code {
            "account_deleted" => Problem::AccountDeleted,
            "application_not_found" => Problem::ApplicationNotFound,
            "application_wrong_status" => Problem::ApplicationWrongStatus { detail: message },
            "idempotency_key_reused" => Problem::IdempotencyKeyReused,
            "profile_pending" => Problem::ProfilePending,
            "resume_missing" => Problem::ResumeMissing,
            "57014" | "PGRST003" => Problem::DatabaseTimedOut,
            "PGRST301" | "PGRST303" if matches!(self.caller, Caller::Person(_)) => {
                // Expired on the way, by the database's clock.
                Problem::Unauthenticated(TokenProblem::Expired)
            }
            _ if status == 503 || status == 504 => Problem::DatabaseUnavailable,
            code => Problem::internal(format!("{function} failed with {status} {code}: {message}")),
        }
    }
}

/// `PostgREST`'s error body. `details` is left out: it quotes the values of rows.
#[derive(Deserialize)]
struct Refusal {
    code: Option<String>,
    #[serde(default)]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::Database;
    use crate::{
        config::Supabase,
        outgoing::{Failure, Response},
        problem::Problem,
        secret::Secret,
        testing::{Machine, service_role},
    };

    fn answered(status: u16, body: &str) -> Problem {
        let supabase = Supabase {
            url: "https://project.supabase.example/".parse().unwrap(),
            anon_key: Secret::new("eyJanon"),
            service_role_key: Secret::new("eyJservice"),
        };
        let upstream = Machine::new().upstream();
        let database = Database::as_service_role(service_role(), &supabase, &upstream);
        let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        database.read::<bool>("claim_application", Ok(response)).unwrap_err()
    }

    #[test]
    fn a_refusal_of_our_sql_becomes_the_problem_of_the_same_code() {
        let problem =
            answered(409, r#"{"code":"application_wrong_status","message":"it is DRAFT","details":null,"hint":null}"#);
        assert_eq!(problem.kind().status, 409);
        assert_eq!(problem.to_string(), "it is DRAFT");
        assert_eq!(answered(404, r#"{"code":"application_not_found","message":""}"#).kind().status, 404);
    }

    #[test]
    fn a_database_that_is_down_or_slow_is_told_from_a_fault_of_ours() {
        let down = r#"{"code":"PGRST000","message":"no connection","details":null,"hint":null}"#;
        assert_eq!(answered(503, down).kind().code, "database_unavailable");
        assert_eq!(answered(500, r#"{"code":"57014","message":"canceled"}"#).kind().code, "database_timed_out");
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
        let supabase = Supabase {
            url: "https://project.supabase.example/".parse().unwrap(),
            anon_key: Secret::new("a"),
            service_role_key: Secret::new("s"),
        };
        let upstream = Machine::new().upstream();
        let database = Database::as_service_role(service_role(), &supabase, &upstream);
        let read = |failure| database.read::<()>("claim_application", Err(failure)).unwrap_err().kind().code;
        assert_eq!(read(Failure::TimedOut), "database_timed_out");
        assert_eq!(read(Failure::Unreachable), "database_unavailable");
    }

    #[test]
    fn a_call_goes_to_the_rpc_endpoint() {
        let supabase = Supabase {
            url: "https://project.supabase.example/".parse().unwrap(),
            anon_key: Secret::new("a"),
            service_role_key: Secret::new("s"),
        };
        let upstream = Machine::new().upstream();
        let request = Database::as_service_role(service_role(), &supabase, &upstream)
            .request("apply_skyvern_event", "{}")
            .unwrap();
        assert_eq!(request.url().as_str(), "https://project.supabase.example/rest/v1/rpc/apply_skyvern_event");
        assert_eq!(request.body(), Some(&b"{}"[..]));
    }
}
