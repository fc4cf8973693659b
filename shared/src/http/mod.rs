//! HTTP as every function speaks it: what comes in, what goes back, and the work in between.

mod call;
mod cors;
mod incoming;
mod reply;

pub use call::{Call, Runtime, Settings};
pub use cors::AllowedOrigins;
pub use incoming::{Endpoint, Fields, Incoming, Method};
pub use reply::Reply;
