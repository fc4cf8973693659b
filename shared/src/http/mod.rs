//! HTTP as every function speaks it: what comes in and what goes back, and the frames around a request and around a
//! scheduled run.

mod call;
mod cors;
mod incoming;
mod reply;
mod schedule;
mod serve;

pub use call::{Call, Settings};
pub use cors::AllowedOrigins;
pub use incoming::{Endpoint, Fields, Incoming, Method};
pub use reply::Reply;
pub use schedule::run_scheduled;
pub use serve::serve;
