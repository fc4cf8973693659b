//! The runtime's `fetch`, one layer below `worker`'s own wrapper: that one builds a request object
//! with a call for every header and reads every response through a stream, which is a sixth of what a
//! small function costs. Here only responses of vendors are read through a stream, to stop when they are too long.

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
            Either::Left((Ok(Some(response)), _)) => Ok(response),
            Either::Left((Ok(None), _)) => {
                controller.abort();
                Err(Failure::TooLong)
            }
            Either::Left((Err(_), _)) => Err(Failure::Unreachable),
            Either::Right(_) => {
                controller.abort();
                Err(Failure::TimedOut)
            }
        }
    })
}

/// Returns none for a response that is longer than the request's limit.
///
/// # Errors
/// What the runtime throws when there is no response, or when `signal` ended it.
async fn exchange(sender: &Object, request: &Request, signal: &AbortSignal) -> Result<Option<Response>, JsValue> {
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
    let body = match request.longest_response() {
        Some(limit) => read_up_to(limit, &response).await?,
        None => Some(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec()),
    };
    Ok(body.map(|body| Response { status: response.status(), headers, body }))
}

/// The body, unless it is longer. Its declared length says nothing: it may be that of the compressed body.
async fn read_up_to(limit: usize, response: &web_sys::Response) -> Result<Option<Vec<u8>>, JsValue> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &JsString::from(name));
    let mut body = Vec::new();
    let stream = get(response, "body")?;
    if stream.is_null() {
        return Ok(Some(body));
    }
    let get_reader: Function = get(&stream, "getReader")?.dyn_into()?;
    let reader = get_reader.call0(&stream)?;
    let read: Function = get(&reader, "read")?.dyn_into()?;
    loop {
        let promise: Promise = read.call0(&reader)?.dyn_into()?;
        let part = JsFuture::from(promise).await?;
        if get(&part, "done")?.is_truthy() {
            return Ok(Some(body));
        }
        let chunk: Uint8Array = get(&part, "value")?.dyn_into()?;
        let length = chunk.length() as usize;
        if body.len().saturating_add(length) > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk.to_vec());
    }
}
