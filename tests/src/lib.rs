//! The harness of the end-to-end tests, and the simulators of the outside vendors.

// `json!` recurses for each member, and Skyvern's webhooks have more than sixty.
#![recursion_limit = "256"]

pub mod simulators;
