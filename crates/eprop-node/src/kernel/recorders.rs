//! What recorders hold, and what a training reads besides.

use eprop::record::{EventColumn, Events};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Object, Uint32Array};
use napi_derive::napi;

use crate::kernel::NativeKernel;

/// A column of recorded values: one of the optional fields is there.
#[napi(object)]
pub struct NativeColumn {
    /// Its name.
    pub name: String,
    /// Numbers.
    pub floats: Option<Float64Array>,
    /// Node ids.
    pub ids: Option<Uint32Array>,
}

fn columns(events: Events) -> Vec<NativeColumn> {
    events
        .columns
        .into_iter()
        .map(|(name, column)| match column {
            EventColumn::Floats(values) => {
                NativeColumn { name: name.to_owned(), floats: Some(values.into()), ids: None }
            }
            EventColumn::Ids(values) => {
                NativeColumn { name: name.to_owned(), floats: None, ids: Some(values.into()) }
            }
        })
        .collect()
}

#[napi]
impl NativeKernel {
    /// A copy of what a recorder holds.
    #[napi]
    pub fn events(&self, recorder: u32) -> napi::Result<Vec<NativeColumn>> {
        self.with(|kernel| Ok(columns(kernel.events(recorder)?)))
    }

    /// Moves out what a recorder holds.
    #[napi]
    pub fn take_events(&self, env: Env, recorder: u32) -> napi::Result<Vec<NativeColumn>> {
        self.with_memory(env, |kernel| Ok(columns(kernel.take_events(recorder)?)))
    }

    /// As `take_events`, for a file: the events go on counting as recorded.
    #[napi]
    pub fn write_events(&self, env: Env, recorder: u32) -> napi::Result<Vec<NativeColumn>> {
        self.with_memory(env, |kernel| Ok(columns(kernel.write_events(recorder)?)))
    }

    /// As `take_events`, on a thread of its own; until then this kernel takes no other call.
    #[napi(ts_return_type = "Promise<Array<NativeColumn>>")]
    pub fn take_events_async<'a>(&self, env: &'a Env, recorder: u32) -> napi::Result<Object<'a>> {
        self.memory_off_thread(env, move |kernel| kernel.take_events(recorder), columns)
    }

    /// How many events a recorder holds.
    #[napi]
    pub fn event_count(&self, recorder: u32) -> napi::Result<f64> {
        self.with(|kernel| Ok(kernel.event_count(recorder)? as f64))
    }

    /// Norm of the gradient of the last update.
    #[napi]
    pub fn gradient_norm(&self) -> napi::Result<f64> {
        self.with(|kernel| kernel.gradient_norm())
    }

    /// Moves out the norm of the gradient at each update of weights since the last call.
    #[napi]
    pub fn take_gradient_norms(&self) -> napi::Result<Float64Array> {
        self.with(|kernel| Ok(kernel.take_gradient_norms()?.into()))
    }

    /// Moves out the spikes of recurrent neurons in each update interval that has ended since the last call.
    #[napi]
    pub fn take_interval_spikes(&self) -> napi::Result<Float64Array> {
        self.with(|kernel| {
            let counts: Vec<f64> =
                kernel.take_interval_spikes().into_iter().map(|count| count as f64).collect();
            Ok(counts.into())
        })
    }

    /// Has the losses of sequences summed of what a multimeter records of readouts, in place of keeping it.
    #[napi]
    pub fn evaluate(&self, recorder: u32, steps: u32, window: u32, sequences: u32) -> napi::Result<()> {
        self.with(|kernel| kernel.evaluate(recorder, steps as usize, window as usize, sequences as usize))
    }

    /// Moves out what came of sequences that are over since the last call.
    #[napi]
    pub fn take_losses(&self, recorder: u32) -> napi::Result<Float64Array> {
        self.with(|kernel| Ok(kernel.take_losses(recorder).into()))
    }

    /// Spikes that neurons, parrots and spike train injectors sent in the last simulation.
    #[napi]
    pub fn spikes_of_last_run(&self) -> napi::Result<f64> {
        self.with(|kernel| Ok(kernel.spikes_of_last_run() as f64))
    }

    /// Spikes of recurrent neurons so far.
    #[napi]
    pub fn spike_count(&self) -> napi::Result<f64> {
        self.with(|kernel| Ok(kernel.spike_count() as f64))
    }
}
