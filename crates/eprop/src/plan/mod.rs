//! The plan: populations as structures of arrays, projections as rows by presynaptic neuron, nothing left to
//! look up by name. Memory is known here.

pub mod amplitudes;
pub mod clocks;
pub mod currents;
pub mod exchanges;
pub mod feedback;
pub mod membrane;
pub mod probes;
pub mod route;
pub mod stimulus;
pub mod waveform;
pub mod wiring;
