//! What one rank tells others of an interval that it has simulated.

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Message, Reader};
use crate::base::real::Real;
use crate::interval::open_interval::{IntervalSpikes, OpenInterval};
use crate::interval::plan::IntervalPlan;
use crate::record::{SpikeEvents, TapChunk, WeightEvents};

/// What was recorded of an interval, as [`OpenInterval`] holds it.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Rows of recurrent neurons, per tap of the plan.
    pub recurrent_chunks: Vec<TapChunk>,
    /// Rows of readouts, per tap of the plan.
    pub readout_chunks: Vec<TapChunk>,
    /// Spikes, per tap of the plan.
    pub spike_events: Vec<SpikeEvents>,
    /// Weights, per tap of the plan.
    pub weight_events: Vec<WeightEvents>,
}

impl Recorded {
    /// Reads what [`OpenInterval::tell_recorded`] wrote.
    ///
    /// # Errors
    /// `MPIError` where it is something else.
    pub fn read(plan: &IntervalPlan, reader: &mut Reader<'_>) -> Result<Self> {
        let mut recorded = Self::default();
        let wiring = &plan.wiring;
        for (taps, chunks) in [
            (&wiring.recurrent_taps, &mut recorded.recurrent_chunks),
            (&wiring.readout_taps, &mut recorded.readout_chunks),
        ] {
            for tap in taps {
                let mut chunk = TapChunk::new(tap);
                chunk.stamps = reader.list()?;
                for stream in &mut chunk.streams {
                    *stream = reader.list()?;
                }
                chunks.push(chunk);
            }
        }
        for _ in &wiring.spike_taps {
            recorded.spike_events.push(SpikeEvents { stamps: reader.list()?, senders: reader.list()? });
        }
        for _ in &wiring.weight_taps {
            recorded.weight_events.push(WeightEvents {
                stamps: reader.list()?,
                senders: reader.list()?,
                targets: reader.list()?,
                receptors: reader.list()?,
                weights: reader.list()?,
            });
        }
        Ok(recorded)
    }
}

impl<R: Real> OpenInterval<R> {
    /// Writes what was recorded since it was last collected.
    pub fn tell_recorded(&self, message: &mut Message) {
        for chunk in self.recurrent_chunks.iter().chain(&self.readout_chunks) {
            message.list(&chunk.stamps);
            chunk.streams.iter().for_each(|stream| message.list(stream));
        }
        for SpikeEvents { stamps, senders } in &self.spike_events {
            message.list(stamps);
            message.list(senders);
        }
        for WeightEvents { stamps, senders, targets, receptors, weights } in &self.weight_events {
            message.list(stamps);
            for ids in [senders, targets, receptors] {
                message.list(ids);
            }
            message.list(weights);
        }
    }

    /// What a finished interval ends in.
    pub fn tell_end(&mut self, plan: &IntervalPlan) -> Vec<u8> {
        let mut message = Message::default();
        let numbers = |values: &[R]| values.iter().map(|value| value.f64()).collect::<Vec<f64>>();
        for (_, values) in self.state.arrays_mut() {
            message.list(&numbers(values));
        }
        message.list(&numbers(&self.latest));
        message.list(&self.readout_voltage);
        let length = self.recurrent_length(plan) as isize;
        for back in 0..self.spikes.lookback as isize {
            message.list(self.spikes.at(length - self.spikes.lookback as isize + back));
        }
        message.into_bytes()
    }

    /// Becomes a finished interval that another rank has simulated, without what it would have to be learned from.
    ///
    /// # Errors
    /// `MPIError` where what it ends in is something else.
    pub fn take_end(&mut self, plan: &IntervalPlan, interval: i64, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::new(bytes);
        for (_, values) in self.state.arrays_mut() {
            take(values, &reader.list()?)?;
        }
        take(&mut self.latest, &reader.list()?)?;
        take(&mut self.readout_voltage, &reader.list()?)?;
        self.begin(interval);
        self.recurrent_done = self.recurrent_length(plan);
        self.readout_done = self.readout_length(plan);
        self.stepped = plan.readout_count();
        self.targets.forget();
        let lookback = self.spikes.lookback;
        self.spikes = IntervalSpikes {
            lookback,
            starts: vec![0; self.recurrent_done + 1],
            places: Vec::new(),
            elsewhere: 0,
        };
        for _ in 0..lookback {
            let fired: Vec<u32> = reader.list()?;
            if fired.iter().any(|place| *place as usize >= plan.recurrent_count()) {
                return Err(misfit());
            }
            self.spikes.places.extend(fired);
            self.spikes.finish_step();
        }
        Ok(())
    }
}

fn take<R: Real>(values: &mut [R], numbers: &[f64]) -> Result<()> {
    if values.len() != numbers.len() {
        return Err(misfit());
    }
    values.iter_mut().zip(numbers).for_each(|(value, number)| *value = R::of(*number));
    Ok(())
}

fn misfit() -> Error {
    Error::new(
        ErrorCode::MPIError,
        "an interval of another rank has other neurons: all ranks must run the same program",
    )
}
