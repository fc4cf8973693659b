//! `cargo xtask dev`: the stack, until Ctrl-C.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    arguments::{Arguments, Usage},
    build,
    failure::{Doing as _, Failure, Outcome},
    progress::{elapsed, say, step},
    project::Project,
    setup,
    stack::{self, Stack, description::Description},
    test,
};

/// What this command accepts.
pub const USAGE: Usage = Usage {
    help: "\
usage: cargo xtask dev [--name NAME] [--port-base PORT] [--fresh] [--throw-away]

Sets up what is missing, builds the functions and runs the whole stack on 127.0.0.1 until Ctrl-C: PostgreSQL, PostgREST,
the functions in workerd, and simulators of the outside vendors. Settings in .dev.vars replace the simulators by the real
ones. What the functions log is shown. After a change of a function, start again.

  --name NAME       another stack beside the one called dev, with rows of its own
  --port-base PORT  use PORT (the gateway) and the five ports after it, instead of free ones
  --fresh           forget the rows and files of earlier runs
  --throw-away      forget those of this run, too, when it ends",
    switches: &["--fresh", "--throw-away"],
    options: &["--name", "--port-base"],
};

/// The person of the seed, as Clerk knows them.
pub const DEMO_PERSON: &str = "user_demo";

/// How long the simulated Skyvern works on an application.
pub const SKYVERN_WORKS_FOR_MS: u32 = 3000;

/// How long the printed token is good for; Clerk's own live for a minute.
const TOKEN_SECONDS: u32 = 12 * 60 * 60;

/// Runs `cargo xtask dev`.
pub fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let started = Instant::now();
    arguments.no_values(USAGE)?;
    let options = stack::Options {
        name: stack::name(arguments)?,
        port_base: arguments.number("--port-base")?,
        fresh: arguments.has("--fresh"),
        throw_away: arguments.has("--throw-away"),
        skyvern_finishes_after: Some(SKYVERN_WORKS_FOR_MS),
    };
    stack::must_not_run(project, &options.name)?;
    let mut stack = start(project, options)?;
    welcome(stack.description(), started)?;
    let mut log = Follower::new(stack.log("functions"));
    let outcome = stack.follow(|| log.show_news());
    say!("stopping …");
    stack.stop();
    outcome
}

/// Sets up, builds and starts a stack.
pub fn start(project: &Project, options: stack::Options) -> Outcome<Stack> {
    let tools = setup::stack_tools(project)?;
    build::all(project)?;
    let simulators = step("compiling the simulators", || test::simulators(project))?;
    Stack::start(project, options, tools, simulators)
}

/// A token of the simulated Clerk.
pub fn token(stack: &Description, person: &str, seconds: u32) -> Outcome<String> {
    let url = format!("{}/__control/clerk/tokens", stack.simulators_url);
    let refused = |reason: String| Failure::new(format!("the Clerk simulator gives no token: {reason}"));
    let answer: Value = ureq::post(&url)
        .send_json(json!({ "sub": person, "expires_in": seconds }))
        .and_then(|mut answer| answer.body_mut().read_json())
        .map_err(|error| refused(error.to_string()))?;
    answer["token"].as_str().map(str::to_owned).ok_or_else(|| refused(answer.to_string()))
}

fn welcome(stack: &Description, started: Instant) -> Outcome {
    let token = token(stack, DEMO_PERSON, TOKEN_SECONDS)?;
    let Description { supabase_url, anon_key, clerk_issuer, skyvern_api_url, database_url, log_dir, .. } = stack;
    say!(
        "
The stack {} runs, after {}.

  Supabase   {supabase_url}   (/rest/v1, /storage/v1, /functions/v1)
  Clerk      {clerk_issuer}   (simulated)
  Skyvern    {skyvern_api_url}   (simulated)
  PostgreSQL {database_url}
  Logs       {}

As the demo person, in another terminal:

  export SUPABASE_URL={supabase_url}
  export ANON_KEY={anon_key}
  export TOKEN={token}

  # the person's applications
  curl -s $SUPABASE_URL/rest/v1/applications -H \"apikey: $ANON_KEY\" -H \"Authorization: Bearer $TOKEN\"

  # a new one, sent to Skyvern; the webhook follows after a few seconds
  ID=$(curl -s $SUPABASE_URL/rest/v1/applications -H \"apikey: $ANON_KEY\" -H \"Authorization: Bearer $TOKEN\" \\
    -H 'Content-Type: application/json' -H 'Prefer: return=representation' -H 'Accept: application/vnd.pgrst.object+json' \\
    -d '{}' | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/')
  curl -s $SUPABASE_URL/functions/v1/initiate-skyvern-application -H \"Authorization: Bearer $TOKEN\" \\
    -H 'Content-Type: application/json' -d \"{{\\\"application_id\\\":\\\"$ID\\\"}}\"

The log of the functions follows. Ctrl-C ends everything.
",
        stack.name,
        elapsed(started),
        log_dir.display(),
        r#"{"job_title":"Engineer","company_name":"Example","job_url":"https://jobs.example.com/1","status":"DRAFT"}"#,
    );
    Ok(())
}

/// Shows what is added to a log.
struct Follower {
    log: PathBuf,
    shown: u64,
}

impl Follower {
    fn new(log: PathBuf) -> Self {
        let shown = log.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        Self { log, shown }
    }

    /// Only whole lines; the rest comes with the next call.
    fn show_news(&mut self) {
        let Ok(news) = read_from(&self.log, self.shown) else {
            return; // it shows when the log can be read again
        };
        let Some(end) = news.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        say!("{}", String::from_utf8_lossy(&news[..end]));
        self.shown += end as u64 + 1;
    }
}

fn read_from(file: &Path, position: u64) -> Outcome<Vec<u8>> {
    let doing = || format!("read {}", file.display());
    let mut bytes = Vec::new();
    let mut file = File::open(file).doing(doing)?;
    file.seek(SeekFrom::Start(position)).doing(doing)?;
    file.read_to_end(&mut bytes).doing(doing)?;
    Ok(bytes)
}
