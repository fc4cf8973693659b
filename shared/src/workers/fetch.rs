//! The runtime's `fetch`, one layer below `worker`'s own wrapper: that one builds a request object
//! with a call for every header and reads every response through a stream, which is a sixth of what a
//! small function costs.

use std::pin::pin;

use futures_util::future::{Either, LocalBoxFuture, select};
use worker::{
    AbortController, AbortSignal,
    js_sys::{Function, JsString, Object, Promise, Reflect, Uint8Array, global},
    wasm_bindgen::{JsCast as _, JsValue},
    wasm_bindgen_futures::JsFuture,
    web_sys::{self, RequestInit, RequestRedirect},
};

use crate::{
    headers::Headers,
    outgoing::{Failure, Request, Response},
};

/// What sends a request over the network.
pub(super) fn network() -> Object {
    global()
}

/// What sends a request over a service binding of this environment. None where there is no such binding.
pub(super) fn service(env: &worker::Env, binding: &str) -> Option<Object> {
    Reflect::get(env, &JsString::from(binding)).ok()?.dyn_into().ok()
}

/// Sends the request by the `fetch` of `sender` and reads the whole response, within the request's timeout. Redirects
/// are not followed. Both kinds of senders share this one future, or each function would carry it twice.
pub(super) fn fetch(sender: Option<Object>, request: Request) -> LocalBoxFuture<'static, Result<Response, Failure>> {
    Box::pin(async move {
        let sender = sender.ok_or(Failure::Unreachable)?;
        let controller = AbortController::default();
        let signal = controller.signal();
        let response = pin!(exchange(&sender, &request, &signal));
        match select(response, pin!(worker::Delay::from(request.timeout()))).await {
            Either::Left((response, _)) => response.map_err(|_| Failure::Unreachable),
            Either::Right(_) => {
                controller.abort();
                Err(Failure::TimedOut)
            }
        }
    })
}

/// # Errors
/// What the runtime throws when there is no response, or when `signal` ended it.
async fn exchange(sender: &Object, request: &Request, signal: &AbortSignal) -> Result<Response, JsValue> {
    let headers = Object::new();
    let set = |name: &str, value: &str| Reflect::set(&headers, &JsString::from(name), &JsString::from(value));
    for (name, value) in request.all_headers() {
        set(name, value)?;
    }

    let init = RequestInit::new();
    init.set_method(request.method());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    if let Some(body) = request.body() {
        init.set_body(&Uint8Array::from(body));
    }

    let fetch: Function = Reflect::get(sender, &JsString::from("fetch"))?.dyn_into()?;
    let promise: Promise = fetch.call2(sender, &JsString::from(request.url().as_str()), &init)?.dyn_into()?;
    let response = JsFuture::from(promise).await?;
    let response: web_sys::Response = response.dyn_into()?;
    let wanted = request.wanted_headers().iter();
    let headers: Headers =
        wanted.filter_map(|name| Some(((*name).to_owned(), response.headers().get(name).ok().flatten()?))).collect();
    let body = JsFuture::from(response.array_buffer()?).await?;
    Ok(Response { status: response.status(), headers, body: Uint8Array::new(&body).to_vec() })
}
