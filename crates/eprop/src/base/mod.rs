//! What the engine stands on: errors, values, saved states, numbers, memory, threads. Knows nothing of networks.

pub mod control;
pub mod error;
pub mod exchange;
pub mod lines;
pub mod machine;
pub mod math;
pub mod memory;
pub mod real;
pub mod simd;
pub mod state;
pub mod threads;
