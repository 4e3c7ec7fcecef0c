//! Coefficients of a membrane's exact step.

/// `exp(-dt / tau)` for each time constant.
#[must_use]
pub fn decays(taus: &[f64], dt: f64) -> Vec<f64> {
    taus.iter().map(|tau| libm::exp(-dt / tau)).collect()
}

/// `tau / C (1 - decay)` for each membrane: what a constant current adds to the voltage in a step.
#[must_use]
pub fn current_gains(taus: &[f64], capacitances: &[f64], decays: &[f64]) -> Vec<f64> {
    taus.iter().zip(capacitances).zip(decays).map(|((tau, c), p)| tau / c * (1.0 - p)).collect()
}
