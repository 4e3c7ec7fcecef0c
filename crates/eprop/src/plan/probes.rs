//! Who records what.

use std::collections::BTreeMap;

use crate::describe::network::{Carries, Column, Description, NodeGroup, NodeId};
use crate::describe::population::{NodeIndex, Population};
use crate::models::NodeClass;
use crate::plan::stimulus::{Active, TrainKey};
use crate::plan::waveform::Waveform;
use crate::plan::wiring::Planning;
use crate::record::{Evaluation, Recordable, Tap, Window};

/// The recorders that listen to one population's spikes.
#[derive(Debug, Clone)]
pub struct SpikeTap {
    /// The recorder's node id.
    pub recorder: NodeId,
    /// Whether the neuron at a place is recorded, and how often.
    pub listens: Vec<u32>,
    /// Poisson generators that are recorded, by place, and the train that each connection carries.
    pub trains: Vec<(u32, TrainKey)>,
    /// Which stamps are kept.
    pub window: Window,
}

/// A weight recorder.
#[derive(Debug, Clone)]
pub struct WeightTap {
    /// The recorder's node id.
    pub recorder: NodeId,
    /// Presynaptic nodes to record (ascending); empty for all.
    pub senders: Vec<NodeId>,
    /// Postsynaptic nodes to record (ascending); empty for all.
    pub targets: Vec<NodeId>,
    /// Which stamps are kept.
    pub window: Window,
}

/// The window of a recorder.
#[must_use]
pub fn window(group: &NodeGroup, node: usize, resolution: f64) -> Window {
    let active = Active::of(group, node, resolution);
    let steps = |name: &str, otherwise: i64| {
        if group.model.place(name).is_some() {
            (group.numbers(name)[node] / resolution).round() as i64
        } else {
            otherwise
        }
    };
    Window {
        start: active.start,
        stop: active.stop,
        interval: steps("interval", 1).max(1),
        offset: steps("offset", 0),
        sequences: None,
    }
}

/// The recordables that a multimeter was told to record, in that order, each once.
#[must_use]
pub fn record_from(group: &NodeGroup, node: usize) -> Vec<Recordable> {
    let Column::TextLists(lists) = group.column("record_from") else { return Vec::new() };
    let mut recordables = Vec::new();
    for recordable in lists[node].iter().filter_map(|name| Recordable::by_name(name)) {
        if !recordables.contains(&recordable) {
            recordables.push(recordable);
        }
    }
    recordables
}

/// What multimeters record from a population.
#[must_use]
pub fn state_taps(planning: Planning<'_>, population: Population) -> Vec<Tap> {
    let Planning { network, index, evaluations, .. } = planning;
    let resolution = network.kernel.resolution;
    let window_of = |recorder: NodeId| {
        network.group_of(recorder).map(|group| window(group, (recorder - group.first) as usize, resolution))
    };
    // Nodes with the stamps up to which they are not yet recorded.
    let mut nodes_of: BTreeMap<(NodeId, i64), Vec<NodeId>> = BTreeMap::new();
    for projection in network.projections.iter().filter(|p| p.carries == Carries::FromMultimeter) {
        projection.for_each_pair(|recorder, node| {
            if index.place(node).0 == population {
                // With an offset, NEST takes no sample in the first step after the connection was made.
                let shifted = window_of(recorder).is_some_and(|window| window.offset != 0);
                let before = if shifted { projection.made + 1 } else { 0 };
                nodes_of.entry((recorder, before)).or_default().push(node);
            }
        });
    }
    nodes_of
        .into_iter()
        .filter_map(|((recorder, before), mut nodes)| {
            nodes.sort_unstable();
            nodes.dedup();
            let group = network.group_of(recorder)?;
            let place = (recorder - group.first) as usize;
            let recordables = record_from(group, place);
            let mut window = window(group, place, resolution);
            window.start = window.start.max(before);
            window.sequences = evaluations.get(&recorder).and_then(Evaluation::sequences);
            // As in NEST: who records nothing has no events.
            (!recordables.is_empty()).then(|| Tap {
                recorder,
                places: nodes.iter().map(|node| index.place(*node).1 as u32).collect(),
                held_places: nodes.iter().filter_map(|node| Some(index.held(*node)? as u32)).collect(),
                held: nodes.iter().copied().filter(|node| index.held(*node).is_some()).collect(),
                nodes,
                recordables,
                window,
            })
        })
        .collect()
}

/// What multimeters record from generators of rates and currents, with the signal of each that they record.
#[must_use]
pub fn waveform_taps(planning: Planning<'_>) -> Vec<(Tap, Vec<Waveform>)> {
    let Planning { network, held, .. } = planning;
    state_taps(planning, Population::Waveform)
        .into_iter()
        .map(|tap| {
            let signals = tap.nodes.iter().filter_map(|node| Waveform::of(network, *node, held)).collect();
            (tap, signals)
        })
        .collect()
}

/// How often each neuron of a population is heard, and the trains of Poisson generators that are.
type Heard = (Vec<u32>, Vec<(u32, TrainKey)>);

/// Which recorders listen to a population's spikes.
#[must_use]
pub fn spike_taps(network: &Description, index: &NodeIndex, population: Population) -> Vec<SpikeTap> {
    let mut listens: BTreeMap<NodeId, Heard> = BTreeMap::new();
    let places = index.len(population);
    let projections = network.projections.iter().enumerate();
    for (number, projection) in projections.filter(|(_, p)| p.carries == Carries::ToRecorder) {
        projection.for_each_entry(|node, recorder, entry| {
            let (from, place) = index.place(node);
            // Who is recorded is recorded where it is.
            if from != population || index.held(node).is_none() {
                return;
            }
            let (listens, trains) = listens.entry(recorder).or_insert_with(|| (vec![0; places], Vec::new()));
            let class = network.group_of(node).map(|group| group.model.class);
            if class == Some(NodeClass::PoissonGenerator) {
                trains.push((place as u32, TrainKey { projection: number, entry }));
            } else {
                listens[place] += 1;
            }
        });
    }
    listens
        .into_iter()
        .filter_map(|(recorder, (listens, trains))| {
            let group = network.group_of(recorder)?;
            let place = (recorder - group.first) as usize;
            let window = window(group, place, network.kernel.resolution);
            Some(SpikeTap { recorder, listens, trains, window })
        })
        .collect()
}

/// All weight recorders.
#[must_use]
pub fn weight_taps(network: &Description) -> Vec<WeightTap> {
    let mut taps = Vec::new();
    for group in network.groups.iter().filter(|group| group.model.class == NodeClass::WeightRecorder) {
        for node in 0..group.len {
            let nodes = |name: &str| match group.column(name) {
                Column::NodeLists(lists) => {
                    let mut nodes = lists[node].clone();
                    nodes.sort_unstable();
                    nodes
                }
                _ => Vec::new(),
            };
            taps.push(WeightTap {
                recorder: group.first + node as u32,
                senders: nodes("senders"),
                targets: nodes("targets"),
                window: window(group, node, network.kernel.resolution),
            });
        }
    }
    taps
}
