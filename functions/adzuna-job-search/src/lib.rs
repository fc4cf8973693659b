//! `adzuna-job-search`: searches job postings, and marks those that the person saved or applied for.
//!
//! `POST` JSON, or `GET` with the same names in the query, returns 200
//! `{jobs, total, page, next_page, attribution}`. Results are cached for everybody; `x-cache` says `hit`, `miss` or
//! `stale`, and `age` how many seconds ago they came from Adzuna. When Adzuna fails or may not be asked any more, older
//! results take their place if there are any.
//!
//! Problems: those of signing in, `invalid_input`, `profile_pending`, `account_deleted`, `search_limit_reached`,
//! `search_quota_spent`, `adzuna_…`, `database_…`.

mod response;
mod settings;

use std::sync::OnceLock;

use shared::{
    http::{self, Endpoint, Incoming, Reply},
    job_search::{self, JobSearch, Searcher},
    problem::Problem,
    sign_in, workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{response::SearchResponse, settings::Settings};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::client_or_query("adzuna-job-search"), handle).await
}

async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let person = sign_in::person(&incoming.headers, &call.settings.sign_in, &call.upstream, call.received_at).await?;
    let query = job_search::read(incoming.fields()?)?;
    let search = JobSearch {
        query: &query,
        searcher: Searcher::Person(&person),
        supabase: &call.settings.supabase,
        adzuna: &call.settings.adzuna,
        upstream: &call.upstream,
    };
    call.run_to_completion(); // it may become this call's to ask Adzuna, and others wait for that then
    let found = search.run().await?;

    let freshness = found.freshness.as_str();
    let mut reply = Reply::ok(&SearchResponse::new(&query, &found), freshness)?;
    reply.headers.push(("x-cache", freshness.to_owned()));
    reply.headers.push(("age", found.age_seconds.to_string()));
    Ok(reply)
}

#[cfg(test)]
mod tests;
