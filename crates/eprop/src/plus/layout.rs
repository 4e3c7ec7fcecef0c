//! Positions of plastic synapses: where the synapses of each row end, and which weights they have.

use std::ops::Range;

use crate::plan::route::Route;
use crate::plus::eligibility::BlockTargets;
use crate::plus::ring::LANES;

/// Rows of synapses in blocks of [`LANES`].
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    /// Every row reaches the same consecutive places. Its positions begin with the block that the first of them is in.
    Range {
        /// The first place.
        first: usize,
        /// How many places.
        len: usize,
    },
    /// Each row has places of its own, filled up to whole blocks with one that always is zero.
    Listed {
        /// First block of each row; one more than rows.
        starts: Vec<usize>,
        /// Places, by block.
        places: Vec<[u32; LANES]>,
        /// The weights they belong to.
        entries: Entries,
    },
}

/// Which weights the positions of listed rows have.
#[derive(Debug, Clone, PartialEq)]
pub enum Entries {
    /// Consecutive ones: the first of each row; one more than rows.
    Consecutive(Vec<usize>),
    /// These, by position; [`NONE`] where a position is filled up.
    Picked(Vec<u32>),
}

/// No weight.
const NONE: u32 = u32::MAX;

impl Layout {
    /// The entries of a route whose targets belong to it; `whole` says that all do.
    #[must_use]
    pub fn listed(route: &Route, nobody: usize, whole: bool, belongs: impl Fn(usize) -> bool) -> Self {
        let mut starts = vec![0];
        let mut first_entries = vec![0];
        let mut places = Vec::new();
        let mut picked = Vec::new();
        for row in 0..route.row_count {
            for entry in route.entries(row) {
                let place = route.target(row, entry);
                if belongs(place) {
                    places.push(place as u32);
                    picked.push(entry as u32);
                }
            }
            let filled = places.len().next_multiple_of(LANES);
            places.resize(filled, nobody as u32);
            picked.resize(filled, NONE);
            starts.push(filled / LANES);
            first_entries.push(route.entries(row).end);
        }
        let entries = if whole { Entries::Consecutive(first_entries) } else { Entries::Picked(picked) };
        Self::Listed { starts, places: places.as_chunks().0.to_vec(), entries }
    }

    /// Places that are reached, of those that are not `nobody`.
    #[must_use]
    pub fn reached(&self, nobody: usize) -> Vec<usize> {
        match self {
            Self::Range { first, len } => (*first..first + len).collect(),
            Self::Listed { places, .. } => {
                let mut reached: Vec<usize> =
                    places.as_flattened().iter().map(|place| *place as usize).collect();
                reached.sort_unstable();
                reached.dedup();
                reached.retain(|place| *place != nobody);
                reached
            }
        }
    }

    /// Whether a row has a synapse onto a place.
    #[must_use]
    pub fn reaches(&self, row: usize, place: usize, route: &Route) -> bool {
        let has_position = match self {
            Self::Range { first, len } => (*first..first + len).contains(&place),
            Self::Listed { places, .. } => places[self.blocks(row)].as_flattened().contains(&(place as u32)),
        };
        has_position && !route.has_hole(row, place)
    }

    /// Where the traces of a block, counted from the block `begin`, read what their targets left.
    #[must_use]
    pub fn targets(&self, begin: usize) -> BlockTargets<'_> {
        match self {
            Self::Range { first, .. } => BlockTargets::Range(first / LANES),
            Self::Listed { places, .. } => BlockTargets::Places(&places[begin..]),
        }
    }

    /// The place that a position of a row reads.
    #[must_use]
    pub fn place(&self, row: usize, position: usize) -> usize {
        match self {
            Self::Range { first, .. } => first / LANES * LANES + position - self.blocks(row).start * LANES,
            Self::Listed { places, .. } => places.as_flattened()[position] as usize,
        }
    }

    /// Blocks of the first `rows` rows.
    #[must_use]
    pub fn block_count(&self, rows: usize) -> usize {
        match self {
            Self::Range { .. } => self.blocks(rows).start,
            Self::Listed { starts, .. } => starts[rows],
        }
    }

    /// The blocks of a row.
    #[must_use]
    #[inline]
    pub fn blocks(&self, row: usize) -> Range<usize> {
        match self {
            Self::Range { first, len } => {
                let blocks = (first % LANES + len).div_ceil(LANES);
                row * blocks..(row + 1) * blocks
            }
            Self::Listed { starts, .. } => starts[row]..starts[row + 1],
        }
    }

    /// The positions of a row that have weights; where these are picked, all of its blocks'.
    #[must_use]
    #[inline]
    pub fn positions(&self, row: usize) -> Range<usize> {
        let blocks = self.blocks(row);
        match self {
            Self::Range { first, len } => {
                let begin = blocks.start * LANES + first % LANES;
                begin..begin + len
            }
            Self::Listed { entries: Entries::Consecutive(first), .. } => {
                let begin = blocks.start * LANES;
                begin..begin + first[row + 1] - first[row]
            }
            Self::Listed { .. } => blocks.start * LANES..blocks.end * LANES,
        }
    }

    /// The weights of a row's positions, if they are consecutive.
    #[must_use]
    #[inline]
    pub fn entries(&self, row: usize) -> Option<Range<usize>> {
        match self {
            Self::Range { len, .. } => Some(row * len..(row + 1) * len),
            Self::Listed { entries: Entries::Consecutive(first), .. } => Some(first[row]..first[row + 1]),
            Self::Listed { .. } => None,
        }
    }

    /// Tells each position of a row that has a weight, and the weight's place.
    pub fn for_each_entry(&self, row: usize, mut each: impl FnMut(usize, usize)) {
        let positions = self.positions(row);
        match self {
            Self::Listed { entries: Entries::Picked(picked), .. } => {
                for (position, entry) in
                    positions.clone().zip(&picked[positions]).filter(|(_, entry)| **entry != NONE)
                {
                    each(position, *entry as usize);
                }
            }
            _ => positions
                .zip(self.entries(row).unwrap_or_default())
                .for_each(|(position, entry)| each(position, entry)),
        }
    }

    /// Whether a row has a weight.
    #[must_use]
    pub fn has_entries(&self, row: usize) -> bool {
        let mut has = false;
        self.for_each_entry(row, |_, _| has = true);
        has
    }

    /// The weights of a row's positions, 0 where one has none; `weights` are those from the entry `first` on.
    #[must_use]
    pub fn weights(&self, row: usize, first: usize, weights: &[f64]) -> Vec<f64> {
        let positions = self.positions(row);
        let mut of_row = vec![0.0; positions.len()];
        self.for_each_entry(row, |position, entry| {
            of_row[position - positions.start] = weights[entry - first];
        });
        of_row
    }

    /// Sets the weights of a row's positions; `weights` are those from the entry `first` on.
    pub fn set_weights(&self, row: usize, of_row: &[f64], first: usize, weights: &mut [f64]) {
        let begin = self.positions(row).start;
        self.for_each_entry(row, |position, entry| weights[entry - first] = of_row[position - begin]);
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Range { .. } => 0,
            Self::Listed { starts, places, entries } => {
                let entries = match entries {
                    Entries::Consecutive(first) => size_of_val(&first[..]),
                    Entries::Picked(picked) => size_of_val(&picked[..]),
                };
                size_of_val(&starts[..]) + size_of_val(&places[..]) + entries
            }
        }
    }
}
