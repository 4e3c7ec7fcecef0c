//! The door to the engine: describes, plans, simulates, records.

mod clocks;
mod cutoffs;
mod gathering;
mod memory;
mod plan;
mod recorders;
mod run;
mod saved;
mod sharing;
mod weights;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::error::{Error, ErrorCode, Result, Shown};
use crate::describe::connections::{ConnectionFilter, ConnectionHandle, ConnectionTable};
use crate::describe::extend::Changes;
use crate::describe::network::{Description, NodeId, Settled, Targets};
use crate::describe::times::time_list;
use crate::interval;
use crate::kernel::sharing::{IN_FILES, RECORD_TO, RECORDED_IN_MEMORY};
use crate::models::{NodeClass, NodeModel};
use crate::optimizer::{MomentChanges, Moments, SynapseKey};
use crate::plan::amplitudes::{self, HeldRate, HeldRates};
use crate::plan::probes::{SpikeTap, WeightTap};
use crate::plan::route::Route;
use crate::plan::stimulus::Stimuli;
use crate::plan::waveform::Waveform;
use crate::plus;
use crate::random::NestRandom;
use crate::record::{Recordings, Tap, TimeUnit};
use crate::rule::{Held, RuleEntry};
use crate::step::arrivals::Settlement;
use crate::step::emission::Emission;
use crate::tables::value::{Dict, Params, Value};

/// What follows from the description; made anew when that changes.
#[derive(Debug)]
struct Plans {
    version: u64,
    stimuli: Stimuli,
    stimulus_ids: Vec<NodeId>,
    stimulus_taps: Vec<SpikeTap>,
    waveform_taps: Vec<(Tap, Vec<Waveform>)>,
    /// Connections onto parrots that weight recorders look at.
    parrot_routes: Vec<Route>,
    weight_taps: Vec<WeightTap>,
}

/// The learning rules, in the order in which they are simulated.
const RULES: [RuleEntry; 2] = [interval::RULE, plus::RULE];
/// The place of the rule that learns once an update interval.
const INTERVAL: usize = 0;

/// A network, its state and its recordings. Kernels share nothing.
#[derive(Debug)]
pub struct Kernel {
    network: Description,
    random: NestRandom,
    /// Steps done.
    time: i64,
    plans: Option<Plans>,
    /// The neurons of each of [`RULES`], where there are any.
    rules: [Held; RULES.len()],
    emission: Emission,
    recordings: Recordings,
    /// Bytes that the last simulation was allowed to take.
    granted: u64,
    /// Amplitudes that rate generators had when their times were last set.
    held: HeldRates,
    /// Steps from which neurons that fire by the clock count; for a clock that stands still, as if time began anew when it
    /// goes on.
    clock_base: BTreeMap<NodeId, i64>,
    /// Tells neurons apart whose cutoffs have differed while they learned; 0 of those that are not listed.
    cutoff_classes: BTreeMap<NodeId, u32>,
    /// Spikes that neurons and parrots sent in the last simulation.
    sent_last: u64,
    /// A number that stands for all values that ranks compare, and the version of the description that has them.
    compared: Option<(u64, u64)>,
    /// Moments that were set since the last plan was made.
    moments: MomentChanges,
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
            rules: Default::default(),
            emission: Emission::default(),
            recordings: Recordings::default(),
            granted: 0,
            held: BTreeMap::new(),
            clock_base: BTreeMap::new(),
            cutoff_classes: BTreeMap::new(),
            moments: MomentChanges::new(),
            sent_last: 0,
            compared: None,
        }
    }

    /// Forgets everything but which neurons it is to have, where ranks share them.
    pub fn reset(&mut self) {
        *self = self.emptied();
    }

    /// A kernel in which nothing is described but which neurons it is to have, as this one, where ranks share them.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let mut kernel = Self::new();
        kernel.network.ownership = self.network.ownership;
        kernel
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
        let mut values = values.clone();
        if self.time == 0 && values.get("biological_time") == Some(&Value::Number(0.0)) {
            values.0.retain(|(name, _)| name != "biological_time");
        }
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
        self.network.set_kernel(&values)?;
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
                _ if !self.network.ownership.is_whole() => self.network.shown_count(projection),
                Targets::Dense { nodes, autapses: true } => nodes.len() * projection.sources.len(),
                Targets::Dense { nodes, autapses: false } => {
                    let holes = projection.sources.iter().filter(|s| nodes.binary_search(s).is_ok()).count();
                    nodes.len() * projection.sources.len() - holes
                }
                Targets::Sparse { nodes, .. } => nodes.len(),
            })
            .sum();
        let resolution = self.network.kernel.resolution;
        let delay = |steps: Option<u32>| Value::Number(f64::from(steps.unwrap_or(1)) * resolution);
        // A rule that drew nothing leaves a projection without connections; other ranks may have those of it.
        let is_whole = self.network.ownership.is_whole();
        let delays = || {
            let projections = self.network.projections.iter();
            projections.filter(|of| !of.weights.is_empty() || !is_whole).map(|of| of.delay)
        };
        self.network
            .get_kernel()
            .with("min_delay", delay(delays().min()))
            .with("max_delay", delay(delays().max()))
            .with("biological_time", Value::Number(self.time()))
            .with("network_size", Value::Number(self.node_count() as f64))
            .with("num_connections", Value::Number(connections as f64))
    }

    /// Does what adds nodes or connections; with its outcome, about how many bytes those take. What there was is not gone
    /// through, which would take long where a network is made in many calls.
    pub fn adding<T>(&mut self, add: impl FnOnce(&mut Self) -> Result<T>) -> (Result<T>, u64) {
        let (groups, projections) = (self.network.groups.len(), self.network.projections.len());
        let outcome = add(self);
        (outcome, self.network.bytes_from(groups, projections))
    }

    /// Creates nodes; returns the id of the first.
    ///
    /// # Errors
    /// If model or parameters are refused.
    pub fn create(&mut self, model: &str, n: f64, params: &Params) -> Result<NodeId> {
        self.refuse_values(self.network.node_model(model), params.dicts())?;
        self.before_change();
        let first = self.network.create(model, n, params, &mut self.random, self.time)?;
        if self.time > 0 {
            self.start_clocks(first..=self.node_count() as NodeId);
            // Times that are over count for nothing.
            if self
                .network
                .group_of(first)
                .is_some_and(|group| time_list(group.model).is_some_and(|list| list.values.is_some()))
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
            self.refuse_values(model, params.of(at))?;
        }
        self.before_change();
        let names = |name: &str| match params {
            Params::None => false,
            Params::Shared(values) => values.get(name).is_some(),
            Params::PerNode(list) => list.iter().any(|values| values.get(name).is_some()),
        };
        // A generator goes on with the amplitude it has until the first of its new times.
        let timed: Vec<NodeId> = nodes
            .iter()
            .copied()
            .filter(|node| {
                let list = self.network.group_of(*node).and_then(|group| time_list(group.model));
                list.is_some_and(|list| names(list.times))
            })
            .collect();
        let held = self.amplitudes_now(&timed);
        let emits = |node: &NodeId| {
            let class = self.network.group_of(*node).map(|group| group.model.class);
            class == Some(NodeClass::PoissonGenerator)
        };
        let settlements = if nodes.iter().any(emits) { self.settle_poisson() } else { Vec::new() };
        let clocks = self.clocks_before(nodes, params);
        let cutoffs = self.cutoffs_before(nodes, params);
        let moved: Vec<NodeId> = nodes
            .iter()
            .enumerate()
            .filter(|(at, _)| params.of(*at).is_some_and(|values| values.get("record_to").is_some()))
            .map(|(_, node)| *node)
            .collect();
        let backends = self.backends(&moved);
        self.network.set_nodes(nodes, params, &mut self.random, self.time)?;
        self.take_settlements(settlements);
        self.held.extend(held);
        self.go_on_with_clocks(&clocks);
        if let Some(before) = cutoffs {
            self.part_by_cutoffs(&before);
        }
        // As in NEST: what was recorded to somewhere else stays a number.
        for (node, (before, after)) in moved.iter().zip(backends.iter().zip(self.backends(&moved))) {
            if *before != after {
                self.write_events(*node)?;
            }
        }
        // Only recorders have a number of events, and the only one that it can be set to is 0.
        for (at, node) in nodes.iter().enumerate() {
            if params.of(at).is_some_and(|values| values.get("n_events").is_some()) {
                self.clear_events(*node)?;
            }
        }
        Ok(())
    }

    /// Has generators send spikes after those that they have been given and not yet sent: place `step * generators +
    /// generator`, counted from step `begin` on, ascending; repeats are several spikes at once. This is what setting
    /// `spike_times` does, without all that was sent.
    ///
    /// # Errors
    /// `ValueError` where a node has no spike times, or spikes are not in order or do not lie after the present and after
    /// what there is; `OutOfMemory`. Then nothing has changed.
    pub fn extend_spikes(&mut self, generators: &[NodeId], begin: i64, spikes: &[u32]) -> Result<()> {
        self.before_change();
        self.network.extend_spikes(generators, begin, spikes, self.time)
    }

    /// Has the amplitudes of generators change after the changes that they have been given, counted from step `begin` on: a
    /// list of changes for each generator.
    ///
    /// # Errors
    /// As [`Kernel::extend_spikes`]; `DimensionMismatch` where there is not a list of changes for each generator, or not a
    /// value for each step.
    pub fn extend_amplitudes(
        &mut self,
        generators: &[NodeId],
        begin: i64,
        changes: &[Changes<'_>],
    ) -> Result<()> {
        self.before_change();
        let held = self.amplitudes_now(generators);
        self.network.extend_amplitudes(generators, begin, changes, self.time)?;
        self.held.extend(held);
        Ok(())
    }

    /// The amplitudes that generators have at present: they go on with them until the first of new times.
    fn amplitudes_now(&self, nodes: &[NodeId]) -> Vec<(NodeId, HeldRate)> {
        nodes
            .iter()
            .filter_map(|node| {
                let amplitudes = amplitudes::amplitudes(&self.network, *node, &self.held)?;
                Some((*node, amplitudes.held_at(self.time)))
            })
            .collect()
    }

    /// A value of each of the nodes, in the user's units.
    ///
    /// # Errors
    /// If a node or the parameter does not exist.
    pub fn get_nodes(&self, nodes: &[NodeId], name: &str) -> Result<Vec<Value>> {
        if name == "n_events" {
            return nodes.iter().map(|node| Ok(Value::Number(self.events_had(*node)? as f64))).collect();
        }
        self.network.get_nodes(nodes, name)
    }

    /// Has the learning rates that synapse models have now count as set: a synapse's first call of its optimizer uses the
    /// first rate that was ever set, and to set the rate that there is sets nothing, as in NEST.
    pub fn hold_learning_rates(&mut self) {
        for model in &mut self.network.synapse_models {
            model.optimizer.hold_rate();
        }
    }

    /// Sets defaults of a node or synapse model.
    ///
    /// # Errors
    /// If the model is unknown or a value is refused.
    pub fn set_defaults(&mut self, model: &str, values: &Dict) -> Result<()> {
        self.refuse_values(self.network.node_model(model), Some(values))?;
        self.refuse_each_step_late(model, values)?;
        self.network.set_defaults(model, values)?;
        self.network.begin_feedback();
        // The weight of a homogeneous model is that of its connections.
        let weight = self.network.synapse_models.iter().find(|known| known.name == model).map(|of| of.weight);
        let connections = self.network.homogeneous_connections(model);
        if let (Some(weight), false) = (weight, connections.is_empty()) {
            let before = self.begin_setting(&connections);
            self.network.set_weights(&connections, weight);
            self.end_setting(&connections, before);
        }
        Ok(())
    }

    /// Takes connections away, before the network is simulated.
    ///
    /// # Errors
    /// `NotImplemented` afterwards, or where a connection does not exist.
    pub fn disconnect(&mut self, handles: &[ConnectionHandle]) -> Result<()> {
        self.refuse_shared("connections are not taken away", "connections")?;
        if self.time > 0 {
            let what = "connections can be taken away only before the network is simulated";
            return Err(Error::new(ErrorCode::NotImplemented, what)
                .value(format!("{} ms", Shown(self.time())))
                .bound("0 ms; a weight of 0 has the same effect on neurons"));
        }
        let mut moments = std::mem::take(&mut self.moments);
        for rule in self.rules.iter().flatten() {
            rule.for_each_moment(&mut |synapse, of| {
                let waiting = moments.entry(synapse).or_default();
                let all = of.with(*waiting);
                *waiting = (Some(all.first), Some(all.second));
            });
        }
        let moved = match self.network.disconnect(handles) {
            Ok(moved) => moved,
            Err(error) => {
                self.moments = moments;
                return Err(error);
            }
        };
        self.moments = moments
            .into_iter()
            .filter_map(|(synapse, of)| moved.get(&synapse).map(|now| (*now, of)))
            .collect();
        self.network.begin_feedback();
        // All there is of neurons are states that the user has set.
        self.rules = Default::default();
        self.plans = None;
        self.network.all_states_changed();
        Ok(())
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
        self.refuse_values(self.network.node_model(existing), Some(values))?;
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
        self.connect_collocated(sources, targets, rule, std::slice::from_ref(synapse))
    }

    /// Connects nodes by a rule, each pair with every one of the synapses.
    ///
    /// # Errors
    /// As [`Kernel::connect`].
    pub fn connect_collocated(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: &Dict,
        synapses: &[Dict],
    ) -> Result<()> {
        self.before_change();
        let known = self.network.projections.len();
        self.network.connect(sources, targets, rule, synapses, &mut self.random)?;
        self.network.note_connected(sources, targets, Some(rule), synapses);
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
        self.network.note_connected(sources, targets, None, std::slice::from_ref(synapse));
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
        let values = self.network.connection_values(handles, name)?;
        if name != "optimizer" {
            return Ok(values);
        }
        let place = |handle: &ConnectionHandle| (handle.projection as usize, handle.at());
        let mut held: BTreeMap<SynapseKey, Moments> =
            handles.iter().map(|handle| (place(handle), Moments::default())).collect();
        for rule in self.rules.iter().flatten() {
            rule.for_each_moment(&mut |synapse, moments| {
                if let Some(held) = held.get_mut(&synapse) {
                    *held = moments;
                }
            });
        }
        Ok(handles
            .iter()
            .map(|handle| {
                let synapse = self.network.projections[handle.projection as usize].synapse;
                if !self.network.synapse_models[synapse].optimizer.has_moments() {
                    return Value::Dict(Dict::new());
                }
                let waiting = self.moments.get(&place(handle)).copied().unwrap_or_default();
                let held = held[&place(handle)].with(waiting);
                Value::Dict(Dict::new().with("m", held.first).with("v", held.second))
            })
            .collect())
    }

    /// Sets values of connections.
    ///
    /// # Errors
    /// If a value is refused.
    pub fn set_connections(&mut self, handles: &[ConnectionHandle], values: &Params) -> Result<()> {
        self.refuse_settling(handles)?;
        let before = self.begin_setting(handles);
        for (connection, (first, second)) in self.network.set_connections(handles, values)? {
            let waiting = self.moments.entry(connection).or_default();
            *waiting = (first.or(waiting.0), second.or(waiting.1));
        }
        self.end_setting(handles, before);
        Ok(())
    }

    /// Weights of connections that are about to be set, and what is on its way over them.
    fn begin_setting(&mut self, handles: &[ConnectionHandle]) -> (Vec<f64>, Vec<Settlement>) {
        self.before_change();
        let projections = &self.network.projections;
        let weight = |handle: &ConnectionHandle| {
            let projection = projections.get(handle.projection as usize);
            projection.and_then(|projection| projection.weights.get(handle.at())).copied()
        };
        let before = handles.iter().map(|handle| weight(handle).unwrap_or(0.0)).collect();
        let changed: BTreeSet<usize> = handles.iter().map(|handle| handle.projection as usize).collect();
        (before, self.settle(changed))
    }

    fn end_setting(&mut self, handles: &[ConnectionHandle], before: (Vec<f64>, Vec<Settlement>)) {
        let (weights, settlements) = before;
        self.take_settlements(settlements);
        self.network.begin_feedback();
        for rule in self.rules.iter_mut().flatten() {
            rule.weights_were_set(&self.network, handles, &weights);
        }
    }

    /// New projections transmit what is emitted from now on.
    fn begin_projections(&mut self, known: usize) {
        self.network.begin_feedback();
        let settled = Settled { generators: self.time, neurons: self.time };
        for projection in &mut self.network.projections[known..] {
            projection.settled = settled;
            projection.made = self.time;
        }
    }

    /// Refuses values that this kernel does not take, or only before the first simulation.
    fn refuse_values<'a>(
        &self,
        model: Option<&NodeModel>,
        values: impl IntoIterator<Item = &'a Dict>,
    ) -> Result<()> {
        const UNIT: &str = "time_in_steps";
        for values in values {
            if values.get(RECORD_TO) == Some(&Value::Text(IN_FILES.into())) {
                self.refuse_shared(RECORDED_IN_MEMORY, RECORD_TO)?;
            }
            let late = model.filter(|model| self.time > 0 && model.place(UNIT).is_some());
            if let (Some(model), Some(value)) = (late, values.get(UNIT)) {
                let what = "the unit of times cannot be set once the network has been simulated";
                return Err(Error::new(ErrorCode::BadProperty, what)
                    .model(model.name)
                    .parameter(UNIT)
                    .value(value));
            }
        }
        Ok(())
    }

    /// Refuses another `optimize_each_step` of synapses that have been simulated. Windows of rows that were silent for long
    /// are gone through before their next spike, as this says.
    fn refuse_each_step_late(&self, model: &str, values: &Dict) -> Result<()> {
        const NAME: &str = "optimize_each_step";
        let network = &self.network;
        let place = network.synapse_model(model).ok();
        let Some(place) = place.filter(|place| self.time > 0 && network.is_in_use(*place)) else {
            return Ok(());
        };
        let given = match values.get("optimizer") {
            Some(Value::Dict(optimizer)) => optimizer.get(NAME),
            _ => None,
        };
        let held = network.synapse_models[place].optimizer.optimize_each_step;
        match given {
            Some(Value::Bool(given)) if *given != held => {
                let what = "it cannot be set once synapses of the model have been simulated";
                Err(Error::new(ErrorCode::BadProperty, what)
                    .model(model)
                    .parameter(format!("optimizer.{NAME}"))
                    .value(*given)
                    .bound(held.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// To be called before anything changes that steps already done were computed with.
    fn before_change(&mut self) {
        for rule in self.rules.iter_mut().flatten() {
            rule.before_change(&self.network, &self.emission);
        }
    }
}
