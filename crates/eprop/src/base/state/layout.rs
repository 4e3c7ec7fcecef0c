//! Whose the numbers of a state are, where ranks share neurons. It is said where an array is written, for those who put
//! the states of ranks together and take one apart (`joining.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Numbers of nodes, in rows.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Each row has one of each of these nodes, which ascend.
    Columns(Arc<Vec<u32>>),
    /// Each row has its own.
    Listed(Arc<Listed>),
}

/// Nodes row by row.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Where each row begins; one more entry than rows.
    pub starts: Vec<usize>,
    /// The nodes of all rows, ascending within each; some may repeat.
    pub nodes: Vec<u32>,
}

impl Cells {
    /// One of each of these nodes, which ascend, in each row.
    #[must_use]
    pub fn columns(nodes: &[u32]) -> Self {
        Self::Columns(Arc::new(nodes.to_vec()))
    }

    /// All nodes, row by row where each has its own.
    #[must_use]
    pub fn nodes(&self) -> &[u32] {
        match self {
            Self::Columns(nodes) => nodes,
            Self::Listed(listed) => &listed.nodes,
        }
    }

    /// The nodes of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u32] {
        match self {
            Self::Columns(nodes) => nodes,
            Self::Listed(listed) => match listed.starts.get(row..row + 2) {
                Some(&[begin, end]) => listed.nodes.get(begin..end).unwrap_or_default(),
                _ => &[],
            },
        }
    }
}

/// An event, in the order of its recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What it is ordered by.
    pub key: [i64; 2],
    /// Whose it is.
    pub node: u32,
}

/// Which numbers of an array are whose.
#[derive(Debug, Clone, Default)]
pub enum Layout {
    /// All ranks have the same, unless one has none.
    #[default]
    Same,
    /// All ranks have a number of each node from this one on: that of the rank which has the node counts.
    Nodes(u32),
    /// All ranks have all numbers, each of a node of this list: that of the rank which has the node counts.
    Of(Arc<Vec<u32>>),
    /// A rank has the numbers of its nodes.
    Cells(Cells),
    /// Where the rows of such numbers begin.
    Starts(Cells),
    /// A number for each row of such numbers, which those know who have a number in the row.
    Rows(Cells),
    /// A rank has the events of its nodes, and those of nodes that all have.
    Events(Arc<Vec<Event>>),
    /// Ascending keys, of which each rank has some.
    Keys,
    /// How many parts go by such a name.
    Count(String),
}

impl Layout {
    /// That of a number for each row of such numbers.
    #[must_use]
    pub fn rows(&self) -> Self {
        match self {
            Self::Cells(cells) => Self::Rows(cells.clone()),
            _ => Self::Same,
        }
    }

    /// That of where the rows of such numbers begin.
    #[must_use]
    pub fn starts(&self) -> Self {
        match self {
            Self::Cells(cells) => Self::Starts(cells.clone()),
            _ => Self::Same,
        }
    }
}

/// What parts that are counted are ordered by.
pub type PartKey = [i64; 2];

/// A part of a state that a rank has where it has a number of it.
#[derive(Debug, Clone)]
pub struct PartOf {
    /// Where it is one of several that are counted, their name and what they are ordered by.
    pub among: Option<(String, PartKey)>,
    /// Whose it is; of all where that is not said.
    pub cells: Option<Cells>,
}

/// The layouts of a state's arrays, by name.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    /// Those of arrays that are not the same at all ranks.
    pub arrays: BTreeMap<String, Layout>,
    /// Arrays that the state of a whole network does not have.
    pub of_ranks: BTreeSet<String>,
    /// Parts by what their names begin with.
    pub parts: BTreeMap<String, PartOf>,
    /// Those of the connections of each projection.
    pub projections: Vec<Layout>,
}

/// The rank that has a node, by its id; of those that all have, none is noted.
#[derive(Debug, Clone)]
pub struct Owners(Vec<u32>);

impl Owners {
    /// All nodes are at all ranks, of so many nodes.
    #[must_use]
    pub fn none(nodes: usize) -> Self {
        Self(vec![u32::MAX; nodes + 1])
    }

    /// Notes that a rank alone has a node.
    pub fn set(&mut self, node: u32, rank: usize) {
        if let Some(owner) = self.0.get_mut(node as usize) {
            *owner = rank as u32;
        }
    }

    /// The rank that alone has a node.
    #[must_use]
    pub fn of(&self, node: u32) -> Option<usize> {
        self.0.get(node as usize).filter(|owner| **owner != u32::MAX).map(|owner| *owner as usize)
    }

    /// Whether a rank has a node.
    #[must_use]
    pub fn has(&self, rank: usize, node: u32) -> bool {
        self.of(node).is_none_or(|owner| owner == rank)
    }
}
