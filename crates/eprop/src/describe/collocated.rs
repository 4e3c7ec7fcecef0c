//! Several synapses for each pair of nodes that a rule connects.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::connect::{Drawn, PerConnection, Synapse};
use crate::describe::network::{Description, NodeId, Projection};
use crate::describe::rules::Chosen;
use crate::random::NestRandom;
use crate::tables::value::Dict;

impl Description {
    /// Connects nodes by a rule, each pair with a synapse of each kind.
    ///
    /// # Errors
    /// What is wrong with nodes, rule, synapse models or parameters.
    pub fn connect_collocated(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: &Dict,
        synapses: &[Dict],
        random: &mut NestRandom,
    ) -> Result<()> {
        let chosen = Chosen::new(rule)?;
        if chosen.symmetric {
            return self.both_ways(rule, random, |this, rule, back, generator| {
                let (from, to) = if back { (targets, sources) } else { (sources, targets) };
                this.connect_collocated(from, to, rule, synapses, generator)
            });
        }
        if synapses.is_empty() {
            return Err(Error::new(ErrorCode::ValueError, "there are no synapses to connect with")
                .parameter("synapse")
                .value("an empty list")
                .bound("at least one synapse"));
        }
        self.check_ends(sources, targets)?;
        let synapses: Vec<Synapse<'_>> =
            synapses.iter().map(|synapse| self.synapse(synapse)).collect::<Result<_>>()?;
        self.may_connect(&chosen, sources, targets, &synapses)?;
        let mut generator = random.clone();
        let made = self.drawn(&chosen, (sources, targets), &synapses, &mut generator)?;
        self.add(made)?;
        *random = generator;
        Ok(())
    }

    /// Connects both ways, or not at all. `connect` is told whether it goes back.
    pub(super) fn both_ways(
        &mut self,
        rule: &Dict,
        random: &mut NestRandom,
        connect: impl Fn(&mut Self, &Dict, bool, &mut NestRandom) -> Result<()>,
    ) -> Result<()> {
        let mut generator = random.clone();
        let known = self.projections.len();
        let rule = Dict(rule.0.iter().filter(|(name, _)| name != "make_symmetric").cloned().collect());
        connect(self, &rule, false, &mut generator)?;
        if let Err(error) = connect(self, &rule, true, &mut generator) {
            self.projections.truncate(known);
            return Err(error);
        }
        *random = generator;
        Ok(())
    }

    /// Refuses nodes that cannot be the ends of a call's connections.
    pub(super) fn check_ends(&self, sources: &[NodeId], targets: &[NodeId]) -> Result<()> {
        for (nodes, what) in [(sources, "sources"), (targets, "targets")] {
            if nodes.is_empty() {
                return Err(Error::new(ErrorCode::IllegalConnection, "there is nothing to connect")
                    .parameter(what)
                    .value("no nodes")
                    .bound("at least one node"));
            }
            let mut sorted = nodes.to_vec();
            sorted.sort_unstable();
            if let Some([node, ..]) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Error::new(ErrorCode::ValueError, "a node is named twice")
                    .parameter(what)
                    .value(format!("node {node}"))
                    .bound("each node once, or pairs of node ids"));
            }
            nodes.iter().try_for_each(|node| self.population(*node).map(drop))?;
        }
        Ok(())
    }

    /// The connections of a rule, pair by pair, with all their synapses.
    pub(super) fn drawn(
        &self,
        chosen: &Chosen,
        (sources, targets): (&[NodeId], &[NodeId]),
        synapses: &[Synapse<'_>],
        generator: &mut NestRandom,
    ) -> Result<Vec<Projection>> {
        let shape = chosen.shape(sources.len(), targets.len());
        for synapse in synapses {
            for (name, value) in [("weight", &synapse.weight), ("delay", &synapse.delay)] {
                if let PerConnection::Each(_, given) = value
                    && (chosen.rule.dense || given.is_some())
                {
                    self.check_shape(synapse, name, *given, shape)?;
                }
            }
        }
        let empty = || Drawn { pairs: Vec::new(), weights: Vec::new(), delays: Vec::new() };
        let mut all: Vec<Drawn> = synapses.iter().map(|_| empty()).collect();
        let mut failure = Ok(());
        chosen.draw(sources, targets, generator, &mut |random, source, target| {
            for (synapse, drawn) in synapses.iter().zip(&mut all) {
                drawn.pairs.push((sources[source], targets[target]));
                // The order in which NEST draws.
                synapse.delay.draw(random, &mut drawn.delays, &mut failure);
                synapse.weight.draw(random, &mut drawn.weights, &mut failure);
                if chosen.rule.dense {
                    let place = target * sources.len() + source;
                    synapse.delay.look_up(place, &mut drawn.delays);
                    synapse.weight.look_up(place, &mut drawn.weights);
                }
            }
        })?;
        failure?;
        let mut made = Vec::new();
        for (synapse, drawn) in synapses.iter().zip(&all) {
            made.append(&mut self.listed(drawn, synapse)?);
        }
        Ok(made)
    }
}
