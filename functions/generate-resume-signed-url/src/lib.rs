//! `generate-resume-signed-url`: makes a link that fetches one of the caller's files for a while,
//! for somebody who has no account.
//!
//! `POST {"resume_path_in_storage": text, "expires_in"?: 60 to 3600, "bucket"?: "cover_letters"}`
//! returns 200 `{signed_url, expires_at}`.
//!
//! Problems: those of signing in, `invalid_input`, `path_not_allowed`, `file_not_found`, `storage_…`.

mod input;
mod settings;

use std::{sync::OnceLock, time::Duration};

use serde::Serialize;
use shared::{
    http::{self, Endpoint, Incoming, Reply},
    problem::Problem,
    sign_in,
    supabase::{Storage, expiry_of},
    workers,
};
use worker::{Context, Env, Request, Response, event};

use crate::{input::Input, settings::Settings};

static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    workers::serve(request, &env, context, &SETTINGS, Endpoint::client("generate-resume-signed-url"), handle).await
}

/// The link is requested with the person's own token, so the database's policies decide whose file it
/// is; another person's file looks like one that does not exist.
async fn handle(incoming: &Incoming, call: &http::Call<Settings>) -> Result<Reply, Problem> {
    let settings = call.settings;
    let person = sign_in::person(&incoming.headers, &settings.sign_in, &call.upstream, call.received_at).await?;
    let input = Input::read(incoming)?;
    let valid_for = Duration::from_secs(input.expires_in);
    let signed_at = call.now();
    let signed_url = Storage::of(&person, &settings.project, &call.upstream)
        .sign(input.bucket, &input.path, None, valid_for)
        .await?
        .ok_or(Problem::FileNotFound)?;
    let expires_at = expiry_of(&signed_url).unwrap_or(signed_at.plus(valid_for)).to_iso_8601();
    let answer = Answer { signed_url: signed_url.to_string(), expires_at };
    Reply::ok(&answer, "signed")
}

#[derive(Serialize)]
struct Answer {
    signed_url: String,
    expires_at: String,
}

#[cfg(test)]
mod tests;
