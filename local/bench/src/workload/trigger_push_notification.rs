//! A message for one person with one device: looked up, sent, recorded.

use std::collections::BTreeSet;

use serde_json::json;
use shared::supabase::rpc::push::{ClaimPushMessages, MessageToClaim, PushTicket, RecordPushTickets};

use super::{id, request};
use toolchain::{Doing as _, Failure, Outcome};

use crate::{
    Contender,
    connection::post_json,
    load::{Exchange, Job},
    scene::Scene,
};

/// A device for each person. The messages themselves are rows of nothing yet.
const MAKE_DEVICES: &str = "
    with devices as (
        insert into public.user_push_tokens (user_id, token, platform)
        select id, 'ExponentPushToken[' || clerk_user_id || ']', 'ios'
        from public.users
        where clerk_user_id like 'user\\_bench%'
        on conflict (token) do update set last_seen_at = now()
        returning id, user_id, token
    )
    select devices.user_id, devices.id, devices.token, gen_random_uuid()
    from generate_series(1, {count}) as number
    join devices on devices.token = 'ExponentPushToken[user_bench' || number % {people} || ']'
    order by random()";

/// Expo takes 600 messages a second of one project, so here everybody's app belongs to one of these.
const PROJECTS: usize = 20;

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    let messages = scene.make_rows(MAKE_DEVICES, count)?;
    if !contender.is_floor() {
        spread_over_projects(scene, &messages)?;
    }
    let job = |message: &[String; 4]| {
        if contender.is_floor() { floor(scene, contender, message) } else { function(scene, message) }
    };
    messages.iter().map(job).collect()
}

fn spread_over_projects(scene: &Scene, messages: &[[String; 4]]) -> Outcome {
    let url = format!("{}/__control/expo/devices", scene.stack.simulators_url);
    let tokens: BTreeSet<&String> = messages.iter().map(|[_, _, token, _]| token).collect();
    for project in 0..PROJECTS {
        let tokens: Vec<_> = tokens.iter().skip(project).step_by(PROJECTS).collect();
        let order = json!({ "tokens": tokens, "device": { "project": format!("@bench/app-{project}") } });
        ureq::post(&url)
            .send_json(order)
            .map_err(|error| Failure::new(format!("the simulated Expo takes no devices: {error}")))?;
    }
    Ok(())
}

fn function(scene: &Scene, [user, _, _, uuid]: &[String; 4]) -> Outcome<Job> {
    let bearer = format!("Bearer {}", scene.stack.service_role_key);
    let headers = [("authorization", bearer.as_str()), ("x-request-id", uuid)];
    let body = json!({
        "user_id": user,
        "title": "Application sent",
        "message": "Your application for Analyst at Difference Engines was sent and confirmed.",
        "data": { "notification_id": uuid, "status": "SUBMITTED_BY_SKYVERN" },
    });
    let request =
        post_json("/functions/v1/trigger-push-notification", &headers, &body).doing(|| "write a request".into())?;
    let members = json!({ "sent": 1, "revoked": 0, "failed": 0, "not_sent": 0 });
    Ok(vec![Exchange { request, submission_id_at: None, status: 200, members }])
}

fn floor(scene: &Scene, contender: Contender, [user, device, _, uuid]: &[String; 4]) -> Outcome<Job> {
    let key = &scene.stack.service_role_key;
    let bearer = format!("Bearer {key}");
    let headers = [("apikey", key.as_str()), ("authorization", bearer.as_str()), ("x-request-id", uuid)];
    let call = ClaimPushMessages { messages: &[MessageToClaim::Of { user_id: id(user)? }] };
    let claim = request(contender, &headers, &call)?;
    let ticket = PushTicket {
        device_id: id(device)?,
        job_id: None,
        ticket_id: Some(uuid),
        error: None,
        message: None,
        device_gone: false,
    };
    let call = RecordPushTickets { read_at: "2026-03-02T10:15:00Z", tickets: &[ticket], jobs: &[] };
    let record = request(contender, &headers, &call)?;
    Ok(vec![
        Exchange { request: claim, submission_id_at: None, status: 200, members: json!({}) },
        Exchange {
            request: record,
            submission_id_at: None,
            status: 200,
            members: json!({ "recorded": 1, "revoked": 0 }),
        },
    ])
}
