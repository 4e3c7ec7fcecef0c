//! Layout of the neurons whose weights change once an update interval (`*_bsshslm_2020`).

use std::ops::Range;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Description};
use crate::describe::population::{NodeIndex, Population, gather, gather_all, groups_of};
use crate::interval::neurons::Recurrent;
use crate::loss::{self, Loss, Others};
use crate::models::Rule;
use crate::plan::amplitudes::{HeldRates, RateInputs};
use crate::plan::membrane::{current_gains, decays, spike_gains};
use crate::plan::route::{Route, longest_delay};
use crate::plan::wiring::{Planning, Wiring};
use crate::step::surrogate::Surrogate;

/// The recurrent neurons.
pub const RECURRENT: Population = Population::Recurrent(Rule::Interval);
/// The readouts.
pub const READOUT: Population = Population::Readout(Rule::Interval);

/// Steps by which the intervals of recurrent neurons begin later than the simulation.
pub const SHIFT_RECURRENT: i64 = 2;
/// Steps by which the intervals of readouts begin later than the simulation.
pub const SHIFT_READOUT: i64 = 3;

/// Neurons with consecutive places that take the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Their places.
    pub places: Range<usize>,
    /// Whether any threshold adapts; those that do not have a gain of 0.
    pub adaptive: bool,
    /// Shape of the surrogate gradient.
    pub surrogate: Surrogate,
}

/// Coefficients of the readouts.
#[derive(Debug, Clone, Default)]
pub struct Readouts {
    /// `exp(-dt / tau_m)`
    pub decay: Vec<f64>,
    /// `tau_m / C_m (1 - exp(-dt / tau_m))`
    pub current_gain: Vec<f64>,
    /// Gain of arriving spikes.
    pub spike_gain: Vec<f64>,
    /// Constant current (pA).
    pub current: Vec<f64>,
    /// Resting voltage (mV).
    pub rest: Vec<f64>,
    /// Lower bound of the voltage.
    pub floor: Vec<f64>,
    /// 1 where the current learns.
    pub learns_bias: Vec<f64>,
    /// Learning rate of the current, as a multiple of that of weights.
    pub bias_rate: Vec<f64>,
    /// What each learns to make small.
    pub losses: Vec<&'static dyn Loss>,
    /// Where signals are shares of a whole: the other readouts that it is made of, with weights.
    pub others: Vec<Vec<(usize, f64)>>,
    /// Share of a target signal that is spread over all readouts.
    pub smoothing: Vec<f64>,
    /// Target signals.
    pub targets: RateInputs,
}

impl Readouts {
    /// The readout signal of a place, of voltages by place.
    #[must_use]
    pub fn signal(&self, place: usize, voltage: &dyn Fn(usize) -> f64) -> f64 {
        self.losses[place].signal(voltage(place), Others { places: &self.others[place], voltage })
    }

    /// Whether the loss of any is of its mean signal.
    #[must_use]
    pub fn any_of_mean(&self) -> bool {
        self.losses.iter().any(|loss| loss.is_of_mean())
    }

    /// The target signal of a place for what its generator sends.
    #[must_use]
    pub fn smoothed(&self, place: usize, target: f64) -> f64 {
        smoothed(self.smoothing[place], target, self.smoothing.len())
    }
}

/// A target signal, a share of which is spread evenly over so many readouts.
#[must_use]
pub fn smoothed(share: f64, target: f64, readouts: usize) -> f64 {
    if share == 0.0 { target } else { (1.0 - share) * target + share / readouts as f64 }
}

/// How the constant currents of a population learn.
#[derive(Debug, Clone, Copy)]
pub struct BiasLearner {
    /// The synapse model whose optimizer they have.
    pub synapse: usize,
    /// Steps that were done when its connections were made.
    pub made: i64,
    /// Decay of the eligibility trace's filter.
    pub kappa: f64,
    /// What an interval's gradient is divided by.
    pub divisor: f64,
}

/// A plastic projection onto recurrent neurons or readouts.
#[derive(Debug, Clone)]
pub struct Learner {
    /// Its place among the routes onto its population.
    pub route: usize,
    /// Whether it reaches readouts.
    pub onto_readouts: bool,
    /// Decay of the eligibility trace's filter: `exp(-dt / tau_m_readout)`.
    pub kappa: f64,
    /// Divide an interval's gradient by the learning window.
    pub average: bool,
}

/// The plan.
#[derive(Debug, Clone)]
pub struct IntervalPlan {
    /// Who is where, what reaches whom.
    pub wiring: Wiring,
    /// Length of a step (ms).
    pub resolution: f64,
    /// Update interval (steps).
    pub interval: usize,
    /// Learning window (steps).
    pub window: usize,
    /// Whether neurons start each interval afresh.
    pub reset: bool,
    /// Recurrent neurons.
    pub recurrent: Recurrent,
    /// Runs of equal neurons.
    pub segments: Vec<Segment>,
    /// Readouts.
    pub readouts: Readouts,
    /// Plastic projections: those onto recurrent neurons first.
    pub learners: Vec<Learner>,
    /// How constant currents learn, of recurrent neurons and of readouts, where any do.
    pub biases: [Option<BiasLearner>; 2],
    /// Longest delay of a projection from recurrent neurons (steps).
    pub longest_delay: usize,
    /// Longest delay of all projections (steps).
    pub reach: usize,
    /// Whether voltages cost, those of any rank's neurons.
    pub voltages_cost: bool,
    /// Whether each neuron can adapt.
    pub adapts: Vec<bool>,
    /// Whether intervals share nothing but weights.
    pub independent: bool,
}

impl IntervalPlan {
    /// Lays out the neurons of this rule; `None` where there are none.
    ///
    /// # Errors
    /// Where the description leaves something open that the numbers depend on.
    pub fn new(planning: Planning<'_>) -> Result<Option<Self>> {
        let Planning { network, index, held, .. } = planning;
        let Some(wiring) = Wiring::new(planning, Rule::Interval)? else { return Ok(None) };
        let kernel = &network.kernel;
        kernel.check_intervals()?;
        let (onto_neurons, onto_readouts) = (&wiring.recurrent_routes, &wiring.readout_routes);
        let mut learners = Vec::new();
        for (onto_readouts, routes) in [(false, onto_neurons), (true, onto_readouts)] {
            for (place, route) in routes.iter().enumerate().filter(|(_, route)| route.plastic) {
                let synapse = &network.synapse_models[route.synapse];
                let tau = readout_time_constant(network, index, route.projection)?;
                learners.push(Learner {
                    route: place,
                    onto_readouts,
                    kappa: libm::exp(-kernel.resolution / tau),
                    average: synapse.average_gradient,
                });
            }
        }
        let from_neurons = |route: &&Route| route.source == RECURRENT;
        let reset = kernel.reset_neurons_on_update;
        let independent = reset
            && !onto_neurons.iter().filter(from_neurons).any(|route| !route.plastic)
            && !onto_readouts.iter().filter(from_neurons).any(|route| route.delay > 1);
        let (recurrent, readouts) = (Recurrent::new(network), readouts(network, index, held)?);
        let mut biases = [None; 2];
        for (place, learns) in [&recurrent.learns_bias, &readouts.learns_bias].into_iter().enumerate() {
            if learns.iter().all(|learns| *learns == 0.0) {
                continue;
            }
            let routes = if place == 1 { onto_readouts } else { onto_neurons };
            let of_this_kind = learners.iter().filter(|learner| learner.onto_readouts == (place == 1));
            // Routes have the order of summation; what counts is which was made first, so that later ones change nothing.
            let first = of_this_kind.min_by_key(|learner| routes[learner.route].projection);
            let learner = first.ok_or_else(no_optimizer_for_bias)?;
            biases[place] = Some(BiasLearner {
                synapse: routes[learner.route].synapse,
                made: routes[learner.route].made,
                kappa: learner.kappa,
                divisor: if learner.average { kernel.learning_window as f64 } else { 1.0 },
            });
        }
        Ok(Some(Self {
            resolution: kernel.resolution,
            interval: kernel.update_interval,
            window: kernel.learning_window,
            reset,
            segments: segments(network),
            recurrent,
            readouts,
            wiring,
            learners,
            biases,
            longest_delay: longest_delay(network, index, [RECURRENT, READOUT], Some(RECURRENT)),
            reach: longest_delay(network, index, [RECURRENT, READOUT], None),
            voltages_cost: gather_all(network, RECURRENT, "c_voltage").iter().any(|cost| *cost > 0.0),
            adapts: groups_of(network, RECURRENT)
                .flat_map(|group| vec![group.model.dynamics.adapts; network.ownership.part(group).len()])
                .collect(),
            independent,
        }))
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let (n, k) = (self.recurrent_count(), self.readout_count());
        let others = self.readouts.others.iter().map(Vec::len).sum::<usize>() * 16;
        let numbers = n * Recurrent::ARRAYS * 8 + k * (8 * 8 + 16 + 24);
        (numbers + others) as u64 + self.wiring.bytes()
    }

    /// Rows that are kept of each step: surrogate gradients, and what voltages cost where they do.
    #[must_use]
    pub fn planes(&self) -> usize {
        if self.voltages_cost { 2 } else { 1 }
    }

    /// What the gradient of a learner is divided by.
    #[must_use]
    pub fn divisor(&self, learner: &Learner) -> f64 {
        if learner.average { self.window as f64 } else { 1.0 }
    }

    /// The route of a learner.
    #[must_use]
    pub fn route_of(&self, learner: &Learner) -> &Route {
        if learner.onto_readouts {
            &self.wiring.readout_routes[learner.route]
        } else {
            &self.wiring.recurrent_routes[learner.route]
        }
    }

    /// Number of recurrent neurons.
    #[must_use]
    pub fn recurrent_count(&self) -> usize {
        self.wiring.recurrent_ids.len()
    }

    /// Steps that take so little time, even if all sources send spikes, that a caller who wants to stop need not be
    /// asked in between.
    #[must_use]
    pub fn steps_between_looks(&self) -> usize {
        /// Additions of weights, some milliseconds of them.
        const WORK: usize = 4 << 20;
        let entries: usize = self.wiring.recurrent_routes.iter().map(Route::entry_count).sum();
        (WORK / (entries + 64 * self.recurrent_count()).max(1)).clamp(1, 256)
    }

    /// Number of readouts.
    #[must_use]
    pub fn readout_count(&self) -> usize {
        self.wiring.readout_ids.len()
    }

    /// Steps of errors that are held: an interval's, and what comes before the first may be longer than one.
    #[must_use]
    pub fn error_steps(&self) -> usize {
        self.interval.max(SHIFT_READOUT as usize)
    }

    /// First step of an interval of recurrent neurons; interval -1 is what comes before the first.
    #[must_use]
    pub fn start_recurrent(&self, interval: i64) -> i64 {
        if interval < 0 { 0 } else { interval * self.interval as i64 + SHIFT_RECURRENT }
    }

    /// The interval that is in progress after so many steps: it ends when readouts have done its last one.
    #[must_use]
    pub fn interval_at(&self, now: i64) -> i64 {
        (now - SHIFT_READOUT).div_euclid(self.interval as i64).max(-1)
    }

    /// The first step of those that learn without a break up to the end of an interval: in steps before them, readouts
    /// forget the targets that came.
    #[must_use]
    pub fn targets_since(&self, interval: i64) -> i64 {
        if self.window >= self.interval {
            return self.start_readout(0) + 1;
        }
        self.start_readout(interval) + (self.interval - self.window) as i64 + 1
    }

    /// First step of an interval of readouts.
    #[must_use]
    pub fn start_readout(&self, interval: i64) -> i64 {
        if interval < 0 { 0 } else { interval * self.interval as i64 + SHIFT_READOUT }
    }
}

fn readouts(network: &Description, index: &NodeIndex, held: &HeldRates) -> Result<Readouts> {
    let dt = network.kernel.resolution;
    let of = |name: &str| gather(network, READOUT, name);
    let (tau_m, c_m, e_l) = (of("tau_m"), of("C_m"), of("E_L"));
    let decay = decays(&tau_m, dt);
    let losses: Vec<&dyn Loss> = of("loss").iter().map(|choice| loss::at(*choice)).collect();
    let mut others: Vec<Vec<(usize, f64)>> = vec![Vec::new(); losses.len()];
    let mut is_reached = vec![false; losses.len()];
    for projection in network.projections.iter().filter(|p| p.carries == Carries::Rate && p.receptor == 1) {
        projection.for_each_entry(|source, target, entry| {
            let ((from, source), (to, target)) = (index.place(source), index.place(target));
            if from == READOUT && to == READOUT && losses[target].is_shared() {
                is_reached[target] = true;
                // As with NEST, the whole is that of the readouts with this loss.
                if losses[source].name() == losses[target].name() {
                    others[target].push((source, projection.weights[entry]));
                }
            }
        });
    }
    let lonely = (0..losses.len()).find(|place| losses[*place].is_shared() && !is_reached[*place]);
    if let Some(place) = lonely.filter(|_| losses.len() > 1) {
        let loss = losses[place].name();
        return Err(Error::new(
            ErrorCode::KernelException,
            format!(
                "a readout with loss {loss} needs the other readouts' signals over rate_connection_delayed at receptor 1"
            ),
        )
        .model("eprop_readout_bsshslm_2020")
        .value(format!("node {}", index.members(READOUT)[place])));
    }
    Ok(Readouts {
        current_gain: current_gains(&tau_m, &c_m, &decay),
        spike_gain: spike_gains(&of("regular_spike_arrival"), &decay),
        decay,
        current: of("I_e"),
        floor: of("V_min").iter().zip(&e_l).map(|(value, rest)| value - rest).collect(),
        rest: e_l,
        learns_bias: of("learns_bias"),
        bias_rate: of("bias_rate"),
        losses,
        others,
        smoothing: of("label_smoothing"),
        targets: RateInputs::new(network, index, READOUT, 2, held),
    })
}

fn no_optimizer_for_bias() -> Error {
    Error::new(
        ErrorCode::KernelException,
        "a current learns by the optimizer of the first plastic connections onto neurons of its kind, and there are none",
    )
    .parameter("learns_bias")
    .value(true)
    .bound("false, or plastic connections onto recurrent neurons for theirs and onto readouts for theirs")
}

fn segments(network: &Description) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut place = 0;
    for group in groups_of(network, RECURRENT) {
        let adaptive = group.model.dynamics.adapts;
        for choice in &group.numbers("surrogate_gradient_function")[network.ownership.part(group)] {
            let surrogate = Surrogate::from_choice(*choice);
            match segments.last_mut() {
                Some(last) if last.surrogate == surrogate => {
                    last.places.end += 1;
                    last.adaptive |= adaptive;
                }
                _ => segments.push(Segment { places: place..place + 1, adaptive, surrogate }),
            }
            place += 1;
        }
    }
    segments
}

/// The time constant of the filter of a projection's eligibility traces (ms): as given, else that of the network's
/// readouts where they agree.
fn readout_time_constant(network: &Description, index: &NodeIndex, projection: usize) -> Result<f64> {
    if let Some(tau) = network.projections[projection].tau_m_readout {
        return Ok(tau);
    }
    let mut taus = gather(network, READOUT, "tau_m");
    taus.dedup();
    match taus[..] {
        [tau] => Ok(tau),
        [] => Ok(10.0),
        _ => Err(Error::new(
            ErrorCode::BadProperty,
            "tau_m_readout must be given where the readouts' time constants differ",
        )
        .model(network.synapse_models[network.projections[projection].synapse].name.clone())
        .parameter("tau_m_readout")
        .bound(format!("{} ms or {} ms, or another", taus[0], taus[1]))
        .value(format!("not set, for {} readouts", index.len(READOUT)))),
    }
}
