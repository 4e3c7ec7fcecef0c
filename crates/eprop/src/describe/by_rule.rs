//! What connects nodes by a rule: its ends, both directions, and the synapses of each pair that it draws.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::connect::LISTED;
use crate::describe::listing::{Ends, Listing};
use crate::describe::network::{Description, NodeId, Projection};
use crate::describe::per_connection::{PerConnection, Synapse};
use crate::describe::rules::Chosen;
use crate::random::NestRandom;
use crate::tables::value::{Dict, Value};

/// Connections of a call that is of unknown size, before it is looked whether more fit into memory.
const FIRST_LOOK: usize = 1 << 16;

impl Description {
    /// Connects both ways, or not at all.
    pub(super) fn connect_both_ways(
        &mut self,
        (sources, targets): (&[NodeId], &[NodeId]),
        rule: &Dict,
        synapses: &[Dict],
        random: &mut NestRandom,
    ) -> Result<()> {
        let drawn = synapses
            .iter()
            .flat_map(|synapse| &synapse.0)
            .find(|(_, value)| matches!(value, Value::Random(_)));
        if let Some((name, _)) = drawn {
            let what = "both directions of a symmetric connection have the same values";
            return Err(Error::new(ErrorCode::NotImplemented, what)
                .parameter(name.clone())
                .value("a random parameter")
                .bound("a number"));
        }
        let mut generator = random.clone();
        let known = self.projections.len();
        let rule = Dict(rule.0.iter().filter(|(name, _)| name != "make_symmetric").cloned().collect());
        self.connect(sources, targets, &rule, synapses, &mut generator)?;
        if let Err(error) = self.connect(targets, sources, &rule, synapses, &mut generator) {
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
            for (name, value) in synapse.values() {
                if let PerConnection::Each(_, given) = value
                    && (chosen.rule.dense || given.is_some())
                {
                    self.check_shape(synapse, name, *given, shape)?;
                }
            }
        }
        let (from, to) = (Ends::of(self, sources)?, Ends::of(self, targets)?);
        let mut all: Vec<Listing<'_>> = synapses.iter().map(|synapse| Listing::new(self, synapse)).collect();
        let each = LISTED.saturating_mul(synapses.len() as u64);
        chosen.draw(sources, targets, generator, &mut |random, source, target| {
            let kept = all[0].kept;
            for (synapse, listing) in synapses.iter().zip(&mut all) {
                let drawn = synapse.draw(random)?;
                let place = if chosen.rule.dense { target * sources.len() + source } else { listing.count };
                listing.connect((&from, source), (&to, target), drawn.or_listed(synapse, place))?;
            }
            let made = all[0].kept;
            if chosen.drawn.is_some() && made > kept && made >= FIRST_LOOK && made.is_power_of_two() {
                // How many there will be, nobody knows beforehand.
                self.may_take(
                    each.saturating_mul(2 * made as u64),
                    &format!("more than {made} connections"),
                )?;
            }
            Ok(())
        })?;
        let mut made = Vec::new();
        for listing in all {
            made.append(&mut listing.made()?);
        }
        Ok(made)
    }
}
