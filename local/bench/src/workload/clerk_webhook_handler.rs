//! Clerk announces a new person: an account and a profile are made.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::supabase::rpc::accounts::{AccountDetails, ApplyClerkEvent};

use super::{id, request};
use toolchain::Outcome;

use crate::{
    Contender,
    connection::post,
    load::{Exchange, Job},
    scene::Scene,
};

/// Texts that have never been before: for the person, the message and the request.
const MAKE_IDS: &str = "
    select replace(gen_random_uuid()::text, '-', ''), replace(gen_random_uuid()::text, '-', ''), gen_random_uuid()
    from generate_series(1, {count})";

pub(super) fn prepare(scene: &Scene, contender: Contender, count: usize) -> Outcome<Vec<Job>> {
    let ids = scene.make_rows(MAKE_IDS, count)?;
    ids.into_iter().map(|ids| Ok(vec![exchange(scene, contender, &ids)?])).collect()
}

fn exchange(scene: &Scene, contender: Contender, [person, message, uuid]: &[String; 3]) -> Outcome<Exchange> {
    let message = format!("msg_{message}");
    let body = event(person).to_string();
    let request = if contender.is_floor() {
        let key = &scene.stack.service_role_key;
        let headers = [("apikey", key.as_str()), ("authorization", &format!("Bearer {key}")), ("x-request-id", uuid)];
        let call = ApplyClerkEvent {
            event_id: &message,
            event_type: "user.created",
            clerk_user_id: &format!("user_{person}"),
            updated_at: Some(UPDATED_AT),
            person: Some(&details(person)),
            body: body.into(),
            request_id: id(uuid)?,
        };
        request(contender, &headers, &call)?
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let headers = [
            ("accept", "*/*"),
            ("user-agent", "Svix-Webhooks/1.62"),
            ("svix-id", message.as_str()),
            ("svix-timestamp", &now),
            ("svix-signature", &signature(&scene.stack.clerk_webhook_secret, &message, &now, &body)),
            ("content-type", "application/json"),
        ];
        post("/functions/v1/clerk-webhook-handler", &headers, body.as_bytes())
    };
    Ok(Exchange { request, submission_id_at: None, status: 200, members: json!({ "outcome": "created" }) })
}

/// Milliseconds, by Clerk's clock.
const UPDATED_AT: i64 = 1_772_445_600_000;

/// What the function reads of that event. It reads it with types of its own crate, so this is written out.
fn details(person: &str) -> AccountDetails {
    AccountDetails {
        email: Some(format!("{person}@people.example")),
        phone_number: None,
        full_name: Some("Ada Lovelace".to_owned()),
    }
}

/// An event about somebody, as Clerk sends it.
fn event(person: &str) -> Value {
    json!({
        "type": "user.created",
        "object": "event",
        "instance_id": "ins_2abcdefghijklmnopqrstuvwxyz",
        "timestamp": UPDATED_AT,
        "event_attributes": { "http_request": { "client_ip": "203.0.113.9", "user_agent": "Mozilla/5.0" } },
        "data": user(person),
    })
}

/// The fields of a person, of their usual length.
fn user(person: &str) -> Value {
    let verification = json!({ "status": "verified", "strategy": "email_code", "attempts": null, "expire_at": null });
    let address = json!({
        "id": "idn_2abcdefghijklmnopqrstuvwxyz", "object": "email_address", "reserved": false, "linked_to": [],
        "email_address": format!("{person}@people.example"), "verification": verification,
        "created_at": UPDATED_AT, "updated_at": UPDATED_AT,
    });
    json!({
        "id": format!("user_{person}"), "object": "user", "external_id": null, "username": null,
        "first_name": "Ada", "last_name": "Lovelace", "has_image": false,
        "image_url": "https://img.clerk.example/eyJ0eXBlIjoiZGVmYXVsdCIsImlpZCI6Imluc18yIn0",
        "email_addresses": [address], "primary_email_address_id": "idn_2abcdefghijklmnopqrstuvwxyz",
        "phone_numbers": [], "primary_phone_number_id": null, "external_accounts": [],
        "public_metadata": {}, "private_metadata": {}, "unsafe_metadata": {},
        "banned": false, "locked": false, "password_enabled": true, "two_factor_enabled": false,
        "legal_accepted_at": null, "locale": "en-GB",
        "created_at": UPDATED_AT, "updated_at": UPDATED_AT, "last_sign_in_at": null,
    })
}

/// Base64 of HMAC-SHA-256 over id, time and body, as Svix signs. Written out, because `shared` only verifies.
fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    // An HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn signatures_are_those_of_svix() {
        let body = r#"{"type":"user.created","data":{"id":"user_2lab","first_name":"Zoë"}}"#;
        let secret = "whsec_bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE=";
        let signed = signature(secret, "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", "1795166034", body);
        assert_eq!(signed, "v1,c+ms2s7nWWHJUin6OvFTw8IFuTNJzmcLC9gCYrV5jWI=");
    }
}
