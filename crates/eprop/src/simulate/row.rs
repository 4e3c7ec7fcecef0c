//! Operations on rows of synapses.

use crate::simd::kernels;

#[inline(always)]
fn add_body(sum: &mut [f64], row: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += value;
    }
}

#[inline(always)]
fn add_scaled_body(sum: &mut [f64], row: &[f64], factor: f64) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

kernels! {
    /// `sum[j] += row[j]`
    pub fn add(sum: &mut [f64], row: &[f64]) = add_body;

    /// `sum[j] += factor * row[j]`
    pub fn add_scaled(sum: &mut [f64], row: &[f64], factor: f64) = add_scaled_body;
}

/// `sum[places[j]] += factor * row[j]`, in the order of `j`.
pub fn scatter(sum: &mut [f64], places: &[u32], row: &[f64], factor: f64) {
    for (place, value) in places.iter().zip(row) {
        sum[*place as usize] += factor * value;
    }
}

/// `sum[j] += values[places[j]]`
pub fn gather(sum: &mut [f64], places: &[u32], values: &[f64]) {
    for (sum, place) in sum.iter_mut().zip(places) {
        *sum += values[*place as usize];
    }
}
