//! Which neurons of a network a process has, where ranks share them.

use std::ops::Range;

use crate::describe::network::{NodeGroup, NodeId};
use crate::models::NodeClass;

/// A rank among those that share the neurons of a network. Each has neighbouring recurrent neurons of every group;
/// readouts, generators, parrots and recorders are at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    rank: usize,
    size: usize,
}

impl Ownership {
    /// One process has all.
    pub const WHOLE: Self = Self { rank: 0, size: 1 };

    /// A rank of so many.
    #[must_use]
    pub fn new(rank: usize, size: usize) -> Self {
        debug_assert!(rank < size);
        Self { rank, size }
    }

    /// Whether this process has all neurons.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.size == 1
    }

    /// Which rank this is.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many ranks there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The nodes of a group that this rank has, counted from its first.
    #[must_use]
    pub fn part(&self, group: &NodeGroup) -> Range<usize> {
        if self.is_whole() || group.model.class != NodeClass::Recurrent {
            return 0..group.len;
        }
        self.part_of(self.rank, group)
    }

    /// Whether this rank has a node of a group.
    #[must_use]
    pub fn has(&self, group: &NodeGroup, node: NodeId) -> bool {
        self.part(group).contains(&((node - group.first) as usize))
    }

    /// The rank that has a node of a group, counted from its first; `None` where all have it.
    #[must_use]
    pub fn owner(&self, group: &NodeGroup, node: usize) -> Option<usize> {
        if self.is_whole() || group.model.class != NodeClass::Recurrent {
            return None;
        }
        (0..self.size).find(|rank| self.part_of(*rank, group).contains(&node))
    }

    fn part_of(&self, rank: usize, group: &NodeGroup) -> Range<usize> {
        // Of groups with fewer neurons than there are ranks, not always the same ranks have one.
        let turn = if group.len < self.size { group.first as usize } else { 0 };
        let part = (rank + turn) % self.size;
        let border = |part: usize| group.len * part / self.size;
        border(part)..border(part + 1)
    }
}
