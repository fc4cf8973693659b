//! What the database holds at a moment.

use serde::Deserialize;
use shared::application_status::ApplicationStatus;
use tokio_postgres::{Client, Statement, types::Json};
use uuid::Uuid;

/// All that an application's life leaves behind.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Snapshot {
    pub applications: Vec<Application>,
    pub history: Vec<Change>,
    pub notifications: Vec<Notification>,
    pub ledger: Vec<Submission>,
    pub jobs: Vec<Job>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Application {
    pub id: Uuid,
    pub status: ApplicationStatus,
    pub deleted: bool,
    pub run: Option<String>,
    pub submission: Option<Uuid>,
    pub job: Option<Uuid>,
    pub applied: bool,
    pub listed_as_deleted: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Change {
    pub application: Uuid,
    pub from: Option<ApplicationStatus>,
    pub to: ApplicationStatus,
    pub source: String,
    /// In seconds; only its order counts.
    pub at: f64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Notification {
    pub id: Uuid,
    pub person: Uuid,
    pub application: Option<Uuid>,
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Submission {
    pub id: Uuid,
    pub application: Option<Uuid>,
    pub run: Option<String>,
    pub over: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub status: String,
    pub key: Option<String>,
}

impl Job {
    /// Whether it is still to be done.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "processing")
    }
}

const SQL: &str = "select jsonb_build_object(
    'applications', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'status', status, 'deleted', deleted_at is not null, 'run', skyvern_task_id,
        'submission', submission_id, 'job', submission_job_id, 'applied', applied_at is not null,
        'listed_as_deleted', exists (select from public.application_deletions where application_id = id))), '[]')
        from public.applications),
    'history', (select coalesce(jsonb_agg(jsonb_build_object(
        'application', application_id, 'from', from_status, 'to', to_status, 'source', source,
        'at', extract(epoch from created_at)) order by position), '[]') from public.application_events),
    'notifications', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'person', user_id, 'application', related_entity_id, 'title', title)), '[]')
        from public.notifications),
    'ledger', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', submission_id, 'application', application_id, 'run', run_id, 'over', ended_at is not null)), '[]')
        from private.application_runs),
    'jobs', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'kind', job_type, 'status', status, 'key', dedupe_key)), '[]') from public.background_jobs))";

impl Snapshot {
    /// The query, planned once.
    pub async fn prepare(client: &Client) -> Statement {
        client.prepare(SQL).await.expect("the query is as the tables are")
    }

    /// Reads everything.
    pub async fn take(client: &Client, query: &Statement) -> Self {
        let row = client.query_one(query, &[]).await.expect("the database is read");
        let Json(snapshot) = row.get(0);
        snapshot
    }

    /// The job that was queued under a key.
    pub fn job(&self, key: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.key.as_deref() == Some(key))
    }

    /// The cancellation of a run or of a submission.
    pub fn cancellation(&self, of: &str) -> Option<&Job> {
        self.job(&format!("cancel_skyvern_run:{of}"))
    }

    pub fn application(&self, id: Uuid) -> Option<&Application> {
        self.applications.iter().find(|application| application.id == id)
    }
}
