//! A person who uses the product: an account, a profile, preferences and a résumé.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::reply::Reply;
use crate::stack::Stack;

/// A file that is a PDF as far as anybody looks.
pub const PDF: &[u8] =
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n\
trailer<</Root 1 0 R>>\n%%EOF\n";

/// Somebody new, whom no other test knows.
#[derive(Clone)]
pub struct Person {
    stack: Stack,
    /// `public.users.id`
    pub user_id: Uuid,
    /// Clerk's id, the `sub` of the tokens.
    pub clerk_user_id: String,
    /// Unique.
    pub email: String,
    /// Path of the résumé in the bucket `resumes`.
    pub resume_path: String,
}

impl Person {
    /// Signs up, and fills in everything that an application needs.
    pub(crate) async fn create(stack: &Stack) -> Self {
        let person = Self::sign_up(stack).await;
        let caller = person.caller().await;
        person.upload_resume(&caller, PDF).await.expect_status(200);
        let profile = json!({
            "phone_number": "+44 20 7946 0958",
            "linkedin_profile_url": "https://www.linkedin.com/in/ada-lovelace",
            "portfolio_url": "https://ada.example/work",
            "current_resume_url": person.resume_path,
            "current_resume_filename": "Ada Lovelace CV.pdf",
        });
        caller.update(&format!("users?id=eq.{}", person.user_id), &profile).await.expect_status(200);
        let preferences = json!({
            "preferred_job_titles": ["Analyst", "Programmer"],
            "key_skills": ["Mathematics", "Punched cards"],
            "work_arrangement": ["remote", "hybrid"],
            "salary_min": 90_000,
            // None, so that tests do the same by night as by day.
            "quiet_hours_start": 0,
            "quiet_hours_end": 0,
        });
        caller.insert("user_preferences", &preferences).await.expect_status(201);
        person
    }

    /// Signs up and does no more: an account, and the profile that the database makes for it. Of the largest tier, so
    /// that only tests of limits meet them.
    pub async fn sign_up(stack: &Stack) -> Self {
        let user_id = Uuid::new_v4();
        let clerk_user_id = format!("user_{}", Uuid::new_v4().simple());
        let email = format!("{}@people.example", Uuid::new_v4().simple());
        let account = "insert into auth.users (id, instance_id, aud, role, email, raw_app_meta_data, raw_user_meta_data,
                           confirmation_token, recovery_token, email_change, email_change_token_new, created_at, updated_at)
                       values ($1, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', $2, $3, $4,
                           '', '', '', '', now(), now())";
        let server_data = json!({ "clerk_id": clerk_user_id });
        let own_data = json!({ "full_name": "Ada Lovelace" });
        stack.database().query(account, &[&user_id, &email, &server_data, &own_data]).await;
        stack.database().query("update public.users set tier = 'enterprise' where id = $1", &[&user_id]).await;
        let resume_path = format!("{user_id}/ada-lovelace.pdf");
        Self { stack: stack.clone(), user_id, clerk_user_id, email, resume_path }
    }

    /// A fresh session token, good for an hour.
    pub async fn token(&self) -> String {
        self.stack.clerk().token(&self.clerk_user_id).await
    }

    /// The person with a fresh token, for requests of any kind.
    pub async fn caller(&self) -> Caller {
        self.stack.bearer(&self.token().await)
    }

    /// Puts a file where the person's résumé is.
    pub async fn upload_resume(&self, caller: &Caller, bytes: &[u8]) -> Reply {
        let path = format!("/storage/v1/object/resumes/{}", self.resume_path);
        let request = caller.request(Method::POST, &path).header("x-upsert", "true");
        Reply::to(request.header(CONTENT_TYPE, "application/pdf").body(bytes.to_vec())).await
    }

    /// A new application, for a posting of its own, in the state in which the app hands it to Skyvern.
    pub async fn pending_application(&self) -> Uuid {
        self.application("PENDING_SKYVERN_SUBMISSION", &new_posting()).await
    }

    /// The same, not handed over yet.
    pub async fn draft_application(&self) -> Uuid {
        self.application("DRAFT", &new_posting()).await
    }

    /// A new application.
    ///
    /// # Panics
    /// If the database does not take it.
    pub async fn application(&self, status: &str, job_url: &str) -> Uuid {
        let row = json!({
            "job_title": "Analyst",
            "company_name": "Difference Engines",
            "job_url": job_url,
            "status": status,
        });
        let rows: Vec<Value> = self.caller().await.insert("applications", &row).await.expect_status(201).parse();
        let id = rows[0]["id"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("an application without an id: {rows:?}"))
    }

    /// Hands an application to Skyvern.
    pub async fn initiate(&self, application_id: Uuid) -> Reply {
        self.initiate_with(application_id, &[]).await
    }

    /// The same with more headers, such as an `Idempotency-Key`.
    pub async fn initiate_with(&self, application_id: Uuid, headers: &[(&str, &str)]) -> Reply {
        let caller = self.caller().await;
        let request = caller.request(Method::POST, "/functions/v1/initiate-skyvern-application");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Reply::to(request.json(&json!({ "application_id": application_id }))).await
    }

    /// The application as the database has it.
    pub async fn application_row(&self, application_id: Uuid) -> Value {
        self.stack.database().row("applications", application_id).await
    }
}

/// The address of a posting that nobody has applied for.
fn new_posting() -> String {
    format!("https://jobs.example.com/engines/{}", Uuid::new_v4())
}
