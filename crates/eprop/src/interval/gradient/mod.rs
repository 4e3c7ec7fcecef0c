//! The gradient of an update interval: by its definition (`forward`), backwards in time (`adjoint`), and its sum over
//! a batch.

pub mod adjoint;
pub mod batch;
pub mod biases;
pub mod forward;
pub mod layout;
