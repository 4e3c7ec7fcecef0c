//! Projections as the simulation sees them: source place to row, row to target places.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Description, NodeId, Projection, Settled, Targets};
use crate::describe::population::{NodeIndex, Population};
use crate::models::{NodeClass, spike_train_injector};

/// Place of a source in its population to its row in a projection.
#[derive(Debug, Clone)]
pub enum Rows {
    /// Consecutive places: row = place - first.
    Range {
        /// Place of row 0.
        first: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Any places; `u32::MAX` for those without a row.
    Map(Vec<u32>),
}

impl Rows {
    fn new(places: &[usize]) -> Self {
        let first = places.first().copied().unwrap_or(0);
        if places.iter().enumerate().all(|(row, place)| *place == first + row) {
            return Self::Range { first, rows: places.len() };
        }
        let mut map = vec![u32::MAX; places.iter().max().map_or(0, |last| last + 1)];
        for (row, place) in places.iter().enumerate() {
            map[*place] = row as u32;
        }
        Self::Map(map)
    }

    /// The place of the source of a row.
    #[must_use]
    pub fn place(&self, row: usize) -> Option<usize> {
        match self {
            Self::Range { first, rows } => (row < *rows).then_some(first + row),
            Self::Map(map) => map.iter().position(|other| *other as usize == row),
        }
    }

    /// The row of the source at that place, if it has one.
    #[must_use]
    #[inline]
    pub fn row(&self, place: u32) -> Option<usize> {
        match self {
            Self::Range { first, rows } => {
                let row = (place as usize).wrapping_sub(*first);
                (row < *rows).then_some(row)
            }
            Self::Map(map) => {
                map.get(place as usize).filter(|row| **row != u32::MAX).map(|row| *row as usize)
            }
        }
    }
}

/// Where the entries of a row go.
#[derive(Debug, Clone)]
pub enum Columns {
    /// Every row reaches the places from `first` on.
    Range {
        /// Place of the first target.
        first: usize,
        /// Number of targets.
        len: usize,
    },
    /// Every row reaches these places.
    Scattered(Vec<u32>),
    /// Each row has places of its own.
    Sparse {
        /// Where each row begins; one more entry than rows.
        row_start: Vec<usize>,
        /// Target places of all rows.
        places: Vec<u32>,
    },
}

/// A projection between two populations.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its place in [`Description::projections`], where its weights live.
    pub projection: usize,
    /// The synapse model.
    pub synapse: usize,
    /// Whether its weights learn.
    pub plastic: bool,
    /// Where spikes come from.
    pub source: Population,
    /// Delay in steps.
    pub delay: usize,
    /// Stamps up to this one are those of spikes that its synapses have not seen.
    pub made: i64,
    /// Number of rows.
    pub row_count: usize,
    /// Source places to rows.
    pub rows: Rows,
    /// Rows to target places.
    pub columns: Columns,
    /// Entries that are no synapse: places in the weights of a dense projection without autapses.
    pub holes: Vec<usize>,
    /// Where a weight recorder looks at it.
    pub weight_recorder: Option<NodeId>,
    /// Whether the sources are Poisson generators, which send each target a train of its own.
    pub poisson: bool,
    /// Spikes that it does not transmit.
    pub settled: Settled,
    /// Per row, whether its source is a generator; empty where none is.
    generators: Vec<bool>,
}

impl Route {
    /// The entries of a row in the weights.
    #[must_use]
    #[inline]
    pub fn entries(&self, row: usize) -> std::ops::Range<usize> {
        match &self.columns {
            Columns::Range { len, .. } => row * len..(row + 1) * len,
            Columns::Scattered(places) => row * places.len()..(row + 1) * places.len(),
            Columns::Sparse { row_start, .. } => row_start[row]..row_start[row + 1],
        }
    }

    /// Whether it transmits the spikes of a stamp, whichever source sends them.
    #[must_use]
    #[inline]
    pub fn transmits_all(&self, stamp: i64) -> bool {
        stamp > self.settled.generators && stamp > self.settled.neurons
    }

    /// Whether it transmits the spikes of a stamp from the source of a row.
    #[must_use]
    #[inline]
    pub fn transmits(&self, row: usize, stamp: i64) -> bool {
        stamp > if self.is_generator(row) { self.settled.generators } else { self.settled.neurons }
    }

    /// Whether the source of a row is a generator.
    #[must_use]
    pub fn is_generator(&self, row: usize) -> bool {
        self.generators.get(row).copied().unwrap_or(false)
    }

    /// The target place of an entry of a row.
    #[must_use]
    pub fn target(&self, row: usize, entry: usize) -> usize {
        match &self.columns {
            Columns::Range { first, len } => first + entry - row * len,
            Columns::Scattered(places) => places[entry - row * places.len()] as usize,
            Columns::Sparse { places, .. } => places[entry] as usize,
        }
    }

    /// Whether the entry of a row that goes to a place is no synapse.
    #[must_use]
    pub fn has_hole(&self, row: usize, place: usize) -> bool {
        let entries = self.entries(row);
        let begin = self.holes.partition_point(|hole| *hole < entries.start);
        let mut holes = self.holes[begin..].iter().take_while(|hole| **hole < entries.end);
        holes.any(|hole| self.target(row, *hole) == place)
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let rows = match &self.rows {
            Rows::Range { .. } => 0,
            Rows::Map(map) => size_of_val(&map[..]),
        };
        let columns = match &self.columns {
            Columns::Range { .. } => 0,
            Columns::Scattered(places) => size_of_val(&places[..]),
            Columns::Sparse { row_start, places } => size_of_val(&row_start[..]) + size_of_val(&places[..]),
        };
        rows + columns + size_of_val(&self.holes[..])
    }

    /// How many entries all rows have.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        match &self.columns {
            Columns::Range { len, .. } => self.row_count * len,
            Columns::Scattered(places) => self.row_count * places.len(),
            Columns::Sparse { places, .. } => places.len(),
        }
    }
}

/// Refuses Poisson generators on plastic synapses.
///
/// # Errors
/// `NotImplemented` where there is one.
pub fn refuse_plastic_poisson<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Result<()> {
    if routes.into_iter().any(|route| route.plastic && route.poisson) {
        return Err(Error::new(
            ErrorCode::NotImplemented,
            "a poisson_generator sends each target a train of its own, so it cannot drive plastic synapses; put a \
             parrot_neuron between",
        )
        .model("poisson_generator"));
    }
    Ok(())
}

/// The spike projections onto a population, in the order in which their weights are summed: by the first source,
/// then by the order of connection.
#[must_use]
pub fn spike_routes_onto(network: &Description, index: &NodeIndex, target: Population) -> Vec<Route> {
    let mut routes: Vec<(NodeId, Route)> = network
        .projections
        .iter()
        .enumerate()
        .filter(|(_, projection)| {
            matches!(
                projection.carries,
                Carries::Spikes | Carries::PlasticPerInterval | Carries::PlasticPerSpike
            )
        })
        .filter_map(|(place, projection)| {
            let first_target = match &projection.targets {
                Targets::Dense { nodes, .. } | Targets::Sparse { nodes, .. } => *nodes.first()?,
            };
            let first_source = *projection.sources.first()?;
            (index.place(first_target).0 == target)
                .then(|| (first_source, route(network, index, place, index.place(first_source).0)))
        })
        .collect();
    routes.sort_by_key(|(first, route)| (*first, route.projection));
    routes.into_iter().map(|(_, route)| route).collect()
}

/// The longest delay (steps) of the spike projections onto two populations, of those from a population where it is given,
/// whichever rank has their connections; 1 where there are none.
#[must_use]
pub fn longest_delay(
    network: &Description,
    index: &NodeIndex,
    onto: [Population; 2],
    from: Option<Population>,
) -> usize {
    let spikes = [Carries::Spikes, Carries::PlasticPerInterval, Carries::PlasticPerSpike];
    let counts = |projection: &&Projection| {
        let of = |node: NodeId| index.place(node).0;
        spikes.contains(&projection.carries)
            && projection.first_target().is_some_and(|target| onto.contains(&of(target)))
            && projection.sources.first().is_some_and(|source| from.is_none_or(|from| of(*source) == from))
    };
    let delays = network.projections.iter().filter(counts).map(|projection| projection.delay as usize);
    delays.max().unwrap_or(1)
}

/// The connections onto parrots that weight recorders look at.
#[must_use]
pub fn recorded_routes_onto_parrots(network: &Description, index: &NodeIndex) -> Vec<Route> {
    let mut routes = spike_routes_onto(network, index, Population::Stimulus);
    routes.retain(|route| route.weight_recorder.is_some() && route.source == Population::Stimulus);
    routes
}

/// Which of so many neurons plastic synapses end at. The others keep no history for one, and show no learning signal.
#[must_use]
pub fn learning(routes: &[Route], neurons: usize) -> Vec<bool> {
    let mut learning = vec![false; neurons];
    for route in routes.iter().filter(|route| route.plastic) {
        // Two rows of a dense projection reach all of its targets, since each leaves out itself alone.
        let rows = if matches!(route.columns, Columns::Sparse { .. }) { route.row_count } else { 2 };
        for row in 0..rows.min(route.row_count) {
            for entry in route.entries(row).filter(|entry| route.holes.binary_search(entry).is_err()) {
                learning[route.target(row, entry)] = true;
            }
        }
    }
    learning
}

fn route(network: &Description, index: &NodeIndex, place: usize, source: Population) -> Route {
    let projection = &network.projections[place];
    let target_place =
        |node: &NodeId| index.held(*node).expect("connections end at what this process has") as u32;
    let sources: Vec<usize> = projection.sources.iter().map(|node| index.place(*node).1).collect();
    let mut holes = Vec::new();
    let columns = match &projection.targets {
        Targets::Dense { nodes, autapses } => {
            if !autapses {
                for (row, source) in projection.sources.iter().enumerate() {
                    if let Ok(column) = nodes.binary_search(source) {
                        holes.push(row * nodes.len() + column);
                    }
                }
            }
            let places: Vec<u32> = nodes.iter().map(target_place).collect();
            let first = places[0];
            if places.iter().enumerate().all(|(column, place)| *place as usize == first as usize + column) {
                Columns::Range { first: first as usize, len: places.len() }
            } else {
                Columns::Scattered(places)
            }
        }
        Targets::Sparse { row_start, nodes } => {
            Columns::Sparse { row_start: row_start.clone(), places: nodes.iter().map(target_place).collect() }
        }
    };
    let plastic = projection.carries != Carries::Spikes;
    let generators: Vec<bool> = projection.sources.iter().map(|node| is_generator(network, *node)).collect();
    // As in NEST, what generators send over static synapses is not recorded.
    let shows = plastic || generators.contains(&false);
    Route {
        projection: place,
        synapse: projection.synapse,
        plastic,
        source,
        delay: projection.delay as usize,
        made: projection.made,
        row_count: projection.sources.len(),
        rows: Rows::new(&sources),
        columns,
        holes,
        weight_recorder: network.synapse_models[projection.synapse].weight_recorder.filter(|_| shows),
        poisson: network
            .group_of(projection.sources[0])
            .is_some_and(|group| group.model.class == NodeClass::PoissonGenerator),
        settled: projection.settled,
        generators: if generators.contains(&true) { generators } else { Vec::new() },
    }
}

/// Whether a node hands spikes over as generators do. A `spike_train_injector` does it as neurons do.
fn is_generator(network: &Description, node: NodeId) -> bool {
    network.group_of(node).is_some_and(|group| {
        let class = group.model.class;
        matches!(class, NodeClass::SpikeGenerator | NodeClass::PoissonGenerator)
            && group.model.name != spike_train_injector::MODEL.name
    })
}

/// Up to which stamps spikes have been handed over to synapses at step `now`.
///
/// As in NEST, generators hand over a spike in the step in which they emit it; neurons and parrots exchange theirs at
/// the begin of slices that are as long as the shortest delay of all connections.
#[must_use]
pub fn handed_over(projections: &[Projection], now: i64) -> Settled {
    let slice = projections.iter().map(|projection| i64::from(projection.delay)).min().unwrap_or(1).max(1);
    Settled { generators: now, neurons: (now - 1).max(0) / slice * slice }
}
