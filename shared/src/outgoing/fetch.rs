//! The runtime's `fetch`, one layer below `worker`'s own wrapper: that one builds a request object
//! with a call for every header and reads every answer through a stream, which is a sixth of what a
//! small function costs.

use worker::{
    AbortSignal,
    js_sys::{JsString, Object, Reflect, Uint8Array, global},
    wasm_bindgen::{JsCast as _, JsValue},
    wasm_bindgen_futures::JsFuture,
    web_sys::{self, RequestInit, RequestRedirect, WorkerGlobalScope},
};

use super::{Request, Response};
use crate::{headers::Headers, ids::RequestId};

/// Sends the request and reads the whole answer. Redirects are not followed.
///
/// # Errors
/// What the runtime throws when there is no answer, or when `signal` ended it.
pub(super) async fn fetch(request: &Request, request_id: RequestId, signal: &AbortSignal) -> Result<Response, JsValue> {
    let headers = Object::new();
    let set = |name: &str, value: &str| Reflect::set(&headers, &JsString::from(name), &JsString::from(value));
    for (name, value) in request.all_headers() {
        set(name, value)?;
    }
    set("x-request-id", &request_id.to_string())?;

    let init = RequestInit::new();
    init.set_method(request.method());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    if let Some(body) = request.body() {
        init.set_body(&Uint8Array::from(body));
    }

    let scope: WorkerGlobalScope = global().unchecked_into();
    let answer = JsFuture::from(scope.fetch_with_str_and_init(request.url().as_str(), &init)).await?;
    let answer: web_sys::Response = answer.dyn_into()?;
    let wanted = request.wanted_headers().iter();
    let headers: Headers =
        wanted.filter_map(|name| Some(((*name).to_owned(), answer.headers().get(name).ok().flatten()?))).collect();
    let body = JsFuture::from(answer.array_buffer()?).await?;
    Ok(Response { status: answer.status(), headers, body: Uint8Array::new(&body).to_vec() })
}
