//! Recurrent spiking networks trained with eligibility propagation (e-prop).
//!
//! The engine describes a network (`describe`, `models`), lays it out (`plan`), simulates it (`simulate`),
//! learns (`learn`) and records (`record`); [`Kernel`] is the door to all of it. It knows nothing of Node.

pub mod describe;
pub mod error;
pub mod learn;
pub mod models;
pub mod plan;
pub mod random;
pub mod record;
pub mod simulate;
pub mod state;
pub mod value;

mod kernel;
pub mod lines;
pub mod machine;
pub mod math;
pub mod memory;
pub mod real;
pub mod simd;
pub mod threads;

pub use error::{Error, ErrorCode, Result};
pub use kernel::Kernel;
pub use value::{Dict, Value};
