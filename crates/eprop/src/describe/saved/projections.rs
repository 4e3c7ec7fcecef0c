//! Projections as named arrays.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::state::layout::{Cells, Layout, Listed};
use crate::base::state::{Archive, Persist, optional};
use crate::describe::network::{Carries, Projection, Targets};

/// What projections carry, by the number it is saved as.
const CARRIES: [Carries; 8] = [
    Carries::Spikes,
    Carries::PlasticPerInterval,
    Carries::PlasticPerSpike,
    Carries::LearningSignal,
    Carries::Rate,
    Carries::ToRecorder,
    Carries::FromMultimeter,
    Carries::Current,
];

impl Projection {
    /// Whose its weights are: those of who has the target, unless all ranks have all.
    fn layout(&self) -> Layout {
        if matches!(self.carries, Carries::Rate | Carries::ToRecorder | Carries::FromMultimeter) {
            return Layout::Same;
        }
        Layout::Cells(match &self.targets {
            Targets::Dense { nodes, .. } => Cells::columns(nodes),
            Targets::Sparse { row_start, nodes } => {
                Cells::Listed(Arc::new(Listed { starts: row_start.clone(), nodes: nodes.clone() }))
            }
        })
    }

    /// Whose its weights are, where `layout` says whose its connections are. Of a recorder's connections all ranks know all,
    /// and each sets the weights of its own neurons'.
    fn layout_of_weights(&self, layout: &Layout) -> Layout {
        if !matches!(self.carries, Carries::ToRecorder | Carries::FromMultimeter) {
            return layout.clone();
        }
        let mut neurons = vec![0; self.weights.len()];
        self.for_each_entry(|source, target, entry| {
            neurons[entry] = if self.carries == Carries::ToRecorder { source } else { target };
        });
        Layout::Of(Arc::new(neurons))
    }

    /// Which nodes it ends at, where a rank may have none of them.
    fn persist_onto(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // One process has some.
        let mut onto = self.first_target().unwrap_or(0);
        if archive.has("onto", archive.is_for_ranks() && onto > 0) {
            archive.of_ranks(&Layout::Same).number("onto", &mut onto)?;
            if archive.reads() {
                self.onto = Some(onto);
            }
        }
        Ok(())
    }
}

impl Persist for Projection {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut carries = CARRIES.iter().position(|known| *known == self.carries).unwrap_or(0) as u8;
        archive.number("carries", &mut carries)?;
        self.carries = *CARRIES
            .get(usize::from(carries))
            .ok_or_else(|| archive.misfit("carries", format!("{carries} is nothing that is known")))?;
        archive.number("synapse", &mut self.synapse)?;
        archive.number("receptor", &mut self.receptor)?;
        archive.number("delay", &mut self.delay)?;
        optional(archive, "tau_m_readout", &mut self.tau_m_readout)?;
        archive.list("sources", &mut self.sources)?;
        let (mut dense, mut autapses, mut row_start) = (true, true, Vec::new());
        let mut nodes = match &self.targets {
            Targets::Dense { nodes, autapses: own } => {
                autapses = *own;
                nodes.clone()
            }
            Targets::Sparse { row_start: starts, nodes } => {
                dense = false;
                row_start.clone_from(starts);
                nodes.clone()
            }
        };
        archive.number("dense", &mut dense)?;
        archive.number("autapses", &mut autapses)?;
        let layout = archive.layout(|| self.layout());
        archive.note_projection(&layout);
        let starts = if dense { Layout::Same } else { layout.starts() };
        archive.by(&starts).list("row_start", &mut row_start)?;
        archive.by(&layout).list("targets", &mut nodes)?;
        let weights = archive.layout(|| self.layout_of_weights(&layout));
        archive.by(&weights).list("weights", &mut self.weights)?;
        self.persist_onto(archive)?;
        if archive.has("candidates", !self.candidates.is_empty()) {
            archive.number("rewired", &mut self.rewired)?;
            archive.list("candidates", &mut self.candidates)?;
        }
        let (rows, entries) = (self.sources.len(), self.weights.len());
        let whole = if dense {
            entries == rows * nodes.len()
        } else {
            entries == nodes.len()
                && row_start.len() == rows + 1
                && row_start.first() == Some(&0)
                && row_start.last() == Some(&entries)
                && row_start.is_sorted()
        };
        if !whole {
            return Err(archive.misfit("weights", "not one for each connection"));
        }
        self.targets =
            if dense { Targets::Dense { nodes, autapses } } else { Targets::Sparse { row_start, nodes } };
        Ok(())
    }
}
