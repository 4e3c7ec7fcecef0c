//! The budget of threads of the process.

use napi_derive::napi;

use crate::errors::guarded;

/// Threads that all kernels of the process may compute with, together.
#[napi]
pub fn thread_budget() -> napi::Result<u32> {
    guarded(|| {
        eprop::base::threads::check_environment()?;
        Ok(eprop::base::threads::budget() as u32)
    })
}

/// Sets the number of threads that all kernels of the process may compute with, together.
#[napi]
pub fn set_thread_budget(threads: f64) -> napi::Result<()> {
    guarded(|| eprop::base::threads::set_budget(threads))
}
