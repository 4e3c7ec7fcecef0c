//! Learning: the gradient of an interval or of a presynaptic spike, and the optimizer.

pub mod optimizer;
