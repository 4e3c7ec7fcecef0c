//! The neurons whose weights change at every presynaptic spike (e-prop+), step by step.

pub mod eligibility;
pub mod layout;
pub mod neuron_state;
pub mod neuron_step;
mod passage;
pub mod plan;
mod recording;
mod relayout;
pub mod ring;
pub mod rows;
mod rule;
mod state;
mod states;
mod step;
pub mod transpose;
pub mod windows;
pub use self::rule::RULE;

use crate::base::error::Error;
use crate::describe::network::Description;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::passage::Arriving;
use crate::plus::plan::PlusPlan;
use crate::plus::ring::Ring;
use crate::plus::rows::PlasticRows;
use crate::plus::states::{ReadoutState, RecurrentState};
use crate::plus::windows::Windows;
use crate::step::arrivals::Arrivals;
use crate::step::currents::CurrentsOf;

/// Steps until it is looked anew at how many threads have enough to do.
const RUN: i64 = 256;
/// Plan and state of the neurons of this rule.
#[derive(Debug)]
pub struct PlusRule {
    plan: PlusPlan,
    neurons: RecurrentState,
    readouts: ReadoutState,
    history: Ring,
    errors: Ring,
    /// Per route onto recurrent neurons: its synapses, if they are plastic.
    recurrent_rows: Vec<Vec<PlasticRows>>,
    /// As `recurrent_rows`, for routes onto readouts.
    readout_rows: Vec<Vec<PlasticRows>>,
    /// Neurons that fired, by stamp: a ring.
    fired: Vec<Vec<u32>>,
    /// Input of recurrent neurons and of readouts that was settled before its weights changed.
    arrivals: [Arrivals; 2],
    /// Currents that generators send.
    currents: CurrentsOf,
    /// Room for the currents of a step.
    arriving_currents: Vec<f64>,
    spike_count: u64,
    /// Steps done.
    steps: u64,
    /// Maps of windows that end at recurrent neurons, and at readouts; `None` where steps are gone through.
    windows: Option<Windows>,
    error_windows: Option<Windows>,
    /// By synapse model: whether windows go by maps.
    learns_by_maps: Vec<bool>,
    arriving: Arriving,
    /// Work of a step that threads could share, as of late.
    shareable: u64,
    /// The plan of a changed description that is yet to be taken over.
    prepared: Option<PlusPlan>,
    /// What went wrong in the present step.
    failure: Option<Error>,
}

impl PlusRule {
    /// The neurons of a plan, which begin at rest at step `now`.
    fn new(network: &Description, mut plan: PlusPlan, now: i64) -> Self {
        plan.readouts.windows.begin(now);
        plan.readouts.targets.begin(now);
        let mut this = Self {
            neurons: RecurrentState::default(),
            readouts: ReadoutState::default(),
            history: Ring::new(0, recurrent::COUNT, 1),
            errors: Ring::new(0, readout::COUNT, 1),
            recurrent_rows: Vec::new(),
            readout_rows: Vec::new(),
            fired: Vec::new(),
            arrivals: Default::default(),
            currents: CurrentsOf::beginning(now),
            arriving_currents: Vec::new(),
            spike_count: 0,
            steps: 0,
            windows: None,
            error_windows: None,
            learns_by_maps: Vec::new(),
            arriving: Arriving::default(),
            shareable: 0,
            prepared: None,
            failure: None,
            plan,
        };
        this.lay_out(network, now);
        this.shareable =
            this.recurrent_rows.iter().chain(&this.readout_rows).flatten().map(PlasticRows::most_work).sum();
        this
    }

    /// Takes over the plan of a changed description at step `now`; the state of what existed stays.
    fn replan(&mut self, network: &Description, mut plan: PlusPlan, now: i64) {
        plan.readouts.windows.go_on(&self.plan.readouts.windows, now);
        plan.readouts.targets.go_on(&self.plan.readouts.targets, now);
        self.currents.settle(&self.plan.wiring, now);
        // The average rate is that since the first synapse that learns was there.
        let learned = |neuron: usize| self.plan.wiring.learning.get(neuron) == Some(&true);
        for (neuron, learns) in plan.wiring.learning.iter().enumerate() {
            if let Some(rate) = self.neurons.state.rate.get_mut(neuron)
                && *learns
                && !learned(neuron)
            {
                *rate = 0.0;
            }
        }
        // Ranks keep more spikes between two exchanges than one process does, and a longer delay reads none of them.
        let length = self.fired.len();
        for stamp in (now - length as i64 + 1).max(0)..now - self.plan.longest_delay as i64 {
            self.fired[stamp as usize % length].clear();
        }
        self.plan = plan;
        self.lay_out(network, now);
    }
}
