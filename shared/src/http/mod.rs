//! HTTP as every function speaks it: what comes in, what goes out, and the frame around both.

mod cors;
mod fetch;
mod incoming;
mod neighbour;
mod reply;
mod serve;
pub mod upstream;

pub use cors::AllowedOrigins;
pub use incoming::{Endpoint, Fields, Headers, Incoming, Method};
pub use neighbour::Neighbour;
pub use reply::Reply;
pub use serve::{Call, Settings, serve};
