//! What a person reads when the stack runs: where everything is, and lines to paste.

use std::time::Instant;

use super::DEMO_PERSON;
use local_stack::{Description, clerk};
use toolchain::{
    Outcome,
    progress::{elapsed, say},
};

/// How long the printed token is good for; Clerk's own live for a minute.
const TOKEN_SECONDS: u32 = 12 * 60 * 60;

/// In bash and zsh, from top to bottom. The person's id is the first folder of their files.
const LINES: &str = r#"
  AS_ME=(-s -H "apikey: $ANON_KEY" -H "Authorization: Bearer $TOKEN")
  ONE=(-H "Content-Type: application/json" -H "Prefer: return=representation" -H "Accept: application/vnd.pgrst.object+json")
  id() { sed 's/^{"id":"\([^"]*\)".*/\1/'; }

  # a résumé, without which nothing is sent
  ME=$(curl "${AS_ME[@]}" "${ONE[@]}" "$SUPABASE_URL/rest/v1/users?select=id" | id)
  echo "Dana Demo, engineer" | curl "${AS_ME[@]}" -H "Content-Type: text/plain" -H "x-upsert: true" --data-binary @- \
    "$SUPABASE_URL/storage/v1/object/resumes/$ME/resume.txt"
  curl "${AS_ME[@]}" "${ONE[@]}" -X PATCH "$SUPABASE_URL/rest/v1/users?id=eq.$ME&select=current_resume_url" \
    -d "{\"current_resume_url\":\"$ME/resume.txt\",\"current_resume_filename\":\"resume.txt\"}"

  # an application, sent to Skyvern
  APPLICATION=$(curl "${AS_ME[@]}" "${ONE[@]}" "$SUPABASE_URL/rest/v1/applications?select=id" \
    -d '{"job_title":"Engineer","company_name":"Example","job_url":"https://jobs.example.com/1"}' | id)
  curl "${AS_ME[@]}" -H "Content-Type: application/json" "$SUPABASE_URL/functions/v1/initiate-skyvern-application" \
    -d "{\"application_id\":\"$APPLICATION\"}"

  # after a few seconds Skyvern's webhook has come
  curl "${AS_ME[@]}" "$SUPABASE_URL/rest/v1/applications?select=status,status_details&id=eq.$APPLICATION"
"#;

/// Prints it.
pub(super) fn print(stack: &Description, started: Instant) -> Outcome {
    let token = clerk::session_token(stack, DEMO_PERSON, TOKEN_SECONDS)?;
    let Description { name, supabase_url, anon_key, clerk_issuer, skyvern_api_url, skyvern_api_key, .. } = stack;
    say!(
        "
The stack {name} runs, after {}.

  Supabase    {supabase_url}   (/rest/v1, /storage/v1, /functions/v1)
  Clerk       {clerk_issuer}   (simulated)
  Skyvern     {skyvern_api_url}   (simulated)
  PostgreSQL  {}
  Logs        {}

As the demo person, in another terminal:

  export SUPABASE_URL={supabase_url}
  export ANON_KEY={anon_key}
  export TOKEN={token}
  export SKYVERN_API_KEY={skyvern_api_key}
{LINES}
The log of the functions follows; cargo xtask logs --name {name} makes it readable. Ctrl-C ends everything.
",
        elapsed(started),
        stack.database_url,
        stack.log_dir.display(),
    );
    Ok(())
}
