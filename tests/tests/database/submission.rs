//! A submission of an application, called as the functions call it, for tests of what becomes of it.

use serde_json::{Value, json};
use tests::{Person, Reply, Stack};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

/// One claim of a new application.
#[derive(Clone)]
pub struct Submission {
    pub stack: Stack,
    pub person: Person,
    pub application: Uuid,
    pub id: Uuid,
}

impl Submission {
    pub async fn claim(stack: &Stack, key: Option<&str>) -> Self {
        Self::claim_by(stack, stack.new_person().await, key).await
    }

    pub async fn claim_by(stack: &Stack, person: Person, key: Option<&str>) -> Self {
        let application = person.draft_application().await;
        Self::claim_of(stack, person, application, key).await
    }

    /// The claim of an application of this person.
    pub async fn claim_of(stack: &Stack, person: Person, application: Uuid, key: Option<&str>) -> Self {
        let mut submission = Self { stack: stack.clone(), person, application, id: Uuid::nil() };
        let claim = submission.claim_again(key).await;
        assert_eq!(outcome(&claim), "claimed", "{claim:?}");
        submission.id = claim.json["submission_id"].as_str().and_then(|id| id.parse().ok()).unwrap();
        submission
    }

    pub async fn claim_again(&self, key: Option<&str>) -> Reply {
        let arguments = json!({"p_application_id": self.application, "p_idempotency_key": key});
        self.person.caller().await.rpc("claim_application", &arguments).await
    }

    /// The next submission of the same application, after one that failed and may have been sent all the same.
    pub async fn submit_again(&self) -> Self {
        self.decide("PENDING_SKYVERN_SUBMISSION").await;
        let meant = json!({"p_application_id": self.application, "p_apply_again": true});
        let claim = self.person.caller().await.rpc("claim_application", &meant).await;
        assert_eq!(outcome(&claim), "claimed", "{claim:?}");
        Self { id: claim.json["submission_id"].as_str().and_then(|id| id.parse().ok()).unwrap(), ..self.clone() }
    }

    /// The runs that are to be cancelled, or the submissions that may have started one.
    pub async fn cancelled(&self) -> Vec<String> {
        let sql = "select coalesce(payload ->> 'run_id', payload ->> 'submission_id') from public.background_jobs
                   where job_type = 'cancel_skyvern_run' and payload ->> 'application_id' = $1 order by created_at";
        let rows = self.stack.database().query(sql, &[&self.application.to_string()]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What `record_skyvern_run` is told.
    pub fn run(&self, run_id: &str) -> Value {
        json!({
            "p_application_id": self.application, "p_submission_id": self.id, "p_run_id": run_id,
            "p_run_status": "created",
        })
    }

    /// Records a new run, and returns its id.
    pub async fn record(&self) -> String {
        let run_id = format!("tsk_{}", Uuid::new_v4());
        let recorded = self.stack.service().rpc("record_skyvern_run", &self.run(&run_id)).await;
        assert_eq!(outcome(&recorded), "recorded", "{recorded:?}");
        run_id
    }

    pub async fn fail(&self, end: &str) -> Reply {
        let arguments = json!({
            "p_application_id": self.application, "p_submission_id": self.id, "p_outcome": end,
            "p_reason": "a_test",
        });
        self.stack.service().rpc("record_submission_failure", &arguments).await.expect_status(200)
    }

    /// A webhook whose URL names the application.
    pub async fn hear(&self, run_id: &str, status: &str, attempt: i32, decision: &Value) -> Reply {
        let event = event(run_id, status, attempt, Some(self.application), Some(self.id), decision);
        self.stack.service().rpc("apply_skyvern_event", &event).await
    }

    /// The person moves the application themselves.
    pub async fn decide(&self, status: &str) {
        let path = format!("applications?id=eq.{}", self.application);
        self.person.caller().await.update(&path, &json!({ "status": status })).await.expect_status(200);
    }

    /// The submissions of the application: each its id, its run, whether it started, and whether it is over.
    pub async fn ledger(&self) -> Vec<Value> {
        let sql = "select jsonb_build_array(submission_id, run_id, started_at is not null, ended_at is not null)
                   from private.application_runs where application_id = $1 order by claimed_at";
        self.stack.database().json(sql, &[&self.application]).await
    }

    pub async fn row(&self) -> Value {
        self.person.application_row(self.application).await
    }

    pub async fn history(&self) -> Vec<String> {
        let path =
            format!("application_events?application_id=eq.{}&select=source,to_status&order=position", self.application);
        let events: Vec<Value> = self.person.caller().await.select(&path).await.parse();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        events.iter().map(|event| format!("{}: {}", text(event, "source"), text(event, "to_status"))).collect()
    }

    /// How often the person was told of the application: each notification has its push job.
    pub async fn told(&self) -> i64 {
        let counts = "select (select count(*) from notifications where related_entity_id = $1),
                             (select count(*) from background_jobs
                              where user_id = $2 and payload -> 'data' ->> 'application_id' = $1::text)";
        let rows = self.stack.database().query(counts, &[&self.application, &self.person.user_id]).await;
        let (notifications, jobs) = (rows[0].get(0), rows[0].get::<_, i64>(1));
        assert_eq!(notifications, jobs, "a push for each notification");
        notifications
    }
}

pub fn event(
    run_id: &str,
    status: &str,
    attempt: i32,
    application: Option<Uuid>,
    submission: Option<Uuid>,
    decision: &Value,
) -> Value {
    json!({
        "p_run_id": run_id, "p_run_status": status, "p_attempt": attempt, "p_retry_pending": false,
        "p_application_id": application, "p_submission_id": submission, "p_decision": decision, "p_body": "{}",
        "p_request_id": Uuid::new_v4(),
    })
}

/// What the webhook's function makes of an event: only final states are worth a notification.
pub fn decided(status: &str) -> Value {
    let notification = (status != "PROCESSING_BY_SKYVERN")
        .then(|| json!({"title": "About {job_title}", "message": "{company_name} has news"}));
    json!({"status": status, "status_details": {"reason": "a_test"}, "notification": notification})
}

pub fn outcome(reply: &Reply) -> &str {
    reply.json["outcome"].as_str().unwrap_or_default()
}

/// A submission whose run was cancelled, and its run; and the run of the next one, which is known to have sent the
/// application.
pub async fn cancelled_and_sent_by_the_next(stack: &Stack) -> (Submission, String, String) {
    let earlier = Submission::claim(stack, None).await;
    let first = earlier.record().await;
    earlier.hear(&first, "canceled", 1, &decided("FAILED_SKYVERN_SUBMISSION")).await.expect_status(200);
    let later = earlier.submit_again().await;
    let second = later.record().await;
    later.hear(&second, "completed", 1, &decided("SUBMITTED_BY_SKYVERN")).await.expect_status(200);
    (earlier, first, second)
}

/// Calls of this person while Skyvern's circuit breaker is open. It is everybody's, so all is undone at the end.
pub async fn leave_skyvern_alone<'a>(client: &'a mut Client, person: &Person) -> Transaction<'a> {
    let transaction = client.transaction().await.unwrap();
    let claims = json!({ "sub": person.clerk_user_id }).to_string();
    transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).await.unwrap();
    let open = "insert into private.circuit_breakers (vendor, held) values ('skyvern', 'open')
                on conflict (vendor) do update set held = 'open'";
    transaction.execute(open, &[]).await.unwrap();
    transaction
}
