//! The state of synapses that learn from every spike, in the order of weights.

use crate::error::Result;
use crate::learn::eligibility::Trace;
use crate::learn::history::LANES;
use crate::learn::per_spike::{PlasticRows, RowState};
use crate::state::{Archive, Persist};

impl Persist for PlasticRows {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            projection: _,
            set: _,
            cutoff: _,
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
        // The lanes that have a weight, and the row of each.
        let mut lanes = Vec::new();
        for row in 0..self.rows.len() {
            self.layout.for_each_entry(row, |lane, _| lanes.push((row, lane)));
        }
        self.persist_filtered(&lanes, archive)?;
        for (name, trace) in [
            ("adaptation", Trace::Adaptation),
            ("eligibility", Trace::Eligibility),
            ("regularization", Trace::Regularization),
        ] {
            // Not every kind of synapse has all of them.
            let held = if self.set.has(trace) { &lanes[..] } else { &[] };
            let mut values: Vec<f64> = held.iter().map(|(_, lane)| self.trace(trace, *lane)).collect();
            archive.fixed(name, &mut values)?;
            for ((_, lane), value) in held.iter().zip(values) {
                *self.trace_mut(trace, *lane) = value;
            }
        }
        self.persist_gradient(&lanes, archive)?;
        for (name, values) in
            [("sum", &mut self.sum), ("first", &mut self.first), ("second", &mut self.second)]
        {
            let held = if values.is_empty() { &[] } else { &lanes[..] };
            let mut picked: Vec<f64> = held.iter().map(|(_, lane)| values[*lane]).collect();
            archive.fixed(name, &mut picked)?;
            for ((_, lane), value) in held.iter().zip(picked) {
                values[*lane] = value;
            }
        }
        for (row, lane) in &lanes {
            self.rows[*row].summed |= self.sum[*lane] != 0.0;
        }
        self.persist_rows(archive)?;
        self.persist_ahead(archive)
    }
}

impl PlasticRows {
    /// Filtered spikes of each synapse, also where a row has them in common.
    fn persist_filtered(&mut self, lanes: &[(usize, usize)], archive: &mut Archive<'_>) -> Result<()> {
        let filtered = |(row, lane): &(usize, usize)| {
            if self.set.uniform { self.rows[*row].filtered } else { self.trace(Trace::Filtered, *lane) }
        };
        let mut values: Vec<f64> = lanes.iter().map(filtered).collect();
        archive.fixed("filtered", &mut values)?;
        for ((row, _), value) in lanes.iter().zip(&values) {
            self.rows[*row].filtered = *value;
        }
        let in_common = lanes.iter().zip(&values).all(|((row, _), value)| self.rows[*row].filtered == *value);
        if self.set.uniform && !in_common {
            self.keep_filtered_by_target();
        }
        if !self.set.uniform {
            for ((_, lane), value) in lanes.iter().zip(values) {
                *self.trace_mut(Trace::Filtered, *lane) = value;
            }
        }
        Ok(())
    }

    /// The gradient so far: zero but in rows that were caught up.
    fn persist_gradient(&mut self, lanes: &[(usize, usize)], archive: &mut Archive<'_>) -> Result<()> {
        let gradient = |(row, lane): &(usize, usize)| {
            if self.rows[*row].caught_up { self.gradient[lane / LANES].0[lane % LANES] } else { 0.0 }
        };
        let mut values: Vec<f64> = lanes.iter().map(gradient).collect();
        archive.fixed("gradient", &mut values)?;
        for ((row, lane), value) in lanes.iter().zip(values) {
            self.gradient[lane / LANES].0[lane % LANES] = value;
            self.rows[*row].caught_up |= value != 0.0;
        }
        Ok(())
    }

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

    /// Weights that were caught up and show at the next spike.
    fn persist_ahead(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let mut rows: Vec<usize> = self.ahead.keys().copied().collect();
        archive.list("ahead.rows", &mut rows)?;
        if rows.iter().any(|row| *row >= self.rows.len()) {
            return Err(archive.misfit("ahead.rows", "rows that do not exist"));
        }
        for row in rows {
            let lanes = self.layout.lanes(row);
            let mut held = Vec::new();
            self.layout.for_each_entry(row, |lane, _| held.push(lane - lanes.start));
            let ahead = self.ahead.entry(row).or_insert_with(|| vec![0.0; lanes.len()]);
            let mut picked: Vec<f64> = held.iter().map(|lane| ahead[*lane]).collect();
            archive.fixed(&format!("ahead.{row}"), &mut picked)?;
            for (lane, value) in held.iter().zip(picked) {
                ahead[*lane] = value;
            }
        }
        Ok(())
    }
}
