//! When the caller hangs up: `request.signal`, which the compatibility flag `enable_request_signal` brings to life.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use worker::{
    wasm_bindgen::{JsCast as _, closure::Closure},
    web_sys::AbortSignal,
};

/// Ends when the caller has hung up, and never if they stay. One listener a request, taken away with it: a promise of the
/// runtime's would be kept for as long as the isolate lives.
pub(super) struct CallerGone {
    signal: AbortSignal,
    waker: Rc<RefCell<Option<Waker>>>,
    _on_abort: Closure<dyn FnMut()>,
}

impl CallerGone {
    pub(super) fn of(request: &worker::Request) -> Self {
        let signal = request.inner().signal();
        let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
        let listening = waker.clone();
        let on_abort = Closure::<dyn FnMut()>::new(move || {
            let waker = listening.borrow_mut().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        signal.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
        Self { signal, waker, _on_abort: on_abort }
    }
}

impl Future for CallerGone {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.signal.aborted() {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for CallerGone {
    fn drop(&mut self) {
        self.signal.set_onabort(None);
    }
}
