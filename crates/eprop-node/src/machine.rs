//! What this machine can do, for benchmarks.

use napi_derive::napi;

/// The instruction set that kernels run with on this processor.
#[napi]
#[must_use]
pub fn instruction_set() -> String {
    eprop::base::simd::level().name().to_owned()
}

/// Bytes per second between processor and memory on that many threads.
#[napi]
#[must_use]
pub fn memory_bandwidth(threads: u32) -> f64 {
    eprop::base::machine::memory_bandwidth(threads as usize)
}

/// Operations with 64-bit numbers per second on that many threads.
#[napi]
#[must_use]
pub fn vector_rate(threads: u32) -> f64 {
    eprop::base::machine::vector_rate(threads as usize)
}

/// Processor time that this thread has taken (ms); none where the system has no such clock.
#[napi]
#[must_use]
pub fn thread_time() -> Option<f64> {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes into `time`, which lives until it returns.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        (status == 0).then(|| time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6)
    }
    #[cfg(not(unix))]
    None
}
