//! Recurrent spiking networks trained with eligibility propagation (e-prop).
//!
//! The engine describes a network (`describe`, `models`), lays it out (`plan`), and simulates and trains it by one of two
//! rules: weights change once an update interval (`interval`) or with every presynaptic spike (`plus`, e-prop+). Both
//! share the step of time (`step`), the `optimizer`, the `loss`, the `feedback` and what is recorded (`record`). [`Kernel`] is the
//! door to all of it. The engine knows nothing of Node.
//!
//! The gradient of an update interval is computed backwards, with one row addition a presynaptic spike:
//!
//! ```math
//! g_{ij} = \sum_u z_i(u)\, q_j(u)
//! ```
//!
//! with factors `q` of the postsynaptic neuron alone. The modules `interval::gradient::adjoint` and `plus::windows`
//! state the recursions (`cargo doc --document-private-items`), docs/derivation.md derives them.

pub mod base;
pub mod describe;
pub mod feedback;
pub mod inference;
pub(crate) mod interval;
pub mod loss;
pub mod models;
pub mod optimizer;
pub(crate) mod plan;
pub(crate) mod plus;
pub mod random;
pub mod record;
pub mod rewiring;
pub(crate) mod rule;
pub(crate) mod step;
pub mod tables;

mod kernel;

pub use base::control::RunControl;
pub use base::error::{Error, ErrorCode, Result};
pub use kernel::Kernel;
pub use tables::value::{Dict, Value};

/// What tests, benchmarks and searches look into besides. Nothing of it is promised.
#[doc(hidden)]
pub mod internals {
    pub use crate::interval::HISTORY;
    pub use crate::interval::gradient::layout::set_tile_columns;
    pub use crate::plus::{eligibility, ring};
    pub use crate::step::row;
}
