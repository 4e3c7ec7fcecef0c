//! The door to the engine: describes, plans, simulates, records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use crate::base::control::{Halt, RunControl};
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory::{self, MemoryEstimate, out_of_memory};
use crate::base::state::{Archive, Persist, State};
use crate::base::threads::{self, Permit};
use crate::describe::connections::{ConnectionFilter, ConnectionHandle, ConnectionTable};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::describe::network::{
    Carries, Column, Description, NodeGroup, NodeId, Projection, Settled, Targets,
};
use crate::describe::population::{NodeIndex, Population};
use crate::interval::plan::IntervalPlan;
use crate::interval::{HISTORY, Intervals, either};
use crate::models::value::{Dict, Params, Value};
use crate::models::{NodeClass, NodeModel, Rule};
use crate::plan::amplitudes::{self as rates, Amplitudes, HeldRate, HeldRates};
use crate::plan::probes::{SpikeTap, rate_taps, record_from, spike_taps};
use crate::plan::route::{Route, handed_over};
use crate::plan::stimulus::Stimuli;
use crate::plus::PlusRule;
use crate::plus::plan::PlusPlan;
use crate::random::NestRandom;
use crate::record::{Events, Recordings, SPIKE, Tap, TapChunk, TimeUnit, WEIGHT};
use crate::step::arrivals::Settlement;
use crate::step::emission::Emission;

/// What follows from the description; made anew when that changes.
#[derive(Debug)]
struct Plans {
    version: u64,
    stimuli: Stimuli,
    stimulus_ids: Vec<NodeId>,
    stimulus_taps: Vec<SpikeTap>,
    rate_taps: Vec<(Tap, Vec<Amplitudes>)>,
}

/// Steps of a call: more take the smallest network weeks.
const MOST_STEPS: f64 = 1e13;

/// Steps that are simulated in one go where nothing else says how many.
const SLICE: i64 = 4096;

/// Recorded bytes after which it is looked anew at how much memory there is.
const LOOK: u64 = 64 << 20;

/// Recorded bytes that room is made for at once; for more, it is made on the way.
const AT_ONCE: u64 = 1 << 30;

/// How much recorders may hold in a simulation.
struct Room {
    /// All that the simulation may take (bytes).
    limit: u64,
    /// What recorders may hold of it.
    granted: u64,
    /// What they held when the system was last asked how much there is.
    looked: u64,
}

/// An input spike as it is found, sorted and kept.
const BYTES_PER_INPUT_SPIKE: u64 = 12 + 8 + 8;

/// A network, its state and its recordings. Kernels share nothing.
#[derive(Debug)]
pub struct Kernel {
    network: Description,
    random: NestRandom,
    /// Steps done.
    time: i64,
    plans: Option<Plans>,
    interval: Option<Intervals>,
    event: Option<PlusRule>,
    emission: Emission,
    recordings: Recordings,
    /// Bytes that the last simulation was allowed to take.
    granted: u64,
    /// Amplitudes that rate generators had when their times were last set.
    held: HeldRates,
    /// Steps from which neurons that fire by the clock count.
    clock_base: BTreeMap<NodeId, i64>,
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// A kernel without nodes.
    #[must_use]
    pub fn new() -> Self {
        let network = Description::new();
        Self {
            random: NestRandom::new(network.kernel.rng_seed),
            network,
            time: 0,
            plans: None,
            interval: None,
            event: None,
            emission: Emission::default(),
            recordings: Recordings::default(),
            granted: 0,
            held: BTreeMap::new(),
            clock_base: BTreeMap::new(),
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// The description.
    #[must_use]
    pub fn network(&self) -> &Description {
        &self.network
    }

    /// Biological time (ms).
    #[must_use]
    pub fn time(&self) -> f64 {
        self.unit(false).time(self.time)
    }

    fn unit(&self, in_steps: bool) -> TimeUnit {
        TimeUnit::new(self.network.kernel.resolution, in_steps)
    }

    /// Number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.network.node_count()
    }

    /// Sets kernel parameters.
    ///
    /// # Errors
    /// If one is unknown or outside its bound, or would change an interval that has begun.
    pub fn set(&mut self, values: &Dict) -> Result<()> {
        if self.time > 0 {
            for name in [
                "resolution",
                "eprop_update_interval",
                "eprop_learning_window",
                "eprop_reset_neurons_on_update",
                "precision",
            ] {
                if let Some(value) = values.get(name) {
                    return Err(Error::new(
                        ErrorCode::KernelException,
                        "this kernel parameter cannot change once the network has been simulated",
                    )
                    .parameter(name)
                    .value(value));
                }
            }
        }
        self.before_change();
        let seed = self.network.kernel.rng_seed;
        let mut settlements = Vec::new();
        if values.get("rng_seed").is_some() {
            settlements = self.settle_poisson();
        }
        self.network.set_kernel(values)?;
        self.take_settlements(settlements);
        if values.get("rng_seed").is_some() || self.network.kernel.rng_seed != seed {
            self.random.reseed(self.network.kernel.rng_seed);
        }
        Ok(())
    }

    /// Kernel parameters.
    #[must_use]
    pub fn get(&self) -> Dict {
        let connections: usize = self
            .network
            .projections
            .iter()
            .map(|projection| match &projection.targets {
                Targets::Dense { nodes, autapses: true } => nodes.len() * projection.sources.len(),
                Targets::Dense { nodes, autapses: false } => {
                    let holes = projection.sources.iter().filter(|s| nodes.binary_search(s).is_ok()).count();
                    nodes.len() * projection.sources.len() - holes
                }
                Targets::Sparse { nodes, .. } => nodes.len(),
            })
            .sum();
        self.network
            .get_kernel()
            .with("biological_time", Value::Number(self.time()))
            .with("network_size", Value::Number(self.node_count() as f64))
            .with("num_connections", Value::Number(connections as f64))
    }

    /// Creates nodes; returns the id of the first.
    ///
    /// # Errors
    /// If model or parameters are refused.
    pub fn create(&mut self, model: &str, n: f64, params: &Params) -> Result<NodeId> {
        self.refuse_late(self.network.node_model(model), params.dicts())?;
        self.before_change();
        let first = self.network.create(model, n, params, &mut self.random, self.time)?;
        if self.time > 0 {
            for node in first..=self.node_count() as NodeId {
                self.clock_base.insert(node, self.time);
            }
            // Times that are over count for nothing.
            if self
                .network
                .group_of(first)
                .is_some_and(|group| group.model.class == NodeClass::StepRateGenerator)
            {
                let held = HeldRate { amplitude: 0.0, since: self.time };
                self.held.extend((first..=self.node_count() as NodeId).map(|node| (node, held)));
            }
        }
        Ok(first)
    }

    /// Sets parameters of nodes.
    ///
    /// # Errors
    /// If parameters are refused.
    pub fn set_nodes(&mut self, nodes: &[NodeId], params: &Params) -> Result<()> {
        for (at, node) in nodes.iter().enumerate() {
            let model = self.network.group_of(*node).map(|group| group.model);
            self.refuse_late(model, params.of(at))?;
        }
        self.before_change();
        let names = |name: &str| match params {
            Params::None => false,
            Params::Shared(values) => values.get(name).is_some(),
            Params::PerNode(list) => list.iter().any(|values| values.get(name).is_some()),
        };
        // A rate generator goes on with the amplitude it has until the first of its new times.
        let mut held = Vec::new();
        if names("amplitude_times") || names("amplitude_values") {
            for node in nodes {
                if let Some(amplitudes) = rates::amplitudes(&self.network, *node, &self.held) {
                    held.push((*node, amplitudes.held_at(self.time)));
                }
            }
        }
        let emits = |node: &NodeId| {
            let class = self.network.group_of(*node).map(|group| group.model.class);
            class == Some(NodeClass::PoissonGenerator)
        };
        let settlements = if nodes.iter().any(emits) { self.settle_poisson() } else { Vec::new() };
        self.network.set_nodes(nodes, params, &mut self.random, self.time)?;
        self.take_settlements(settlements);
        self.held.extend(held);
        if self.time > 0
            && ["ignore_and_spike", "ignore_and_spike_offset", "ignore_and_spike_interval"]
                .into_iter()
                .any(names)
        {
            self.clock_base.extend(nodes.iter().map(|node| (*node, self.time)));
        }
        // Only recorders have a number of events, and the only one that it can be set to is 0.
        for (at, node) in nodes.iter().enumerate() {
            if params.of(at).is_some_and(|values| values.get("n_events").is_some()) {
                self.clear_events(*node)?;
            }
        }
        Ok(())
    }

    /// A value of each of the nodes, in the user's units.
    ///
    /// # Errors
    /// If a node or the parameter does not exist.
    pub fn get_nodes(&self, nodes: &[NodeId], name: &str) -> Result<Vec<Value>> {
        if name == "n_events" {
            return nodes.iter().map(|node| Ok(Value::Number(self.event_count(*node)? as f64))).collect();
        }
        self.network.get_nodes(nodes, name)
    }

    /// Sets defaults of a node or synapse model.
    ///
    /// # Errors
    /// If the model is unknown or a value is refused.
    pub fn set_defaults(&mut self, model: &str, values: &Dict) -> Result<()> {
        self.refuse_late(self.network.node_model(model), Some(values))?;
        self.network.set_defaults(model, values)
    }

    /// Defaults of a node or synapse model.
    ///
    /// # Errors
    /// If the model is unknown.
    pub fn get_defaults(&self, model: &str) -> Result<Dict> {
        self.network.get_defaults(model)
    }

    /// Copies a node or synapse model under a new name, with other defaults.
    ///
    /// # Errors
    /// If the model is unknown, the name is taken or a value is refused.
    pub fn copy_model(&mut self, existing: &str, new: &str, values: &Dict) -> Result<()> {
        self.refuse_late(self.network.node_model(existing), Some(values))?;
        self.network.copy_model(existing, new, values)
    }

    /// Connects nodes by a rule.
    ///
    /// # Errors
    /// If nodes, rule, synapse model or parameters are refused.
    pub fn connect(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: &Dict,
        synapse: &Dict,
    ) -> Result<()> {
        self.before_change();
        let known = self.network.projections.len();
        self.network.connect(sources, targets, rule, synapse, &mut self.random)?;
        self.begin_projections(known);
        Ok(())
    }

    /// Connects pairs of nodes.
    ///
    /// # Errors
    /// As [`Kernel::connect`].
    pub fn connect_pairs(&mut self, sources: &[NodeId], targets: &[NodeId], synapse: &Dict) -> Result<()> {
        self.before_change();
        let known = self.network.projections.len();
        self.network.connect_pairs(sources, targets, synapse, &mut self.random)?;
        self.begin_projections(known);
        Ok(())
    }

    /// Finds connections.
    ///
    /// # Errors
    /// If a node or synapse model does not exist.
    pub fn get_connections(&self, filter: &ConnectionFilter) -> Result<ConnectionTable> {
        self.network.get_connections(filter)
    }

    /// Weights now of all connections between some nodes: a row per target, a column per source, zero where there is
    /// none.
    ///
    /// # Errors
    /// If a node does not exist.
    pub fn weight_matrix(&self, sources: &[NodeId], targets: &[NodeId]) -> Result<Vec<f64>> {
        self.network.weight_matrix(sources, targets)
    }

    /// A value of each of the connections.
    ///
    /// # Errors
    /// If the synapse model has no such value.
    pub fn connection_values(&self, handles: &[ConnectionHandle], name: &str) -> Result<Vec<Value>> {
        self.network.connection_values(handles, name)
    }

    /// Sets values of connections.
    ///
    /// # Errors
    /// If a value is refused.
    pub fn set_connections(&mut self, handles: &[ConnectionHandle], values: &Dict) -> Result<()> {
        self.before_change();
        let projections = &self.network.projections;
        let weight = |handle: &ConnectionHandle| {
            let projection = projections.get(handle.projection as usize);
            projection.and_then(|projection| projection.weights.get(handle.entry as usize)).copied()
        };
        let before: Vec<f64> = handles.iter().map(|handle| weight(handle).unwrap_or(0.0)).collect();
        let changed: BTreeSet<usize> = handles.iter().map(|handle| handle.projection as usize).collect();
        let settlements = self.settle(changed);
        self.network.set_connections(handles, values)?;
        self.take_settlements(settlements);
        if let Some(interval) = &mut self.interval {
            either!(interval, network => network.weights_were_set(handles, &self.network));
        }
        if let Some(event) = &mut self.event {
            event.weights_were_set(handles, &before, &self.network);
        }
        Ok(())
    }

    /// New projections transmit what is emitted from now on.
    fn begin_projections(&mut self, known: usize) {
        let settled = Settled { generators: self.time, neurons: self.time };
        for projection in &mut self.network.projections[known..] {
            projection.settled = settled;
            projection.made = self.time;
        }
    }

    /// What the spikes in flight over projections with constant weights amount to with the present ones. Plastic synapses
    /// have a delay of one step: their weights are those at the arrival.
    fn settle(&self, projections: impl IntoIterator<Item = usize>) -> Vec<Settlement> {
        if self.time == 0 {
            return Vec::new();
        }
        let constant = |place: &usize| {
            self.network
                .projections
                .get(*place)
                .is_some_and(|projection| projection.carries == Carries::Spikes)
        };
        projections
            .into_iter()
            .filter(constant)
            .filter_map(|place| {
                let of_interval = self.interval.as_ref().and_then(|interval| {
                    either!(interval, network => {
                        network.settle(&self.network, &self.emission, place, self.time)
                    })
                });
                of_interval.or_else(|| {
                    let event = self.event.as_ref()?;
                    event.settle(&self.network, &self.emission, place, self.time)
                })
            })
            .collect()
    }

    /// The same of all projections from Poisson generators.
    fn settle_poisson(&self) -> Vec<Settlement> {
        let from_poisson = |projection: &Projection| {
            let group = projection.sources.first().and_then(|source| self.network.group_of(*source));
            group.is_some_and(|group| group.model.class == NodeClass::PoissonGenerator)
        };
        let projections = self.network.projections.iter().enumerate();
        self.settle(projections.filter(|(_, projection)| from_poisson(projection)).map(|(place, _)| place))
    }

    fn take_settlements(&mut self, settlements: Vec<Settlement>) {
        let handed = handed_over(&self.network.projections, self.time);
        for settlement in settlements {
            let projection = &mut self.network.projections[settlement.projection];
            let settled = &mut projection.settled;
            settled.generators = settled.generators.max(handed.generators);
            settled.neurons = settled.neurons.max(handed.neurons);
            let target = projection.first_target();
            let rule = target.and_then(|node| self.network.group_of(node)).map(|group| group.model.rule);
            if rule == Some(Rule::Plus) {
                if let Some(event) = &mut self.event {
                    event.take_settlement(settlement, &mut self.recordings);
                }
            } else if let Some(interval) = &mut self.interval {
                either!(interval, network => network.take_settlement(settlement, &mut self.recordings));
            }
        }
    }

    /// Refuses what can only be set before the first simulation.
    fn refuse_late<'a>(
        &self,
        model: Option<&NodeModel>,
        values: impl IntoIterator<Item = &'a Dict>,
    ) -> Result<()> {
        const UNIT: &str = "time_in_steps";
        let Some(model) = model.filter(|model| self.time > 0 && model.place(UNIT).is_some()) else {
            return Ok(());
        };
        match values.into_iter().find_map(|values| values.get(UNIT)) {
            None => Ok(()),
            Some(value) => {
                let what = "the unit of times cannot be set once the network has been simulated";
                Err(Error::new(ErrorCode::BadProperty, what).model(model.name).parameter(UNIT).value(value))
            }
        }
    }

    /// To be called before anything changes that steps already done were computed with.
    fn before_change(&mut self) {
        if let Some(interval) = &mut self.interval {
            either!(interval, network => network.before_change(&self.network, &self.emission));
        }
    }

    /// Lays out what was described since the last time. Nothing but time depends on when or how often.
    fn plan(&mut self) -> Result<()> {
        if self.plans.as_ref().is_some_and(|plans| plans.version == self.network.version) {
            return Ok(());
        }
        // Neurons that are new in the middle of an interval have been at rest in its steps so far.
        let before =
            if self.interval.is_none() { self.time % self.network.kernel.update_interval as i64 } else { 0 };
        let rested = (8 * self.node_count() as u64).saturating_mul(before as u64);
        let needed = self.network.laid_out_bytes().saturating_add(rested);
        memory::may_take(0, || 0, needed.saturating_sub(self.working_bytes()), "the network's layout")?;
        let index = NodeIndex::new(&self.network);
        let stimuli = Stimuli::new(&self.network, &index)?;
        let interval = IntervalPlan::new(&self.network, &index, &self.held, &self.clock_base)?;
        let event = PlusPlan::new(&self.network, &index, &self.held, &self.clock_base)?;
        // Nothing was changed so far; from here on, nothing is refused.
        let precision = self.network.kernel.precision;
        if self.interval.as_ref().is_some_and(|held| held.precision() != precision) {
            // Nothing was simulated yet: all there is to keep are states that the user has set.
            self.interval = None;
            let groups = self.network.groups.iter().enumerate();
            self.network.state_changes =
                groups.flat_map(|(place, group)| (0..group.len).map(move |node| (place, node))).collect();
        }
        if let Some(plan) = interval {
            match &mut self.interval {
                Some(held) => either!(held, network => network.replan(&self.network, plan)),
                none => *none = Some(Intervals::new(&self.network, plan, self.time)),
            }
        }
        if let Some(plan) = event {
            match &mut self.event {
                Some(event) => event.replan(&self.network, plan, self.time),
                none => *none = Some(PlusRule::new(&self.network, plan, self.time)),
            }
        }
        let changed: Vec<NodeId> = self
            .network
            .state_changes
            .drain(..)
            .map(|(group, node)| self.network.groups[group].first + node as NodeId)
            .collect();
        if let Some(interval) = &mut self.interval {
            either!(interval, network => network.load_states(&self.network, &index, &changed));
        }
        if let Some(event) = &mut self.event {
            event.load_states(&self.network, &index, &changed);
        }
        self.emission.set_trains(&stimuli);
        self.plans = Some(Plans {
            version: self.network.version,
            stimuli,
            stimulus_ids: index.members(Population::Stimulus).to_vec(),
            stimulus_taps: spike_taps(&self.network, &index, Population::Stimulus),
            rate_taps: rate_taps(&self.network, &index, &self.held),
        });
        Ok(())
    }

    /// Memory that a simulation of the network takes, before it runs, with what was recorded so far: all but what
    /// recorders will add, for which [`Self::memory_for`] has to know how long it is.
    ///
    /// # Errors
    /// If the description leaves something open; `OutOfMemory` where it cannot even be laid out.
    pub fn memory(&mut self) -> Result<MemoryEstimate> {
        self.memory_for(0.0)
    }

    /// As [`Self::memory`], with what recorders add in so many milliseconds. How many spikes are recorded is known
    /// beforehand for generators; neurons are taken to fire as often as they have so far, or else as they should
    /// (`f_target`).
    ///
    /// # Errors
    /// As [`Self::memory`] and, for the time, [`Self::simulate`].
    pub fn memory_for(&mut self, ms: f64) -> Result<MemoryEstimate> {
        let steps = self.steps_of(ms)?;
        self.plan()?;
        let end = self.time + steps;
        Ok(self.estimate(end, self.recorded_until(end).0).into())
    }

    /// What a simulation up to the step `end` takes, by part, if so many bytes are recorded.
    fn estimate(&self, end: i64, recorded: u64) -> Vec<(&'static str, u64)> {
        let projections = &self.network.projections;
        let weights: usize = projections.iter().map(|projection| projection.weights.capacity() * 8).sum();
        let described = self.network.bytes().saturating_sub(weights as u64);
        let mut parts = vec![("weights", weights as u64), ("nodes and connections", described)];
        let slice = self.slice_end(if end > self.time { end } else { i64::MAX }) - self.time;
        let inputs = |steps: i64| {
            let spikes = |plans: &Plans| plans.stimuli.expected_spikes(self.time, self.time + steps);
            self.plans.as_ref().map_or(0, spikes)
        };
        if let Some(interval) = &self.interval {
            parts.extend(either!(interval, network => {
                let interval = network.plan().interval;
                let steps = if end > self.time { (end - self.time) as usize } else { usize::MAX };
                network.memory(&self.network, steps, inputs(interval.min(steps) as i64))
            }));
        }
        // Those that may still arrive are kept: what is dropped waits until it is half of all.
        let kept = (self.time - self.needs_from(self.time)).max(0).saturating_add(slice);
        let late = inputs(kept.saturating_sub(slice)).saturating_mul(8).saturating_add(kept as u64 * 16);
        parts.push((
            "spikes of inputs",
            inputs(slice).saturating_mul(BYTES_PER_INPUT_SPIKE).saturating_add(late),
        ));
        if let Some(event) = &self.event {
            parts.extend(event.memory());
        }
        let recorded = self.recordings.used_bytes().saturating_add(recorded);
        parts.push(("recordings", recorded.max(self.recordings.bytes() as u64)));
        parts
    }

    /// What multimeters record of neurons.
    fn state_taps(&self) -> impl Iterator<Item = &Tap> {
        let interval = self.interval.as_ref().map(|interval| {
            either!(interval, network => {
                let plan = network.plan();
                plan.recurrent_taps.iter().chain(&plan.readout_taps)
            })
        });
        let event = self.event.as_ref().map(PlusRule::plan);
        let event = event.into_iter().flat_map(|plan| plan.recurrent_taps.iter().chain(&plan.readout_taps));
        let rates = self.plans.iter().flat_map(|plans| plans.rate_taps.iter().map(|(tap, _)| tap));
        interval.into_iter().flatten().chain(event).chain(rates)
    }

    /// Bytes that multimeters record up to the step `end`.
    fn states_until(&self, end: i64) -> u64 {
        self.state_taps().map(|tap| tap.bytes(self.time, end)).fold(0, u64::saturating_add)
    }

    /// Bytes that are recorded up to the step `end`: as many as are expected, and the most that there can be.
    fn recorded_until(&self, end: i64) -> (u64, u64) {
        let states = self.states_until(end);
        let (expected, most) = self.events_until(end);
        (states.saturating_add(expected), states.saturating_add(most))
    }

    /// As [`Self::recorded_until`], of spikes and weights.
    fn events_until(&self, end: i64) -> (u64, u64) {
        let steps = (end - self.time).max(0);
        let (mut expected, mut most) = (0.0, 0.0);
        let records = |routes: &[Route]| routes.iter().any(|route| route.weight_recorder.is_some());
        let stimuli = self.plans.as_ref().filter(|plans| {
            let of_interval = self.interval.as_ref().is_some_and(|interval| {
                either!(interval, network => {
                    records(&network.plan().recurrent_routes) || records(&network.plan().readout_routes)
                })
            });
            let of_event = self.event.as_ref().is_some_and(|event| {
                records(&event.plan().recurrent_routes) || records(&event.plan().readout_routes)
            });
            !plans.stimulus_taps.is_empty() || of_interval || of_event
        });
        let stimuli =
            stimuli.map_or(0.0, |plans| plans.stimuli.most_recorded(self.time, end.saturating_add(1)) as f64);
        let stimulus_places = self.plans.as_ref().map_or(1, |plans| plans.stimulus_ids.len().max(1)) as f64;
        for tap in self.plans.iter().flat_map(|plans| &plans.stimulus_taps) {
            // Whatever few sources a recorder listens to, they may be those that send.
            let listens: u32 = tap.listens.iter().sum();
            let loudest = tap.listens.iter().max().copied().unwrap_or(0);
            let known = stimuli * SPIKE as f64;
            expected += known * (f64::from(listens) / stimulus_places).min(f64::from(loudest));
            most += known * f64::from(loudest);
            let of_trains: f64 = self
                .plans
                .iter()
                .flat_map(|plans| {
                    tap.trains.iter().map(|(place, _)| plans.stimuli.most_of_train(*place, steps))
                })
                .sum();
            expected += of_trains * SPIKE as f64;
            most += of_trains * SPIKE as f64;
        }
        let mut rule = |neurons: usize, per_step: f64, spikes: &[SpikeTap], routes: &[&[Route]]| {
            let share = per_step / neurons.max(1) as f64;
            for tap in spikes {
                let steps = tap.window.count(self.time, end) as f64;
                let listens: u64 = tap.listens.iter().map(|times| u64::from(*times)).sum();
                let each = steps * listens as f64 * SPIKE as f64;
                expected += share * each;
                most += each;
            }
            for route in routes.iter().copied().flatten().filter(|route| route.weight_recorder.is_some()) {
                let each = route.entry_count() as f64 * WEIGHT as f64;
                if route.source == Population::Stimulus {
                    expected += stimuli / stimulus_places * each;
                    most += stimuli * each / route.row_count.max(1) as f64;
                } else {
                    expected += share * steps as f64 * each;
                    most += steps as f64 * each;
                }
            }
        };
        if let Some(interval) = &self.interval {
            either!(interval, network => {
                let plan = network.plan();
                let routes = [&plan.recurrent_routes[..], &plan.readout_routes[..]];
                rule(plan.recurrent_count(), network.spikes_per_step(), &plan.spike_taps, &routes);
            });
        }
        if let Some(event) = &self.event {
            let plan = event.plan();
            let routes = [&plan.recurrent_routes[..], &plan.readout_routes[..]];
            rule(plan.recurrent_count(), event.spikes_per_step(), &plan.spike_taps, &routes);
        }
        (expected as u64, most as u64)
    }

    /// The step that may be reached in one go, at most `end`.
    fn slice_end(&self, end: i64) -> i64 {
        let short = end.min(self.time + SLICE);
        let to = self
            .interval
            .as_ref()
            .map_or(short, |interval| either!(interval, network => network.slice_end(self.time, end)));
        if self.event.is_some() { to.min(short) } else { to }
    }

    /// The earliest stamp of inputs that is still needed at a step.
    fn needs_from(&self, step: i64) -> i64 {
        self.interval
            .as_ref()
            .map_or(i64::MAX, |interval| either!(interval, network => network.needs_from()))
            .min(self.event.as_ref().map_or(i64::MAX, |event| event.needs_from(step)))
            .min(step)
    }

    /// About how many bytes this kernel holds now; what each node and synapse model takes is left out.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let times: usize = self.plans.iter().map(|plans| plans.stimuli.bytes()).sum();
        let here = size_of::<Self>() + times + self.emission.bytes() + self.recordings.bytes();
        here as u64 + self.network.bytes() + self.working_bytes()
    }

    /// About how many bytes of neurons and synapses in use are held.
    fn working_bytes(&self) -> u64 {
        let interval = self.interval.as_ref().map(|interval| {
            either!(interval, network => {
                let all: u64 = network.memory(&self.network, usize::MAX, 0).iter().map(|(_, bytes)| bytes).sum();
                all.saturating_sub(network.not_held(&self.network))
            })
        });
        let event = self.event.as_ref().map(|event| event.memory().iter().map(|(_, bytes)| bytes).sum());
        interval.into_iter().chain(event).fold(0, u64::saturating_add)
    }

    /// Simulates.
    ///
    /// # Errors
    /// `BadParameter` for a negative time or one off the grid; `OutOfMemory` where the network cannot fit. On the way,
    /// `OutOfMemory` where what is recorded no longer fits, `Aborted` if it was cancelled, and `NumericalInstability` where a gradient or a weight would not be finite: then everything
    /// recorded so far is intact and the kernel stands at the time it reached, with finite weights.
    pub fn simulate(&mut self, ms: f64, control: &RunControl) -> Result<()> {
        let steps = self.steps_of(ms)?;
        threads::check_environment()?;
        self.plan()?;
        let limit = match self.network.kernel.memory_limit {
            // What an earlier call took is this network's already.
            0 => memory::available().saturating_add(self.granted.max(self.network.bytes())),
            limit => limit,
        };
        let begin = self.time;
        let end = begin + steps;
        let (expected, _) = self.recorded_until(end);
        let estimate = MemoryEstimate::from(self.estimate(end, 0));
        if let Some(interval) = &mut self.interval {
            let history =
                estimate.parts.iter().find(|(name, _)| *name == HISTORY).map_or(0, |(_, bytes)| *bytes);
            let left = limit.saturating_sub(estimate.total.saturating_sub(history));
            // Something stays for what is recorded.
            let left = left - expected.min(left / 2);
            either!(interval, network => network.limit_history(&self.network, &self.emission, left))?;
        }
        let parts = self.estimate(end, 0);
        let largest = parts.iter().max_by_key(|(_, bytes)| *bytes).map_or("", |(name, _)| name);
        let needed = MemoryEstimate::from(parts.clone()).total;
        if needed > limit {
            let what = format!("the simulation, most of it for the {largest},");
            return Err(out_of_memory(&what, needed, limit));
        }
        self.granted = needed;
        // How much is recorded shows on the way.
        let held = self.recordings.used_bytes();
        let recorded = Room { limit, granted: held.saturating_add(limit - needed), looked: held };
        let outcome = self.run(begin, end, recorded, control);
        // Values that were set read back as they were set until there are others.
        self.emission.take_back(self.time);
        if self.time > begin {
            self.store_states();
        }
        outcome
    }

    /// The kernel as it is between two calls: description, state and recordings. A kernel made from it by
    /// [`Kernel::restored`] goes on as this one does, to the bit.
    ///
    /// # Errors
    /// As [`Kernel::memory`].
    pub fn state(&mut self) -> Result<State> {
        self.before_change();
        self.plan()?;
        memory::may_take(0, || 0, self.held_bytes(), "a copy of the kernel's state")?;
        let mut state = State::default();
        self.persist(&mut Archive::writer(&mut state))?;
        Ok(state)
    }

    /// The kernel that [`Kernel::state`] was asked for.
    ///
    /// # Errors
    /// `ValueError` that names what is missing or does not fit.
    pub fn restored(mut state: State) -> Result<Self> {
        let mut kernel = Self::new();
        kernel.persist(&mut Archive::reader(&mut state))?;
        if let Some(name) = state.arrays.keys().chain(state.texts.keys()).next() {
            return Err(Error::new(ErrorCode::ValueError, "the saved state holds what is not known")
                .parameter(name.clone()));
        }
        Ok(kernel)
    }

    /// The description alone: nodes at rest, connections with their present weights, generators without what they
    /// emit.
    #[must_use]
    pub fn network_state(&self) -> State {
        let mut state = State::default();
        let mut network = self.network.at_rest();
        let written = Archive::writer(&mut state).within("network", |archive| network.persist(archive));
        written.expect("writing refuses nothing");
        state
    }

    /// A kernel with the same nodes, at rest, and the same connections with their present weights; generators emit
    /// nothing.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self::of_network(self.network.at_rest())
    }

    fn of_network(network: Description) -> Self {
        Self { random: NestRandom::new(network.kernel.rng_seed), network, ..Self::new() }
    }

    /// A kernel with the network that [`Kernel::network_state`] was asked for. Arrays that are not of a network are
    /// left aside.
    ///
    /// # Errors
    /// `ValueError` that names what is missing or does not fit.
    pub fn with_network(mut state: State) -> Result<Self> {
        let mut network = Description::new();
        Archive::reader(&mut state).within("network", |archive| network.persist(archive))?;
        Ok(Self::of_network(network.at_rest()))
    }

    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            network: _,
            random: _,
            time: _,
            plans: _,
            interval: _,
            event: _,
            emission: _,
            recordings: _,
            held: _,
            clock_base: _,
            granted: _,
        } = self;
        archive.within("network", |archive| self.network.persist(archive))?;
        archive.within("random", |archive| self.random.persist(archive))?;
        archive.number("time", &mut self.time)?;
        if !(0..=LAST_STEP as i64).contains(&self.time) {
            return Err(archive.misfit("time", format!("step {}", self.time)));
        }
        let mut amplitudes = self.held.iter().map(|(node, held)| (*node, held.amplitude)).collect();
        let mut since = self.held.iter().map(|(node, held)| (*node, held.since)).collect();
        archive.map::<NodeId, f64>("held_amplitudes", &mut amplitudes)?;
        archive.map::<NodeId, i64>("held_since", &mut since)?;
        let since = |node: &NodeId| since.get(node).copied().unwrap_or(0);
        self.held = amplitudes
            .into_iter()
            .map(|(node, amplitude)| (node, HeldRate { amplitude, since: since(&node) }))
            .collect();
        archive.map("clock_base", &mut self.clock_base)?;
        if let Some(base) = self.clock_base.values().find(|base| !(0..=self.time).contains(*base)) {
            return Err(archive.misfit("clock_base", format!("step {base}")));
        }
        let mut made: Vec<i64> = self.network.projections.iter().map(|projection| projection.made).collect();
        archive.fixed("connected_at", &mut made)?;
        self.network.projections.iter_mut().zip(made).for_each(|(projection, made)| projection.made = made);
        archive.within("emission", |archive| self.emission.persist(archive))?;
        self.persist_settled(archive)?;
        archive.within("recordings", |archive| self.recordings.persist(archive))?;
        if archive.reads() {
            self.check_recordings(archive)?;
            self.plan()?;
            let sources = self.plans.as_ref().map_or(0, |plans| plans.stimulus_ids.len());
            if !self.emission.fits(sources, self.time) {
                return Err(archive.misfit("emission", "not that of these sources until now"));
            }
        }
        let now = self.time;
        if let Some(interval) = &mut self.interval {
            archive.within(
                "interval",
                |archive| either!(interval, network => network.persist(&self.network, now, archive)),
            )?;
        }
        if let Some(event) = &mut self.event {
            archive.within("event", |archive| event.persist(self.time, archive))?;
        }
        Ok(())
    }

    fn persist_settled(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let projections = &mut self.network.projections;
        let mut generators: Vec<i64> = projections.iter().map(|p| p.settled.generators).collect();
        let mut neurons: Vec<i64> = projections.iter().map(|p| p.settled.neurons).collect();
        archive.fixed("settled.generators", &mut generators)?;
        archive.fixed("settled.neurons", &mut neurons)?;
        for (projection, (generators, neurons)) in
            projections.iter_mut().zip(generators.into_iter().zip(neurons))
        {
            projection.settled = Settled { generators, neurons };
        }
        Ok(())
    }

    /// Refuses recordings of what is no recorder.
    fn check_recordings(&self, archive: &Archive<'_>) -> Result<()> {
        let is = |node: &NodeId, class: NodeClass| {
            self.network.group_of(*node).is_some_and(|group| group.model.class == class)
        };
        let Recordings { spikes, states, weights } = &self.recordings;
        let fit = spikes.keys().all(|node| is(node, NodeClass::SpikeRecorder))
            && weights.keys().all(|node| is(node, NodeClass::WeightRecorder))
            && states.iter().all(|(node, held)| {
                is(node, NodeClass::Multimeter) && held.chunks.iter().all(|(tap, _)| tap.recorder == *node)
            });
        if fit { Ok(()) } else { Err(archive.misfit("recordings", "of what is no such recorder")) }
    }

    fn steps_of(&self, ms: f64) -> Result<i64> {
        let resolution = self.network.kernel.resolution;
        let refuse = |what: &str, bound: &str| {
            Error::new(ErrorCode::BadParameter, what)
                .parameter("simulation time")
                .value(format!("{ms} ms"))
                .bound(bound)
        };
        if !ms.is_finite() {
            return Err(refuse("the simulation time must be a finite number", "a finite number of ms"));
        }
        if ms < 0.0 {
            return Err(refuse("the simulation time cannot be negative", "at least 0 ms"));
        }
        let steps = (ms / resolution).round();
        if (steps * resolution - ms).abs() > 1e-6 * resolution.max(ms * 1e-6) {
            return Err(refuse(
                "the simulation time must be a whole number of steps",
                &format!("a multiple of {resolution} ms"),
            ));
        }
        if steps > MOST_STEPS || self.time as f64 + steps > LAST_STEP {
            return Err(refuse(
                "the simulation time is too long",
                &format!("at most {MOST_STEPS:e} steps a call and {LAST_STEP:e} in all"),
            ));
        }
        Ok(steps as i64)
    }

    /// The step up to which all that recorders may come to hold has room; at most `to`.
    ///
    /// # Errors
    /// `OutOfMemory` where that is no further step.
    fn fitting(&self, to: i64, recorded: &mut Room) -> Result<i64> {
        let held = self.recordings.used_bytes();
        if self.network.kernel.memory_limit == 0 && held >= recorded.looked.saturating_add(LOOK) {
            recorded.granted = recorded.granted.min(held.saturating_add(memory::available()));
            recorded.looked = held;
        }
        let mut to = to;
        loop {
            // Lists have an eighth to spare.
            let (_, most) = self.recorded_until(to);
            let needed = held.saturating_add(most).saturating_add(most / 8);
            let inputs = self.plans.as_ref().map_or(0, |plans| plans.stimuli.expected_spikes(self.time, to));
            let laid_out =
                memory::may_take(0, || 0, inputs.saturating_mul(BYTES_PER_INPUT_SPIKE), "spikes of inputs");
            if needed <= recorded.granted && laid_out.is_ok() {
                return Ok(to);
            }
            if to <= self.time + 1 {
                laid_out?;
                let what = format!("what is recorded after {} ms", self.time());
                let rest = recorded.limit.saturating_sub(recorded.granted);
                return Err(out_of_memory(&what, rest.saturating_add(needed), recorded.limit));
            }
            to = self.time + (to - self.time) / 2;
        }
    }

    fn run(&mut self, begin: i64, end: i64, mut recorded: Room, control: &RunControl) -> Result<()> {
        if begin < end {
            self.keep_taps();
            if let Some(interval) = &mut self.interval {
                either!(interval, network => network.begin_recording(&mut self.recordings, begin));
            }
            if self.states_until(end) <= AT_ONCE.min(recorded.limit) {
                let taps: Vec<Tap> = self.state_taps().cloned().collect();
                self.recordings.make_room(taps.iter(), begin, end)?;
            }
        }
        let stop = || control.cancelled();
        let mut permit = Permit::wait(&stop);
        while self.time < end {
            permit = permit.and_then(|permit| permit.give_way(&stop));
            if control.cancelled() || permit.is_none() {
                return Err(aborted(self.time()));
            }
            let from = self.time;
            let whole = self.slice_end(end);
            let to = self.fitting(whole, &mut recorded)?;
            let plans = self.plans.as_ref().expect("planned before running");
            if !self.emission.extend_to(&plans.stimuli, to, control) {
                return Err(aborted(self.time()));
            }
            let mut reached = to;
            let mut failure = None;
            let mut halted = |halt: Halt| {
                failure.get_or_insert(halt.error);
                halt.reached
            };
            if let Some(interval) = &mut self.interval {
                let last = to == end || to < whole || self.event.is_some();
                reached = either!(interval, network => network.advance(
                    &mut self.network,
                    &self.emission,
                    from,
                    to,
                    last,
                    control,
                    &mut self.recordings,
                ))
                .unwrap_or_else(&mut halted);
            }
            if let Some(event) = &mut self.event {
                let stopped = event.advance(
                    &mut self.network,
                    &self.emission,
                    from,
                    reached,
                    control,
                    &mut self.recordings,
                );
                reached = reached.min(stopped.unwrap_or_else(&mut halted));
            }
            record_stimuli(plans, &self.emission, from + 1, reached, &mut self.recordings);
            for (tap, rates) in &plans.rate_taps {
                record_rates(tap, rates, from + 1, reached, self.recordings.chunk(tap));
            }
            self.emission.land(reached);
            self.time = reached;
            control.steps_done.store((reached - begin) as u64, Ordering::Relaxed);
            self.emission.forget_before(self.needs_from(reached));
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }

    fn keep_taps(&mut self) {
        let mut taps: Vec<&Tap> =
            self.plans.iter().flat_map(|plans| &plans.rate_taps).map(|(tap, _)| tap).collect();
        if let Some(interval) = &self.interval {
            either!(interval, network => taps.extend(network.taps()));
        }
        taps.extend(self.event.iter().flat_map(PlusRule::taps));
        self.recordings.keep_taps(&taps);
    }

    fn store_states(&mut self) {
        if let Some(interval) = &self.interval {
            either!(interval, network => network.store_states(&mut self.network));
        }
        if let Some(event) = &self.event {
            event.store_states(&mut self.network, self.time);
        }
    }

    fn recorder(&self, node: NodeId) -> Result<(&NodeGroup, usize)> {
        let group = self.network.group_of(node).ok_or_else(|| {
            Error::new(ErrorCode::UnknownNode, format!("there is no node {node}")).value(node)
        })?;
        Ok((group, (node - group.first) as usize))
    }

    fn unit_of(&self, group: &NodeGroup, place: usize) -> TimeUnit {
        let in_steps = group.model.place("time_in_steps").is_some()
            && matches!(group.column("time_in_steps"), Column::Numbers(values) if values[place] != 0.0);
        self.unit(in_steps)
    }

    /// Number of events that a recorder holds.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn event_count(&self, recorder: NodeId) -> Result<usize> {
        self.recorder(recorder)?;
        Ok(self.recordings.spikes.get(&recorder).map_or(0, |held| held.stamps.len())
            + self.recordings.weights.get(&recorder).map_or(0, |held| held.stamps.len())
            + self.recordings.states.get(&recorder).map_or(0, |held| held.len(self.time - 1)))
    }

    /// A copy of what a recorder holds.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn events(&mut self, recorder: NodeId) -> Result<Events> {
        let (group, place) = self.recorder(recorder)?;
        let unit = self.unit_of(group, place);
        Ok(match group.model.class {
            NodeClass::SpikeRecorder => {
                self.recordings.spikes.get(&recorder).cloned().unwrap_or_default().into_events(unit)
            }
            NodeClass::WeightRecorder => {
                self.recordings.weights.get(&recorder).cloned().unwrap_or_default().into_events(unit)
            }
            NodeClass::Multimeter => {
                let recordables = record_from(group, place);
                self.recordings.states.entry(recorder).or_default().events(&recordables, unit, self.time - 1)
            }
            _ => return Err(not_a_recorder(group, recorder)),
        })
    }

    /// Moves out what a recorder holds; it is empty afterwards.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn take_events(&mut self, recorder: NodeId) -> Result<Events> {
        let (group, place) = self.recorder(recorder)?;
        let unit = self.unit_of(group, place);
        Ok(match group.model.class {
            NodeClass::SpikeRecorder => {
                self.recordings.spikes.remove(&recorder).unwrap_or_default().into_events(unit)
            }
            NodeClass::WeightRecorder => {
                self.recordings.weights.remove(&recorder).unwrap_or_default().into_events(unit)
            }
            NodeClass::Multimeter => {
                let recordables = record_from(group, place);
                self.recordings.states.entry(recorder).or_default().take(&recordables, unit, self.time - 1)
            }
            _ => return Err(not_a_recorder(group, recorder)),
        })
    }

    /// Drops what a recorder holds.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn clear_events(&mut self, recorder: NodeId) -> Result<()> {
        self.take_events(recorder).map(drop)
    }

    /// Norm of the gradient of the last update of the plastic projections between two sets of nodes, for figures.
    #[must_use]
    pub fn gradient_norm(&self) -> f64 {
        self.interval
            .as_ref()
            .map_or(0.0, |interval| {
                either!(interval, network => network.gradient_square_sums.values().sum::<f64>().sqrt())
            })
    }

    /// Moves out the norm of the gradient at each update of weights since the last call.
    pub fn take_gradient_norms(&mut self) -> Vec<f64> {
        self.interval.as_mut().map_or_else(
            Vec::new,
            |interval| either!(interval, network => std::mem::take(&mut network.gradient_norms)),
        )
    }

    /// Moves out how many spikes recurrent neurons sent in each update interval that has ended since the last call.
    pub fn take_interval_spikes(&mut self) -> Vec<u64> {
        self.interval.as_mut().map_or_else(
            Vec::new,
            |interval| either!(interval, network => std::mem::take(&mut network.interval_spikes)),
        )
    }

    /// Spikes of recurrent neurons so far, counted at the end of each interval.
    #[must_use]
    pub fn spike_count(&self) -> u64 {
        self.interval.as_ref().map_or(0, |interval| either!(interval, network => network.spike_count))
            + self.event.as_ref().map_or(0, PlusRule::spike_count)
    }
}

fn aborted(time: f64) -> Error {
    Error::new(ErrorCode::Aborted, format!("the simulation was cancelled at {time} ms"))
}

fn not_a_recorder(group: &NodeGroup, node: NodeId) -> Error {
    Error::new(ErrorCode::BadProperty, format!("node {node} records nothing"))
        .model(group.model_name.clone())
        .parameter("events")
}

fn record_stimuli(plans: &Plans, emission: &Emission, from: i64, to: i64, recordings: &mut Recordings) {
    for tap in &plans.stimulus_taps {
        let held = recordings.spikes.entry(tap.recorder).or_default();
        for stamp in (from..=to).filter(|stamp| tap.window.contains(*stamp)) {
            for (place, count) in emission.at(stamp).iter() {
                for _ in 0..u64::from(tap.listens[place as usize]) * u64::from(count) {
                    held.push(stamp, plans.stimulus_ids[place as usize]);
                }
            }
            for (place, train) in &tap.trains {
                let generator = plans.stimulus_ids[*place as usize];
                for _ in 0..emission.poisson_count(generator, *train, stamp) {
                    held.push(stamp, generator);
                }
            }
        }
    }
}

fn record_rates(tap: &Tap, rates: &[Amplitudes], from: i64, to: i64, chunk: &mut TapChunk) {
    for stamp in (from..=to).filter(|stamp| tap.window.contains(*stamp)) {
        chunk.stamps.push(stamp);
        for stream in &mut chunk.streams {
            stream.extend(rates.iter().map(|rate| rate.emitted(stamp)));
        }
    }
}
