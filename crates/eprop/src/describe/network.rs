//! The network as described: groups of nodes and projections, names and units kept, values checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::describe::check::Cell;
use crate::describe::kernel_parameters::KernelParameters;
use crate::describe::ownership::Ownership;
use crate::models::NodeModel;

/// A node id; ids count from 1 in the order of creation.
pub type NodeId = u32;

/// The checked values of one parameter for all nodes of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers, truth values (0 or 1) or places in a list of choices, one a node.
    Numbers(Vec<f64>),
    /// A list of numbers a node.
    Lists(Vec<Arc<Vec<f64>>>),
    /// A text a node.
    Texts(Vec<String>),
    /// A list of texts a node.
    TextLists(Vec<Vec<String>>),
    /// Node ids a node.
    NodeLists(Vec<Vec<NodeId>>),
}

impl Column {
    /// About how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let text = |text: &String| size_of::<String>() + text.capacity();
        let bytes = match self {
            Self::Numbers(values) => values.capacity() * 8,
            // Lists that are shared are counted where they are held first.
            Self::Lists(lists) => {
                let own = lists.iter().enumerate().filter(|(node, list)| {
                    node.checked_sub(1).is_none_or(|before| !Arc::ptr_eq(&lists[before], list))
                });
                lists.capacity() * size_of::<Arc<Vec<f64>>>()
                    + own.map(|(_, list)| list.capacity() * 8).sum::<usize>()
            }
            Self::Texts(texts) => texts.iter().map(text).sum(),
            Self::TextLists(lists) => {
                let held =
                    |list: &Vec<String>| size_of::<Vec<String>>() + list.iter().map(text).sum::<usize>();
                lists.iter().map(held).sum()
            }
            Self::NodeLists(lists) => {
                lists.iter().map(|list| size_of::<Vec<NodeId>>() + list.capacity() * 4).sum()
            }
        };
        bytes as u64
    }
}

/// The nodes of one `Create` call.
#[derive(Debug, Clone)]
pub struct NodeGroup {
    /// The id of the first node; the others follow.
    pub first: NodeId,
    /// How many nodes there are.
    pub len: usize,
    /// The model's table.
    pub model: &'static NodeModel,
    /// The name it was created by (a copied model has its own).
    pub model_name: String,
    /// Values, one column per row of `model.parameters`, in that order.
    pub columns: Vec<Column>,
}

impl NodeGroup {
    /// The column of that parameter.
    ///
    /// # Panics
    /// If the model has no such parameter: a mistake of the engine, not of its user.
    #[must_use]
    pub fn column(&self, name: &str) -> &Column {
        let place = self.model.place(name).unwrap_or_else(|| panic!("{} has no {name}", self.model.name));
        &self.columns[place]
    }

    /// The numbers of that parameter, one a node.
    ///
    /// # Panics
    /// If it is not a parameter with a number: a mistake of the engine.
    #[must_use]
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.column(name) {
            Column::Numbers(values) => values,
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// The lists of that parameter, one a node.
    ///
    /// # Panics
    /// If it is not a parameter with a list of numbers: a mistake of the engine.
    #[must_use]
    pub fn lists(&self, name: &str) -> &[Arc<Vec<f64>>] {
        match self.column(name) {
            Column::Lists(values) => values,
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// Whether the group holds that node.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        node >= self.first && ((node - self.first) as usize) < self.len
    }
}

/// What a projection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Spikes, weighted and delayed, with weights that do not change.
    Spikes,
    /// Spikes over plastic synapses whose weights change once an update interval.
    PlasticPerInterval,
    /// Spikes over plastic synapses whose weights change at every spike (e-prop+).
    PlasticPerSpike,
    /// The learning signal from a readout to a recurrent neuron.
    LearningSignal,
    /// A rate: a target signal, a learning window, or the readouts' exponentials.
    Rate,
    /// Spikes to a spike recorder.
    ToRecorder,
    /// What a multimeter asks of a neuron.
    FromMultimeter,
    /// A current.
    Current,
}

/// The targets of each source of a projection. Rows belong to sources.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Each source reaches each of these nodes (ascending).
    Dense {
        /// The targets, ascending.
        nodes: Vec<NodeId>,
        /// Whether a node may connect to itself; if not, that place of the row holds weight 0 and is no synapse.
        autapses: bool,
    },
    /// Row `r` reaches `nodes[row_start[r]..row_start[r + 1]]` (ascending within a row; repeats are multapses).
    Sparse {
        /// One more entry than there are rows.
        row_start: Vec<usize>,
        /// Targets of all rows.
        nodes: Vec<NodeId>,
    },
}

/// Connections of one kind between sources of one class and targets of one class.
#[derive(Debug, Clone)]
pub struct Projection {
    /// The place of the synapse model in [`Description::synapse_models`].
    pub synapse: usize,
    /// What it carries.
    pub carries: Carries,
    /// The receptor it arrives at.
    pub receptor: u32,
    /// Delay in steps, at least 1.
    pub delay: u32,
    /// Time constant (ms) of the low-pass filter of the eligibility trace, where it was given.
    pub tau_m_readout: Option<f64>,
    /// The sources, ascending, each once: row `r` belongs to `sources[r]`.
    pub sources: Vec<NodeId>,
    /// The targets of each source.
    pub targets: Targets,
    /// Steps done when it was made: nothing is learned from spikes that were emitted before.
    pub made: i64,
    /// Current weights. Dense: `sources.len() * nodes.len()`, row after row; sparse: one per entry of `nodes`.
    pub weights: Vec<f64>,
    /// Spikes that it does not transmit any more, or never did.
    pub settled: Settled,
    /// How often its connections have been rewired.
    pub rewired: u32,
    /// Where new connections may end, ascending; empty where it is not rewired.
    pub candidates: Vec<NodeId>,
    /// Where ranks share neurons, one of the nodes that it ends at, whoever has it: this one may have none of them.
    pub onto: Option<NodeId>,
}

/// Stamps up to which a projection transmits nothing: spikes that were emitted before it was made, and those whose
/// weights were taken, at the emission, before they changed (`step::arrivals`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Of generators, which hand over a spike in the step in which they emit it.
    pub generators: i64,
    /// Of parrots and neurons, which hand it over when the next exchange of spikes begins.
    pub neurons: i64,
}

impl Projection {
    /// Calls `each` with source, target and entry of every connection.
    pub fn for_each_entry(&self, mut each: impl FnMut(NodeId, NodeId, usize)) {
        for (row, source) in self.sources.iter().enumerate() {
            match &self.targets {
                Targets::Dense { nodes, .. } => {
                    for (column, target) in nodes.iter().enumerate() {
                        each(*source, *target, row * nodes.len() + column);
                    }
                }
                Targets::Sparse { row_start, nodes } => {
                    for entry in row_start[row]..row_start[row + 1] {
                        each(*source, nodes[entry], entry);
                    }
                }
            }
        }
    }

    /// Takes entries away; tells which ones stay, in the order in which they are now.
    pub fn without(&mut self, gone: &BTreeSet<usize>) -> Vec<usize> {
        let autapses = !matches!(&self.targets, Targets::Dense { autapses: false, .. });
        let mut kept = Vec::new();
        let (mut sources, mut row_start, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        self.for_each_entry(|source, target, entry| {
            if gone.contains(&entry) || (!autapses && source == target) {
                return;
            }
            if sources.last() != Some(&source) {
                sources.push(source);
                row_start.push(nodes.len());
            }
            nodes.push(target);
            kept.push(entry);
        });
        row_start.push(nodes.len());
        self.weights = kept.iter().map(|entry| self.weights[*entry]).collect();
        self.sources = sources;
        self.targets = Targets::Sparse { row_start, nodes };
        kept
    }

    /// One of its targets, if it has any, at this rank or another.
    #[must_use]
    pub fn first_target(&self) -> Option<NodeId> {
        match &self.targets {
            Targets::Dense { nodes, .. } | Targets::Sparse { nodes, .. } => {
                nodes.first().copied().or(self.onto)
            }
        }
    }

    /// Bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let targets = match &self.targets {
            Targets::Dense { nodes, .. } => nodes.capacity() * 4,
            Targets::Sparse { row_start, nodes } => nodes.capacity() * 4 + row_start.capacity() * 8,
        };
        (self.weights.capacity() * 8 + self.sources.capacity() * 4 + targets) as u64
    }

    /// The source of an entry.
    #[must_use]
    pub fn source_of(&self, entry: usize) -> NodeId {
        match &self.targets {
            Targets::Dense { nodes, .. } => self.sources[entry / nodes.len()],
            Targets::Sparse { row_start, .. } => {
                self.sources[row_start.partition_point(|start| *start <= entry) - 1]
            }
        }
    }

    /// Goes through sources and targets, row after row.
    pub fn for_each_pair(&self, mut each: impl FnMut(NodeId, NodeId)) {
        for (row, source) in self.sources.iter().enumerate() {
            let targets = match &self.targets {
                Targets::Dense { nodes, .. } => nodes.as_slice(),
                Targets::Sparse { row_start, nodes } => &nodes[row_start[row]..row_start[row + 1]],
            };
            for target in targets {
                each(*source, *target);
            }
        }
    }

    /// The target of an entry.
    #[must_use]
    pub fn target_of(&self, entry: usize) -> NodeId {
        match &self.targets {
            Targets::Dense { nodes, .. } => nodes[entry % nodes.len()],
            Targets::Sparse { nodes, .. } => nodes[entry],
        }
    }
}

/// A synapse model with its common properties; those of a built-in model and of each copy are kept apart.
#[derive(Debug, Clone)]
pub struct SynapseModelState {
    /// The name it goes by.
    pub name: String,
    /// The table it follows.
    pub model: &'static crate::models::SynapseModel,
    /// Defaults for new connections: weight, delay (ms), receptor, `tau_m_readout`.
    pub weight: f64,
    /// Delay in ms.
    pub delay: f64,
    /// Receptor.
    pub receptor: u32,
    /// Time constant of the eligibility trace's filter (ms).
    pub tau_m_readout: f64,
    /// Whether `tau_m_readout` was ever set; if not, it follows from the network's readouts.
    pub tau_m_readout_set: bool,
    /// Divide an interval's gradient by the learning window.
    pub average_gradient: bool,
    /// The recorder that sees the weights, if any.
    pub weight_recorder: Option<NodeId>,
    /// The optimizer's properties, shared by all synapses of the model.
    pub optimizer: crate::optimizer::OptimizerProperties,
    /// What weights keep to, and which connections there are.
    pub rewiring: crate::rewiring::RewiringProperties,
    /// Where the weights of learning signals come from.
    pub feedback: crate::feedback::FeedbackProperties,
}

/// A node model with its defaults; those of a built-in model and of each copy are kept apart.
#[derive(Debug, Clone)]
pub struct NodeModelState {
    /// The name it goes by.
    pub name: String,
    /// The table it follows.
    pub model: &'static NodeModel,
    /// Defaults, one per row of the table.
    pub defaults: Vec<Cell>,
}

/// Everything that was described.
#[derive(Debug, Clone)]
pub struct Description {
    /// Kernel parameters.
    pub kernel: KernelParameters,
    /// Which neurons this process has: of projections, it keeps the connections onto those.
    pub ownership: Ownership,
    /// Groups of nodes in the order of creation.
    pub groups: Vec<NodeGroup>,
    /// Projections in the order in which they were made.
    pub projections: Vec<Projection>,
    /// Synapse models: the built-in ones, then copies.
    pub synapse_models: Vec<SynapseModelState>,
    /// Node models: the built-in ones, then copies.
    pub node_models: Vec<NodeModelState>,
    /// Nodes whose state the user has set since it was last taken over: place of the group, place in the group.
    pub state_changes: Vec<(usize, usize)>,
    /// Whether defaults of a model were set, or a model was copied: their times were given for the resolution then.
    pub defaults_set: bool,
    /// Raised by every change, so that a plan knows whether it still fits.
    pub version: u64,
    /// A number that stands for what was connected so far, where ranks share neurons: of that, each has its own.
    pub connected: u64,
}
