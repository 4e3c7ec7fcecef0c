//! The neurons whose weights change once an update interval: one after the other or side by side on
//! several threads. Gradients are summed in the order of intervals, weights updated at the end of a batch.

mod biases;
mod clipping;
mod drives;
mod feedback;
pub mod gradient;
mod learning_rates;
mod memory;
pub mod neuron_state;
pub mod neuron_step;
pub mod neurons;
pub mod open_interval;
mod over_ranks;
pub mod plan;
pub mod presynaptic;
mod recording;
mod rewire;
mod rule;
mod side_by_side;
mod state;
mod states;
pub mod surrogate_history;
mod update;
pub use self::memory::HISTORY;
pub use self::rule::RULE;

use std::collections::BTreeMap;

use crate::base::control::RunControl;
use crate::base::exchange::Team;
use crate::base::lines::per_line;
use crate::base::real::Real;
use crate::describe::kernel_parameters::GradientMethod;
use crate::describe::network::Description;
use crate::interval::biases::Biases;
use crate::interval::drives::{Drives, Sent, converted};
use crate::interval::gradient::adjoint::Workspace;
use crate::interval::gradient::batch::SynapseState;
use crate::interval::gradient::layout::{GradientLayout, tile_width};
use crate::interval::learning_rates::LearningRates;
use crate::interval::neurons::Neurons;
use crate::interval::open_interval::{IntervalHistory, OpenInterval, Surroundings};
use crate::interval::plan::IntervalPlan;
use crate::interval::presynaptic::RowEvents;
use crate::plan::route::Columns;
use crate::step::arrivals::Arrivals;
use crate::step::currents::CurrentsOf;
use crate::step::emission::Emission;

/// What came out of one interval besides the open interval itself.
#[derive(Debug, Default)]
struct Learned<R> {
    events: Vec<RowEvents>,
    gradients: Vec<Vec<R>>,
    /// What a spike that is read in the interval's first step adds to the gradient onto each readout.
    from_start: Vec<f64>,
    /// The gradients of currents that learn, of recurrent neurons and of readouts.
    biases: [Vec<f64>; 2],
    /// Whether everything that the gradients are sums of is finite.
    finite: bool,
}

/// Plan and state of the neurons of this rule.
#[derive(Debug)]
pub struct IntervalRule<R> {
    plan: IntervalPlan,
    neurons: Neurons<R>,
    /// Steps whose surrogate gradients are kept at once.
    kept: usize,
    layouts: Vec<GradientLayout>,
    gradient: GradientMethod,
    /// The interval in progress.
    open: OpenInterval<R>,
    /// Input of recurrent neurons and of readouts that was settled before its weights changed.
    arrivals: [Arrivals; 2],
    /// Currents that generators send.
    currents: CurrentsOf,
    /// Whether the last errors follow other targets than were recorded with them.
    reread: bool,
    synapses: BTreeMap<usize, SynapseState>,
    rates: BTreeMap<usize, LearningRates>,
    /// What is remembered of currents that learn.
    biases: Biases,
    /// By projection: weights onto readouts before the update at the start of interval `before_of`.
    before: Vec<Option<Vec<f64>>>,
    before_of: i64,
    /// The last interval whose gradients are in the sums. It is the finished one in progress where weights could not be
    /// updated.
    absorbed: i64,
    /// Currents of the step before, which the next step integrates.
    current: Vec<f64>,
    readout_current: Vec<f64>,
    /// What that was before the last run of readouts.
    readout_current_before: Vec<f64>,
    spare: Vec<(OpenInterval<R>, Learned<R>)>,
    /// Room for what is learned from an interval that runs alone.
    learned: Learned<R>,
    /// Weights in this precision, where they have to be converted.
    converted: Vec<Vec<R>>,
    /// A history for each thread.
    histories: Vec<IntervalHistory<R>>,
    /// Buffers of backward passes, for each thread.
    workspaces: Vec<Workspace<R>>,
    threads: usize,
    /// The plan of a changed description that is yet to be taken over.
    prepared: Option<IntervalPlan>,
    /// Square sums of the gradient of the last update, by projection.
    gradient_square_sums: BTreeMap<usize, f64>,
    /// Norm of the gradient at each update of weights since this was last taken.
    gradient_norms: Vec<f64>,
    /// Spikes of recurrent neurons so far.
    spike_count: u64,
    /// Spikes of recurrent neurons in each finished interval since this was last taken.
    interval_spikes: Vec<u64>,
}

impl<R: Real> IntervalRule<R> {
    /// The neurons of a plan, which begin at rest at step `now`.
    #[must_use]
    fn new(network: &Description, mut plan: IntervalPlan, now: i64) -> Self {
        plan.readouts.targets.begin(now);
        let neurons = Neurons::new(&plan);
        let open = OpenInterval::in_progress(&plan, neurons.stride, now);
        let mut this = Self {
            kept: plan.interval,
            neurons,
            layouts: Vec::new(),
            gradient: network.kernel.gradient,
            open,
            arrivals: Default::default(),
            currents: CurrentsOf::beginning(now),
            reread: false,
            synapses: BTreeMap::new(),
            rates: BTreeMap::new(),
            biases: Biases::default(),
            before: Vec::new(),
            before_of: i64::MIN,
            absorbed: i64::MIN,
            current: vec![0.0; plan.recurrent_count()],
            readout_current: vec![0.0; plan.readout_count()],
            readout_current_before: Vec::new(),
            spare: Vec::new(),
            learned: Learned::default(),
            converted: Vec::new(),
            histories: Vec::new(),
            workspaces: Vec::new(),
            threads: 1,
            prepared: None,
            gradient_square_sums: BTreeMap::new(),
            gradient_norms: Vec::new(),
            spike_count: 0,
            interval_spikes: Vec::new(),
            plan,
        };
        this.lay_out(network);
        this
    }

    /// Takes over the plan of a changed description; the state of what existed stays.
    fn replan(&mut self, network: &Description, mut plan: IntervalPlan) {
        let now = self.plan.start_readout(self.open.interval) + self.open.readout_done as i64;
        plan.readouts.targets.go_on(&self.plan.readouts.targets, now);
        self.currents.settle(&self.plan.wiring, now);
        self.open.hold_regularization(&self.plan);
        self.open.hold_shown(&self.plan);
        self.reread |= self.open.reread_targets(&self.plan, &plan);
        let room = |plan: &IntervalPlan, stride: usize| (stride, plan.interval, plan.readout_count());
        let before = room(&self.plan, self.neurons.stride);
        self.neurons = Neurons::new(&plan);
        let stride = self.neurons.stride;
        self.kept =
            if self.kept >= self.plan.interval { plan.interval } else { self.kept.min(plan.interval) };
        // Room of another size is made when it is known how much may be taken. Inputs are set before every interval,
        // which changes no room.
        if room(&plan, stride) != before {
            self.open.give_up_room();
            self.histories.clear();
        }
        self.open.fit(&plan, stride);
        self.open.hold_errors();
        self.keep_resting();
        self.current.resize(plan.recurrent_count(), 0.0);
        self.readout_current.resize(plan.readout_count(), 0.0);
        self.plan = plan;
        for (open, _) in &mut self.spare {
            open.fit(&self.plan, stride);
        }
        self.lay_out(network);
    }

    /// Who rests still does so where no neuron has a refractory time any more.
    fn keep_resting(&mut self) {
        self.neurons.rests |= self.open.state.countdown.iter().any(|steps| *steps > R::ZERO);
    }

    fn lay_out(&mut self, network: &Description) {
        let plan = &self.plan;
        let recurrent_rows = plan
            .learners
            .iter()
            .filter(|learner| !learner.onto_readouts)
            .map(|learner| plan.route_of(learner).row_count)
            .sum();
        let n = plan.recurrent_count().max(1);
        let cut = plan
            .learners
            .iter()
            .filter(|learner| !learner.onto_readouts)
            .all(|learner| matches!(plan.route_of(learner).columns, Columns::Range { .. }));
        let tile = if cut { tile_width(recurrent_rows, n, per_line::<R>()) } else { n };
        let layouts: Vec<GradientLayout> = plan
            .learners
            .iter()
            .map(|learner| {
                let width = if learner.onto_readouts { plan.readout_count().max(1) } else { tile };
                GradientLayout::new(plan, learner, width)
            })
            .collect();
        for (learner, layout) in plan.learners.iter().zip(&layouts) {
            let route = plan.route_of(learner);
            let optimizer = &network.synapse_models[route.synapse].optimizer;
            self.synapses.entry(route.projection).or_default().fit(route, layout, optimizer);
        }
        self.biases.fit(plan);
        self.layouts = layouts;
        self.gradient = network.kernel.gradient;
        self.threads = network.kernel.local_num_threads;
    }

    /// The step that the recurrent neurons have come to.
    fn reached(&self) -> i64 {
        self.plan.start_recurrent(self.open.interval) + self.open.recurrent_done as i64
    }

    fn first_current_differs(&self) -> bool {
        self.current != self.plan.recurrent.current || self.readout_current != self.plan.readouts.current
    }

    fn advance_open(
        &mut self,
        network: &Description,
        emission: &Emission,
        to: i64,
        (control, team): (&RunControl, Option<&Team<'_>>),
    ) -> bool {
        let drives = Drives::new(&self.plan, &self.neurons, &self.current, &self.readout_current);
        let mut room = std::mem::take(&mut self.converted);
        let weights = converted(&network.projections, &mut room);
        let recurrent_begins = self.open.recurrent_done;
        let readout_begins = self.open.readout_done;
        let around = drives.surroundings(
            &self.plan,
            &self.neurons,
            &network.projections,
            &weights,
            if self.before_of == self.open.interval { &self.before } else { &[] },
            Sent { emission, arrivals: &self.arrivals, currents: &self.currents },
            control,
        );
        let around = Surroundings { threads: self.threads, team, ..around };
        let done = self.open.advance(&around, to);
        if self.open.recurrent_done > recurrent_begins {
            self.current.clone_from(&self.plan.recurrent.current);
        }
        if self.open.readout_done > readout_begins {
            std::mem::swap(&mut self.readout_current, &mut self.readout_current_before);
            self.readout_current.clone_from(&self.plan.readouts.current);
        }
        self.converted = room;
        done
    }

    /// Has all neurons stand at the step that the recurrent ones have come to, where the open interval is finished and
    /// nothing was learned from it.
    fn take_back_last(&mut self) {
        if self.open.take_back_last(&self.plan) {
            self.readout_current.clone_from(&self.readout_current_before);
        }
    }
}
