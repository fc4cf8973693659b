//! HTTP as every function speaks it: what comes in, what goes out, and the frames around both and
//! around what a function does by the clock.

mod call;
mod cors;
mod fetch;
mod incoming;
mod neighbour;
mod reply;
mod retry_after;
mod schedule;
mod serve;
pub mod upstream;

pub use call::{Call, Settings};
pub use cors::AllowedOrigins;
pub use incoming::{Endpoint, Fields, Headers, Incoming, Method};
pub use neighbour::Neighbour;
pub use reply::Reply;
pub use retry_after::{RETRY_AFTER, retry_after};
pub use schedule::run_scheduled;
pub use serve::serve;
