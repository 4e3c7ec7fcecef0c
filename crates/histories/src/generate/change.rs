//! What is changed, simulated and looked at, and calls that are refused.

use eprop::models::{NodeClass, Rule};
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::generate::values::Fields;
use crate::generate::{Group, Sketch, selected};
use crate::oracles::mentions;

/// What NEST computes the gradient of an update interval with when a source next fires, as it is then.
const READ_LATE: &[&str] = &["tau_m", "adapt_tau", "adapt_beta", "regular_spike_arrival"];

/// What the traces of e-prop+ synapses are filtered with.
const FILTERS: &[&str] =
    &["tau_m", "kappa", "kappa_reg", "adapt_tau", "adapt_beta", "eprop_isi_trace_cutoff"];

/// Whether NEST leaves out the connections among such nodes where it is asked for those between some nodes.
fn is_device(group: &Group) -> bool {
    use NodeClass::{
        CurrentGenerator, Multimeter, PoissonGenerator, SpikeGenerator, SpikeRecorder, StepRateGenerator,
        WeightRecorder,
    };
    matches!(
        group.model.class,
        SpikeGenerator
            | PoissonGenerator
            | StepRateGenerator
            | CurrentGenerator
            | Multimeter
            | SpikeRecorder
            | WeightRecorder
    )
}

impl Sketch {
    pub(super) fn set(&mut self, dice: &mut Dice) {
        let Some(group) = self.any(dice, |_| true) else { return };
        let selection = Self::part(&group, dice);
        let n = selected(&selection, group.n);
        let mut fields = Fields::default();
        match group.model.class {
            NodeClass::SpikeGenerator | NodeClass::StepRateGenerator if self.settings.nest && n > 1 => {
                let list: Vec<Json> = (0..n)
                    .map(|_| {
                        let mut fields = Fields::default();
                        if group.model.class == NodeClass::SpikeGenerator {
                            self.spike_times(&mut fields, dice);
                        } else {
                            self.amplitudes(&mut fields, dice);
                        }
                        fields.into()
                    })
                    .collect();
                self.calls.push(Call::new("Set").with(selection).with(list));
                return;
            }
            NodeClass::SpikeGenerator => {
                if dice.chance(0.8) {
                    self.spike_times(&mut fields, dice);
                } else {
                    self.some(group.model, n, 0.5, &mut fields, dice);
                }
            }
            NodeClass::StepRateGenerator => self.amplitudes(&mut fields, dice),
            NodeClass::CurrentGenerator => self.current(group.model, &mut fields, dice),
            NodeClass::SpikeRecorder | NodeClass::WeightRecorder | NodeClass::Multimeter => {
                // A new window of a multimeter holds a step earlier in NEST.
                let window = self.settings.nest && group.model.class == NodeClass::Multimeter;
                if window || dice.chance(0.4) {
                    fields.set("n_events", 0);
                } else {
                    self.some(group.model, n, 0.3, &mut fields, dice);
                }
            }
            _ => {
                self.some(group.model, n, if dice.chance(0.5) { 0.08 } else { 0.3 }, &mut fields, dice);
                if self.settings.nest && self.time > 0 && group.model.rule == Rule::Plus {
                    // Who is silent for longer has learned until then what it learns in NEST when it fires.
                    let silent = self.time > 200 || mentions(&self.calls, "eprop_isi_trace_cutoff");
                    fields.0.retain(|name, _| !(silent && FILTERS.contains(&name.as_str())));
                    // A threshold that stands still while a neuron is refractory is the one from before.
                    if group.model.name == "eprop_iaf_psc_delta_adapt" {
                        fields.0.retain(|name, _| name != "V_th" && name != "adapt_beta");
                    }
                }
                if self.settings.nest && self.time > 0 && group.model.rule == Rule::Interval {
                    // An exponential of the voltage that is sent without having been computed gives no number there.
                    fields.0.retain(|name, _| name != "loss" && !READ_LATE.contains(&name.as_str()));
                }
            }
        }
        if !fields.0.is_empty() {
            self.calls.push(Call::new("Set").with(selection).with(fields));
        }
    }

    pub(super) fn simulate(&mut self, dice: &mut Dice) {
        let steps = match dice.whole(0, 4) {
            0 => dice.whole(1, 6),
            1 => self.interval,
            2 => dice.whole(1, 2 * self.interval),
            // Several intervals in one go, which may be computed side by side.
            3 => dice.whole(2, (120 / self.interval).clamp(2, 8)) * self.interval,
            _ => dice.whole(1, 60),
        };
        self.calls.push(Call::new("Simulate").with(self.ms(steps)));
        self.time += steps;
    }

    pub(super) fn look(&mut self, dice: &mut Dice) {
        if self.settings.nest || dice.chance(0.4) {
            if let (Some(from), Some(to)) = (self.any(dice, |_| true), self.any(dice, |_| true)) {
                if self.settings.nest && is_device(&from) && is_device(&to) {
                    return;
                }
                let label = self.name("look");
                self.calls.push(Call::new("GetConnections").with(label).with(from.name).with(to.name));
            }
        } else if dice.chance(0.5) {
            let recorder = self.any(dice, |group| {
                matches!(group.model.class, NodeClass::SpikeRecorder | NodeClass::Multimeter)
            });
            if let Some(recorder) = recorder {
                self.calls.push(Call::new("TakeEvents").with(recorder.name));
            }
        } else {
            self.calls.push(Call::new("Restore"));
        }
    }

    pub(super) fn kernel(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            return;
        }
        let (name, value) = match dice.whole(0, 3) {
            0 => ("rng_seed", json!(dice.whole(1, 1000))),
            1 => ("local_num_threads", json!(dice.whole(1, 4))),
            2 => ("eprop_reset_neurons_on_update", json!(dice.chance(0.5))),
            _ => ("total_num_virtual_procs", json!(1)),
        };
        let mut fields = Fields::default();
        fields.set(name, value);
        self.calls.push(Call::new("set").with(fields));
    }

    /// A call that should be refused.
    pub(super) fn bad(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            return;
        }
        let group = self.any(dice, |_| true);
        let other = self.any(dice, |_| true);
        let (Some(group), Some(other)) = (group, other) else { return };
        let call = Call::new;
        let bad = match dice.whole(0, 15) {
            0 => call("Create").with("bad").with("no_such_model").with(1).with(Json::Null),
            1 => call("Create")
                .with("bad")
                .with(group.model.name)
                .with(*dice.pick(&[0.0, -1.0, 1.5]))
                .with(Json::Null),
            2 => call("Create").with("bad").with(group.model.name).with(2).with(json!([{}, {"tau_n": 1.0}])),
            3 => {
                let parameter = dice.pick(group.model.parameters);
                let mut fields = Fields::default();
                fields.set(parameter.name, json!({"float": "nan"}));
                call("Set").with(group.name).with(fields)
            }
            4 => {
                let parameter = dice.pick(group.model.parameters);
                let mut fields = Fields::default();
                fields.set(parameter.name, json!({"nonsense": true}));
                call("Create").with("bad").with(group.model.name).with(3).with(fields)
            }
            5 => {
                // The first is all right, the last is not.
                let list: Vec<Json> = vec![json!({"n_events": 0}), json!({"no_such": 1.0})];
                call("Set").with(json!([[group.name, 0, 1], [other.name, 0, 1]])).with(list)
            }
            6 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "one_to_one"}))
                .with(json!({"delay": -1.0})),
            7 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "fixed_indegree", "indegree": 1000, "allow_multapses": false}))
                .with(json!({})),
            8 => call("Connect").with(group.name).with(other.name).with(json!({"rule": "all_to_all"})).with(
                json!({"synapse_model": "eprop_synapse", "weight": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]}),
            ),
            9 => call("Connect")
                .with(group.name)
                .with(other.name)
                .with(json!({"rule": "pairwise_bernoulli", "p": 1.5}))
                .with(json!({})),
            10 => call("Simulate").with(*dice.pick(&[-1.0, 0.013, 1e300])),
            11 => call("set").with(json!({"eprop_update_interval": 0.0123})),
            12 => call("set").with(json!({"rng_seed": 5, "no_such": 1})),
            13 => call("CopyModel").with("eprop_iaf").with("eprop_synapse").with(json!({})),
            14 => call("SetDefaults")
                .with("eprop_synapse")
                .with(json!({"optimizer": {"Wmin": 5.0, "Wmax": -5.0}})),
            _ => call("SetConnections")
                .with(group.name)
                .with(other.name)
                .with(json!({"weight": 1e30, "delay": 2.0})),
        };
        self.calls.push(bad);
    }
}
