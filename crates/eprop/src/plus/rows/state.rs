//! The state of synapses that learn from every spike, in the order of weights.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::state::Archive;
use crate::base::state::layout::{Cells, Layout, Listed};
use crate::describe::network::NodeId;
use crate::plus::eligibility::Trace;
use crate::plus::plan::Lookback;
use crate::plus::ring::LANES;
use crate::plus::rows::{PlasticRows, RowState};

/// The neurons that rows end at.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// Their ids, by place.
    pub ids: &'a [NodeId],
    /// Whether they adapt; empty where none does.
    pub adapt: &'a [bool],
}

impl PlasticRows {
    /// How far back its targets look.
    #[must_use]
    pub fn lookback(&self) -> Lookback {
        self.lookback
    }

    /// Whose its synapses are.
    #[must_use]
    pub fn layout_of(&self, targets: Targets<'_>) -> Layout {
        let mut listed = Listed { starts: vec![0], nodes: Vec::new() };
        for row in 0..self.rows.len() {
            self.layout.for_each_entry(row, |position, _| {
                listed.nodes.extend(targets.ids.get(self.layout.place(row, position)));
            });
            listed.starts.push(listed.nodes.len());
        }
        Layout::Cells(Cells::Listed(Arc::new(listed)))
    }

    /// Writes the state, or reads it; `layout` is that of its synapses.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(
        &mut self,
        targets: Targets<'_>,
        layout: &Layout,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        // A new field needs a place here.
        let Self {
            projection: _,
            set: _,
            lookback: _,
            layout: _,
            coefficients: _,
            target: _,
            traces: _,
            gradient: _,
            sum: _,
            first: _,
            second: _,
            rows: _,
            ahead: _,
            by_maps: _,
            visits: _,
            scratch: _,
        } = self;
        // The positions that have a weight, and the row of each.
        let mut positions = Vec::new();
        for row in 0..self.rows.len() {
            self.layout.for_each_entry(row, |position, _| positions.push((row, position)));
        }
        self.persist_filtered(&positions, &mut archive.by(layout))?;
        for (name, trace) in [
            ("adaptation", Trace::Adaptation),
            ("eligibility", Trace::Eligibility),
            ("regularization", Trace::Regularization),
        ] {
            // Not every kind of synapse has all of them.
            if !self.set.has(trace) {
                archive.by(layout).list::<f64>(name, &mut Vec::new())?;
                continue;
            }
            let held = &positions[..];
            // What adaptation leaves in synapses onto neurons that have none counts for nothing, and hangs on others.
            let counts = |row: usize, position: usize| {
                trace != Trace::Adaptation || targets.adapt[self.layout.place(row, position)]
            };
            let value = |(row, position): &(usize, usize)| {
                if counts(*row, *position) { self.trace(trace, *position) } else { 0.0 }
            };
            let mut values: Vec<f64> = held.iter().map(value).collect();
            archive.by(layout).fixed(name, &mut values)?;
            for ((_, position), value) in held.iter().zip(values) {
                *self.trace_mut(trace, *position) = value;
            }
        }
        self.persist_gradient(&positions, &mut archive.by(layout))?;
        for (name, values) in
            [("sum", &mut self.sum), ("first", &mut self.first), ("second", &mut self.second)]
        {
            let held = if values.is_empty() { &[] } else { &positions[..] };
            let mut picked: Vec<f64> = held.iter().map(|(_, position)| values[*position]).collect();
            archive.by(layout).fixed(name, &mut picked)?;
            for ((_, position), value) in held.iter().zip(picked) {
                values[*position] = value;
            }
        }
        for (row, position) in &positions {
            self.rows[*row].summed |= self.sum[*position] != 0.0;
        }
        self.persist_rows(&mut archive.by(&layout.rows()))?;
        self.persist_ahead(layout, archive)
    }

    /// Filtered spikes of each synapse, also where a row has them in common.
    fn persist_filtered(&mut self, positions: &[(usize, usize)], archive: &mut Archive<'_>) -> Result<()> {
        let filtered = |(row, position): &(usize, usize)| {
            if self.set.uniform { self.rows[*row].filtered } else { self.trace(Trace::Filtered, *position) }
        };
        let mut values: Vec<f64> = positions.iter().map(filtered).collect();
        archive.fixed("filtered", &mut values)?;
        for ((row, _), value) in positions.iter().zip(&values) {
            self.rows[*row].filtered = *value;
        }
        let in_common =
            positions.iter().zip(&values).all(|((row, _), value)| self.rows[*row].filtered == *value);
        if self.set.uniform && !in_common {
            self.keep_filtered_by_target();
        }
        if !self.set.uniform {
            for ((_, position), value) in positions.iter().zip(values) {
                *self.trace_mut(Trace::Filtered, *position) = value;
            }
        }
        Ok(())
    }

    /// The gradient so far: zero but in rows that were caught up.
    fn persist_gradient(&mut self, positions: &[(usize, usize)], archive: &mut Archive<'_>) -> Result<()> {
        let gradient = |(row, position): &(usize, usize)| {
            if self.rows[*row].caught_up { self.gradient[position / LANES].0[position % LANES] } else { 0.0 }
        };
        let mut values: Vec<f64> = positions.iter().map(gradient).collect();
        archive.fixed("gradient", &mut values)?;
        for ((row, position), value) in positions.iter().zip(values) {
            self.gradient[position / LANES].0[position % LANES] = value;
            self.rows[*row].caught_up |= value != 0.0;
        }
        Ok(())
    }

    fn persist_rows(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // What rows without synapses have come to says nothing.
        let state = |(row, state): (usize, &RowState)| {
            if self.layout.has_entries(row) { *state } else { RowState::default() }
        };
        let held: Vec<RowState> = self.rows.iter().enumerate().map(state).collect();
        macro_rules! columns {
            ($($field:ident),*) => {$(
                let mut values: Vec<_> = held.iter().map(|row| row.$field).collect();
                archive.fixed(concat!("rows.", stringify!($field)), &mut values)?;
                for (row, value) in self.rows.iter_mut().zip(values) {
                    row.$field = value;
                }
            )*};
        }
        columns!(previous, before, next, waiting, step, eta);
        Ok(())
    }

    /// Weights that were caught up and show at the next spike.
    fn persist_ahead(&mut self, layout: &Layout, archive: &mut Archive<'_>) -> Result<()> {
        let mut rows: Vec<usize> = self.ahead.keys().copied().collect();
        archive.by(&Layout::Keys).list("ahead.rows", &mut rows)?;
        if rows.iter().any(|row| *row >= self.rows.len()) {
            return Err(archive.misfit("ahead.rows", "rows that do not exist"));
        }
        for row in rows {
            let positions = self.layout.positions(row);
            let mut held = Vec::new();
            self.layout.for_each_entry(row, |position, _| held.push(position - positions.start));
            let ahead = self.ahead.entry(row).or_insert_with(|| vec![0.0; positions.len()]);
            let mut picked: Vec<f64> = held.iter().map(|position| ahead[*position]).collect();
            let of_row = match layout {
                Layout::Cells(cells) => Layout::Cells(Cells::columns(cells.row(row))),
                _ => Layout::Same,
            };
            archive.by(&of_row).fixed(&format!("ahead.{row}"), &mut picked)?;
            for (position, value) in held.iter().zip(picked) {
                ahead[*position] = value;
            }
        }
        Ok(())
    }
}
