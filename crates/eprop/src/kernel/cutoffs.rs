//! Neurons that have looked equally far back since they were made.
//!
//! What a row of synapses that learns from every spike has come to depends on `eprop_isi_trace_cutoff` of the neurons that
//! it ends at, also on what it was before it was set between simulations: how much of the window is taken in, and when the
//! optimizer was last called. So neurons whose cutoffs have differed do not share rows again where one is set for all of
//! them.

use crate::describe::network::NodeId;
use crate::kernel::Kernel;
use crate::tables::value::Params;

/// The parameter.
const CUTOFF: &str = "eprop_isi_trace_cutoff";

/// Cutoffs of all neurons that have one (ms, as bits, whose order does not matter), with what told neurons of the same
/// cutoff apart.
pub(super) type Cutoffs = Vec<(NodeId, (u32, u64))>;

impl Kernel {
    /// The cutoffs that parameters are about to change; none where nothing was simulated yet, or no cutoff is set.
    pub(super) fn cutoffs_before(&self, nodes: &[NodeId], params: &Params) -> Option<Cutoffs> {
        let sets = |at: usize| params.of(at).is_some_and(|values| values.get(CUTOFF).is_some());
        (self.time > 0 && (0..nodes.len()).any(sets)).then(|| self.cutoffs())
    }

    fn cutoffs(&self) -> Cutoffs {
        let groups = self.network.groups.iter().filter(|group| group.model.place(CUTOFF).is_some());
        let of_group = groups.flat_map(|group| (group.first..).zip(group.numbers(CUTOFF)));
        of_group.map(|(node, cutoff)| (node, (self.cutoff_class(node), cutoff.to_bits()))).collect()
    }

    fn cutoff_class(&self, node: NodeId) -> u32 {
        self.cutoff_classes.get(&node).copied().unwrap_or(0)
    }

    /// Tells neurons apart whose cutoffs differed before parameters were set.
    pub(super) fn part_by_cutoffs(&mut self, before: &Cutoffs) {
        if self.cutoffs() == *before {
            return;
        }
        let mut classes: Vec<(u32, u64)> = before.iter().map(|(_, of)| *of).collect();
        classes.sort_unstable();
        classes.dedup();
        let class = |of| classes.binary_search(of).expect("each is among them") as u32;
        let parted = before.iter().map(|(node, of)| (*node, class(of)));
        self.cutoff_classes = parted.filter(|(_, class)| *class != 0).collect();
    }
}
