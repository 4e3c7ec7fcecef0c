//! Connections.

use eprop::models::{NodeClass, Rule, SynapseKind};
use serde_json::json;

use crate::Call;
use crate::dice::Dice;
use crate::generate::values::Fields;
use crate::generate::{Group, Sketch, selected};

/// A rule that draws its pairs, of three kinds in equal parts from 0.7 on, with a probability or degree that is drawn, too,
/// in some.
fn random_pattern(pattern: &mut Fields, which: f64, (sources, targets): (usize, usize), dice: &mut Dice) {
    let degree = |nodes: usize, dice: &mut Dice| {
        let most = nodes.min(5);
        // NEST goes on for ever where a degree that is drawn finds too few nodes.
        if dice.chance(0.25) {
            json!({"random": ["uniform", 0.0, most]})
        } else {
            json!(dice.whole(1, most + 1))
        }
    };
    if which < 0.8 {
        let (rule, name, most) = *dice
            .pick(&[("pairwise_bernoulli", "p", 0.9), ("pairwise_poisson", "pairwise_avg_num_conns", 2.0)]);
        let amount = if dice.chance(0.25) {
            json!({"random": ["uniform", 0.0, most]})
        } else {
            json!(dice.number(0.1, most))
        };
        pattern.set("rule", rule);
        pattern.set(name, amount);
        return;
    }
    let (rule, name, nodes) = if which < 0.9 {
        ("fixed_indegree", "indegree", sources)
    } else {
        ("fixed_outdegree", "outdegree", targets)
    };
    pattern.set("rule", rule);
    pattern.set(name, degree(nodes, dice));
    pattern.set("allow_multapses", dice.chance(0.6));
}

impl Sketch {
    /// Carries a rate.
    pub(super) fn rate(&mut self, from: &Group, to: &Group, receptor: usize) {
        let rule = if from.name == to.name {
            json!({"rule": "all_to_all", "allow_autapses": false})
        } else if from.n == to.n && receptor == 2 {
            json!({"rule": "one_to_one"})
        } else {
            json!({"rule": "all_to_all"})
        };
        self.calls.push(
            Call::new("Connect").with(from.name.as_str()).with(to.name.as_str()).with(rule).with(json!({
                "synapse_model": "rate_connection_delayed",
                "delay": self.resolution,
                "receptor_type": receptor
            })),
        );
    }

    /// Connects two populations by a rule that is drawn.
    pub(super) fn join(&mut self, from: &Group, to: &Group, kind: SynapseKind, dice: &mut Dice) {
        let rule = to.model.rule;
        let candidates: Vec<(String, bool)> = self
            .synapses
            .iter()
            .filter(|synapse| synapse.kind == kind && (synapse.rule == rule || synapse.rule == Rule::Any))
            .map(|synapse| (synapse.name.clone(), synapse.rewires))
            .collect();
        if candidates.is_empty() {
            return;
        }
        self.learns |= kind == SynapseKind::Plastic;
        // NEST has not made the last update of a weight that learns, and takes a learning signal that is on its way by
        // the weight that is set.
        self.joined.push((from.name.clone(), to.name.clone(), kind != SynapseKind::Static));
        let (mut model, rewires) = dice.pick(&candidates).clone();
        if self.settings.nest && self.time > 0 && kind != SynapseKind::LearningSignal {
            // What was just emitted goes over a new connection in NEST if its source had one of that model.
            let copy = self.name("late");
            self.calls.push(Call::new("CopyModel").with(model).with(copy.as_str()).with(json!({})));
            model = copy;
        }
        let mut synapse = Fields::default();
        synapse.set("synapse_model", model);
        let fixed = matches!(kind, SynapseKind::Plastic | SynapseKind::LearningSignal);
        let delay = if fixed { 1 } else { dice.whole(1, 5) };
        synapse.set("delay", self.ms(delay));
        let scale = match kind {
            SynapseKind::LearningSignal => 1.0,
            _ => *dice.pick(&[0.5, 1.0, 1.0, 2.0]) / (from.n as f64).sqrt(),
        };
        let drawn = |dice: &mut Dice| dice.number(-0.8 * scale, 1.2 * scale);
        let (source, target) = (Self::part(from, dice), Self::part(to, dice));
        let whole = source.is_string() && target.is_string();
        let sizes = (selected(&source, from.n), selected(&target, to.n));
        let mut pattern = Fields::default();
        let which = if rewires { dice.number(0.7, 1.0) } else { dice.uniform() };
        // NEST does not take it from the readouts.
        if rule == Rule::Interval && kind == SynapseKind::Plastic && (self.settings.nest || dice.chance(0.3))
        {
            synapse.set("tau_m_readout", dice.number(5.0, 40.0));
        }
        if whole && dice.chance(0.1) {
            // Pairs of ids, in any order, some of them more than once.
            let count = dice.whole(1, (from.n * to.n).min(20));
            let pairs: Vec<(usize, usize)> = (0..count)
                .map(|_| (from.first + dice.whole(0, from.n - 1), to.first + dice.whole(0, to.n - 1)))
                .collect();
            synapse.set("weight", (0..count).map(|_| drawn(dice)).collect::<Vec<f64>>());
            if fixed {
                synapse.set("delay", vec![self.resolution; count]);
            } else {
                let delays: Vec<f64> = (0..count).map(|_| self.ms(dice.whole(1, 5))).collect();
                synapse.set("delay", delays);
            }
            self.calls.push(
                Call::new("ConnectIds")
                    .with(pairs.iter().map(|(source, _)| *source).collect::<Vec<usize>>())
                    .with(pairs.iter().map(|(_, target)| *target).collect::<Vec<usize>>())
                    .with(synapse),
            );
            return;
        }
        if sizes.0 == sizes.1 && (which < 0.15 || (rewires && dice.chance(0.2))) {
            pattern.set("rule", "one_to_one");
            synapse.set("weight", drawn(dice));
        } else if which < 0.7 || (self.settings.nest && which > 0.85) {
            pattern.set("rule", "all_to_all");
            if from.name == to.name && dice.chance(0.6) {
                pattern.set("allow_autapses", false);
            }
            if dice.chance(0.85) {
                let rows: Vec<Vec<f64>> =
                    (0..sizes.1).map(|_| (0..sizes.0).map(|_| drawn(dice)).collect()).collect();
                synapse.set("weight", rows);
            } else {
                synapse.set("weight", drawn(dice));
            }
        } else {
            random_pattern(&mut pattern, which, sizes, dice);
            synapse.set("weight", drawn(dice));
        }
        if !self.settings.nest && dice.chance(0.08) && kind != SynapseKind::LearningSignal {
            synapse.set("weight", json!({"random": ["normal", 0.0, scale * 0.5]}));
        }
        self.calls.push(Call::new("Connect").with(source).with(target).with(pattern).with(synapse));
    }

    pub(super) fn record_spikes(&mut self, from: &Group, to: Group, dice: &mut Dice) {
        self.calls.push(
            Call::new("Connect")
                .with(Self::part(from, dice))
                .with(to.name)
                .with(json!({"rule": "all_to_all"}))
                .with(json!({"delay": self.resolution})),
        );
    }

    pub(super) fn connect(&mut self, dice: &mut Dice) {
        let nest = self.settings.nest;
        let stimulus = |group: &Group| {
            matches!(
                group.model.class,
                NodeClass::SpikeGenerator | NodeClass::PoissonGenerator | NodeClass::Parrot
            )
        };
        let of = |class: NodeClass| move |group: &Group| group.model.class == class;
        match dice.whole(0, 9) {
            0 => {
                if let (Some(from), Some(to)) =
                    (self.any(dice, stimulus), self.any(dice, of(NodeClass::Parrot)))
                    && from.first < to.first
                {
                    self.join(&from, &to, SynapseKind::Static, dice);
                    if dice.chance(0.1)
                        && let Some(call) = self.calls.last_mut()
                        && call.name() == "Connect"
                    {
                        call.0[4]["receptor_type"] = json!(1);
                    }
                }
            }
            1 | 2 => {
                let plastic = dice.chance(0.6);
                let from = self.any(dice, |group| {
                    stimulus(group) && !(nest && plastic && group.model.class != NodeClass::Parrot)
                });
                if let (Some(from), Some(to)) = (from, self.any(dice, of(NodeClass::Recurrent))) {
                    let kind = if plastic { SynapseKind::Plastic } else { SynapseKind::Static };
                    self.join(&from, &to, kind, dice);
                }
            }
            3 | 4 => {
                if let Some(from) = self.any(dice, of(NodeClass::Recurrent)) {
                    let rule = from.model.rule;
                    let to = self.any(dice, |group| {
                        matches!(group.model.class, NodeClass::Recurrent | NodeClass::Readout)
                            && group.model.rule == rule
                    });
                    if let Some(to) = to {
                        let kind = if dice.chance(0.6) { SynapseKind::Plastic } else { SynapseKind::Static };
                        self.join(&from, &to, kind, dice);
                    }
                }
            }
            5 => {
                if let Some(from) = self.any(dice, of(NodeClass::Readout)) {
                    let rule = from.model.rule;
                    let to = self.any(dice, |group| {
                        group.model.class == NodeClass::Recurrent && group.model.rule == rule
                    });
                    if let Some(to) = to {
                        self.join(&from, &to, SynapseKind::LearningSignal, dice);
                    }
                }
            }
            6 => {
                if let (Some(from), Some(to)) =
                    (self.any(dice, of(NodeClass::StepRateGenerator)), self.any(dice, of(NodeClass::Readout)))
                {
                    let receptor = if to.model.rule == Rule::Plus { dice.whole(1, 2) } else { 2 };
                    self.rate(&from, &to, receptor);
                }
            }
            7 => {
                let spiking = |group: &Group| stimulus(group) || group.model.class == NodeClass::Recurrent;
                if let (Some(from), Some(to)) =
                    (self.any(dice, spiking), self.any(dice, of(NodeClass::SpikeRecorder)))
                {
                    self.record_spikes(&from, to, dice);
                }
            }
            8 => {
                let from = self
                    .any(dice, |group| stimulus(group) && (!nest || group.model.class == NodeClass::Parrot));
                if let (Some(from), Some(to)) = (from, self.any(dice, of(NodeClass::Readout))) {
                    let kind = if dice.chance(0.5) { SynapseKind::Plastic } else { SynapseKind::Static };
                    self.join(&from, &to, kind, dice);
                }
            }
            _ => {
                if !nest && let (Some(from), Some(to)) = (self.any(dice, |_| true), self.any(dice, |_| true))
                {
                    let kind = *dice.pick(&[
                        SynapseKind::Static,
                        SynapseKind::Plastic,
                        SynapseKind::LearningSignal,
                        SynapseKind::Rate,
                    ]);
                    if !(to.model.class == NodeClass::Parrot && from.first >= to.first) {
                        self.join(&from, &to, kind, dice);
                    }
                }
            }
        }
    }

    pub(super) fn weights(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            let learns = |from: &str, to: &str| {
                self.joined.iter().any(|(a, b, plastic)| *plastic && a == from && b == to)
            };
            let fixed: Vec<(String, String)> = self
                .joined
                .iter()
                .filter(|(from, to, _)| !learns(from, to))
                .map(|(from, to, _)| (from.clone(), to.clone()))
                .collect();
            if !fixed.is_empty() {
                let (from, to) = dice.pick(&fixed).clone();
                let weight = dice.number(-1.0, 1.0);
                self.calls
                    .push(Call::new("SetConnections").with(from).with(to).with(json!({"weight": weight})));
            }
            return;
        }
        // Mostly those of connections that there are.
        let joined: Vec<(Group, Group)> = self
            .joined
            .iter()
            .filter_map(|(from, to, _)| {
                let group = |name: &str| self.groups.iter().find(|group| group.name == name).cloned();
                Some((group(from)?, group(to)?))
            })
            .collect();
        let pair = if joined.is_empty() || dice.chance(0.3) {
            self.any(dice, |_| true).zip(self.any(dice, |_| true))
        } else {
            Some(dice.pick(&joined).clone())
        };
        if let Some((from, to)) = pair {
            let (from, to) = (Self::part(&from, dice), Self::part(&to, dice));
            let weight = dice.number(-1.0, 1.0);
            self.calls.push(Call::new("SetConnections").with(from).with(to).with(json!({"weight": weight})));
        }
    }
}
