//! Work on a thread of its own, with a promise for JavaScript.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use eprop::Error;
use eprop::threads::detach;
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

/// What another thread may be at work on, or the error that says that it is.
pub fn locked<T>(shared: &Mutex<T>, busy: impl FnOnce() -> Error) -> eprop::Result<MutexGuard<'_, T>> {
    match shared.try_lock() {
        Ok(shared) => Ok(shared),
        // The engine checks before it changes: what a caught panic left is whole, and may be read or reset.
        Err(TryLockError::Poisoned(shared)) => Ok(shared.into_inner()),
        Err(TryLockError::WouldBlock) => Err(busy()),
    }
}

/// Calls with what no other thread is, or is about to be, at work on; or the error that says that one is.
pub fn with_idle<S, T>(
    flag: &AtomicBool,
    shared: &Mutex<S>,
    busy: impl FnOnce() -> Error,
    call: impl FnOnce(&mut S) -> eprop::Result<T>,
) -> eprop::Result<T> {
    if flag.load(Ordering::Acquire) { Err(busy()) } else { call(&mut *locked(shared, busy)?) }
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
