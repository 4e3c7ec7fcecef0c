//! Weight optimizers: gradient descent and Adam (docs/derivation.md, Optimizers).

/// How weights follow gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// `W <- W - eta g`.
    GradientDescent,
    /// Adam (Kingma and Ba 2015), with `epsilon` outside the square root.
    Adam {
        /// Decay of the first moment.
        beta_1: f64,
        /// Decay of the second moment.
        beta_2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
}

/// Properties that all synapses of a model share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerProperties {
    /// The method.
    pub method: Method,
    /// Learning rate.
    pub eta: f64,
    /// The first learning rate ever set.
    pub eta_first: f64,
    /// Whether a learning rate was ever set.
    pub eta_set: bool,
    /// Update intervals per optimizer step.
    pub batch_size: usize,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// Call the optimizer for every step of a window instead of once with the sum (e-prop+ only).
    pub optimize_each_step: bool,
}

/// Numbers up to this size can be squared and multiplied by a few others, and stay finite.
const TAME: f64 = 1e150;

impl OptimizerProperties {
    /// Whether weights and moments surely are finite after an update with learning rates up to `eta` and gradients up to
    /// `largest`, if they are before. A `false` means that one has to see.
    #[must_use]
    #[inline]
    pub fn stays_finite(&self, eta: f64, largest: f64) -> bool {
        let tame = eta < TAME && largest < TAME;
        match self.method {
            Method::GradientDescent => tame,
            // By Cauchy and Schwarz, the quotient of the moments is below 1e11 where the second one decays more slowly than
            // the square of the first.
            Method::Adam { beta_1, beta_2, epsilon } => {
                tame && epsilon > 1e-140 && beta_1 * beta_1 < 0.999_999 * beta_2
            }
        }
    }
}

#[inline(always)]
fn magnitude_body(values: &[f64], sum: &mut f64) {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value.abs();
        }
    }
    *sum += sums.iter().sum::<f64>() + rest.iter().map(|value| value.abs()).sum::<f64>();
}

#[inline(always)]
fn descend_body(weights: &mut [f64], gradients: &[f64], divisor: f64, eta: f64, w_min: f64, w_max: f64) {
    for (weight, gradient) in weights.iter_mut().zip(gradients) {
        let moved = (-eta).mul_add(gradient / divisor, *weight);
        let moved = if moved < w_max { moved } else { w_max };
        *weight = if moved > w_min { moved } else { w_min };
    }
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[inline(always)]
fn adam_body(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    gradients: &[f64],
    divisor: f64,
    rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    w_min: f64,
    w_max: f64,
) {
    let n = weights.len();
    let (first, second, gradients) = (&mut first[..n], &mut second[..n], &gradients[..n]);
    for j in 0..n {
        let gradient = gradients[j] / divisor;
        let m = beta_1.mul_add(first[j], (1.0 - beta_1) * gradient);
        let v = beta_2.mul_add(second[j], (1.0 - beta_2) * gradient * gradient);
        first[j] = m;
        second[j] = v;
        let moved = weights[j] - rate * m / (v.sqrt() + epsilon);
        let moved = if moved < w_max { moved } else { w_max };
        weights[j] = if moved > w_min { moved } else { w_min };
    }
}

#[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
#[inline(always)]
fn adam_without_gradient_body(
    weights: &mut [f64],
    first: &mut [f64],
    second: &mut [f64],
    rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    w_min: f64,
    w_max: f64,
) {
    let n = weights.len();
    let (first, second) = (&mut first[..n], &mut second[..n]);
    for j in 0..n {
        let m = beta_1 * first[j];
        let v = beta_2 * second[j];
        first[j] = m;
        second[j] = v;
        let moved = weights[j] - rate * m / (v.sqrt() + epsilon);
        let moved = if moved < w_max { moved } else { w_max };
        weights[j] = if moved > w_min { moved } else { w_min };
    }
}

crate::base::simd::kernels! {
    /// Adds absolute values, in no particular order: the sum is finite where they are, unless they are huge.
    pub fn magnitude(values: &[f64], sum: &mut f64) = magnitude_body;

    /// Gradient descent: `W <- clamp(W - eta g / divisor)`.
    pub fn descend(
        weights: &mut [f64], gradients: &[f64], divisor: f64, eta: f64, w_min: f64, w_max: f64,
    ) = descend_body;

    /// One step of Adam with the gradient `g / divisor`; `rate` is [`adam_rate`].
    pub fn adam(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], gradients: &[f64], divisor: f64, rate: f64,
        beta_1: f64, beta_2: f64, epsilon: f64, w_min: f64, w_max: f64,
    ) = adam_body;

    /// One step of Adam with gradient zero.
    pub fn adam_without_gradient(
        weights: &mut [f64], first: &mut [f64], second: &mut [f64], rate: f64, beta_1: f64, beta_2: f64,
        epsilon: f64, w_min: f64, w_max: f64,
    ) = adam_without_gradient_body;
}

/// The bias-corrected learning rate of Adam's step `n`, counted from 1.
#[must_use]
pub fn adam_rate(eta: f64, beta_1: f64, beta_2: f64, n: u64) -> f64 {
    let n = n as f64;
    eta * (1.0 - libm::pow(beta_2, n)).sqrt() / (1.0 - libm::pow(beta_1, n))
}
