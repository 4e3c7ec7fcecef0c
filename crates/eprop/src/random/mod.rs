//! Random numbers: numpy's legacy generator and NEST's own, both to the bit.

mod keyed;
mod mt19937;
mod mt19937_64;
pub mod nest;
pub mod numpy;
pub mod parameter;
mod seed_sequence;

pub use keyed::KeyedRandom;
pub use nest::NestRandom;
pub use numpy::NumpyRandom;
pub use parameter::{DISTRIBUTIONS, RandomParameter, operations};
