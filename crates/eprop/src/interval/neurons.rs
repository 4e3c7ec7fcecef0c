//! Coefficients of the recurrent neurons of update intervals, listed once: as the plan has them, and as inner loops read
//! them.

use crate::base::lines::{Lines, per_line};
use crate::base::real::Real;
use crate::describe::check;
use crate::describe::network::Description;
use crate::describe::population::{gather, gather_or, groups_of};
use crate::interval::plan::{IntervalPlan, RECURRENT, Segment};
use crate::plan::membrane::{current_gains, decays, spike_gains};

macro_rules! coefficients {
    (
        stepped { $($(#[$stepped_doc:meta])* $stepped:ident = $fill:expr,)* }
        others { $($(#[$other_doc:meta])* $other:ident,)* }
    ) => {
        /// Coefficients of the recurrent neurons, one array per coefficient. Voltages are relative to `E_L`.
        #[derive(Debug, Clone, Default)]
        pub struct Recurrent {
            $($(#[$stepped_doc])* pub $stepped: Vec<f64>,)*
            $($(#[$other_doc])* pub $other: Vec<f64>,)*
        }

        impl Recurrent {
            /// How many arrays there are.
            pub const ARRAYS: usize = [$(stringify!($stepped),)* $(stringify!($other),)*].len();
        }

        /// Those that steps read, one array each, in the precision that is computed in. Rows are filled up to whole vectors
        /// with neurons that never fire and have no surrogate gradient.
        #[derive(Debug, Clone, Default)]
        pub struct Neurons<R> {
            /// Length of a row: the neurons, then what fills it up.
            pub stride: usize,
            /// Runs of equal neurons; the last one reaches to the end of the row.
            pub segments: Vec<Segment>,
            /// Whether neurons differ in `decay`, `spike_gain` and `adaptation_gain` at most.
            pub shares: bool,
            /// Whether any neuron has a refractory time.
            pub rests: bool,
            /// Weights of the learning signals: one row per readout.
            pub feedback: Lines<R>,
            $($(#[$stepped_doc])* pub $stepped: Lines<R>,)*
        }

        impl<R: Real> Neurons<R> {
            /// Bytes.
            #[must_use]
            pub fn bytes(&self) -> u64 {
                let held = [&self.feedback, $(&self.$stepped,)*];
                held.into_iter().map(|values| size_of_val(&values[..]) as u64).sum()
            }

            /// The coefficients of a plan's neurons, and nothing besides.
            fn of(p: &Recurrent, stride: usize) -> Self {
                let padded = |values: &[f64], fill: R| -> Lines<R> {
                    let fills = std::iter::repeat_n(fill, stride - values.len());
                    values.iter().map(|value| R::of(*value)).chain(fills).collect()
                };
                Self { stride, $($stepped: padded(&p.$stepped, $fill),)* ..Self::default() }
            }
        }
    };
}

coefficients! {
    stepped {
        /// `exp(-dt / tau_m)`
        decay = R::ZERO,
        /// Gain of arriving spikes: 1 if `regular_spike_arrival`, else `1 - exp(-dt / tau_m)`.
        spike_gain = R::ZERO,
        /// Spike threshold.
        threshold = R::MAX,
        /// Lower bound of the voltage.
        floor = R::ZERO,
        /// Refractory time (steps).
        refractory = R::ZERO,
        /// `exp(-dt / adapt_tau)`
        adaptation_decay = R::ZERO,
        /// Gain of the adaptation on the threshold; 0 where there is none.
        adaptation_gain = R::ZERO,
        /// Height of the surrogate gradient.
        height = R::ZERO,
        /// One over the width of the surrogate gradient.
        per_width = R::ZERO,
        /// Coefficient of voltage regularization.
        voltage_cost = R::ZERO,
    }
    others {
        /// `tau_m / C_m (1 - exp(-dt / tau_m))`
        current_gain,
        /// Constant current (pA).
        current,
        /// Resting voltage (mV).
        rest,
        /// Coefficient of firing-rate regularization.
        regularization,
        /// Target number of spikes a step.
        target_rate,
        /// 1 where the current learns.
        learns_bias,
        /// Learning rate of the current, as a multiple of that of weights.
        bias_rate,
    }
}

impl Recurrent {
    /// The coefficients of a network's neurons.
    #[must_use]
    pub fn new(network: &Description) -> Self {
        let dt = network.kernel.resolution;
        let of = |name: &str| gather(network, RECURRENT, name);
        let (tau_m, c_m, e_l) = (of("tau_m"), of("C_m"), of("E_L"));
        let decay = decays(&tau_m, dt);
        let regular = of("regular_spike_arrival");
        // Neurons that do not adapt take the time constant of those that do: it is of no account, and shared.
        let adapt_tau = groups_of(network, RECURRENT)
            .find(|group| group.model.dynamics.adapts)
            .map_or(1.0, |group| group.numbers("adapt_tau")[0]);
        let relative = |name: &str| -> Vec<f64> {
            of(name).iter().zip(&e_l).map(|(value, rest)| value - rest).collect()
        };
        Self {
            current_gain: current_gains(&tau_m, &c_m, &decay),
            spike_gain: spike_gains(&regular, &decay),
            decay,
            current: of("I_e"),
            threshold: relative("V_th"),
            floor: relative("V_min"),
            refractory: of("t_ref").iter().map(|time| check::lasting_steps(*time, dt)).collect(),
            adaptation_decay: decays(&gather_or(network, RECURRENT, "adapt_tau", adapt_tau), dt),
            adaptation_gain: gather_or(network, RECURRENT, "adapt_beta", 0.0),
            height: of("surrogate_gradient_height"),
            per_width: of("surrogate_gradient_width").iter().map(|width| 1.0 / width).collect(),
            regularization: of("c_reg"),
            voltage_cost: of("c_voltage"),
            learns_bias: of("learns_bias"),
            bias_rate: of("bias_rate"),
            target_rate: of("f_target").iter().map(|rate| rate / 1000.0 * dt).collect(),
            rest: e_l,
        }
    }
}

impl<R: Real> Neurons<R> {
    /// The coefficients of a plan's neurons.
    #[must_use]
    pub fn new(plan: &IntervalPlan) -> Self {
        let n = plan.recurrent_count();
        let stride = n.next_multiple_of(per_line::<R>());
        let p = &plan.recurrent;
        let same = |values: &[f64]| values.iter().all(|value| *value == values[0]);
        let mut segments = plan.segments.clone();
        if let Some(last) = segments.last_mut() {
            last.places.end = stride;
        }
        Self {
            segments,
            shares: [
                &p.current_gain.iter().zip(&p.current).map(|(gain, current)| gain * current).collect(),
                &p.threshold,
                &p.floor,
                &p.refractory,
                &p.adaptation_decay,
                &p.height,
                &p.per_width,
            ]
            .into_iter()
            .all(|values| same(values))
                && plan.biases[0].is_none(),
            rests: p.refractory.iter().any(|steps| *steps > 0.0),
            feedback: padded_rows(&plan.wiring.feedback, n, stride),
            ..Self::of(p, stride)
        }
    }

    /// Takes over the weights of the learning signals, which have changed.
    pub fn take_feedback(&mut self, plan: &IntervalPlan) {
        self.feedback = padded_rows(&plan.wiring.feedback, plan.recurrent_count(), self.stride);
    }
}

/// Rows of `n` numbers, each filled up to `stride`.
fn padded_rows<R: Real>(rows: &[f64], n: usize, stride: usize) -> Lines<R> {
    rows.chunks(n.max(1))
        .flat_map(|row| {
            let fills = std::iter::repeat_n(R::ZERO, stride - row.len());
            row.iter().map(|value| R::of(*value)).chain(fills)
        })
        .collect()
}
