//! The state of synapses that learn from every spike, in the order of weights.

use crate::error::Result;
use crate::learn::per_spike::{PlasticRows, RowState};
use crate::state::{Archive, Persist};

impl Persist for PlasticRows {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            projection: _,
            onto_readouts: _,
            adapts: _,
            cutoff: _,
            layout: _,
            stride: _,
            coefficients: _,
            uniform: _,
            filtered: _,
            adaptation: _,
            eligibility: _,
            regularization: _,
            gradient: _,
            sum: _,
            first: _,
            second: _,
            rows: _,
            ahead: _,
            scratch: _,
        } = self;
        let mut lanes = Vec::new();
        let mut row_ends = Vec::new();
        for row in 0..self.rows.len() {
            self.for_each_entry(row, |lane, _| lanes.push(lane));
            row_ends.push(lanes.len());
        }
        for (name, values) in [
            ("filtered", &mut self.filtered),
            ("adaptation", &mut self.adaptation),
            ("eligibility", &mut self.eligibility),
            ("regularization", &mut self.regularization),
            ("gradient", &mut self.gradient),
            ("sum", &mut self.sum),
            ("first", &mut self.first),
            ("second", &mut self.second),
        ] {
            // Not every kind of synapse has all of them.
            let held = if values.is_empty() { &[] } else { &lanes[..] };
            let mut picked: Vec<f64> = held.iter().map(|lane| values[*lane]).collect();
            archive.fixed(name, &mut picked)?;
            for (lane, value) in held.iter().zip(picked) {
                values[*lane] = value;
            }
        }
        self.persist_rows(archive)?;
        // Weights that were caught up and show at the next spike.
        let mut rows: Vec<usize> = self.ahead.keys().copied().collect();
        archive.list("ahead.rows", &mut rows)?;
        if rows.iter().any(|row| *row >= self.rows.len()) {
            return Err(archive.misfit("ahead.rows", "rows that do not exist"));
        }
        for row in rows {
            let begin = self.lanes(row).start;
            let width = self.lanes(row).len();
            let first = if row == 0 { 0 } else { row_ends[row - 1] };
            let held = &lanes[first..row_ends[row]];
            let ahead = self.ahead.entry(row).or_insert_with(|| vec![0.0; width]);
            let mut picked: Vec<f64> = held.iter().map(|lane| ahead[lane - begin]).collect();
            archive.fixed(&format!("ahead.{row}"), &mut picked)?;
            for (lane, value) in held.iter().zip(picked) {
                ahead[lane - begin] = value;
            }
        }
        Ok(())
    }
}

impl PlasticRows {
    fn persist_rows(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        macro_rules! columns {
            ($($field:ident),*) => {$(
                let mut values: Vec<_> = self.rows.iter().map(|row: &RowState| row.$field).collect();
                archive.fixed(concat!("rows.", stringify!($field)), &mut values)?;
                for (row, value) in self.rows.iter_mut().zip(values) {
                    row.$field = value;
                }
            )*};
        }
        columns!(previous, before, next, waiting, step, eta);
        Ok(())
    }
}
