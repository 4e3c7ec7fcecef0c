//! What this machine can do, for benchmarks.

use napi_derive::napi;

/// The instruction set that kernels run with on this processor.
#[napi]
#[must_use]
pub fn instruction_set() -> String {
    eprop::simd::level().name().to_owned()
}

/// Bytes per second between processor and memory on that many threads.
#[napi]
#[must_use]
pub fn memory_bandwidth(threads: u32) -> f64 {
    eprop::machine::memory_bandwidth(threads as usize)
}

/// Operations with 64-bit numbers per second on that many threads.
#[napi]
#[must_use]
pub fn vector_rate(threads: u32) -> f64 {
    eprop::machine::vector_rate(threads as usize)
}
