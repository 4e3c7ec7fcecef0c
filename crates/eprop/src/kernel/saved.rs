//! A kernel as named arrays, and back.

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::memory;
use crate::base::state::{Archive, Persist, State};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::describe::network::{Description, NodeId, Settled};
use crate::kernel::{Kernel, RULES};
use crate::models::NodeClass;
use crate::plan::amplitudes::HeldRate;
use crate::random::NestRandom;
use crate::record::Recordings;

impl Kernel {
    /// The kernel as it is between two calls: description, state and recordings. A kernel made from it by
    /// [`Kernel::restored`] goes on as this one does, to the bit. Of ranks that share neurons, each has a state of its own,
    /// and they go on together.
    ///
    /// # Errors
    /// As [`Kernel::memory`].
    pub fn state(&mut self) -> Result<State> {
        self.before_change();
        self.plan()?;
        memory::may_take(0, || 0, self.held_bytes(), "a copy of the kernel's state")?;
        let mut state = State::default();
        let is_part = !self.network.ownership.is_whole();
        self.persist(&mut Archive::writer(&mut state).of_part(is_part))?;
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
    ///
    /// # Errors
    /// `NotImplemented` where ranks share the neurons.
    pub fn network_state(&self) -> Result<State> {
        self.refuse_copy()?;
        let mut state = State::default();
        let mut network = self.network.at_rest();
        let written = Archive::writer(&mut state).within("network", |archive| network.persist(archive));
        written.expect("writing refuses nothing");
        Ok(state)
    }

    /// A kernel with the same nodes, at rest, and the same connections with their present weights; generators emit
    /// nothing.
    ///
    /// # Errors
    /// As [`Self::network_state`].
    pub fn at_rest(&self) -> Result<Self> {
        self.refuse_copy()?;
        Ok(Self::of_network(self.network.at_rest()))
    }

    fn refuse_copy(&self) -> Result<()> {
        self.refuse_shared("none of them has all of the network, so that it cannot be copied", "share")
    }

    pub(super) fn of_network(network: Description) -> Self {
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
        let kernel = Self::of_network(network.at_rest());
        kernel.refuse_copy()?;
        Ok(kernel)
    }

    pub(super) fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            network: _,
            random: _,
            time: _,
            plans: _,
            rules: _,
            emission: _,
            recordings: _,
            held: _,
            clock_base: _,
            cutoff_classes: _,
            granted: _,
            // It tells of a call.
            sent_last: _,
            compared: _,
            // They were handed on when the plan was made.
            moments: _,
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
        check_steps(archive, "held_since", since.values())?;
        let since = |node: &NodeId| since.get(node).copied().unwrap_or(0);
        self.held = amplitudes
            .into_iter()
            .map(|(node, amplitude)| (node, HeldRate { amplitude, since: since(&node) }))
            .collect();
        archive.map("clock_base", &mut self.clock_base)?;
        check_steps(archive, "clock_base", self.clock_base.values())?;
        if archive.has("cutoff_classes.keys", !self.cutoff_classes.is_empty()) {
            archive.map("cutoff_classes", &mut self.cutoff_classes)?;
        }
        let mut made: Vec<i64> = self.network.projections.iter().map(|projection| projection.made).collect();
        archive.fixed("connected_at", &mut made)?;
        if let Some(step) = made.iter().find(|step| !(0..=self.time).contains(*step)) {
            return Err(archive.misfit("connected_at", format!("step {step}")));
        }
        self.network.projections.iter_mut().zip(made).for_each(|(projection, made)| projection.made = made);
        if !archive.reads() {
            // Where a simulation was cut does not matter.
            self.emission.trim_before(self.needs_from(self.time));
        }
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
        for (rule, entry) in self.rules.iter_mut().zip(RULES) {
            if let Some(rule) = rule {
                archive.within(entry.name, |archive| rule.persist(&self.network, now, archive))?;
            }
        }
        let learned = self.rules.iter().flatten().map(|rule| rule.learns_from()).min();
        if archive.reads() && !self.emission.reaches_back_to(learned.unwrap_or(i64::MAX)) {
            return Err(archive.misfit("emission.first", "spikes that are still needed are not there"));
        }
        Ok(())
    }

    pub(super) fn persist_settled(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let projections = &mut self.network.projections;
        let mut generators: Vec<i64> = projections.iter().map(|p| p.settled.generators).collect();
        let mut neurons: Vec<i64> = projections.iter().map(|p| p.settled.neurons).collect();
        archive.fixed("settled.generators", &mut generators)?;
        archive.fixed("settled.neurons", &mut neurons)?;
        check_steps(archive, "settled", generators.iter().chain(&neurons))?;
        for (projection, (generators, neurons)) in
            projections.iter_mut().zip(generators.into_iter().zip(neurons))
        {
            projection.settled = Settled { generators, neurons };
        }
        Ok(())
    }

    /// Refuses recordings of what is no recorder.
    pub(super) fn check_recordings(&self, archive: &Archive<'_>) -> Result<()> {
        let is = |node: &NodeId, class: NodeClass| {
            self.network.group_of(*node).is_some_and(|group| group.model.class == class)
        };
        let Recordings { spikes, states, weights, evaluations, gone } = &self.recordings;
        let fit = spikes.keys().all(|node| is(node, NodeClass::SpikeRecorder))
            && weights.keys().all(|node| is(node, NodeClass::WeightRecorder))
            && evaluations.keys().all(|node| is(node, NodeClass::Multimeter))
            && gone.iter().all(|(node, count)| self.recorder(*node).is_ok() && *count >= 0)
            && states.iter().all(|(node, held)| {
                is(node, NodeClass::Multimeter) && held.chunks.iter().all(|(tap, _)| tap.recorder == *node)
            });
        if fit { Ok(()) } else { Err(archive.misfit("recordings", "of what is no such recorder")) }
    }
}

/// Refuses steps, counted from the begin or from some step on, that no simulation comes to.
fn check_steps<'a>(
    archive: &Archive<'_>,
    name: &str,
    mut steps: impl Iterator<Item = &'a i64>,
) -> Result<()> {
    let last = LAST_STEP as i64;
    match steps.find(|step| !(-last..=last).contains(*step)) {
        Some(step) => Err(archive.misfit(name, format!("step {step}"))),
        None => Ok(()),
    }
}
