//! The stack's way out, which has the limit that Workers have and workerd by itself has not.

use std::path::Path;

use serde_json::json;
use tests::client;

#[tokio::test]
async fn a_seventh_connection_of_an_invocation_waits_for_one_of_six() {
    let connections = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/stack/connections.mjs");
    let connections = connections.canonicalize().unwrap();

    let reached = client::run("connections.mjs", &json!({ "connections": connections })).await;

    assert_eq!((&reached["first"], &reached["second"]), (&json!(6), &json!(6)), "each invocation has its own six");
    assert_eq!(reached["after_giving_up"], 7, "a call that is given up waits no more");
    assert_eq!(reached["after_response"], 8);
}
