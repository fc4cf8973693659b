//! HTTP as every function speaks it: what comes in, what goes back, and the work in between.

mod call;
mod cors;
mod in_flight;
mod incoming;
mod reply;
mod while_wanted;

pub use call::{Call, Runtime, Settings};
pub use cors::AllowedOrigins;
pub(crate) use in_flight::InFlight;
pub use incoming::{Endpoint, Fields, Incoming, Method};
pub use reply::Reply;
pub(crate) use while_wanted::while_wanted;
