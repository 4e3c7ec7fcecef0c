//! Weight optimizers: gradient descent and Adam (NUMERICS, section 5).

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
    /// Update intervals per optimizer step.
    pub batch_size: usize,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// Call the optimizer for every step of a window instead of once with the sum (e-prop+ only).
    pub optimize_each_step: bool,
}
