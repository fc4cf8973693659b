//! Outgoing requests: to the database, to vendors, and to other functions of ours.

mod request;
mod retry;
mod retry_after;
mod service_binding;
mod transport;
mod upstream;

pub use request::{Failure, LONGEST_RESPONSE, Request, Response, TIMEOUT};
pub use retry::RetryPolicy;
pub use retry_after::{RETRY_AFTER, retry_after};
pub use service_binding::{Answer, ServiceBinding};
pub use transport::Transport;
pub use upstream::Upstream;
