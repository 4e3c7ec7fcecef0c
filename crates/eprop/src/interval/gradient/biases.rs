//! The gradient of constant currents that learn (docs/losses.md, Biases): that of the weight of an input that comes in every
//! step of the interval, with the gain of a current.

use crate::base::real::Real;
use crate::base::simd::kernels;
use crate::describe::kernel_parameters::GradientMethod;
use crate::interval::gradient::forward::{learning_signals, voltage_cost, voltage_costs, weigh_errors};
use crate::interval::neurons::Recurrent;
use crate::interval::open_interval::{OpenInterval, Surroundings};
use crate::interval::plan::IntervalPlan;

/// The gradients of a finished interval by the currents of recurrent neurons and of readouts; none of a population in which
/// no current learns, zero for those that do not.
#[must_use]
pub fn gradients<R: Real>(
    around: &Surroundings<'_, R>,
    open: &mut OpenInterval<R>,
    method: GradientMethod,
) -> [Vec<f64>; 2] {
    let plan = around.plan;
    let onto_recurrent = plan.biases[0].map(|bias| {
        let mut sums = match method {
            GradientMethod::Adjoint => backward(around, open, bias.kappa),
            GradientMethod::Forward => forward(plan, open, bias.kappa),
        };
        let p = &plan.recurrent;
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum *= p.learns_bias[j] * p.current_gain[j];
        }
        sums
    });
    let onto_readouts = plan.biases[1].map(|_| {
        let p = &plan.readouts;
        let sums = readouts(plan, open).into_iter().enumerate();
        sums.map(|(k, sum)| p.learns_bias[k] * p.current_gain[k] * sum).collect()
    });
    [onto_recurrent.unwrap_or_default(), onto_readouts.unwrap_or_default()]
}

/// What the recursion carries from step to step, by neuron.
struct Carry {
    lambda: Vec<f64>,
    mu: Vec<f64>,
    q: Vec<f64>,
    /// Sum of `q` over the steps that are done.
    sum: Vec<f64>,
}

/// What the recursion reads in a step, by neuron.
struct Step<'a, R> {
    neurons: &'a Recurrent,
    kappa: f64,
    rates: &'a [f64],
    signals: &'a [f64],
    surrogate: &'a [R],
    costs: &'a [R],
}

#[inline(always)]
fn step_back_body<R: Real>(carry: &mut Carry, step: &Step<'_, R>) {
    let (n, p, kappa) = (carry.sum.len(), step.neurons, step.kappa);
    let (lambda, mu) = (&mut carry.lambda[..n], &mut carry.mu[..n]);
    let (q, sum) = (&mut carry.q[..n], &mut carry.sum[..n]);
    let (rates, signals) = (&step.rates[..n], &step.signals[..n]);
    let (surrogate, costs) = (&step.surrogate[..n], &step.costs[..n]);
    let (decay, adaptation_decay) = (&p.decay[..n], &p.adaptation_decay[..n]);
    let adaptation_gain = &p.adaptation_gain[..n];
    for j in 0..n {
        lambda[j] = kappa * lambda[j] + signals[j];
        let cost = costs[j].f64();
        let h = surrogate[j].f64() * (rates[j] + (1.0 - kappa) * lambda[j] + mu[j]);
        mu[j] = adaptation_decay[j] * mu[j] - adaptation_gain[j] * (h + cost.max(0.0));
        q[j] = decay[j] * q[j] + h + cost;
        sum[j] += q[j];
    }
}

kernels! {
    /// A step of the recursion backwards, for all neurons.
    fn step_back<R: Real>(carry: &mut Carry, step: &Step<'_, R>) = step_back_body::<R>;
}

/// The recursion backwards (docs/derivation.md, The transpose), with an input of gain 1 in every step.
fn backward<R: Real>(around: &Surroundings<'_, R>, open: &mut OpenInterval<R>, kappa: f64) -> Vec<f64> {
    let plan = around.plan;
    let n = plan.recurrent_count();
    let rates: Vec<f64> = (0..n).map(|j| open.regularization(plan, j)).collect();
    let zeros = || vec![0.0; n];
    let mut carry = Carry { lambda: zeros(), mu: zeros(), q: zeros(), sum: zeros() };
    let no_costs = vec![R::ZERO; n];
    let mut signals = zeros();
    let mut end = plan.interval;
    while end > 0 {
        let begin = open.recall(around, end);
        for step in (begin..end).rev() {
            weigh_errors(plan, open, step, &mut signals);
            let surrogate = open.surrogate.row(step);
            let costs = if plan.planes() > 1 { voltage_costs(open, step) } else { &no_costs };
            let neurons = &plan.recurrent;
            let (rates, signals) = (&rates[..], &signals[..]);
            step_back(&mut carry, &Step { neurons, kappa, rates, signals, surrogate, costs });
        }
        end = begin;
    }
    carry.sum
}

/// The same by its definition: traces of each neuron, step by step.
fn forward<R: Real>(plan: &IntervalPlan, open: &OpenInterval<R>, kappa: f64) -> Vec<f64> {
    let (n, p) = (plan.recurrent_count(), &plan.recurrent);
    let signals = learning_signals(plan, open);
    let costs = plan.planes() > 1;
    let gradient = |j: usize| {
        let rate = open.regularization(plan, j);
        let (mut zbar, mut eps, mut ebar, mut gradient) = (0.0, 0.0, 0.0, 0.0);
        for step in 0..plan.interval {
            zbar = p.decay[j] * zbar + 1.0;
            let cost = if costs { voltage_cost(open, step, j) } else { 0.0 };
            gradient += cost * zbar - p.adaptation_gain[j] * cost.max(0.0) * eps;
            let e = open.surrogate.row(step)[j].f64() * (zbar - p.adaptation_gain[j] * eps);
            eps = p.adaptation_decay[j] * eps + e;
            ebar = kappa * ebar + (1.0 - kappa) * e;
            gradient += signals[step * n + j] * ebar + rate * e;
        }
        gradient
    };
    (0..n).map(gradient).collect()
}

/// Of readouts: every error, by all steps up to it.
fn readouts<R>(plan: &IntervalPlan, open: &OpenInterval<R>) -> Vec<f64> {
    let count = plan.readout_count();
    let gradient = |k: usize| {
        let (mut factor, mut sum) = (0.0, 0.0);
        for step in (0..plan.interval).rev() {
            factor = plan.readouts.decay[k] * factor + open.errors[step * count + k];
            sum += factor;
        }
        sum
    };
    (0..count).map(gradient).collect()
}
