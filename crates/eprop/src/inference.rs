//! A network that is used and does not learn: a stream of input spikes goes in, readout signals and spikes come out.
//!
//! The neurons take the steps they take in a simulation, over the same rows of weights. What learning needs is left
//! out: there are no intervals, no histories, no targets and no recorders. The state stays between calls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory;
use crate::base::threads::Permit;
use crate::describe::network::Description;
use crate::describe::population::{NodeIndex, Population};
use crate::interval::neuron_state::NeuronState;
use crate::interval::neuron_step;
use crate::interval::neurons;
use crate::interval::plan::{self as interval, IntervalPlan};
use crate::plan::route::Route;
use crate::plan::wiring::Planning;
use crate::plus::neuron_step::{self as plus_step, StateSlices, StepInput, StepOutput};
use crate::plus::plan::{self as plus_plan, PlusPlan};
use crate::step::delivery::deliver_row;

/// What came out of a stretch of steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    /// Readout signals: a row of readouts per step.
    pub readout: Vec<f64>,
    /// Steps of the recurrent neurons' spikes, counted from the stretch's first one.
    pub spike_steps: Vec<u32>,
    /// Places of the neurons that sent them.
    pub spike_neurons: Vec<u32>,
}

/// The neurons of one of the two rules.
#[derive(Debug)]
enum Neurons {
    Interval {
        plan: Box<IntervalPlan>,
        neurons: Box<neurons::Neurons<f64>>,
        state: NeuronState<f64>,
        drive: Vec<f64>,
        readout_drive: Vec<f64>,
    },
    Plus {
        plan: Box<PlusPlan>,
        state: PlusState,
        readout_current: Vec<f64>,
    },
}

#[derive(Debug, Clone, Default)]
struct PlusState {
    voltage: Vec<f64>,
    spiked: Vec<f64>,
    adaptation: Vec<f64>,
    countdown: Vec<f64>,
    kept: Vec<f64>,
    rate: Vec<f64>,
    current: Vec<f64>,
}

/// What changes from step to step, to go back to.
struct Progress {
    neurons: NetworkState,
    readout_voltage: Vec<f64>,
    time: usize,
    sent: Vec<Vec<(u32, u32)>>,
    fired: Vec<Vec<u32>>,
}

enum NetworkState {
    Interval(NeuronState<f64>),
    Plus(PlusState),
}

/// A network in use.
#[derive(Debug)]
pub struct Inference {
    neurons: Neurons,
    /// Weights of each projection of the description.
    weights: Vec<Vec<f64>>,
    /// Number of inputs: generators and parrots, in the order of their ids.
    inputs: usize,
    recurrent: usize,
    readout_voltage: Vec<f64>,
    /// Steps done since the last reset.
    time: usize,
    /// Spikes of inputs and of recurrent neurons, by step: rings.
    sent: Vec<Vec<(u32, u32)>>,
    fired: Vec<Vec<u32>>,
    input: Vec<f64>,
    readout_input: Vec<f64>,
    surrogate: Vec<f64>,
    regularization: Vec<f64>,
    clock: Vec<f64>,
    fired_now: Vec<u8>,
}

impl Inference {
    /// The network of a description, at rest.
    ///
    /// # Errors
    /// `KernelException` where there are no neurons or those of both rules; what a simulation would refuse.
    pub fn new(network: &Description) -> Result<Self> {
        let index = NodeIndex::new(network);
        let (held, clock_base) = (BTreeMap::new(), BTreeMap::new());
        let planning = Planning { network, index: &index, held: &held, clock_base: &clock_base };
        let interval = IntervalPlan::new(planning)?;
        let plus = PlusPlan::new(planning)?;
        let product = |gain: &[f64], current: &[f64]| -> Vec<f64> {
            gain.iter().zip(current).map(|(gain, current)| gain * current).collect()
        };
        let neurons = match (interval, plus) {
            (Some(plan), None) => {
                let neurons = neurons::Neurons::new(&plan);
                let mut drive = product(&plan.recurrent.current_gain, &plan.recurrent.current);
                drive.resize(neurons.stride, 0.0);
                Neurons::Interval {
                    state: NeuronState::at_rest(neurons.stride),
                    neurons: Box::new(neurons),
                    drive,
                    readout_drive: product(&plan.readouts.current_gain, &plan.readouts.current),
                    plan: Box::new(plan),
                }
            }
            (None, Some(plan)) => Neurons::Plus {
                state: PlusState::default(),
                readout_current: Vec::new(),
                plan: Box::new(plan),
            },
            (None, None) => return Err(refuse("there are no neurons to use")),
            (Some(_), Some(_)) => return Err(refuse("the network has neurons of both rules")),
        };
        let (recurrent, readouts, wiring) = match &neurons {
            Neurons::Interval { plan, .. } => (plan.recurrent_count(), plan.readout_count(), &plan.wiring),
            Neurons::Plus { plan, .. } => (plan.recurrent_count(), plan.readout_count(), &plan.wiring),
        };
        if wiring.currents.iter().any(|routes| !routes.is_empty()) {
            return Err(refuse("generators of currents answer no input").parameter("amplitude"));
        }
        if !wiring.clocked.is_empty() {
            return Err(
                refuse("a neuron that fires by the clock answers no input").parameter("ignore_and_spike")
            );
        }
        let stride = match &neurons {
            Neurons::Interval { neurons, .. } => neurons.stride,
            Neurons::Plus { .. } => recurrent,
        };
        let mut this = Self {
            neurons,
            weights: network.projections.iter().map(|projection| projection.weights.clone()).collect(),
            inputs: index.len(Population::Stimulus),
            recurrent,
            readout_voltage: vec![0.0; readouts],
            time: 0,
            sent: Vec::new(),
            fired: Vec::new(),
            input: vec![0.0; stride],
            readout_input: vec![0.0; readouts],
            surrogate: vec![0.0; stride],
            regularization: vec![0.0; recurrent],
            clock: vec![f64::NAN; recurrent],
            fired_now: vec![0; stride.next_multiple_of(8)],
        };
        let routes = this.routes();
        if routes.iter().any(|route| route.poisson) {
            return Err(refuse(
                "a poisson_generator sends spikes of its own; put a parrot_neuron in its place",
            )
            .model("poisson_generator"));
        }
        let longest = routes.iter().map(|route| route.delay).max().unwrap_or(1);
        this.sent = vec![Vec::new(); longest + 1];
        this.fired = vec![Vec::new(); longest + 1];
        this.reset();
        Ok(this)
    }

    fn routes(&self) -> Vec<&Route> {
        let (onto_recurrent, onto_readouts) = match &self.neurons {
            Neurons::Interval { plan, .. } => (&plan.wiring.recurrent_routes, &plan.wiring.readout_routes),
            Neurons::Plus { plan, .. } => (&plan.wiring.recurrent_routes, &plan.wiring.readout_routes),
        };
        onto_recurrent.iter().chain(onto_readouts).collect()
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of recurrent neurons.
    #[must_use]
    pub fn recurrent(&self) -> usize {
        self.recurrent
    }

    /// Number of readouts.
    #[must_use]
    pub fn readouts(&self) -> usize {
        self.readout_voltage.len()
    }

    /// Puts all neurons to rest; spikes that are on their way are gone.
    pub fn reset(&mut self) {
        self.time = 0;
        self.readout_voltage.fill(0.0);
        self.sent.iter_mut().for_each(Vec::clear);
        self.fired.iter_mut().for_each(Vec::clear);
        match &mut self.neurons {
            Neurons::Interval { state, .. } => state.rest(),
            Neurons::Plus { plan, state, readout_current } => {
                let zeros = || vec![0.0; self.recurrent];
                *state = PlusState {
                    voltage: zeros(),
                    spiked: zeros(),
                    adaptation: zeros(),
                    countdown: zeros(),
                    kept: zeros(),
                    rate: zeros(),
                    current: plan.recurrent.current.clone(),
                };
                readout_current.clone_from(&plan.readouts.current);
            }
        }
    }

    /// Goes on for `steps` steps. `spikes` are those of the inputs: place `step * inputs + input`, counted from the
    /// stretch's first step, ascending; repeats are several spikes at once. A spike is sent at the begin of its step.
    ///
    /// # Errors
    /// `ValueError` where spikes are not in order or lie outside.
    pub fn advance(&mut self, spikes: &[u32], steps: usize) -> Result<Response> {
        self.advance_unless(spikes, steps, &|| false)
    }

    /// As [`Inference::advance`], with a permit of the budget of threads, until `cancel` is set.
    ///
    /// # Errors
    /// Also `Aborted`: then the network is as it was before the call.
    pub fn advance_until(&mut self, spikes: &[u32], steps: usize, cancel: &AtomicBool) -> Result<Response> {
        let stop = || cancel.load(Ordering::Relaxed);
        let before = self.progress();
        let outcome = match Permit::wait(&stop) {
            Some(_permit) => self.advance_unless(spikes, steps, &stop),
            None => Err(aborted()),
        };
        if outcome.is_err() {
            self.go_back(before);
        }
        outcome
    }

    fn progress(&self) -> Progress {
        Progress {
            neurons: match &self.neurons {
                Neurons::Interval { state, .. } => NetworkState::Interval(state.clone()),
                Neurons::Plus { state, .. } => NetworkState::Plus(state.clone()),
            },
            readout_voltage: self.readout_voltage.clone(),
            time: self.time,
            sent: self.sent.clone(),
            fired: self.fired.clone(),
        }
    }

    fn go_back(&mut self, to: Progress) {
        match (&mut self.neurons, to.neurons) {
            (Neurons::Interval { state, .. }, NetworkState::Interval(before)) => *state = before,
            (Neurons::Plus { state, .. }, NetworkState::Plus(before)) => *state = before,
            _ => unreachable!("the state is of this network"),
        }
        self.readout_voltage = to.readout_voltage;
        self.time = to.time;
        self.sent = to.sent;
        self.fired = to.fired;
    }

    fn advance_unless(&mut self, spikes: &[u32], steps: usize, stop: &dyn Fn() -> bool) -> Result<Response> {
        let inputs = self.inputs.max(1);
        let signals = (steps as u64).saturating_mul(self.readout_voltage.len() as u64).saturating_mul(8);
        memory::may_take(0, || 0, signals, &format!("readout signals of {steps} steps"))?;
        if !spikes.is_sorted() || spikes.last().is_some_and(|place| *place as usize >= steps * self.inputs) {
            return Err(Error::new(ErrorCode::ValueError, "input spikes do not lie within the steps")
                .parameter("spikes")
                .bound(format!("ascending places below {steps} steps times {} inputs", self.inputs)));
        }
        let mut response =
            Response { readout: Vec::with_capacity(steps * self.readouts()), ..Response::default() };
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
            self.step();
            let fired = &self.fired[self.time % self.fired.len()];
            response.spike_steps.extend(std::iter::repeat_n(local as u32, fired.len()));
            response.spike_neurons.extend_from_slice(fired);
            for readout in 0..self.readouts() {
                response.readout.push(self.readout_signal(readout));
            }
            self.time += 1;
        }
        Ok(response)
    }

    fn step(&mut self) {
        let recurrent = self.recurrent;
        let Self { neurons, weights, time, sent, fired, input, readout_input, .. } = self;
        input.fill(0.0);
        readout_input.fill(0.0);
        match neurons {
            Neurons::Interval { plan, neurons, state, drive, readout_drive } => {
                for route in &plan.wiring.recurrent_routes {
                    deliver(route, interval::RECURRENT, weights, &mut input[..recurrent], sent, fired, *time);
                }
                for route in &plan.wiring.readout_routes {
                    deliver(route, interval::RECURRENT, weights, readout_input, sent, fired, *time);
                }
                for segment in &neurons.segments {
                    let (surrogate, fired_now) = (&mut self.surrogate, &mut self.fired_now);
                    let state = &mut state.whole();
                    neuron_step::advance(neurons, segment, drive, true, input, state, surrogate, fired_now);
                }
                let p = &plan.readouts;
                for j in 0..self.readout_voltage.len() {
                    let arriving = readout_drive[j] + p.spike_gain[j] * readout_input[j];
                    let v = p.decay[j].mul_add(self.readout_voltage[j], arriving);
                    self.readout_voltage[j] = if v > p.floor[j] { v } else { p.floor[j] };
                }
            }
            Neurons::Plus { plan, state, readout_current } => {
                for route in &plan.wiring.recurrent_routes {
                    deliver(route, plus_plan::RECURRENT, weights, input, sent, fired, *time);
                }
                for route in &plan.wiring.readout_routes {
                    deliver(route, plus_plan::RECURRENT, weights, readout_input, sent, fired, *time);
                }
                plus_step::advance(
                    &plan.recurrent,
                    &plan.segments,
                    StepInput {
                        input,
                        current: &state.current,
                        clock: &self.clock,
                        resolution: plan.resolution,
                    },
                    &mut StateSlices {
                        voltage: &mut state.voltage,
                        spiked: &mut state.spiked,
                        adaptation: &mut state.adaptation,
                        countdown: &mut state.countdown,
                        kept: &mut state.kept,
                        rate: &mut state.rate,
                    },
                    &mut StepOutput {
                        surrogate: &mut self.surrogate,
                        regularization: &mut self.regularization,
                        fired: &mut self.fired_now,
                    },
                );
                let p = &plan.readouts;
                for j in 0..self.readout_voltage.len() {
                    let arriving = p.current_gain[j].mul_add(readout_current[j], readout_input[j]);
                    let v = p.decay[j].mul_add(self.readout_voltage[j], arriving);
                    self.readout_voltage[j] = if v > p.floor[j] { v } else { p.floor[j] };
                }
            }
        }
        let slot = self.time % self.fired.len();
        let places = self.fired_now[..self.recurrent].iter().enumerate().filter(|(_, fires)| **fires != 0);
        self.fired[slot].clear();
        self.fired[slot].extend(places.map(|(place, _)| place as u32));
    }

    fn readout_signal(&self, readout: usize) -> f64 {
        match &self.neurons {
            Neurons::Plus { plan, .. } => self.readout_voltage[readout] + plan.readouts.rest[readout],
            Neurons::Interval { plan, .. } => {
                let p = &plan.readouts;
                p.signal(readout, &|j| self.readout_voltage[j] + p.rest[j])
            }
        }
    }
}

fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "the inference was stopped")
}

fn refuse(message: &str) -> Error {
    Error::new(ErrorCode::KernelException, message)
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
