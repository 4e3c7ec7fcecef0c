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

/// What a weight adds to each voltage: `1 - decay` without `regular_spike_arrival`, else 1.
#[must_use]
pub fn spike_gains(regular: &[f64], decays: &[f64]) -> Vec<f64> {
    regular.iter().zip(decays).map(|(regular, p)| if *regular == 0.0 { 1.0 - p } else { 1.0 }).collect()
}
