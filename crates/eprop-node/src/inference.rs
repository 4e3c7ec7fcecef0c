//! A network in use as a JavaScript class.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use eprop::inference::{Inference, Response};
use eprop::{Error, ErrorCode};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Object, Uint32Array};
use napi_derive::napi;

use crate::errors::guarded;
use crate::idle::{locked, with_idle};
use crate::off_thread::{Busy, off_thread};
use crate::safetensors::{NativeState, native_state, state};

/// A network that is used and does not learn.
#[napi]
pub struct NativeInference {
    inference: Arc<Mutex<Inference>>,
    inputs: u32,
    recurrent: u32,
    readouts: u32,
    cancel: Arc<AtomicBool>,
    /// Whether an inference on another thread has been asked for and has not ended.
    busy: Arc<AtomicBool>,
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
        Self {
            inputs: inference.inputs() as u32,
            recurrent: inference.recurrent() as u32,
            readouts: inference.readouts() as u32,
            inference: Arc::new(Mutex::new(inference)),
            cancel: Arc::default(),
            busy: Arc::default(),
        }
    }
}

#[napi]
impl NativeInference {
    /// Number of inputs.
    #[napi(getter)]
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.inputs
    }

    /// Number of recurrent neurons.
    #[napi(getter)]
    #[must_use]
    pub fn recurrent(&self) -> u32 {
        self.recurrent
    }

    /// Number of readouts.
    #[napi(getter)]
    #[must_use]
    pub fn readouts(&self) -> u32 {
        self.readouts
    }

    /// Puts all neurons to rest.
    #[napi]
    pub fn reset(&self) -> napi::Result<()> {
        self.with(|inference| {
            inference.reset();
            Ok(())
        })
    }

    /// The same network in a state of its own, the present one. They share the memory of what does not change.
    #[napi]
    pub fn share(&self) -> napi::Result<Self> {
        self.with(|inference| Ok(inference.clone())).map(Into::into)
    }

    /// Its state, without weights.
    #[napi]
    pub fn state(&self) -> napi::Result<NativeState> {
        self.with(|inference| Ok(inference.state())).map(native_state)
    }

    /// Goes on with a state that `state` gave.
    #[napi]
    pub fn restore(&self, saved: NativeState) -> napi::Result<()> {
        self.with(|inference| inference.restore(state(&saved)?))
    }

    /// What it answers to each of some sequences from its present state on, on threads of their own; the state stays.
    #[napi(ts_return_type = "Promise<NativeResponse[]>")]
    pub fn answers_async<'a>(
        &self,
        env: &'a Env,
        spikes: Vec<Uint32Array>,
        steps: Vec<u32>,
        threads: u32,
    ) -> napi::Result<Object<'a>> {
        self.with(|_| Ok(()))?;
        self.cancel.store(false, Ordering::Relaxed);
        let (inference, cancel) = (Arc::clone(&self.inference), Arc::clone(&self.cancel));
        let spikes: Vec<Vec<u32>> = spikes.iter().map(|spikes| spikes.to_vec()).collect();
        off_thread(
            env,
            Busy::new(&self.busy),
            move || {
                let sequences: Vec<(&[u32], usize)> =
                    spikes.iter().map(Vec::as_slice).zip(steps.iter().map(|steps| *steps as usize)).collect();
                locked(&inference, busy)?.answers(&sequences, threads as usize, &cancel)
            },
            |_, outcome| {
                outcome.map(|answers| answers.into_iter().map(NativeResponse::from).collect::<Vec<_>>())
            },
        )
    }

    /// Goes on for some steps with spikes of inputs.
    #[napi]
    pub fn advance(&self, spikes: Uint32Array, steps: u32) -> napi::Result<NativeResponse> {
        self.with(|inference| inference.advance(&spikes, steps as usize).map(Into::into))
    }

    /// As `advance`, on a thread of its own.
    #[napi(ts_return_type = "Promise<NativeResponse>")]
    pub fn advance_async<'a>(
        &self,
        env: &'a Env,
        spikes: Uint32Array,
        steps: u32,
    ) -> napi::Result<Object<'a>> {
        self.with(|_| Ok(()))?;
        self.cancel.store(false, Ordering::Relaxed);
        let (inference, cancel) = (Arc::clone(&self.inference), Arc::clone(&self.cancel));
        let spikes = spikes.to_vec();
        off_thread(
            env,
            Busy::new(&self.busy),
            move || locked(&inference, busy)?.advance_until(&spikes, steps as usize, &cancel),
            |_, outcome| outcome.map(NativeResponse::from),
        )
    }

    /// Stops an inference on another thread.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl From<Response> for NativeResponse {
    fn from(Response { readout, spike_steps, spike_neurons }: Response) -> Self {
        Self { readout: readout.into(), spike_steps: spike_steps.into(), spike_neurons: spike_neurons.into() }
    }
}

impl NativeInference {
    fn with<T>(&self, call: impl FnOnce(&mut Inference) -> eprop::Result<T>) -> napi::Result<T> {
        guarded(|| with_idle(&self.busy, &self.inference, busy, call))
    }
}

fn busy() -> Error {
    Error::new(ErrorCode::KernelException, "this network is at work; wait for inferAsync to settle")
}
