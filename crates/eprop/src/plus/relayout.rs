//! Rows and maps of windows, when the description has changed.

use std::collections::BTreeMap;

use crate::describe::kernel_parameters::GradientMethod;
use crate::describe::network::Description;
use crate::plan::route::Route;
use crate::plus::PlusRule;
use crate::plus::eligibility::{readout, recurrent};
use crate::plus::ring::Ring;
use crate::plus::rows::{self, LONGEST_WINDOW, PlasticRows};
use crate::plus::windows::{self, Forms, Windows};

impl PlusRule {
    pub(super) fn lay_out(&mut self, network: &Description, now: i64) {
        let plan = &self.plan;
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        self.neurons.resize(n);
        self.readouts.resize(k);
        let ring = |neurons: usize, columns: usize, old: &Ring| {
            let steps = LONGEST_WINDOW as usize + windows::CHUNK + plan.longest_delay + 4;
            // Rows that have been silent may wait for steps that a shorter ring would not hold.
            let steps = steps.max(if old.neurons() > 0 { old.steps() } else { 0 });
            let new = Ring::new(neurons, columns, steps);
            if new.neurons() == old.neurons() && new.steps() == old.steps() {
                return old.clone();
            }
            let mut new = new;
            new.copy_from(old, now - old.steps().min(new.steps()) as i64 + 1, now);
            new
        };
        self.history = ring(n, recurrent::COUNT, &self.history);
        self.errors = ring(k, readout::COUNT, &self.errors);
        let rows = |routes: &[Route], onto_readouts: bool, history: &Ring, old: Vec<Vec<PlasticRows>>| {
            let mut known: BTreeMap<usize, Vec<PlasticRows>> = BTreeMap::new();
            for part in old.into_iter().flatten() {
                known.entry(part.projection).or_default().push(part);
            }
            routes
                .iter()
                .map(|route| {
                    if !route.plastic {
                        return Vec::new();
                    }
                    let optimizer = &network.synapse_models[route.synapse].optimizer;
                    let mut parts = PlasticRows::of_route(plan, route, onto_readouts, history, optimizer);
                    let weights = &network.projections[route.projection].weights;
                    if let Some(mut old) = known.remove(&route.projection) {
                        for part in &mut parts {
                            part.carry_over(&mut old, weights);
                        }
                    }
                    parts
                })
                .collect()
        };
        let old = std::mem::take(&mut self.recurrent_rows);
        self.recurrent_rows = rows(&plan.wiring.recurrent_routes, false, &self.history, old);
        if self.recurrent_rows.iter().flatten().any(PlasticRows::is_scattered) {
            self.history.keep_courses();
        }
        let old = std::mem::take(&mut self.readout_rows);
        self.readout_rows = rows(&plan.wiring.readout_routes, true, &self.errors, old);
        // Spikes that are read, and those of the steps since ranks exchanged them.
        let stamps = plan.longest_delay + plan.wiring.exchanges().map_or(1, |exchanges| exchanges.every);
        if self.fired.len() < stamps {
            let old = std::mem::take(&mut self.fired);
            self.fired = vec![Vec::new(); stamps];
            for stamp in (now - old.len() as i64 + 1).max(0)..=now {
                let length = self.fired.len();
                if !old.is_empty() {
                    self.fired[stamp as usize % length].clone_from(&old[stamp as usize % old.len()]);
                }
            }
        }
        self.lay_out_windows(network, now);
    }

    /// Lays out the maps of windows, if gradients are to be computed by them, and notes when silent rows are visited.
    pub(super) fn lay_out_windows(&mut self, network: &Description, now: i64) {
        let plan = &self.plan;
        let by_maps = network.kernel.gradient == GradientMethod::Adjoint;
        self.learns_by_maps = (network.synapse_models.iter())
            .map(|model| by_maps && !model.optimizer.optimize_each_step)
            .collect();
        let learns_by_maps = &self.learns_by_maps;
        let maps = |routes: &[Route], rows: &[Vec<PlasticRows>], history: &Ring, kind| {
            let learn = |route: &Route| route.plastic && learns_by_maps[route.synapse];
            if !routes.iter().any(learn) {
                return None;
            }
            let (coefficients, forms) = if kind == windows::Kind::Readouts {
                (rows::readout_coefficients(plan, history), Forms { rows: true, lines: false })
            } else {
                let mut learning = routes.iter().zip(rows).filter(|(route, _)| learn(route));
                let scattered =
                    |(_, parts): (_, &Vec<PlasticRows>)| parts.iter().any(PlasticRows::is_scattered);
                let lines = learning.clone().any(scattered);
                let rows_too = learning.any(|(_, parts)| !parts.iter().all(PlasticRows::is_scattered));
                (rows::recurrent_coefficients(plan, history), Forms { rows: rows_too, lines })
            };
            Some(Windows::new(kind, history, coefficients, forms))
        };
        let adapts = plan.recurrent.adapts.iter().any(|adapts| *adapts);
        let kind = if adapts { windows::Kind::Adaptive } else { windows::Kind::Plain };
        let fresh = [
            maps(&plan.wiring.recurrent_routes, &self.recurrent_rows, &self.history, kind),
            maps(&plan.wiring.readout_routes, &self.readout_rows, &self.errors, windows::Kind::Readouts),
        ];
        let held = [&mut self.windows, &mut self.error_windows];
        let mut stale = false;
        for (held, fresh) in held.into_iter().zip(fresh) {
            let same = match (&held, &fresh) {
                (Some(held), Some(fresh)) => held.fits(fresh),
                (None, None) => true,
                _ => false,
            };
            if !same {
                *held = fresh;
                stale = true;
            }
        }
        if stale {
            self.begin_windows(now);
        } else {
            self.expect_visits(now);
        }
    }

    /// Makes all maps from the histories, at step `now`.
    pub(super) fn begin_windows(&mut self, now: i64) {
        // The present step's spikes learn from the steps before the last one.
        let known = (now - 1).max(0);
        if let Some(windows) = &mut self.windows {
            windows.rebuild(&self.history, known);
        }
        if let Some(windows) = &mut self.error_windows {
            windows.rebuild(&self.errors, known);
        }
        self.expect_visits(now);
    }

    pub(super) fn expect_visits(&mut self, now: i64) {
        let groups = [
            (&self.plan.wiring.recurrent_routes, &mut self.recurrent_rows, self.windows.is_some()),
            (&self.plan.wiring.readout_routes, &mut self.readout_rows, self.error_windows.is_some()),
        ];
        for (routes, rows, by_maps) in groups {
            for (route, parts) in routes.iter().zip(rows) {
                let by_maps = by_maps && self.learns_by_maps[route.synapse];
                // The next step's windows end where the delay says.
                for part in parts {
                    part.expect_visits(now - route.delay as i64, by_maps);
                }
            }
        }
    }
}
