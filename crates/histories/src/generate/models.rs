//! Defaults and copies of models, optimizers among them.

use eprop::feedback::SOURCES;
use eprop::models::{NodeClass, Rule, SynapseKind};
use eprop::optimizer::METHODS;
use serde_json::json;

use crate::Call;
use crate::dice::Dice;
use crate::generate::values::Fields;
use crate::generate::{Sketch, Synapse};

impl Sketch {
    /// Sets the optimizer of a rule's synapses.
    pub(super) fn optimizer(&mut self, rule: Rule, dice: &mut Dice) {
        let places: Vec<usize> = (0..self.synapses.len())
            .filter(|place| {
                self.synapses[*place].kind == SynapseKind::Plastic && self.synapses[*place].rule == rule
            })
            .collect();
        let place = *dice.pick(&places);
        let used = self.calls.iter().any(|call| {
            call.name().starts_with("Connect") && call.to_string().contains(&self.synapses[place].name)
        });
        let mut optimizer = Fields::default();
        if used {
            if self.synapses[place].method != "gradient_descent" && !self.settings.nest {
                optimizer.set("type", self.synapses[place].method);
            }
        } else {
            // NEST has the first two.
            let known = if self.settings.nest { 2 } else { METHODS.len() };
            let method = if dice.chance(0.6) { 0 } else { dice.whole(1, known - 1) };
            if self.synapses[place].method != METHODS[method].name {
                // That is a new optimizer.
                (self.synapses[place].rated, self.synapses[place].each_step) = (false, true);
            }
            self.synapses[place].method = METHODS[method].name;
            optimizer.set("type", METHODS[method].name);
            if dice.chance(0.6) {
                optimizer.set("batch_size", dice.whole(1, 4));
            }
        }
        // NEST looks for the first rate that was ever set when a source next fires.
        // Called for each step, it has the same one for all steps since that source has fired.
        let whole = rule == Rule::Plus && self.synapses[place].each_step;
        let late = self.settings.nest && self.time > 0 && (whole || !self.synapses[place].rated);
        if dice.chance(0.8) && !late {
            let eta = *dice.pick(&[0.1, 0.03, 0.01, 1e-3, 1e-4, 0.0]);
            self.synapses[place].rated |= eta != 1e-4;
            optimizer.set("eta", eta);
        }
        // NEST makes an update with what holds when a source next fires.
        let settled = self.settings.nest && self.time > 0 && rule == Rule::Interval;
        if dice.chance(0.2) && !settled {
            optimizer.set("Wmin", -4.0);
            optimizer.set("Wmax", 4.0);
        }
        if rule == Rule::Plus && !(used && self.time > 0) && dice.chance(0.5) {
            let each_step = dice.chance(0.5);
            self.synapses[place].each_step = each_step;
            optimizer.set("optimize_each_step", each_step);
        }
        if self.synapses[place].method != "gradient_descent" && !used && dice.chance(0.5) {
            optimizer.set("beta_1", 0.8);
            optimizer.set("epsilon", 1e-5);
        }
        let mut fields = Fields::default();
        fields.set("optimizer", optimizer);
        if rule == Rule::Interval && dice.chance(0.3) && !settled {
            fields.set("average_gradient", dice.chance(0.5));
        }
        if rule == Rule::Interval && !self.settings.nest && dice.chance(0.3) {
            Self::signs(self.synapses[place].rewires, &mut fields, dice);
        }
        if dice.chance(0.3) && !(self.settings.nest && self.time > 0) {
            let recorder = self.create("weight_recorder", 1, Fields::default());
            fields.set("weight_recorder", recorder.name);
        }
        self.calls.push(Call::new("SetDefaults").with(self.synapses[place].name.as_str()).with(fields));
    }

    /// Has a weight recorder see what is sent over static synapses, onto parrots too: a new one, or one that there is.
    pub(super) fn watch(&mut self, dice: &mut Dice) {
        let models: Vec<&str> = self
            .synapses
            .iter()
            .filter(|synapse| synapse.kind == SynapseKind::Static)
            .map(|synapse| synapse.name.as_str())
            .collect();
        let model = (*dice.pick(&models)).to_owned();
        // What is created between two simulations changes what is learned elsewhere in NEST.
        let creates = !(self.settings.nest && self.time > 0);
        let known = self.any(dice, |group| group.model.class == NodeClass::WeightRecorder);
        let known = known.filter(|group| group.n == 1 && !(creates && dice.chance(0.5)));
        let recorder = match known {
            Some(recorder) => recorder,
            None if creates => self.create("weight_recorder", 1, Fields::default()),
            None => return,
        };
        let mut fields = Fields::default();
        fields.set("weight_recorder", recorder.name);
        self.calls.push(Call::new("SetDefaults").with(model).with(fields));
    }

    /// What weights keep to besides their bounds; those that are rewired, mostly.
    fn signs(rewires: bool, fields: &mut Fields, dice: &mut Dice) {
        fields.set("keeps_sign", dice.chance(0.5));
        if rewires || dice.chance(0.05) {
            fields.set("rewiring", if dice.chance(0.9) { "deep_r" } else { "none" });
            fields.set("rewiring_l1", *dice.pick(&[0.0, 1e-2, 1.0, 3.0]));
            fields.set("rewiring_temperature", *dice.pick(&[0.0, 0.0, 1e-3, 0.1]));
        }
    }

    /// A model of synapses that are rewired.
    pub(super) fn rewired(&mut self, dice: &mut Dice) {
        let name = self.name("rewired");
        let mut optimizer = Fields::default();
        let method = METHODS[dice.whole(0, METHODS.len() - 1)].name;
        optimizer.set("type", method);
        optimizer.set("eta", *dice.pick(&[0.1, 0.03, 0.01]));
        optimizer.set("batch_size", dice.whole(1, 3));
        if dice.chance(0.3) {
            // Weights of one sign, or small ones.
            let (low, high) = *dice.pick(&[(0.0, 2.0), (-2.0, 0.0), (-0.3, 0.3)]);
            optimizer.set("Wmin", low);
            optimizer.set("Wmax", high);
        }
        let mut fields = Fields::default();
        Self::signs(true, &mut fields, dice);
        fields.set("optimizer", optimizer);
        let existing = "eprop_synapse_bsshslm_2020";
        self.calls.push(Call::new("CopyModel").with(existing).with(name.as_str()).with(fields));
        let (kind, rule) = (SynapseKind::Plastic, Rule::Interval);
        self.synapses.push(Synapse { name, kind, rule, method, rated: true, each_step: true, rewires: true });
    }

    /// Says where the weights of learning signals come from.
    pub(super) fn feedback(&mut self, dice: &mut Dice) {
        if self.settings.nest {
            return;
        }
        let models: Vec<&str> = self
            .synapses
            .iter()
            .filter(|synapse| synapse.kind == SynapseKind::LearningSignal && synapse.rule == Rule::Interval)
            .map(|synapse| synapse.name.as_str())
            .collect();
        let source = SOURCES[dice.whole(0, SOURCES.len() - 1)].name();
        let mut fields = Fields::default();
        fields.set("feedback", source);
        if dice.chance(0.6) {
            fields.set("feedback_decay", *dice.pick(&[0.0, 1e-3, 0.1, 1.0]));
        }
        let call = Call::new("SetDefaults").with(*dice.pick(&models)).with(json!(fields.0));
        self.calls.push(call);
    }

    pub(super) fn defaults(&mut self, dice: &mut Dice) {
        if dice.chance(0.15) {
            self.feedback(dice);
            return;
        }
        if dice.chance(0.15) {
            self.watch(dice);
            return;
        }
        if dice.chance(0.7) {
            let rule = if dice.chance(0.5) { Rule::Interval } else { Rule::Plus };
            self.optimizer(rule, dice);
            return;
        }
        let (name, model) = dice.pick(&self.models).clone();
        let mut fields = Fields::default();
        self.some(model, 1, 0.1, &mut fields, dice);
        if !fields.0.is_empty() {
            self.calls.push(Call::new("SetDefaults").with(name).with(fields));
        }
    }

    pub(super) fn copy(&mut self, dice: &mut Dice) {
        if dice.chance(0.5) {
            let mut synapse = dice.pick(&self.synapses).clone();
            let existing = synapse.name.clone();
            synapse.name = self.name("synapse");
            let mut fields = Fields::default();
            if synapse.kind == SynapseKind::Plastic
                && synapse.rule == Rule::Interval
                && !self.settings.nest
                && dice.chance(0.4)
            {
                self.rewired(dice);
                return;
            }
            if synapse.kind == SynapseKind::Plastic && dice.chance(0.7) {
                let mut optimizer = Fields::default();
                optimizer.set("eta", *dice.pick(&[0.1, 0.01, 1e-3]));
                synapse.rated = true;
                fields.set("optimizer", optimizer);
            }
            self.calls.push(Call::new("CopyModel").with(existing).with(synapse.name.as_str()).with(fields));
            self.synapses.push(synapse);
        } else {
            let (existing, model) = dice.pick(&self.models).clone();
            let name = self.name("model");
            let mut fields = Fields::default();
            self.some(model, 1, 0.1, &mut fields, dice);
            self.calls.push(Call::new("CopyModel").with(existing).with(name.as_str()).with(fields));
            self.models.push((name, model));
        }
    }
}
