//! Expo's push service, which passes messages on to Apple and Google.

mod client;
mod fault;
mod message;
mod receipt;
mod settings;
mod ticket;

pub use client::{Expo, NotSent, Projects};
pub use fault::{FAULTS, is_passing, may_be_mended};
pub use message::{Content, MAXIMUM_PAYLOAD, MOST_RECIPIENTS, Message, is_push_token};
pub use receipt::{MOST_RECEIPTS, Receipt};
pub use settings::Settings;
pub use ticket::{DEVICE_NOT_REGISTERED, MESSAGE_RATE_EXCEEDED, MESSAGE_TOO_BIG, Ticket};
