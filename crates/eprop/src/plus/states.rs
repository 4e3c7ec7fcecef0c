//! State of neurons and readouts, as arrays and as the user sets and reads it.

use crate::base::error::Result;
use crate::base::state::Archive;
use crate::base::state::layout::Layout;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{self, NodeIndex, SetState, set_states};
use crate::plan::amplitudes::RateReader;
use crate::plus::PlusRule;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::neuron_state::NeuronState;
use crate::plus::plan::{READOUT, RECURRENT};

/// The recurrent neurons: their state, and what a step takes and gives besides.
#[derive(Debug, Clone, Default)]
pub(super) struct RecurrentState {
    pub(super) state: NeuronState,
    /// Current that the neurons integrate in the next step.
    pub(super) current: Vec<f64>,
    /// Sum of arriving weights.
    pub(super) input: Vec<f64>,
    /// 1 where a neuron fires by the clock, 0 where it does not, NaN where its voltage decides.
    pub(super) clock: Vec<f64>,
    /// 1 where a neuron fires in this step.
    pub(super) fired: Vec<u8>,
}

impl RecurrentState {
    pub(super) fn resize(&mut self, neurons: usize) {
        self.state.resize(neurons);
        self.current.resize(neurons, 0.0);
        self.input.resize(neurons, 0.0);
        // Who fired by a clock may do so no longer; it is set anew in each step.
        self.clock.clear();
        self.clock.resize(neurons, f64::NAN);
        self.fired.resize(neurons.next_multiple_of(8), 0);
    }

    /// Writes the arrays that a step leaves, or reads them; `neurons` is the layout of one.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub(super) fn persist(&mut self, neurons: &Layout, archive: &mut Archive<'_>) -> Result<()> {
        for (name, values) in self.state.arrays_mut() {
            archive.by(neurons).fixed(name, values)?;
        }
        archive.by(neurons).fixed("current", &mut self.current)
    }
}

/// State of the readouts, one array each.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadoutState {
    pub(super) voltage: Vec<f64>,
    /// Current that the readouts integrate in the next step.
    pub(super) current: Vec<f64>,
    pub(super) input: Vec<f64>,
    pub(super) window: Vec<f64>,
    pub(super) target: Vec<f64>,
    /// The first step that has learned without a break up to now; readouts forget the targets that came before it.
    pub(super) learns_since: Vec<i64>,
    pub(super) windows: RateReader,
    pub(super) targets: RateReader,
}

impl ReadoutState {
    pub(super) fn resize(&mut self, readouts: usize) {
        for values in
            [&mut self.voltage, &mut self.current, &mut self.input, &mut self.window, &mut self.target]
        {
            values.resize(readouts, 0.0);
        }
        self.learns_since.resize(readouts, 0);
        // What is read may have changed with the description.
        self.windows.forget();
        self.targets.forget();
    }
}

impl PlusRule {
    /// Takes state variables that the user has set.
    pub(super) fn load(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]) {
        for state in set_states(network, index, nodes, [RECURRENT, READOUT]) {
            let SetState { population, place, voltage, adaptation } = state;
            if population == READOUT {
                self.readouts.voltage[place] = voltage;
                continue;
            }
            self.neurons.state.voltage[place] = voltage;
            if let Some(adaptation) = adaptation {
                self.neurons.state.adaptation[place] = adaptation;
            }
        }
    }

    /// Writes the state variables to where the user reads them, as they are at step `now`.
    pub(super) fn store(&self, network: &mut Description, now: i64) {
        let plan = &self.plan;
        let p = &plan.recurrent;
        let sums = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let threshold: Vec<f64> = (0..plan.recurrent_count())
            .map(|j| p.threshold[j] + p.adaptation_gain[j] * self.neurons.state.adaptation[j] + p.rest[j])
            .collect();
        let last = (now - 1).max(0);
        let columns: [(&str, &[f64]); 4] = [
            ("V_m", &sums(&self.neurons.state.voltage, &p.rest)),
            ("V_th_adapt", &threshold),
            ("adaptation", &self.neurons.state.adaptation),
            ("surrogate_gradient", self.history.at(recurrent::SURROGATE, last)),
        ];
        population::store(network, RECURRENT, &columns);
        let voltage = sums(&self.readouts.voltage, &plan.readouts.rest);
        let error = self.errors.at(readout::ERROR, last);
        population::store(network, READOUT, &[("V_m", &voltage), ("error_signal", error)]);
    }
}
