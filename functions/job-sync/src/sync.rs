//! A run from its beginning to its end.

use shared::{
    http,
    problem::Problem,
    sign_in::ServiceRole,
    supabase::{Database, rpc::sync::JobSyncRun},
    vendors::jsearch::{DatePosted, Jsearch, QUOTA_SPENT},
};

use crate::{queries::NamedQuery, run::Run, settings::Settings, walk::Walk};

/// Fetches what these queries find, and brings the catalogue in step with it.
pub(crate) async fn sync(
    role: ServiceRole,
    call: &http::Call<Settings>,
    queries: &[&NamedQuery],
) -> Result<JobSyncRun, Problem> {
    let settings = call.settings;
    let database = Database::as_service_role(role, &settings.supabase, &call.upstream);
    let jsearch = Jsearch::new(&settings.jsearch, &call.upstream);

    let mut run = Run::begin(&database, &call.upstream, call.request_id).await?;
    let fetched = fetch(&mut run, &jsearch, queries).await;
    // Also after a failure: what was fetched until then is true.
    let stored = run.store_rest().await;
    run.finish(queries.len() == settings.queries.len(), fetched.and(stored)).await
}

/// A query of recent postings alone never shows everything: what it does not show any more may only have become older.
async fn fetch(run: &mut Run<'_>, jsearch: &Jsearch<'_>, queries: &[&NamedQuery]) -> Result<(), Problem> {
    let mut quota_is_spent = false;
    for query in queries {
        let mut walk = Walk::new(query.pages);
        let mut position = None;
        run.begin_query(&query.name);
        loop {
            if quota_is_spent {
                return Err(QUOTA_SPENT.into());
            }
            run.hold().await?;
            let page = jsearch.search(&query.query, position.as_ref()).await?;
            quota_is_spent = page.quota_is_spent;
            position = walk.after(&page);
            run.take(page).await?;
            if position.is_none() {
                break;
            }
        }
        if walk.has_seen_everything() && query.query.date_posted == DatePosted::All {
            run.query_is_exhausted();
        }
    }
    Ok(())
}
