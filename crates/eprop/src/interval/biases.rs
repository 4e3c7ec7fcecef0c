//! Constant currents that learn: sums of a batch, moments, and the update at its end.

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::real::Real;
use crate::base::state::Archive;
use crate::describe::network::Description;
use crate::describe::population;
use crate::interval::gradient::batch::Update;
use crate::interval::plan::{IntervalPlan, READOUT, RECURRENT};
use crate::interval::{IntervalRule, Learned};
use crate::optimizer::Row;

/// What is remembered of the currents of a population.
#[derive(Debug, Clone, Default)]
pub(super) struct Currents {
    /// Sum of the gradients of the batch.
    sum: Vec<f64>,
    /// What an optimizer with moments remembers.
    first: Vec<f64>,
    second: Vec<f64>,
}

/// What is remembered of the currents of recurrent neurons and of readouts.
#[derive(Debug, Clone, Default)]
pub(super) struct Biases([Currents; 2]);

/// Currents after an update, and what is remembered then.
pub(super) type Moved = (Vec<f64>, Currents);

fn currents(plan: &IntervalPlan, place: usize) -> &[f64] {
    if place == 0 { &plan.recurrent.current } else { &plan.readouts.current }
}

fn rates(plan: &IntervalPlan, place: usize) -> &[f64] {
    if place == 0 { &plan.recurrent.bias_rate } else { &plan.readouts.bias_rate }
}

fn learns(plan: &IntervalPlan, place: usize) -> &[f64] {
    if place == 0 { &plan.recurrent.learns_bias } else { &plan.readouts.learns_bias }
}

impl Biases {
    /// Makes room for the currents of a plan.
    pub fn fit(&mut self, plan: &IntervalPlan) {
        for (place, held) in self.0.iter_mut().enumerate().filter(|(place, _)| plan.biases[*place].is_some())
        {
            let count = currents(plan, place).len();
            for values in [&mut held.sum, &mut held.first, &mut held.second] {
                values.resize(count, 0.0);
            }
        }
    }

    /// Adds the gradients of an interval.
    pub fn add<R>(&mut self, plan: &IntervalPlan, learned: &Learned<R>) {
        for (place, bias) in plan.biases.iter().enumerate() {
            let Some(bias) = bias else { continue };
            for (sum, gradient) in self.0[place].sum.iter_mut().zip(&learned.biases[place]) {
                *sum += gradient / bias.divisor;
            }
        }
    }

    /// Writes what is remembered, or reads it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, plan: &IntervalPlan, archive: &mut Archive<'_>) -> Result<()> {
        for (place, held) in self.0.iter_mut().enumerate().filter(|(place, _)| plan.biases[*place].is_some())
        {
            let Currents { sum, first, second } = held;
            for (name, values) in [("sum", sum), ("first", first), ("second", second)] {
                archive.fixed(&format!("{place}.{name}"), values)?;
            }
        }
        Ok(())
    }
}

impl<R: Real> IntervalRule<R> {
    /// The sum of the squared gradients of currents whose update follows an interval.
    pub(super) fn square_sum_of_biases(&self, network: &Description, last: i64) -> f64 {
        let mut square_sum = 0.0;
        for (place, held) in self.biases.0.iter().enumerate() {
            let Some(bias) = self.plan.biases[place] else { continue };
            let batch_size = network.synapse_models[bias.synapse].optimizer.batch_size;
            if (last + 1) % batch_size as i64 == 0 {
                for (sum, _) in
                    held.sum.iter().zip(learns(&self.plan, place)).filter(|(_, learns)| **learns != 0.0)
                {
                    square_sum += (sum / batch_size as f64).powi(2);
                }
            }
        }
        square_sum
    }

    /// The currents after the update that follows an interval, where it is one of theirs; `shrinking` is what gradients
    /// are divided by to be clipped.
    ///
    /// # Errors
    /// `NumericalInstability` where one would not be finite.
    pub(super) fn moved_biases(
        &self,
        network: &Description,
        last: i64,
        shrinking: f64,
    ) -> Result<[Option<Moved>; 2]> {
        let mut moved = [None, None];
        for (place, moved) in moved.iter_mut().enumerate() {
            let Some(bias) = self.plan.biases[place] else { continue };
            let optimizer = network.synapse_models[bias.synapse].optimizer.unbounded();
            if (last + 1) % optimizer.batch_size as i64 != 0 {
                continue;
            }
            // A rate that held before its connections were there is not theirs.
            let start = self.plan.start_recurrent(last).max(bias.made);
            let eta = self.rates.get(&bias.synapse).map_or(optimizer.eta, |rates| rates.at(start));
            let (mut values, mut held) = (currents(&self.plan, place).to_vec(), self.biases.0[place].clone());
            let moments = if optimizer.has_moments() { values.len() } else { 0 };
            let mut row = Row {
                weights: &mut values,
                first: &mut held.first[..moments],
                second: &mut held.second[..moments],
            };
            let Update { optimizer, step, divisor } = Update::after(last, &optimizer, shrinking);
            let mut begin = 0;
            for equal in rates(&self.plan, place).chunk_by(|one, next| one == next) {
                let part = begin..begin + equal.len();
                let sums = &held.sum[part.clone()];
                optimizer.step_divided(divisor, eta * equal[0], step, row.part(part.clone()), Some(sums));
                begin = part.end;
            }
            for (value, (before, learns)) in
                values.iter_mut().zip(currents(&self.plan, place).iter().zip(learns(&self.plan, place)))
            {
                if *learns == 0.0 {
                    *value = *before;
                }
            }
            held.sum.fill(0.0);
            let all = [&values, &held.first, &held.second];
            if all.iter().any(|values| values.iter().any(|value| !value.is_finite())) {
                let what = "a current that learns would not be finite after its update";
                return Err(Error::new(ErrorCode::NumericalInstability, what)
                    .parameter("I_e")
                    .value(format!("after update interval {last}"))
                    .bound("finite numbers"));
            }
            *moved = Some((values, held));
        }
        Ok(moved)
    }

    /// Has neurons take over currents, from the first step of the next interval on.
    pub(super) fn take_biases(&mut self, network: &mut Description, moved: [Option<Moved>; 2]) {
        for (place, moved) in moved.into_iter().enumerate() {
            let Some((values, held)) = moved else { continue };
            self.biases.0[place] = held;
            let of = if place == 0 { RECURRENT } else { READOUT };
            population::store(network, of, &[("I_e", &values)]);
            if place == 0 {
                self.current.clone_from(&values);
                self.plan.recurrent.current = values;
            } else {
                self.readout_current.clone_from(&values);
                self.plan.readouts.current = values;
            }
        }
    }
}
