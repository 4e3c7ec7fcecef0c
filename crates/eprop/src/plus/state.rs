//! The state of the neurons whose weights change at every presynaptic spike.

use crate::base::error::Result;
use crate::base::state::Archive;
use crate::base::state::layout::{Cells, Layout};
use crate::plan::route::Route;
use crate::plus::PlusRule;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::plan::Lookback;
use crate::plus::ring::Ring;
use crate::plus::rows::{PlasticRows, Targets};
use crate::rule::persist_arrivals;

impl PlusRule {
    /// Writes the state at step `now`, or reads it into a network that was laid out for it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub(super) fn persist_state(&mut self, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        // A new field needs a place here.
        let Self {
            plan: _,
            neurons: _,
            readouts: _,
            history: _,
            errors: _,
            recurrent_rows: _,
            readout_rows: _,
            fired: _,
            arrivals: _,
            currents: _,
            arriving_currents: _,
            spike_count: _,
            steps: _,
            windows: _,
            error_windows: _,
            learns_by_maps: _,
            arriving: _,
            shareable: _,
            prepared: _,
            failure: _,
        } = self;
        let neurons = archive.cells(|| Cells::columns(&self.plan.wiring.recurrent_ids));
        archive.within("recurrent", |archive| {
            self.neurons.persist(&neurons, archive)?;
            persist_history(&mut self.history, &recurrent::NAMES, (now, &neurons), archive)
        })?;
        archive.within("readout", |archive| {
            let s = &mut self.readouts;
            archive.fixed("voltage", &mut s.voltage)?;
            archive.fixed("current", &mut s.current)?;
            s.windows.forget();
            s.targets.forget();
            archive.fixed("learns_since", &mut s.learns_since)?;
            self.plan.readouts.windows.persist("window_signal", now, archive)?;
            self.plan.readouts.targets.persist("target_signal", now, archive)?;
            persist_history(&mut self.errors, &readout::NAMES, (now, &Layout::Same), archive)
        })?;
        let steps = [self.history.steps(), self.errors.steps()].map(|steps| steps as i64);
        let wiring = &self.plan.wiring;
        let targets = Targets { ids: &wiring.recurrent_ids, adapt: &self.plan.recurrent.adapts };
        let routes = &wiring.recurrent_routes;
        persist_rows(routes, &mut self.recurrent_rows, targets, (now, steps[0]), archive)?;
        let targets = Targets { ids: &wiring.readout_ids, adapt: &[] };
        persist_rows(&wiring.readout_routes, &mut self.readout_rows, targets, (now, steps[1]), archive)?;
        persist_arrivals(&mut self.arrivals, wiring, archive)?;
        self.currents.persist(&self.plan.wiring, now, archive)?;
        // Spikes that are still on their way.
        let stamps = (now - self.plan.longest_delay as i64).max(0)..=now;
        let ring = self.fired.len();
        let mut fired: Vec<Vec<u32>> =
            stamps.clone().map(|stamp| self.fired[stamp as usize % ring].clone()).collect();
        let count = fired.len();
        archive.lists("fired", &mut fired)?;
        let neurons = self.plan.wiring.sender_ids().len();
        let ascend = fired.iter().all(|places| places.is_sorted_by(|one, next| one < next));
        let there = fired.iter().flatten().all(|place| (*place as usize) < neurons);
        if fired.len() != count || !ascend || !there {
            return Err(archive.misfit("fired", "not one list of neurons a step"));
        }
        for (stamp, places) in stamps.zip(fired) {
            self.fired[stamp as usize % ring] = places;
        }
        archive.number("spike_count", &mut self.spike_count)?;
        archive.number("steps", &mut self.steps)?;
        let most = self.steps.saturating_mul(neurons as u64);
        if self.spike_count > most || self.steps > now as u64 {
            return Err(
                archive.misfit("spike_count", format!("{} in {} steps", self.spike_count, self.steps))
            );
        }
        if archive.reads() {
            self.begin_windows(now);
        }
        Ok(())
    }
}

/// The steps before `now` that a history holds: a matrix of steps and neurons for each quantity.
fn persist_history(
    history: &mut Ring,
    names: &[&str],
    (now, neurons): (i64, &Layout),
    archive: &mut Archive<'_>,
) -> Result<()> {
    let steps = (now - history.steps() as i64).max(0)..now;
    for (column, name) in names.iter().enumerate() {
        let mut rows: Vec<f64> = steps.clone().flat_map(|step| history.at(column, step).to_vec()).collect();
        archive.by(neurons).rows(name, history.neurons(), &mut rows)?;
        for (step, row) in steps.clone().zip(rows.chunks_exact(history.neurons().max(1))) {
            history.at_mut(column, step).copy_from_slice(row);
        }
    }
    steps.for_each(|step| history.finish(step));
    Ok(())
}

fn persist_rows(
    routes: &[Route],
    rows: &mut [Vec<PlasticRows>],
    targets: Targets<'_>,
    (now, steps): (i64, i64),
    archive: &mut Archive<'_>,
) -> Result<()> {
    for (route, parts) in routes.iter().zip(rows) {
        for (place, part) in parts.iter_mut().enumerate() {
            let name = format!("synapses.{}", route.projection);
            let layout = archive.layout(|| part.layout_of(targets));
            // Parts are in the order of how far they look back.
            let Lookback { class, cutoff } = part.lookback();
            archive.within_part((&name, place), Some([class.into(), cutoff]), &layout, |archive| {
                part.persist(targets, &layout, archive)?;
                let known = part.is_possible(now, steps);
                if known { Ok(()) } else { Err(archive.misfit("rows", "steps that cannot be")) }
            })?;
        }
    }
    Ok(())
}
