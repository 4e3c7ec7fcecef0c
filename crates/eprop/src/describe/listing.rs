//! Connections as a rule lists them, one after the other: sorted into projections, of which a rank keeps its own.

use crate::base::error::Result;
use crate::describe::check;
use crate::describe::connect::NodeKey;
use crate::describe::network::{Carries, Description, NodeGroup, NodeId, Projection, Settled, Targets};
use crate::describe::per_connection::{Known, Synapse};
use crate::describe::population::Population;
use crate::models::NodeClass;
use crate::tables::parameter::Parameter;

/// The nodes at one end of a call's connections.
pub(super) struct Ends<'a> {
    nodes: &'a [NodeId],
    keys: Vec<NodeKey>,
    /// Whether this process has a node.
    held: Vec<bool>,
    /// Whether a node is a multimeter: all ranks know what recorders are connected with.
    meters: Vec<bool>,
}

impl<'a> Ends<'a> {
    /// These nodes.
    ///
    /// # Errors
    /// `UnknownNode` where there is no such node.
    pub(super) fn of(network: &Description, nodes: &'a [NodeId]) -> Result<Self> {
        let mut ends = Self {
            nodes,
            keys: Vec::with_capacity(nodes.len()),
            held: Vec::with_capacity(nodes.len()),
            meters: Vec::with_capacity(nodes.len()),
        };
        let mut last = None;
        for node in nodes {
            let group = if let Some(group) = last.filter(|group: &&NodeGroup| group.contains(*node)) {
                group
            } else {
                network.population(*node)?;
                network.group_of(*node).expect("a node of a population is of a group")
            };
            last = Some(group);
            ends.keys.push(NodeKey::of(Population::of(group)));
            ends.held.push(network.ownership.has(group, *node));
            ends.meters.push(group.model.class == NodeClass::Multimeter);
        }
        Ok(ends)
    }
}

/// Delay in steps, receptor, and the populations of both ends.
type Key = (u32, u32, NodeKey, NodeKey);

/// Connections of one projection, in the order in which they came.
#[derive(Default)]
struct Part {
    sources: Vec<NodeId>,
    targets: Vec<NodeId>,
    weights: Vec<f64>,
    /// Where ranks share neurons: the sources of all connections, a bit each, and targets, one of each group. All ranks
    /// have the same rows.
    heard: Vec<u64>,
    met: Vec<NodeId>,
}

/// The connections of a call with one of its synapses.
pub(super) struct Listing<'a> {
    network: &'a Description,
    synapse: &'a Synapse<'a>,
    name: &'a str,
    receptor: &'static Parameter,
    /// Few; that of the last connection is asked first.
    parts: Vec<(Key, Part)>,
    last: usize,
    /// A delay and a receptor as they were given, and what they come to.
    rounded: Option<((f64, u32), (f64, u32))>,
    /// How many connections there are, at all ranks.
    pub(super) count: usize,
    /// How many of them are kept.
    pub(super) kept: usize,
}

impl<'a> Listing<'a> {
    /// None yet.
    pub(super) fn new(network: &'a Description, synapse: &'a Synapse<'a>) -> Self {
        let state = &network.synapse_models[synapse.model];
        let receptor = state.model.parameter("receptor_type").expect("every synapse has a receptor");
        Self {
            network,
            synapse,
            name: &state.name,
            receptor,
            parts: Vec::new(),
            last: 0,
            rounded: None,
            count: 0,
            kept: 0,
        }
    }

    /// Takes a connection between nodes at places of a call's lists.
    ///
    /// # Errors
    /// Where a value is refused.
    pub(super) fn connect(
        &mut self,
        (from, source): (&Ends<'_>, usize),
        (to, target): (&Ends<'_>, usize),
        values: Known,
    ) -> Result<()> {
        self.count += 1;
        let (delay, receptor) = self.rounded(values.delay, values.receptor)?;
        let key = (delay, receptor, from.keys[source], to.keys[target]);
        if self.parts.get(self.last).is_none_or(|(known, _)| *known != key) {
            self.last = self.parts.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                self.parts.push((key, Part::default()));
                self.parts.len() - 1
            });
        }
        let part = &mut self.parts[self.last].1;
        let (source_id, target_id) = (from.nodes[source], to.nodes[target]);
        if !self.network.ownership.is_whole() {
            part.note(self.network, source_id, target_id);
            if !to.held[target] && !from.meters[source] {
                // An error is one of all ranks.
                return self.network.check_weight(self.synapse.model, values.weight);
            }
        }
        self.kept += 1;
        part.sources.push(source_id);
        part.targets.push(target_id);
        part.weights.push(values.weight);
        Ok(())
    }

    fn rounded(&mut self, delay: f64, receptor: f64) -> Result<(u32, u32)> {
        if let Some(((of, steps), (given, checked))) = self.rounded
            && of.to_bits() == delay.to_bits()
            && given.to_bits() == receptor.to_bits()
        {
            return Ok((steps, checked));
        }
        let steps = self.network.rounded_steps(self.name, delay)?;
        let checked = check::number(self.name, self.receptor, receptor)? as u32;
        self.rounded = Some(((delay, steps), (receptor, checked)));
        Ok((steps, checked))
    }

    /// The projections.
    ///
    /// # Errors
    /// Where there is a list of values of another length, or nodes cannot be connected so.
    pub(super) fn made(mut self) -> Result<Vec<Projection>> {
        self.synapse.check_lists(self.name, self.count)?;
        self.parts.sort_by_key(|(key, _)| *key);
        let mut made = Vec::new();
        for ((delay, receptor, _, _), part) in std::mem::take(&mut self.parts) {
            let link = self.network.link(self.synapse, delay, f64::from(receptor));
            let met = part.met.clone();
            let (sources, targets, weights) = part.by_row();
            let Targets::Sparse { nodes, .. } = &targets else { unreachable!("a list is sparse") };
            let ends = if self.network.ownership.is_whole() { nodes } else { &met };
            let carries: Carries = self.network.carries(&link, &sources, ends)?;
            made.push(Projection {
                synapse: self.synapse.model,
                carries,
                receptor,
                delay,
                tau_m_readout: self.synapse.tau_m_readout,
                made: 0,
                sources,
                targets,
                weights,
                settled: Settled::default(),
                rewired: 0,
                candidates: Vec::new(),
                onto: met.first().copied(),
            });
        }
        Ok(made)
    }
}

impl Part {
    /// Notes a connection, whether it is kept or not.
    fn note(&mut self, network: &Description, source: NodeId, target: NodeId) {
        let (word, bit) = (source as usize / 64, source % 64);
        if word >= self.heard.len() {
            self.heard.resize(word + 1, 0);
        }
        self.heard[word] |= 1 << bit;
        let known = |of: &NodeId| network.group_of(*of).is_some_and(|group| group.contains(target));
        if !self.met.last().is_some_and(known) && !self.met.iter().any(known) {
            self.met.push(target);
        }
    }

    /// The sources, ascending; their rows, targets ascending; and the weights. Connections of the same nodes stay in their
    /// order.
    fn by_row(self) -> (Vec<NodeId>, Targets, Vec<f64>) {
        let Self { sources, targets, weights, heard, .. } = self;
        let rows = if heard.is_empty() {
            let mut rows = sources.clone();
            if !rows.is_sorted() {
                rows.sort_unstable();
            }
            rows.dedup();
            rows.shrink_to_fit();
            rows
        } else {
            let ids = |(word, bits): (usize, &u64)| {
                let bits = *bits;
                (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| (word * 64 + bit) as NodeId)
            };
            heard.iter().enumerate().flat_map(ids).collect()
        };
        let first = rows.first().copied().unwrap_or(0);
        let span = rows.last().map_or(0, |last| (last - first) as usize + 1);
        // Many calls with few connections each need not go through all nodes.
        let mut map = Vec::new();
        if span <= 8 * sources.len() {
            map = vec![0_u32; span];
            for (row, source) in rows.iter().enumerate() {
                map[(source - first) as usize] = row as u32;
            }
        }
        let row_of = |source: NodeId| match map.get((source - first) as usize) {
            Some(row) => *row as usize,
            None => rows.binary_search(&source).expect("every source has a row"),
        };
        let mut row_start = vec![0; rows.len() + 1];
        for source in &sources {
            row_start[row_of(*source) + 1] += 1;
        }
        for row in 0..rows.len() {
            row_start[row + 1] += row_start[row];
        }
        let (mut nodes, mut values) = (vec![0; targets.len()], vec![0.0; targets.len()]);
        let mut next = row_start.clone();
        for ((source, target), weight) in sources.iter().zip(&targets).zip(&weights) {
            let at = &mut next[row_of(*source)];
            nodes[*at] = *target;
            values[*at] = *weight;
            *at += 1;
        }
        drop((sources, targets, weights, next));
        for row in row_start.windows(2) {
            let (nodes, values) = (&mut nodes[row[0]..row[1]], &mut values[row[0]..row[1]]);
            if nodes.is_sorted() {
                continue;
            }
            let mut pairs: Vec<(NodeId, f64)> = nodes.iter().copied().zip(values.iter().copied()).collect();
            pairs.sort_by_key(|(target, _)| *target);
            for ((node, value), pair) in nodes.iter_mut().zip(values).zip(pairs) {
                (*node, *value) = pair;
            }
        }
        (rows, Targets::Sparse { row_start, nodes }, values)
    }
}
