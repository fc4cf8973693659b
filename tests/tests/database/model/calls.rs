//! The calls that make up an application's life, each as the part of the backend makes it that makes it: through the
//! types of `shared`, in the same role.

use serde_json::{Value, json};
use shared::{
    application_status::ApplicationStatus,
    ids::{RequestId, RunId},
    supabase::rpc::{
        Rpc,
        applications::{
            ApplicationToReconcile, ApplySkyvernEvent, ClaimApplication, ClaimQueuedApplication, FailQueuedApplication,
            FailureDetails, NoteOngoingSkyvernRun, RecordAbsentSubmission, RecordLostSkyvernRun,
            RecordOverdueSkyvernRun, RecordSkyvernRun, RecordStoppedRun, RecordSubmissionFailure, Source,
            SubmissionFailure,
        },
    },
    vendors::skyvern::{Decision, Event},
};
use uuid::Uuid;

use super::session::{Role, function_call, literal};

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: Uuid,
    pub subject: String,
}

/// Why a submission that waited is given up.
#[derive(Debug, Clone, Copy)]
pub enum GivenUp {
    WaitedTooLong,
    Refused,
}

/// One call.
#[derive(Debug, Clone)]
pub enum Call {
    Draft { person: usize, posting: usize },
    Claim { person: usize, application: Uuid, key: Option<String>, again: bool },
    ClaimQueued { application: Uuid, job: Uuid },
    Record { application: Uuid, submission: Uuid, run: String, status: &'static str, source: Source },
    Fail { application: Uuid, submission: Uuid, how: SubmissionFailure, queue_after: Option<u64> },
    FailQueued { application: Uuid, job: Uuid, why: GivenUp },
    Hear { event: Box<Event>, application: Option<Uuid>, submission: Option<Uuid>, source: Source },
    Look { application: Uuid },
    Ongoing { application: Uuid, run: String },
    Lost { application: Uuid, run: String },
    Overdue { application: Uuid, run: String },
    Absent { application: Uuid, submission: Uuid },
    Stopped { submission: Uuid, run: Option<String> },
    Decide { person: usize, application: Uuid, status: ApplicationStatus },
    Delete { person: usize, application: Uuid },
    Restore { person: usize, application: Uuid },
    Erase { person: usize, application: Uuid },
    CloseAccount { person: usize },
}

impl GivenUp {
    pub fn decision(self) -> Decision {
        match self {
            Self::WaitedTooLong => Decision::waited_too_long(),
            Self::Refused => Decision::refused_in_its_turn("already_applied", "You have applied for it."),
        }
    }
}

impl Call {
    /// Who makes it, and what.
    pub fn statement(&self, people: &[Person]) -> (Role, String) {
        let person = |index: usize| Role::Person(people[index].subject.clone());
        match self {
            Self::Draft { person: index, posting } => {
                let (id, url) = (people[*index].id, format!("https://jobs.example/{index}/{posting}"));
                let sql = format!(
                    "insert into public.applications (user_id, job_title, company_name, job_url)
                     values ('{id}', 'Engineer', 'Acme {posting}', {}) returning id",
                    literal(&url)
                );
                (person(*index), sql)
            }
            Self::Claim { person: index, application, key, again } => {
                let claim = ClaimApplication {
                    application_id: id(*application),
                    idempotency_key: key.as_deref(),
                    apply_again: *again,
                };
                (person(*index), rpc(&claim))
            }
            Self::Decide { person: index, application, status } => {
                let sql = format!(
                    "update public.applications set status = '{}' where id = '{application}' returning id",
                    status.as_str()
                );
                (person(*index), sql)
            }
            Self::Delete { person: index, application } => (person(*index), own("delete_application", *application)),
            Self::Restore { person: index, application } => (person(*index), own("restore_application", *application)),
            Self::Erase { person: index, application } => (person(*index), own("erase_application", *application)),
            Self::CloseAccount { person: index } => {
                (Role::Administrator, format!("delete from auth.users where id = '{}'", people[*index].id))
            }
            call => (Role::Service, call.of_service()),
        }
    }

    fn of_service(&self) -> String {
        match self {
            Self::ClaimQueued { application, job } => {
                rpc(&ClaimQueuedApplication { application_id: id(*application), job_id: id(*job) })
            }
            Self::Record { application, submission, run, status, source } => rpc(&RecordSkyvernRun {
                application_id: id(*application),
                submission_id: id(*submission),
                run_id: &run_id(run),
                run_status: status,
                source: *source,
            }),
            Self::Fail { application, submission, how, queue_after } => rpc(&RecordSubmissionFailure {
                application_id: id(*application),
                submission_id: id(*submission),
                outcome: *how,
                reason: "skyvern_failed",
                details: FailureDetails { message: "Skyvern failed.".to_owned() },
                queue_after: *queue_after,
                call_outcome: None,
                retry_after: None,
            }),
            Self::FailQueued { application, job, why } => rpc(&FailQueuedApplication {
                application_id: id(*application),
                job_id: id(*job),
                decision: &why.decision(),
            }),
            Self::Hear { event, application, submission, source } => rpc(&ApplySkyvernEvent {
                run_id: &event.run_id,
                run_status: event.status.as_str(),
                attempt: event.attempt,
                retry_pending: event.retry_pending,
                application_id: application.map(id),
                submission_id: submission.map(id),
                decision: &Decision::on(event),
                body: event.essence().to_string().into(),
                request_id: RequestId::random(),
                source: *source,
            }),
            Self::Look { application } => {
                rpc(&ApplicationToReconcile { application_id: id(*application), user_id: None })
            }
            Self::Ongoing { application, run } => {
                rpc(&NoteOngoingSkyvernRun { application_id: id(*application), run_id: &run_id(run) })
            }
            Self::Lost { application, run } => rpc(&RecordLostSkyvernRun {
                application_id: id(*application),
                run_id: &run_id(run),
                decision: &Decision::run_lost(),
            }),
            Self::Overdue { application, run } => rpc(&RecordOverdueSkyvernRun {
                application_id: id(*application),
                run_id: &run_id(run),
                decision: &Decision::run_overdue(),
            }),
            Self::Absent { application, submission } => rpc(&RecordAbsentSubmission {
                application_id: id(*application),
                submission_id: id(*submission),
                decision: &Decision::run_never_started(),
            }),
            Self::Stopped { submission, run } => {
                rpc(&RecordStoppedRun { submission_id: id(*submission), run_id: run.as_deref().map(run_id).as_ref() })
            }
            call => unreachable!("{call:?} is a person's"),
        }
    }
}

/// What a decision says, which only the database reads.
pub fn parts(decision: &Decision) -> (ApplicationStatus, String, Option<String>) {
    let decision = json!(decision);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (
        serde_json::from_value(decision["status"].clone()).expect("a decision has a status"),
        text(&decision["status_details"]["reason"]).expect("a decision has a reason"),
        text(&decision["notification"]["title"]),
    )
}

fn own(function: &str, application: Uuid) -> String {
    function_call(function, &json!({ "p_application_id": application }))
}

fn rpc<T: Rpc>(call: &T) -> String {
    function_call(T::NAME, &json!(call))
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(id: Uuid) -> T {
    id.to_string().parse().expect("it is an id")
}

fn run_id(run: &str) -> RunId {
    RunId::parse(run).expect("it is a run's id")
}
