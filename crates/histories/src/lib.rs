//! Random histories of a kernel's calls, and what must hold for each of them.
//!
//! A history is a list of calls in the format of the recorded experiments ([`call`]). [`generate`] draws histories from
//! a seed, [`replay`] carries them out and notes all that can be seen afterwards, [`oracles`] says what must hold,
//! [`nest`] asks NEST, and [`shrink`] makes a history that fails as short as it can be.

pub mod call;
pub mod dice;
pub mod generate;
pub mod nest;
pub mod oracles;
pub mod replay;
pub mod search;
pub mod shrink;

pub use call::Call;
