//! Recorded spikes.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::state::layout::{Event, Layout};
use crate::base::state::{Archive, Persist};
use crate::record::{EventColumn, Events, TimeUnit, append, order, permuted};

/// Spikes a recorder holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpikeEvents {
    /// Stamps (steps).
    pub stamps: Vec<i64>,
    /// Who fired.
    pub senders: Vec<u32>,
}

impl SpikeEvents {
    /// Adds a spike.
    #[inline]
    pub fn push(&mut self, stamp: i64, sender: u32) {
        self.stamps.push(stamp);
        self.senders.push(sender);
    }

    /// Moves all events of another to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        append(&mut self.stamps, &mut other.stamps);
        append(&mut self.senders, &mut other.senders);
    }

    /// The events as columns.
    #[must_use]
    pub fn into_events(self, unit: TimeUnit) -> Events {
        let order = order(&self.stamps, &self.senders);
        let stamps = permuted(self.stamps, order.as_deref());
        Events {
            columns: vec![
                ("times", EventColumn::Floats(stamps.into_iter().map(|stamp| unit.time(stamp)).collect())),
                ("senders", EventColumn::Ids(permuted(self.senders, order.as_deref()))),
            ],
        }
    }
}

impl Persist for SpikeEvents {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // Whoever recorded them, they are in one order.
        if !archive.reads()
            && let Some(order) = order(&self.stamps, &self.senders)
        {
            self.stamps = permuted(std::mem::take(&mut self.stamps), Some(&order));
            self.senders = permuted(std::mem::take(&mut self.senders), Some(&order));
        }
        let layout = archive.layout(|| {
            let events = self.stamps.iter().zip(&self.senders);
            let events = events.map(|(stamp, node)| Event { key: [*stamp, i64::from(*node)], node: *node });
            Layout::Events(Arc::new(events.collect()))
        });
        archive.by(&layout).list("stamps", &mut self.stamps)?;
        archive.by(&layout).list("senders", &mut self.senders)?;
        if self.stamps.len() == self.senders.len() {
            Ok(())
        } else {
            Err(archive.misfit("senders", "not one for each event"))
        }
    }
}
