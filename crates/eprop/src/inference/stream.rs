//! What changes of a network in use from step to step.

use crate::base::error::Result;
use crate::describe::population::Population;
use crate::inference::network::{Rule, UsedNetwork};
use crate::inference::{Response, aborted};
use crate::interval::neuron_state::NeuronState;
use crate::interval::neuron_step;
use crate::interval::plan as interval;
use crate::plan::route::Route;
use crate::plus::neuron_state as plus;
use crate::plus::neuron_step::{self as plus_step, StepInput, StepOutput};
use crate::plus::plan as plus_plan;
use crate::step::delivery::deliver_row;

/// The state of the recurrent neurons of one of the two rules.
#[derive(Debug, Clone)]
pub(super) enum Neurons {
    Interval(NeuronState<f64>),
    Plus(plus::NeuronState),
}

/// A stream of input on its way through a network.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub neurons: Neurons,
    pub readout_voltage: Vec<f64>,
    /// Steps done since the last reset.
    pub time: usize,
    /// Spikes of inputs and of recurrent neurons, by step: rings.
    pub sent: Vec<Vec<(u32, u32)>>,
    pub fired: Vec<Vec<u32>>,
}

/// Room for what a step computes, of which nothing is left after it.
#[derive(Debug, Clone)]
pub(super) struct Room {
    input: Vec<f64>,
    readout_input: Vec<f64>,
    surrogate: Vec<f64>,
    regularization: Vec<f64>,
    clock: Vec<f64>,
    fired_now: Vec<u8>,
}

impl Room {
    pub fn new(network: &UsedNetwork) -> Self {
        let UsedNetwork { stride, recurrent, readouts, .. } = *network;
        Self {
            input: vec![0.0; stride],
            readout_input: vec![0.0; readouts],
            surrogate: vec![0.0; stride],
            regularization: vec![0.0; recurrent],
            clock: vec![f64::NAN; recurrent],
            fired_now: vec![0; stride.next_multiple_of(8)],
        }
    }
}

impl Stream {
    /// All neurons at rest, no spikes on their way.
    pub fn at_rest(network: &UsedNetwork) -> Self {
        Self {
            neurons: match &network.rule {
                Rule::Interval { .. } => Neurons::Interval(NeuronState::at_rest(network.stride)),
                Rule::Plus { .. } => Neurons::Plus(plus::NeuronState::at_rest(network.recurrent)),
            },
            readout_voltage: vec![0.0; network.readouts],
            time: 0,
            sent: vec![Vec::new(); network.remembered],
            fired: vec![Vec::new(); network.remembered],
        }
    }

    /// Goes on with spikes that were checked, and so many steps.
    ///
    /// # Errors
    /// `Aborted`, in the middle of it, once it is to stop.
    pub fn advance(
        &mut self,
        network: &UsedNetwork,
        room: &mut Room,
        (spikes, steps): (&[u32], usize),
        stop: &dyn Fn() -> bool,
    ) -> Result<Response> {
        let inputs = network.inputs.max(1);
        let mut response =
            Response { readout: Vec::with_capacity(steps * network.readouts), ..Response::default() };
        let mut next = 0;
        for local in 0..steps {
            if stop() {
                return Err(aborted());
            }
            let slot = self.time % self.sent.len();
            let sent = &mut self.sent[slot];
            sent.clear();
            while next < spikes.len() && spikes[next] as usize / inputs == local {
                let place = (spikes[next] as usize % inputs) as u32;
                match sent.last_mut() {
                    Some((last, count)) if *last == place => *count += 1,
                    _ => sent.push((place, 1)),
                }
                next += 1;
            }
            self.step(network, room);
            let fired = &self.fired[self.time % self.fired.len()];
            response.spike_steps.extend(std::iter::repeat_n(local as u32, fired.len()));
            response.spike_neurons.extend_from_slice(fired);
            let signals =
                (0..network.readouts).map(|readout| network.readout_signal(&self.readout_voltage, readout));
            response.readout.extend(signals);
            self.time += 1;
        }
        Ok(response)
    }

    fn step(&mut self, network: &UsedNetwork, room: &mut Room) {
        let Self { neurons, readout_voltage, time, sent, fired } = self;
        let Room { input, readout_input, surrogate, regularization, clock, fired_now } = room;
        let weights = &network.weights;
        input.fill(0.0);
        readout_input.fill(0.0);
        match (&network.rule, neurons) {
            (Rule::Interval { plan, neurons, drive, readout_drive }, Neurons::Interval(state)) => {
                let onto = &mut input[..network.recurrent];
                for route in &plan.wiring.recurrent_routes {
                    deliver(route, interval::RECURRENT, weights, onto, sent, fired, *time);
                }
                for route in &plan.wiring.readout_routes {
                    deliver(route, interval::RECURRENT, weights, readout_input, sent, fired, *time);
                }
                for segment in &neurons.segments {
                    let state = &mut state.whole();
                    neuron_step::advance(neurons, segment, drive, true, input, state, surrogate, fired_now);
                }
                let p = &plan.readouts;
                for (j, voltage) in readout_voltage.iter_mut().enumerate() {
                    let arriving = readout_drive[j] + p.spike_gain[j] * readout_input[j];
                    let v = p.decay[j].mul_add(*voltage, arriving);
                    *voltage = if v > p.floor[j] { v } else { p.floor[j] };
                }
            }
            (Rule::Plus { plan }, Neurons::Plus(state)) => {
                for route in &plan.wiring.recurrent_routes {
                    deliver(route, plus_plan::RECURRENT, weights, input, sent, fired, *time);
                }
                for route in &plan.wiring.readout_routes {
                    deliver(route, plus_plan::RECURRENT, weights, readout_input, sent, fired, *time);
                }
                let current = &plan.recurrent.current;
                plus_step::advance(
                    &plan.recurrent,
                    &plan.segments,
                    StepInput { input, current, clock, resolution: plan.resolution },
                    &mut state.slices(),
                    &mut StepOutput { surrogate, regularization, fired: fired_now },
                );
                let p = &plan.readouts;
                for (j, voltage) in readout_voltage.iter_mut().enumerate() {
                    let arriving = p.current_gain[j].mul_add(p.current[j], readout_input[j]);
                    let v = p.decay[j].mul_add(*voltage, arriving);
                    *voltage = if v > p.floor[j] { v } else { p.floor[j] };
                }
            }
            _ => unreachable!("the state is of this network"),
        }
        let slot = *time % fired.len();
        let places = fired_now[..network.recurrent].iter().enumerate().filter(|(_, fires)| **fires != 0);
        fired[slot].clear();
        fired[slot].extend(places.map(|(place, _)| place as u32));
    }
}

/// Adds the weights of the spikes that arrive in a step: those of inputs that were sent at its begin or before, those
/// of neurons that fired in a step before.
fn deliver(
    route: &Route,
    neurons: Population,
    weights: &[Vec<f64>],
    input: &mut [f64],
    sent: &[Vec<(u32, u32)>],
    fired: &[Vec<u32>],
    time: usize,
) {
    let weights = &weights[route.projection];
    if route.source == neurons {
        let Some(step) = time.checked_sub(route.delay) else { return };
        for place in &fired[step % fired.len()] {
            if let Some(row) = route.rows.row(*place) {
                deliver_row(route, weights, input, row, 1.0);
            }
        }
    } else {
        let Some(step) = (time + 1).checked_sub(route.delay) else { return };
        for (place, count) in &sent[step % sent.len()] {
            if let Some(row) = route.rows.row(*place) {
                deliver_row(route, weights, input, row, f64::from(*count));
            }
        }
    }
}
