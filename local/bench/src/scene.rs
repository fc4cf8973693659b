//! The data that the requests are about: people as they are in production, and enough of them that caches matter.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, thread};

use super::{
    Contender,
    runtime::{Isolate, Runtime},
};
use local_stack::{Description, clerk, database::Psql};
use toolchain::{Failure, Outcome, progress::step};

/// How many people use the product at the same time.
pub const PEOPLE: usize = 1000;

/// Longer than any bench takes. Clerk's own live for a minute, and clients then get another.
const TOKEN_SECONDS: u32 = 6 * 60 * 60;

/// People with all that an application needs: profile, résumé and preferences.
const MAKE_PEOPLE: &str = "
    insert into auth.users (
        id, instance_id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
        confirmation_token, recovery_token, email_change, email_change_token_new)
    select gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated',
           'bench-' || number || '@people.example', jsonb_build_object('clerk_id', 'user_bench' || number),
           jsonb_build_object('full_name', 'Ada Lovelace ' || number), now(), now(), '', '', '', ''
    from generate_series(0, {people} - 1) as number;

    update public.users
    set phone_number = '+44 20 7946 0958',
        linkedin_profile_url = 'https://www.linkedin.com/in/ada-lovelace',
        portfolio_url = 'https://ada.example/work',
        current_resume_url = id || '/ada-lovelace.pdf',
        current_resume_filename = 'Ada Lovelace CV.pdf'
    where clerk_user_id like 'user\\_bench%';

    -- A few people here do what thousands do there.
    update private.application_limits set per_day = 1000000, at_once = 1000000;

    insert into storage.objects (bucket_id, name, owner_id, version, metadata)
    select 'resumes', current_resume_url, clerk_user_id, gen_random_uuid(),
           '{\"size\": 1000, \"mimetype\": \"application/pdf\", \"eTag\": \"\\\"1\\\"\", \"contentLength\": 1000}'
    from public.users
    where clerk_user_id like 'user\\_bench%';

    insert into public.user_preferences (
        user_id, preferred_job_titles, target_locations, salary_min, key_skills, work_arrangement)
    select id, array['Analyst', 'Programmer'], '[{\"city\": \"London\", \"remote_only\": false}]', 90000,
           array['Mathematics', 'Punched cards'], array['remote', 'hybrid']::public.work_preference_type[]
    from public.users
    where clerk_user_id like 'user\\_bench%'";

/// Everything that a workload needs to prepare its requests.
#[derive(Debug)]
pub struct Scene {
    /// The stack.
    pub stack: Description,
    database: Psql,
    tokens: BTreeMap<String, String>,
    functions: BTreeMap<Isolate, SocketAddr>,
    floors: BTreeMap<Contender, SocketAddr>,
}

impl Scene {
    /// Makes the people and signs them in.
    pub fn prepare(stack: Description, postgresql_bin: &Path, runtime: &Runtime) -> Outcome<Self> {
        let database = Psql::new(postgresql_bin, &stack.admin_database_url);
        let tokens = step(&format!("making {PEOPLE} people and their tokens"), || {
            database.run(&MAKE_PEOPLE.replace("{people}", &PEOPLE.to_string()))?;
            let people: Vec<String> = (0..PEOPLE).map(|number| format!("user_bench{number}")).collect();
            let tokens = mint(&stack, &people)?;
            Ok(people.into_iter().zip(tokens).collect())
        })?;
        let gateway = address(&stack.supabase_url)?;
        let floors = BTreeMap::from([
            (Contender::Floor, address(&stack.postgrest_url)?),
            (Contender::FloorBehindGateway, gateway),
            (Contender::StorageFloor, gateway),
        ]);
        Ok(Self { stack, database, tokens, functions: runtime.addresses.clone(), floors })
    }

    /// Where the requests for a contender go.
    pub fn address(&self, contender: Contender, function: &str) -> Outcome<SocketAddr> {
        let isolate = Isolate { function: function.to_owned(), contender };
        let address = self.functions.get(&isolate).or_else(|| self.floors.get(&contender));
        address.copied().ok_or_else(|| Failure::new(format!("{function} listens nowhere")))
    }

    /// A person's session token.
    pub fn token(&self, clerk_user_id: &str) -> &str {
        self.tokens.get(clerk_user_id).map_or("", String::as_str)
    }

    /// A token for each of these people that nobody has seen before.
    pub fn new_tokens(&self, clerk_user_ids: &[String]) -> Outcome<Vec<String>> {
        mint(&self.stack, clerk_user_ids)
    }

    /// Runs a statement and returns what it prints.
    pub fn run(&self, statement: &str) -> Outcome<String> {
        self.database.run(statement)
    }

    /// Inserts so many rows by a statement that returns them, and returns the columns of each. The statement names the
    /// number of rows `{count}`.
    pub fn make_rows<const COLUMNS: usize>(&self, statement: &str, count: usize) -> Outcome<Vec<[String; COLUMNS]>> {
        let statement = statement.replace("{count}", &count.to_string()).replace("{people}", &PEOPLE.to_string());
        let printed = self.database.run(&statement)?;
        // What a plan rests on must not depend on when the server gets round to it by itself.
        self.database.run("analyze")?;
        let row = |line: &str| {
            let columns: Vec<String> = line.split('|').map(str::to_owned).collect();
            <[String; COLUMNS]>::try_from(columns).ok()
        };
        let rows: Vec<_> = printed.lines().filter_map(row).collect();
        if rows.len() == count {
            return Ok(rows);
        }
        Err(Failure::new(format!("{} rows were made instead of {count}", rows.len())))
    }
}

/// Several at a time: making an RSA signature takes the simulated Clerk some milliseconds.
fn mint(stack: &Description, people: &[String]) -> Outcome<Vec<String>> {
    let share = people.len().div_ceil(thread::available_parallelism().map_or(1, usize::from)).max(1);
    let mint = |people: &[String]| -> Outcome<Vec<String>> {
        people.iter().map(|person| clerk::session_token(stack, person, TOKEN_SECONDS)).collect()
    };
    let shares: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = people.chunks(share).map(|people| scope.spawn(move || mint(people))).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut tokens = Vec::with_capacity(people.len());
    for share in shares {
        tokens.extend(share.map_err(|_| Failure::new("a thread that fetches tokens broke off"))??);
    }
    Ok(tokens)
}

fn address(url: &str) -> Outcome<SocketAddr> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.ok_or_else(|| Failure::new(format!("{url} is no address on this machine")))
}
