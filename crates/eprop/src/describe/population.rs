//! Which place in which array a node has.

use crate::describe::network::{Column, Description, NodeGroup, NodeId};
use crate::models::{NodeClass, Rule};

/// The arrays that nodes live in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// Spike sources that no neuron drives: generators and parrots.
    Stimulus,
    /// Recurrent neurons of a rule.
    Recurrent(Rule),
    /// Readouts of a rule.
    Readout(Rule),
    /// Generators of rates and currents.
    Waveform,
    /// Recorders.
    Recorder,
}

impl Population {
    /// The population that nodes of that group belong to.
    #[must_use]
    pub fn of(group: &NodeGroup) -> Self {
        match group.model.class {
            NodeClass::SpikeGenerator | NodeClass::PoissonGenerator | NodeClass::Parrot => Self::Stimulus,
            NodeClass::StepRateGenerator | NodeClass::CurrentGenerator => Self::Waveform,
            NodeClass::Recurrent => Self::Recurrent(group.model.rule),
            NodeClass::Readout => Self::Readout(group.model.rule),
            NodeClass::SpikeRecorder | NodeClass::Multimeter | NodeClass::WeightRecorder => Self::Recorder,
        }
    }
}

/// Node ids to places and back.
#[derive(Debug, Clone)]
pub struct NodeIndex {
    places: Vec<(Population, u32)>,
    members: Vec<(Population, Vec<NodeId>)>,
    /// Where ranks share neurons, the places of a node among those of its population that this one has.
    held: Option<Vec<u32>>,
}

impl NodeIndex {
    /// Numbers the nodes of each population in the order of their ids.
    #[must_use]
    pub fn new(network: &Description) -> Self {
        let mut index = Self { places: Vec::new(), members: Vec::new(), held: None };
        for group in &network.groups {
            let population = Population::of(group);
            let members = if let Some(place) = index.members.iter().position(|(p, _)| *p == population) {
                &mut index.members[place].1
            } else {
                index.members.push((population, Vec::new()));
                &mut index.members.last_mut().expect("just pushed").1
            };
            for offset in 0..group.len {
                index.places.push((population, members.len() as u32));
                members.push(group.first + offset as u32);
            }
        }
        if !network.ownership.is_whole() {
            let mut counts: Vec<(Population, u32)> = index.members.iter().map(|(of, _)| (*of, 0)).collect();
            let mut held = vec![u32::MAX; index.places.len()];
            for group in &network.groups {
                let population = Population::of(group);
                let Some((_, count)) = counts.iter_mut().find(|(of, _)| *of == population) else { continue };
                for offset in network.ownership.part(group) {
                    held[group.first as usize - 1 + offset] = *count;
                    *count += 1;
                }
            }
            index.held = Some(held);
        }
        index
    }

    /// The place of a node among those of its population that this process has; `None` where it has it not.
    #[must_use]
    pub fn held(&self, node: NodeId) -> Option<usize> {
        match &self.held {
            None => Some(self.places[node as usize - 1].1 as usize),
            Some(held) => {
                let place = held[node as usize - 1];
                (place != u32::MAX).then_some(place as usize)
            }
        }
    }

    /// The nodes of a population that this process has, by place.
    #[must_use]
    pub fn held_members(&self, population: Population) -> Vec<NodeId> {
        let members = self.members(population).iter().copied();
        members.filter(|node| self.held(*node).is_some()).collect()
    }

    /// Where ranks share the neurons of a population, the places among all of them of those that this one has.
    #[must_use]
    pub fn shared_places(&self, population: Population) -> Option<Vec<u32>> {
        self.held.as_ref()?;
        let members = (0..).zip(self.members(population));
        Some(members.filter(|(_, node)| self.held(**node).is_some()).map(|(place, _)| place).collect())
    }

    /// The population and place of a node.
    #[must_use]
    pub fn place(&self, node: NodeId) -> (Population, usize) {
        let (population, place) = self.places[node as usize - 1];
        (population, place as usize)
    }

    /// The nodes of a population, by place.
    #[must_use]
    pub fn members(&self, population: Population) -> &[NodeId] {
        self.members.iter().find(|(p, _)| *p == population).map_or(&[], |(_, members)| members)
    }

    /// How many nodes a population has.
    #[must_use]
    pub fn len(&self, population: Population) -> usize {
        self.members(population).len()
    }
}

/// The values of a parameter for all neurons of a population that this process has, by place.
#[must_use]
pub fn gather(network: &Description, population: Population, name: &str) -> Vec<f64> {
    groups_of(network, population)
        .flat_map(|group| group.numbers(name)[network.ownership.part(group)].iter().copied())
        .collect()
}

/// As [`gather`], of the neurons of all ranks.
#[must_use]
pub fn gather_all(network: &Description, population: Population, name: &str) -> Vec<f64> {
    groups_of(network, population).flat_map(|group| group.numbers(name).iter().copied()).collect()
}

/// As [`gather`], with a value for the models that do not have the parameter.
#[must_use]
pub fn gather_or(network: &Description, population: Population, name: &str, otherwise: f64) -> Vec<f64> {
    groups_of(network, population)
        .flat_map(|group| {
            let part = network.ownership.part(group);
            if group.model.place(name).is_some() {
                group.numbers(name)[part].to_vec()
            } else {
                vec![otherwise; part.len()]
            }
        })
        .collect()
}

/// The groups of a population, in order.
pub fn groups_of(network: &Description, population: Population) -> impl Iterator<Item = &NodeGroup> {
    network.groups.iter().filter(move |group| Population::of(group) == population)
}

/// Writes values by place into the columns of a population's groups, where their models have them.
pub(crate) fn store(network: &mut Description, population: Population, columns: &[(&str, &[f64])]) {
    let mut begin = 0;
    let ownership = network.ownership;
    for group in network.groups.iter_mut().filter(|group| Population::of(group) == population) {
        let part = ownership.part(group);
        let len = part.len();
        for (name, values) in columns {
            if let Some(place) = group.model.place(name)
                && let Column::Numbers(column) = &mut group.columns[place]
            {
                column[part.clone()].copy_from_slice(&values[begin..begin + len]);
            }
        }
        begin += len;
    }
}

/// State variables of a neuron as the user has set them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetState {
    /// Its population.
    pub population: Population,
    /// Its place there.
    pub place: usize,
    /// Voltage relative to the resting potential (mV).
    pub voltage: f64,
    /// Adaptation, of models that have one.
    pub adaptation: Option<f64>,
}

/// What the user has set of these nodes, as far as they are of one of the populations.
pub(crate) fn set_states<'a>(
    network: &'a Description,
    index: &'a NodeIndex,
    nodes: &'a [NodeId],
    populations: [Population; 2],
) -> impl Iterator<Item = SetState> + 'a {
    nodes.iter().filter_map(move |node| {
        let group = network.group_of(*node)?;
        let (population, place) = (index.place(*node).0, index.held(*node)?);
        let value = |name: &str| group.numbers(name)[(*node - group.first) as usize];
        populations.contains(&population).then(|| SetState {
            population,
            place,
            voltage: value("V_m") - value("E_L"),
            adaptation: group.model.dynamics.adapts.then(|| value("adaptation")),
        })
    })
}
