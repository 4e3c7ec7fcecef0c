//! Learning: the gradient of an interval or of a presynaptic spike, and the optimizer.

pub mod adjoint;
pub mod batch;
pub mod eligibility;
pub mod events;
pub mod forward;
pub mod history;
pub mod layout;
pub mod optimizer;
pub mod per_spike;
pub mod rows;
pub mod transpose;
pub mod windows;
