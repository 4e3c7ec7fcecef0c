//! Work on a thread of its own, with a promise for JavaScript.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eprop::base::threads::detach;
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::errors::guarded;

/// Says that something is at work on another thread, until it is dropped.
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    /// Sets the flag.
    #[must_use]
    pub fn new(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Release);
        Self(Arc::clone(flag))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Does work on a thread of its own: those of libuv stay free for files and names, however long it takes. `finish` gets
/// its outcome on the thread of JavaScript, once nothing is busy any more, and gives what the promise settles with.
pub fn off_thread<T: Send + 'static, R: ToNapiValue + 'static>(
    env: &Env,
    busy: Busy,
    work: impl FnOnce() -> eprop::Result<T> + Send + 'static,
    finish: impl FnOnce(Env, napi::Result<T>) -> napi::Result<R> + Send + 'static,
) -> napi::Result<Object<'_>> {
    let (deferred, promise) = env.create_deferred()?;
    detach(move || {
        let outcome = guarded(work);
        drop(busy);
        deferred.resolve(move |env| finish(env, outcome));
    })?;
    Ok(promise)
}
