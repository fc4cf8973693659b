//! People search for jobs, and others have searched for the same within the hour: one call to the database, which has
//! the page and the person's own rows.
//!
//! There are 2,000 searches. Every other request is one of the 64 popular ones, whose pages the function's isolate
//! remembers, so that the database answers which version is good and what the person has done about its jobs. The
//! others go through the rest in turn; it is so long that a page is forgotten before its turn comes again, and the
//! database sends all of it, some 20 kilobytes. Everybody has saved 20 of the popular jobs and applied for five more.
//!
//! The pages are the simulated Adzuna's, fetched by the function itself before anything is measured, with an allowance
//! that has no end. The floor's calls are the function's: they name a version for the popular pages and none for the rest.

use serde_json::{Value, json};
use shared::supabase::rpc::search::SearchJobs;

use super::{id, request};
use toolchain::{Doing as _, Failure, Outcome};

use crate::{
    Contender,
    connection::post_json,
    load::{self, Exchange, Job},
    scene::{PEOPLE, Scene},
};

pub(super) const FUNCTION: &str = "adzuna-job-search";

/// How many different searches there are: many times the pages that an isolate remembers.
const SEARCHES: usize = 2000;
/// How many of them are popular: few enough to be remembered beside what comes between.
const POPULAR: usize = 64;

/// Nothing is to expire while it is measured, and nobody is to be out of calls.
const LIFT_LIMITS: &str = "update private.job_search_limits set calls = 1000000";
const KEEP_PAGES: &str = "update public.job_search_cache set expires_at = now() + interval '1 day'";

/// Saved jobs and applications of everybody, spread over the popular pages.
const MAKE_MARKS: &str = "
    create temporary table popular on commit drop as
        select row_number() over (order by adzuna_job_id) - 1 as number, count(*) over () as jobs, adzuna_job_id
        from (select distinct unnest(job_ids) as adzuna_job_id
              from public.job_search_cache
              where substring(query ->> 'what' from '[0-9]+$')::integer < {popular}) as popular;

    create temporary table marks on commit drop as
        select users.id as user_id, mark, adzuna_job_id
        from public.users
        cross join generate_series(1, 25) as mark
        join popular on number = (substring(clerk_user_id from '[0-9]+$')::bigint * 31 + mark * 47) % jobs
        where clerk_user_id like 'user\\_bench%';

    insert into public.saved_jobs (user_id, adzuna_job_id, job_title, company_name, job_url)
    select user_id, adzuna_job_id, 'Analyst', 'Difference Engines', 'https://jobs.example.com/' || adzuna_job_id
    from marks
    where mark <= 20;

    insert into public.applications (user_id, adzuna_job_id, job_title, company_name, job_url, status)
    select user_id, adzuna_job_id, 'Analyst', 'Difference Engines', 'https://jobs.example.com/' || adzuna_job_id,
           'APPLIED_MANUALLY'
    from marks
    where mark > 20";

/// Who searches for what, in this order. The first of the less popular ones is another one each time.
const CHOOSE_SEARCHES: &str = "
    with start as (
        select floor(random() * ({searches} - {popular}))::integer as start
    ), chosen as (
        select number, case when number % 2 = 0 then number / 2 % {popular}
                            else {popular} + (start + number / 2) % ({searches} - {popular}) end as search
        from generate_series(0, {count} - 1) as number
        cross join start
    )
    select search, query_key, case when search < {popular} then version end,
           'user_bench' || floor(random() * {people})::integer, gen_random_uuid()
    from chosen
    join public.job_search_cache on query ->> 'what' = 'programmer ' || search
    order by number";

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    if scene.run("select count(*) from public.job_search_cache")? != SEARCHES.to_string() {
        fetch_pages(scene)?;
    }
    let searches = scene.make_rows(&of_searches(CHOOSE_SEARCHES), count)?;
    let exchange = |search: &[String; 5]| {
        if contender.is_floor() { floor(scene, contender, search) } else { function(scene, search) }
    };
    searches.iter().map(|search| Ok(vec![exchange(search)?])).collect()
}

/// Everything is searched for once.
fn fetch_pages(scene: &Scene) -> Outcome {
    scene.run(LIFT_LIMITS)?;
    let limits = json!({ "minute": 1_000_000, "day": 1_000_000, "week": 1_000_000, "month": 1_000_000 });
    ureq::post(&format!("{}/__control/adzuna/limits", scene.stack.simulators_url))
        .send_json(limits)
        .map_err(|error| Failure::new(format!("the simulated Adzuna takes no other limits: {error}")))?;

    let person = |number| format!("user_bench{}", number % PEOPLE);
    let jobs: Outcome<Vec<Job>> =
        (0..SEARCHES).map(|number| Ok(vec![ask(scene, &query(number), &person(number), None)?])).collect();
    load::drive(scene.address(Contender::Function, FUNCTION)?, &jobs?)?;
    scene.run(KEEP_PAGES)?;
    scene.run(&of_searches(MAKE_MARKS))?;
    Ok(())
}

fn of_searches(statement: &str) -> String {
    statement.replace("{searches}", &SEARCHES.to_string()).replace("{popular}", &POPULAR.to_string())
}

/// What a person asks for. The number makes it another search.
fn query(search: impl std::fmt::Display) -> Value {
    json!({
        "keywords": format!("programmer {search}"), "location": "London", "country": "gb", "salary_min": 50_000,
        "full_time": true, "sort_by": "date", "page": 1,
    })
}

fn function(scene: &Scene, [search, _, _, person, uuid]: &[String; 5]) -> Outcome<Exchange> {
    ask(scene, &query(search), person, Some(uuid))
}

fn ask(scene: &Scene, query: &Value, person: &str, request_id: Option<&str>) -> Outcome<Exchange> {
    let bearer = format!("Bearer {}", scene.token(person));
    let mut headers = vec![("apikey", scene.stack.anon_key.as_str()), ("authorization", &bearer)];
    headers.extend(request_id.map(|id| ("x-request-id", id)));
    let request =
        post_json(&format!("/functions/v1/{FUNCTION}"), &headers, query).doing(|| "write a request".into())?;
    // Every search has more than one page.
    Ok(Exchange { request, submission_id_at: None, status: 200, members: json!({ "page": 1, "next_page": 2 }) })
}

fn floor(scene: &Scene, contender: Contender, [_, key, version, person, uuid]: &[String; 5]) -> Outcome<Exchange> {
    let bearer = format!("Bearer {}", scene.token(person));
    let headers =
        [("apikey", scene.stack.anon_key.as_str()), ("authorization", bearer.as_str()), ("x-request-id", uuid)];
    let known_version = if version.is_empty() { None } else { Some(id(version)?) };
    let call = SearchJobs { query_key: key, known_version };
    let request = request(contender, &headers, &call)?;
    Ok(Exchange { request, submission_id_at: None, status: 200, members: json!({ "outcome": "fresh" }) })
}

#[cfg(test)]
mod tests {
    use super::{CHOOSE_SEARCHES, MAKE_MARKS, of_searches, query};

    #[test]
    fn each_search_is_another_one() {
        assert_ne!(query(1), query(2));
        assert_eq!(query(1), query("1"), "what the rows say is what was fetched");
    }

    #[test]
    fn the_statements_are_filled_in() {
        for statement in [MAKE_MARKS, CHOOSE_SEARCHES] {
            let statement = of_searches(statement).replace("{count}", "1").replace("{people}", "1");
            assert!(!statement.contains(['{', '}']), "{statement}");
        }
    }
}
