//! Nodes, and networks that learn.

use eprop::models::{NodeClass, Rule, SynapseKind};
use serde_json::{Value as Json, json};

use crate::Call;
use crate::dice::Dice;
use crate::generate::values::Fields;
use crate::generate::{Group, LONG, Sketch};

impl Sketch {
    pub(super) fn recurrent(&mut self, rule: Rule, n: usize, dice: &mut Dice) -> Group {
        let model = self.model(dice, |model| model.class == NodeClass::Recurrent && model.rule == rule);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        for (name, value) in [("C_m", 1.0), ("E_L", 0.0), ("V_m", 0.0)] {
            fields.set(name, value);
        }
        fields.set("V_th", dice.number(0.3, 0.6));
        fields.set("tau_m", dice.number(5.0, 40.0));
        if known.place("V_reset").is_some() {
            fields.set("V_reset", dice.number(-0.3, 0.0));
        }
        fields.set("t_ref", self.ms(dice.whole(0, 3)));
        fields.set("surrogate_gradient_width", dice.number(0.2, 1.5));
        self.some(known, n, 0.12, &mut fields, dice);
        self.create(&model, n, fields)
    }

    pub(super) fn readouts(&mut self, rule: Rule, n: usize, dice: &mut Dice) -> Group {
        let model = self.model(dice, |model| model.class == NodeClass::Readout && model.rule == rule);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        for (name, value) in [("C_m", 1.0), ("E_L", 0.0), ("V_m", 0.0)] {
            fields.set(name, value);
        }
        fields.set("tau_m", dice.number(5.0, 40.0));
        self.some(known, n, 0.08, &mut fields, dice);
        self.create(&model, n, fields)
    }

    pub(super) fn currents(&mut self, dice: &mut Dice) -> Group {
        let nest = self.settings.nest;
        let model = self.model(dice, |model| {
            model.class == NodeClass::CurrentGenerator && !(nest && model.place("dt").is_some())
        });
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        self.current(known, &mut fields, dice);
        self.create(&model, 1, fields)
    }

    pub(super) fn generators(&mut self, n: usize, dice: &mut Dice) -> Group {
        let poisson = !self.settings.nest && dice.chance(0.15);
        let class = if poisson { NodeClass::PoissonGenerator } else { NodeClass::SpikeGenerator };
        let model = self.model(dice, |model| model.class == class);
        let known = self.models.iter().find(|(name, _)| *name == model).expect("a model that was listed").1;
        let mut fields = Fields::default();
        if poisson && known.place("rate").is_some() {
            fields.set("rate", dice.number(20.0, 300.0));
        } else if poisson {
            self.piecewise("rate", (0.0, 300.0), &mut fields, dice);
        }
        self.some(known, n, 0.05, &mut fields, dice);
        // A list for several nodes is one for each with NEST.
        if !poisson && (n == 1 || !self.settings.nest) && dice.chance(0.3) {
            self.spike_times(&mut fields, dice);
        }
        let group = self.create(&model, n, fields);
        if !poisson && self.calls.last().is_some_and(|call| call.argument(3).get("spike_times").is_none()) {
            let list: Vec<Json> = (0..n)
                .map(|_| {
                    let mut fields = Fields::default();
                    self.spike_times(&mut fields, dice);
                    fields.into()
                })
                .collect();
            self.calls.push(Call::new("Set").with(group.name.as_str()).with(list));
        }
        group
    }

    pub(super) fn rates(&mut self, n: usize, dice: &mut Dice) -> Group {
        let group = self.create("step_rate_generator", n, Fields::default());
        let list: Vec<Json> = (0..n)
            .map(|_| {
                let mut fields = Fields::default();
                self.amplitudes(&mut fields, dice);
                fields.into()
            })
            .collect();
        self.calls.push(Call::new("Set").with(group.name.as_str()).with(list));
        group
    }

    /// A recorder of these nodes.
    pub(super) fn record(&mut self, nodes: &Group, dice: &mut Dice) {
        let spiking = !matches!(
            nodes.model.class,
            NodeClass::Readout | NodeClass::StepRateGenerator | NodeClass::CurrentGenerator
        );
        let mut fields = Fields::default();
        let model = if spiking && (nodes.model.recordables.is_empty() || dice.chance(0.5)) {
            "spike_recorder"
        } else {
            // NEST shows learning signals of zero where it has cut its history off before they came.
            let dropped = self.settings.nest && !self.several && nodes.model.rule == Rule::Plus;
            let names: Vec<&str> = nodes
                .model
                .recordables
                .iter()
                .copied()
                .filter(|name| *name != "eprop_history_duration" && dice.chance(0.6))
                .filter(|name| !(dropped && *name == "learning_signal"))
                .collect();
            if matches!(nodes.model.class, NodeClass::StepRateGenerator | NodeClass::CurrentGenerator) {
                return;
            }
            if names.is_empty() && (self.settings.nest || dice.chance(0.8)) {
                "voltmeter"
            } else {
                fields.set("record_from", names);
                "multimeter"
            }
        };
        let known = self.models.iter().find(|(name, _)| name == model).expect("a model").1;
        self.some(known, 1, 0.1, &mut fields, dice);
        let recorder = self.create(model, 1, fields);
        let (from, to) = if model == "spike_recorder" { (nodes, &recorder) } else { (&recorder, nodes) };
        let mut synapse = Fields::default();
        synapse.set("delay", self.ms(if dice.chance(0.2) { dice.whole(1, 4) } else { 1 }));
        let (from, to) = (Self::part(from, dice), Self::part(to, dice));
        self.calls
            .push(Call::new("Connect").with(from).with(to).with(json!({"rule": "all_to_all"})).with(synapse));
    }

    pub(super) fn network(&mut self, dice: &mut Dice) {
        let rule = if dice.chance(0.55) { Rule::Interval } else { Rule::Plus };
        let large = dice.chance(0.1);
        let inputs = dice.whole(1, 6);
        // NEST takes minutes for what has many synapses.
        // All recorded weights of a large network in long intervals are more than each oracle can go through again.
        let most = if self.settings.nest || self.interval > LONG { (20, 60) } else { (60, 300) };
        let n = if large { dice.whole(most.0, most.1) } else { dice.whole(1, 16) };
        let generators = self.generators(inputs, dice);
        let first = if self.settings.nest || dice.chance(0.5) {
            let parrots = self.create("parrot_neuron", inputs, Fields::default());
            let delay = self.ms(if dice.chance(0.3) { dice.whole(1, 5) } else { 1 });
            self.calls.push(
                Call::new("Connect")
                    .with(generators.name.as_str())
                    .with(parrots.name.as_str())
                    .with(json!({"rule": "one_to_one"}))
                    .with(json!({"synapse_model": "static_synapse", "delay": delay})),
            );
            parrots
        } else {
            generators.clone()
        };
        let recurrent = self.recurrent(rule, n, dice);
        let count = dice.whole(1, 3);
        let readouts = self.readouts(rule, count, dice);
        if dice.chance(0.8) {
            self.optimizer(rule, dice);
        }
        if dice.chance(0.4) {
            self.watch(dice);
        }
        if rule == Rule::Interval && !self.settings.nest {
            if dice.chance(0.4) {
                self.feedback(dice);
            }
            if dice.chance(0.3) {
                self.rewired(dice);
            }
        }
        self.join(&first, &recurrent, SynapseKind::Plastic, dice);
        // What does not learn may have longer delays.
        let (among, onto_readouts) = (dice.uniform(), dice.uniform());
        for (drawn, to) in [(among, &recurrent), (onto_readouts, &readouts)] {
            if drawn < 0.65 {
                self.join(&recurrent, to, SynapseKind::Plastic, dice);
            } else if drawn < 0.95 {
                self.join(&recurrent, to, SynapseKind::Static, dice);
            }
        }
        if dice.chance(0.9) {
            self.join(&readouts, &recurrent, SynapseKind::LearningSignal, dice);
        }
        if dice.chance(0.9) {
            let targets = self.rates(readouts.n, dice);
            self.rate(&targets, &readouts, 2);
        }
        if rule == Rule::Plus && dice.chance(0.9) {
            let window = self.create("step_rate_generator", 1, Fields::default());
            let at = self.ms(self.time + 2);
            self.calls.push(
                Call::new("Set")
                    .with(window.name.as_str())
                    .with(json!({"amplitude_times": [at], "amplitude_values": [1.0]})),
            );
            self.rate(&window, &readouts, 1);
        }
        if rule == Rule::Interval && readouts.n > 1 && dice.chance(0.3) {
            self.rate(&readouts.clone(), &readouts, 1);
        }
        if dice.chance(0.3) {
            let generators = self.currents(dice);
            self.join(&generators, &recurrent, SynapseKind::Static, dice);
            if dice.chance(0.5) {
                self.join(&generators, &readouts, SynapseKind::Static, dice);
            }
        }
        self.record(&recurrent, dice);
        self.record(&readouts, dice);
        if dice.chance(0.5) {
            self.record(&first, dice);
        }
    }

    pub(super) fn nodes(&mut self, dice: &mut Dice) {
        let rule = if dice.chance(0.5) { Rule::Interval } else { Rule::Plus };
        match dice.whole(0, 9) {
            0 | 1 => {
                let n = dice.whole(1, 6);
                let group = self.recurrent(rule, n, dice);
                if dice.chance(0.5) {
                    self.record(&group, dice);
                }
            }
            2 => {
                let n = dice.whole(1, 3);
                let group = self.readouts(rule, n, dice);
                if dice.chance(0.5) {
                    self.record(&group, dice);
                }
            }
            3 | 4 => {
                let n = dice.whole(1, 4);
                self.generators(n, dice);
            }
            5 => {
                let n = dice.whole(1, 4);
                let group = self.create("parrot_neuron", n, Fields::default());
                if dice.chance(0.7) {
                    self.record(&group, dice);
                }
            }
            6 if dice.chance(0.5) => {
                let generators = self.currents(dice);
                let to = self.any(dice, |group| {
                    matches!(group.model.class, NodeClass::Recurrent | NodeClass::Readout)
                });
                if let Some(to) = to {
                    self.join(&generators, &to, SynapseKind::Static, dice);
                }
            }
            6 => {
                let n = dice.whole(1, 3);
                self.rates(n, dice);
            }
            _ => {
                if let Some(group) = self.any(dice, |group| {
                    !matches!(
                        group.model.class,
                        NodeClass::SpikeRecorder | NodeClass::WeightRecorder | NodeClass::Multimeter
                    )
                }) {
                    self.record(&group, dice);
                }
            }
        }
    }
}
