//! A person hands an application to Skyvern: claim, signed résumé, run, record.

use serde_json::json;
use shared::{
    ids::RunId,
    supabase::rpc::applications::{ClaimApplication, RecordSkyvernRun, Source},
};

use super::{id, request};
use toolchain::{Doing as _, Failure, Outcome};

use crate::{
    Contender,
    connection::post_json,
    load::{Exchange, Job},
    scene::Scene,
};

/// Applications that wait to be handed over.
const MAKE_APPLICATIONS: &str = "
    with people as (
        select id, clerk_user_id from public.users
    ), applications as (
        insert into public.applications (user_id, job_title, company_name, job_url, status)
        select people.id, 'Analyst', 'Difference Engines', 'https://jobs.example.com/engines/' || gen_random_uuid(),
               'PENDING_SKYVERN_SUBMISSION'
        from generate_series(1, {count}) as number
        join people on clerk_user_id = 'user_bench' || number % {people}
        returning id, user_id
    )
    select applications.id, people.clerk_user_id, 'tsk_' || replace(gen_random_uuid()::text, '-', ''), gen_random_uuid()
    from applications
    join people on people.id = applications.user_id
    order by random()";

/// Stands in a request until the submission's own id is known.
const SUBMISSION: &str = "11111111-1111-4111-8111-111111111111";

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    let applications = scene.make_rows(MAKE_APPLICATIONS, count)?;
    let job = |application: &[String; 4]| {
        if contender.is_floor() { floor(scene, contender, application) } else { function(scene, application) }
    };
    applications.iter().map(job).collect()
}

fn function(scene: &Scene, [application, person, _, _]: &[String; 4]) -> Outcome<Job> {
    let headers =
        [("authorization", format!("Bearer {}", scene.token(person))), ("apikey", scene.stack.anon_key.clone())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let body = json!({ "application_id": application });
    let request =
        post_json("/functions/v1/initiate-skyvern-application", &headers, &body).doing(|| "write a request".into())?;
    let members = json!({ "application_id": application, "status": "PROCESSING_BY_SKYVERN" });
    Ok(vec![Exchange { request, submission_id_at: None, status: 202, members }])
}

fn floor(scene: &Scene, contender: Contender, [application, person, run, uuid]: &[String; 4]) -> Outcome<Job> {
    let headers = |key: &str, token: &str| {
        [("apikey", key.to_owned()), ("authorization", format!("Bearer {token}")), ("x-request-id", uuid.clone())]
    };
    let [as_person, as_service] = [
        headers(&scene.stack.anon_key, scene.token(person)),
        headers(&scene.stack.service_role_key, &scene.stack.service_role_key),
    ];
    let [as_person, as_service] =
        [&as_person, &as_service].map(|headers| headers.each_ref().map(|(name, value)| (*name, value.as_str())));

    let application_id = id(application)?;
    let call = ClaimApplication { application_id, idempotency_key: None, apply_again: false };
    let claim = request(contender, &as_person, &call)?;
    let call = RecordSkyvernRun {
        application_id,
        submission_id: id(SUBMISSION)?,
        run_id: &RunId::parse(run).ok_or_else(|| Failure::new(format!("{run} is no id of a run")))?,
        run_status: "queued",
        source: Source::Initiate,
    };
    let record = request(contender, &as_service, &call)?;
    let submission_id_at = record.windows(SUBMISSION.len()).position(|window| window == SUBMISSION.as_bytes());
    Ok(vec![
        Exchange { request: claim, submission_id_at: None, status: 200, members: json!({ "outcome": "claimed" }) },
        Exchange {
            request: record,
            submission_id_at,
            status: 200,
            members: json!({ "outcome": "recorded", "run_id": run, "status": "PROCESSING_BY_SKYVERN" }),
        },
    ])
}
