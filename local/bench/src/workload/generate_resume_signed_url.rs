//! A person gets a link to their résumé. The function asks Storage and no PostgREST, so its floor is that one call, sent
//! to the simulated Storage directly; there the policies of the same database decide.

use serde_json::json;

use toolchain::{Doing as _, Outcome};

use crate::{
    Contender,
    connection::post_json,
    load::{Exchange, Job},
    scene::Scene,
};

/// Everybody has one résumé.
const CHOOSE_RESUMES: &str = "
    select clerk_user_id, current_resume_url, gen_random_uuid()
    from generate_series(1, {count}) as number
    join public.users on clerk_user_id = 'user_bench' || number % {people}
    order by random()";

/// How long the links are to last, in seconds.
const EXPIRES_IN: u32 = 600;

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    let resumes: Vec<[String; 3]> = scene.make_rows(CHOOSE_RESUMES, count)?;
    let people: Vec<String> = resumes.iter().map(|[person, _, _]| person.clone()).collect();
    let tokens = match contender {
        Contender::FunctionWithNewTokens => scene.new_tokens(&people)?,
        _ => people.iter().map(|person| scene.token(person).to_owned()).collect(),
    };
    resumes
        .iter()
        .zip(&tokens)
        .map(|([_, path, uuid], token)| Ok(vec![exchange(scene, contender, path, token, uuid)?]))
        .collect()
}

fn exchange(scene: &Scene, contender: Contender, path: &str, token: &str, uuid: &str) -> Outcome<Exchange> {
    let bearer = format!("Bearer {token}");
    let headers = [("apikey", scene.stack.anon_key.as_str()), ("authorization", &bearer), ("x-request-id", uuid)];
    let (url, body) = if contender.is_floor() {
        (format!("/storage/v1/object/sign/resumes/{path}"), json!({ "expiresIn": EXPIRES_IN }))
    } else {
        let body = json!({ "resume_path_in_storage": path, "expires_in": EXPIRES_IN });
        ("/functions/v1/generate-resume-signed-url".to_owned(), body)
    };
    let request = post_json(&url, &headers, &body).doing(|| "write a request".into())?;
    // Each link is another one; that there is one at all, the status says.
    Ok(Exchange { request, submission_id_at: None, status: 200, members: json!({}) })
}
