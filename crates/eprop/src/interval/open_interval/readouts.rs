//! Readouts and their errors, once the recurrent neurons are known.

use crate::base::real::Real;
use crate::interval::open_interval::part::for_each_row;
use crate::interval::open_interval::{OpenInterval, Surroundings};
use crate::step::delivery::{deliver_poisson, deliver_row};

impl<R: Real> OpenInterval<R> {
    pub(super) fn advance_readouts(&mut self, around: &Surroundings<'_, R>, to: usize) {
        let plan = around.plan;
        let start = plan.start_readout(self.interval);
        let offset = (start - plan.start_recurrent(self.interval)) as isize;
        let k = plan.readout_count();
        if self.readout_done == 0 && self.interval >= 0 && plan.reset {
            self.readout_voltage.fill(0.0);
        }
        let p = &plan.readouts;
        let begin = plan.targets_since(self.interval);
        let recorded = !plan.wiring.readout_taps.is_empty();
        let mut first_drive = around.first_readout_drive.filter(|_| self.readout_done < to);
        for local in self.readout_done..to {
            let step = start + local as i64;
            self.readout_input.fill(0.0);
            around.readout_arrivals.add_to(&mut self.readout_input, &(0..k), step);
            for route in &plan.wiring.readout_routes {
                let current = &around.projections[route.projection].weights;
                let weights = match &around.before.get(route.projection) {
                    Some(Some(before)) if local == 0 => before,
                    _ => current,
                };
                let emitted = local as isize + offset - route.delay as isize;
                for_each_row(around, route, &self.spikes, emitted, step, |row, count| {
                    deliver_row(route, weights, &mut self.readout_input, row, count);
                });
                if route.poisson {
                    let stamp = step + 1 - route.delay as i64;
                    let ids = &plan.wiring.stimulus_ids;
                    let input = &mut self.readout_input;
                    deliver_poisson(route, weights, input, &(0..k), around.emission, stamp, ids);
                }
                if route.weight_recorder.is_some() {
                    self.record_weights(around, route, weights, true, local, step);
                }
            }
            let drive = first_drive.take().unwrap_or(around.readout_drive);
            let (currents, routes) = (&around.currents.0[1], &plan.wiring.currents[1]);
            let come = currents.may_come(routes);
            if come {
                currents.collect(routes, &(0..k), step, &mut self.readout_currents);
                for ((sum, gain), drive) in self.readout_currents.iter_mut().zip(&p.current_gain).zip(drive) {
                    *sum = drive + gain * *sum;
                }
            }
            let drive = if come { &self.readout_currents } else { drive };
            let learning = self.interval >= 0 && local + plan.window >= plan.interval;
            for j in 0..k {
                let arriving = drive[j] + p.spike_gain[j] * self.readout_input[j];
                let v = p.decay[j].mul_add(self.readout_voltage[j], arriving);
                self.readout_voltage[j] = if v > p.floor[j] { v } else { p.floor[j] };
            }
            if recorded {
                self.shown.voltage.extend_from_slice(&self.readout_voltage);
            }
            if learning && p.any_of_mean() {
                for j in 0..k {
                    let target = self.targets.read(&p.targets, j, step + 1, begin);
                    self.sums[j][0] += self.readout_voltage[j] + p.rest[j];
                    self.sums[j][1] += p.smoothed(j, target);
                }
            }
            for j in 0..k {
                let (signal, target) = if learning {
                    let target = self.targets.read(&p.targets, j, step + 1, begin);
                    (self.readout_signal(plan, j, local), self.target_signal(plan, j, local, target))
                } else {
                    (0.0, 0.0)
                };
                if self.interval >= 0 {
                    self.errors[local * k + j] = p.losses[j].error(signal, target);
                }
                if recorded {
                    self.shown.signal.push(signal);
                    self.shown.target.push(target);
                }
            }
        }
        if recorded {
            self.record_readouts(plan, start, self.readout_done, to);
            self.shown.clear();
        }
        if self.readout_done < to {
            self.stepped = k;
            self.last_shown.clear();
        }
        self.readout_done = to;
    }
}
