//! A network in use as a JavaScript class.

use eprop::simulate::inference::{Inference, Response};
use napi::bindgen_prelude::{Float64Array, Uint32Array};
use napi_derive::napi;

use crate::errors::guarded;

/// A network that is used and does not learn.
#[napi]
pub struct NativeInference {
    inference: Inference,
}

/// What came out of a stretch of steps.
#[napi(object)]
pub struct NativeResponse {
    /// Readout signals: a row of readouts per step.
    pub readout: Float64Array,
    /// Steps of spikes.
    pub spike_steps: Uint32Array,
    /// Places of the neurons that sent them.
    pub spike_neurons: Uint32Array,
}

impl From<Inference> for NativeInference {
    fn from(inference: Inference) -> Self {
        Self { inference }
    }
}

#[napi]
impl NativeInference {
    /// Number of inputs.
    #[napi(getter)]
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.inference.inputs() as u32
    }

    /// Number of recurrent neurons.
    #[napi(getter)]
    #[must_use]
    pub fn recurrent(&self) -> u32 {
        self.inference.recurrent() as u32
    }

    /// Number of readouts.
    #[napi(getter)]
    #[must_use]
    pub fn readouts(&self) -> u32 {
        self.inference.readouts() as u32
    }

    /// Puts all neurons to rest.
    #[napi]
    pub fn reset(&mut self) {
        self.inference.reset();
    }

    /// Goes on for some steps with spikes of inputs.
    #[napi]
    pub fn advance(&mut self, spikes: Uint32Array, steps: u32) -> napi::Result<NativeResponse> {
        guarded(|| {
            let Response { readout, spike_steps, spike_neurons } =
                self.inference.advance(&spikes, steps as usize)?;
            Ok(NativeResponse {
                readout: readout.into(),
                spike_steps: spike_steps.into(),
                spike_neurons: spike_neurons.into(),
            })
        })
    }
}
