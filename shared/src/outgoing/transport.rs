//! How a request leaves: the runtime's network on Workers, canned responses in tests.

use std::fmt;

use futures_util::future::LocalBoxFuture;

use super::{Failure, Request, Response};

/// Sends requests. Nothing above it knows the runtime.
pub trait Transport: fmt::Debug {
    /// Sends a request over the network and reads the whole response, within the request's timeout. Redirects are not
    /// followed.
    fn fetch(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>>;

    /// Whether this function is deployed with a service binding of this name.
    fn has_service_binding(&self, binding: &str) -> bool;

    /// Sends a request over a service binding, likewise. The body of the response is not read.
    fn fetch_service(&self, binding: &'static str, request: Request) -> LocalBoxFuture<'_, Result<Response, Failure>>;
}
