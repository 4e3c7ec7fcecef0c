//! Values that parameters take, such that neurons stay lively.

use eprop::models::NodeModel;
use eprop::tables::parameter::{Bound, Kind as ParameterKind, Parameter, Role};
use serde_json::{Map, Value as Json, json};

use crate::dice::Dice;
use crate::generate::Sketch;

/// Where values lie that keep neurons lively, by parameter. Times in steps are marked by the last entry.
const RANGES: &[(&str, f64, f64, bool)] = &[
    ("C_m", 0.5, 2.0, false),
    ("tau_m", 3.0, 40.0, false),
    ("I_e", -0.02, 0.06, false),
    ("V_min", -2.0, -0.1, false),
    ("E_L", -0.3, 0.1, false),
    ("V_m", -0.3, 0.5, false),
    ("V_th", 0.2, 0.8, false),
    ("V_reset", -0.5, 0.1, false),
    ("t_ref", 0.0, 4.0, true),
    ("c_reg", 0.0, 30.0, false),
    ("f_target", 1.0, 50.0, false),
    ("surrogate_gradient_height", 0.1, 1.0, false),
    ("surrogate_gradient_width", 0.1, 2.0, false),
    ("adapt_beta", 0.0, 0.5, false),
    ("adapt_tau", 5.0, 200.0, false),
    ("adaptation", 0.0, 1.0, false),
    ("kappa", 0.5, 0.99, false),
    ("kappa_reg", 0.5, 0.99, false),
    ("eprop_isi_trace_cutoff", 1.0, 40.0, true),
    ("ignore_and_spike_offset", 1.0, 10.0, true),
    ("ignore_and_spike_interval", 1.0, 30.0, true),
    ("rate", 0.0, 300.0, false),
    ("start", 0.0, 60.0, true),
    ("stop", 60.0, 300.0, true),
    ("origin", 0.0, 20.0, true),
    ("interval", 1.0, 6.0, true),
    ("offset", 0.0, 5.0, true),
    ("delay", 1.0, 6.0, true),
    ("weight", -1.0, 1.0, false),
    ("n_events", 0.0, 0.0, false),
    ("precision", 0.0, 6.0, true),
];

/// Times that need not be whole numbers of steps.
const OFF_GRID: &[&str] =
    &["t_ref", "eprop_isi_trace_cutoff", "ignore_and_spike_offset", "ignore_and_spike_interval", "delay"];

/// Parameters that are drawn elsewhere or left alone.
const LEFT_ALONE: &[&str] = &[
    "label",
    "file_extension",
    "record_to",
    "precision",
    "record_from",
    "spike_times",
    "spike_multiplicities",
    "spike_weights",
    "precise_times",
    "allow_offgrid_times",
    "shift_now_spikes",
    "amplitude_times",
    "amplitude_values",
    "senders",
    "targets",
    "n_events",
    "flush_event_send_interval",
];

/// What NEST shows in another way or does not have.
const NOT_WITH_NEST: &[&str] = &["time_in_steps", "learns_bias", "bias_rate", "c_voltage", "label_smoothing"];

/// Parameters under construction.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Map<String, Json>);

impl Fields {
    pub(super) fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl From<Fields> for Json {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

impl Sketch {
    /// A value that the parameter takes.
    pub(super) fn value(&self, parameter: &Parameter, dice: &mut Dice) -> Json {
        match parameter.kind {
            ParameterKind::Bool => return json!(dice.chance(0.5)),
            // NEST has the first two losses.
            ParameterKind::Choice(choices) if self.settings.nest && parameter.name == "loss" => {
                return json!(dice.pick(&choices[..2]));
            }
            ParameterKind::Choice(choices) => return json!(dice.pick(choices)),
            _ => {}
        }
        if let Some((_, low, high, in_steps)) = RANGES.iter().find(|(name, ..)| *name == parameter.name) {
            return if *in_steps {
                // With a shorter one NEST drops learning signals before it has shown them.
                let short = self.settings.nest && parameter.name == "eprop_isi_trace_cutoff";
                let low = if short { 3 } else { *low as usize };
                let time = self.ms(dice.whole(low, *high as usize));
                let moves = OFF_GRID.contains(&parameter.name) && dice.chance(0.3);
                json!(if moves { time * dice.number(1.0, 1.3) } else { time })
            } else {
                json!(dice.number(*low, *high))
            };
        }
        let (low, high): (f64, f64) = match parameter.bound {
            Bound::UnitInterval | Bound::BelowOne => (0.0, 0.99),
            Bound::Positive | Bound::PositiveOrInfinite => (0.1, 10.0),
            Bound::NonNegative | Bound::NonNegativeOrInfinite => (0.0, 10.0),
            _ => (-1.0, 1.0),
        };
        if parameter.kind == ParameterKind::Integer {
            json!(dice.whole(low.max(1.0) as usize, high as usize))
        } else {
            json!(dice.number(low, high))
        }
    }

    /// Values of some rows of a model's table, each with this probability; some with an entry for each of `n` nodes.
    pub(super) fn some(
        &self,
        model: &NodeModel,
        n: usize,
        probability: f64,
        fields: &mut Fields,
        dice: &mut Dice,
    ) {
        for parameter in model.parameters {
            if parameter.role == Role::ReadOnly
                || LEFT_ALONE.contains(&parameter.name)
                || (self.settings.nest && NOT_WITH_NEST.contains(&parameter.name))
                || (self.settings.nest && self.several && parameter.name == "eprop_isi_trace_cutoff")
                || !dice.chance(probability)
            {
                continue;
            }
            let number = parameter.kind == ParameterKind::Number;
            let value = if number && n > 1 && dice.chance(0.2) {
                Json::Array((0..n).map(|_| self.value(parameter, dice)).collect())
            } else if number && !self.settings.nest && dice.chance(0.1) && parameter.name.starts_with("V_") {
                json!({"random": ["normal", dice.number(0.2, 0.5), 0.05]})
            } else {
                self.value(parameter, dice)
            };
            fields.set(parameter.name, value);
        }
    }

    /// Ascending steps after now, or in part before.
    pub(super) fn steps(&self, dice: &mut Dice, probability: f64, length: usize, past: bool) -> Vec<usize> {
        let from = if past { self.time.saturating_sub(5).max(1) } else { self.time + 1 };
        (from..from + length).filter(|_| dice.chance(probability)).collect()
    }

    pub(super) fn spike_times(&self, fields: &mut Fields, dice: &mut Dice) {
        let (probability, length) = (dice.number(0.02, 0.4), dice.whole(5, 120));
        let past = dice.chance(0.2);
        let steps = self.steps(dice, probability, length, past);
        fields.set("spike_times", steps.iter().map(|step| self.ms(*step)).collect::<Vec<f64>>());
        if dice.chance(0.2) && self.several {
            fields.set("spike_multiplicities", steps.iter().map(|_| dice.whole(0, 3)).collect::<Vec<_>>());
        }
    }

    pub(super) fn amplitudes(&self, fields: &mut Fields, dice: &mut Dice) {
        self.piecewise("amplitude", (-1.0, 1.0), fields, dice);
    }

    pub(super) fn piecewise(
        &self,
        what: &str,
        (least, most): (f64, f64),
        fields: &mut Fields,
        dice: &mut Dice,
    ) {
        let (probability, length) = (dice.number(0.1, 1.0), dice.whole(5, 150));
        let steps = self.steps(dice, probability, length, false);
        let times = steps.iter().map(|step| self.ms(*step)).collect::<Vec<f64>>();
        fields.set(&format!("{what}_times"), times);
        let values = steps.iter().map(|_| dice.number(least, most)).collect::<Vec<f64>>();
        fields.set(&format!("{what}_values"), values);
    }

    /// What a generator of currents sends.
    pub(super) fn current(&self, model: &NodeModel, fields: &mut Fields, dice: &mut Dice) {
        for (name, most) in
            [("amplitude", 0.5), ("offset", 0.2), ("frequency", 60.0), ("phase", 360.0), ("mean", 0.1)]
        {
            if model.place(name).is_some() && dice.chance(0.8) {
                fields.set(name, dice.number(-0.3 * most, most));
            }
        }
        if model.place("dt").is_some() {
            fields.set("dt", self.ms(dice.whole(1, 4)));
            fields.set("std", dice.number(0.1, 0.3));
            fields.set("std_mod", dice.number(0.0, 0.1));
        }
        if model.takes_list("amplitude_times") {
            self.amplitudes(fields, dice);
        }
        if dice.chance(0.2) {
            fields.set("start", self.ms(self.time + dice.whole(0, 30)));
            fields.set("stop", self.ms(self.time + dice.whole(30, 90)));
        }
    }
}
