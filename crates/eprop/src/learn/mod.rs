//! Learning: the gradient of an interval or of a presynaptic spike, and the optimizer.

pub mod adjoint;
pub mod events;
pub mod forward;
pub mod optimizer;
pub mod rows;
