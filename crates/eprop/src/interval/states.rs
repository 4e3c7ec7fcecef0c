//! State variables as the user sets and reads them.

use crate::base::real::Real;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::{self, NodeIndex, SetState, set_states};
use crate::interval::IntervalRule;
use crate::interval::plan::{READOUT, RECURRENT};

impl<R: Real> IntervalRule<R> {
    /// Takes state variables that the user has set.
    pub(super) fn load(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]) {
        for state in set_states(network, index, nodes, [RECURRENT, READOUT]) {
            let SetState { population, place, voltage, adaptation } = state;
            if population == READOUT {
                self.open.readout_voltage[place] = voltage;
                continue;
            }
            self.open.state.voltage[place] = R::of(voltage);
            if let Some(adaptation) = adaptation {
                self.open.state.adaptation[place] = R::of(adaptation);
            }
        }
    }

    /// Writes the state variables to where the user reads them.
    pub(super) fn store(&self, network: &mut Description) {
        let plan = &self.plan;
        let (n, k) = (plan.recurrent_count(), plan.readout_count());
        let p = &plan.recurrent;
        let state = &self.open.state;
        let begun = self.open.recurrent_done > 0;
        let voltage: Vec<f64> = (0..n).map(|j| state.voltage[j].f64() + p.rest[j]).collect();
        let adaptation: Vec<f64> = (0..n).map(|j| state.adaptation[j].f64()).collect();
        let threshold: Vec<f64> =
            (0..n).map(|j| p.threshold[j] + p.adaptation_gain[j] * adaptation[j] + p.rest[j]).collect();
        let surrogate: Vec<f64> =
            (0..n).map(|j| if begun { self.open.latest[j].f64() } else { 0.0 }).collect();
        population::store(
            network,
            RECURRENT,
            &[
                ("V_m", &voltage),
                ("V_th_adapt", &threshold),
                ("adaptation", &adaptation),
                ("surrogate_gradient", &surrogate),
            ],
        );
        let voltage: Vec<f64> =
            (0..k).map(|j| self.open.readout_voltage[j] + plan.readouts.rest[j]).collect();
        let error: Vec<f64> = (0..k)
            .map(|j| {
                self.open
                    .readout_done
                    .checked_sub(2)
                    .filter(|_| self.open.interval >= 0)
                    .map_or(0.0, |step| self.open.errors[step * k + j])
            })
            .collect();
        population::store(network, READOUT, &[("V_m", &voltage), ("error_signal", &error)]);
    }
}
