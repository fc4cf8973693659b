//! Programs in Node that use the libraries of the outside world.

use std::path::Path;

use serde_json::Value;

/// Runs one of the programs in `tests/clients` with Node, and reads the JSON it prints.
///
/// # Panics
/// If it fails.
pub async fn run(client: &str, input: &Value) -> Value {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(client);
    let node = tokio::process::Command::new("node").arg(&program).arg(input.to_string()).output().await;
    let node = node.unwrap_or_else(|error| panic!("node does not run: {error}"));
    let said = String::from_utf8_lossy(&node.stderr).into_owned();
    assert!(node.status.success(), "{client} failed: {said}");
    serde_json::from_slice(&node.stdout).unwrap_or_else(|error| panic!("{client} printed no JSON: {error}\n{said}"))
}
