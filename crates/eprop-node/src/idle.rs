//! What one thread at a time is at work on, and what a panic leaves of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use eprop::{Error, ErrorCode};

/// What another thread may be at work on, or the error that says that it is, or that it was left half done.
pub fn locked<T>(shared: &Mutex<T>, busy: impl FnOnce() -> Error) -> eprop::Result<MutexGuard<'_, T>> {
    match shared.try_lock() {
        Ok(shared) => Ok(shared),
        Err(TryLockError::Poisoned(_)) => Err(half_done()),
        Err(TryLockError::WouldBlock) => Err(busy()),
    }
}

fn half_done() -> Error {
    Error::new(
        ErrorCode::InternalError,
        "an internal error in an earlier call has left this half done; reset it (ResetKernel) or make it anew",
    )
}

/// Puts something new in the place of what no other thread is at work on, whether it is whole or was left half done.
pub fn replace<T>(
    flag: &AtomicBool,
    shared: &Mutex<T>,
    busy: impl FnOnce() -> Error,
    new: impl FnOnce(&T) -> T,
) -> eprop::Result<()> {
    if flag.load(Ordering::Acquire) {
        return Err(busy());
    }
    let mut held = match shared.try_lock() {
        Ok(held) => held,
        Err(TryLockError::Poisoned(held)) => held.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(busy()),
    };
    *held = new(&held);
    shared.clear_poison();
    Ok(())
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
