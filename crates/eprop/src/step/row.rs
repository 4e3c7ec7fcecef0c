//! Operations on rows of synapses.

use crate::base::real::Real;
use crate::base::simd::kernels;

#[inline(always)]
fn add_scaled_body<R: Real>(sum: &mut [R], row: &[R], factor: R) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * *value;
    }
}

/// Rows that are added in one pass: the sum is read and written once for all of them.
const TOGETHER: usize = 8;

#[inline(always)]
fn add_some<R: Real, const N: usize>(sum: &mut [R], rows: &[&[R]]) {
    let n = sum.len();
    let rows: [&[R]; N] = std::array::from_fn(|place| &rows[place][..n]);
    for j in 0..n {
        let mut value = sum[j];
        for row in rows {
            value += row[j];
        }
        sum[j] = value;
    }
}

#[inline(always)]
fn add_all_body<R: Real>(sum: &mut [R], rows: &[&[R]]) {
    for rows in rows.chunks(TOGETHER) {
        match rows.len() {
            1 => add_some::<R, 1>(sum, rows),
            2 => add_some::<R, 2>(sum, rows),
            3 => add_some::<R, 3>(sum, rows),
            4 => add_some::<R, 4>(sum, rows),
            5 => add_some::<R, 5>(sum, rows),
            6 => add_some::<R, 6>(sum, rows),
            7 => add_some::<R, 7>(sum, rows),
            _ => add_some::<R, TOGETHER>(sum, rows),
        }
    }
}

kernels! {
    /// `sum[j] += factor * row[j]`
    pub fn add_scaled<R: Real>(sum: &mut [R], row: &[R], factor: R) = add_scaled_body;

    /// `sum[j] += rows[0][j]`, then `rows[1][j]`, and so on; each row is as long as the sum at least.
    pub fn add_all<R: Real>(sum: &mut [R], rows: &[&[R]]) = add_all_body;
}

/// `sum[j] += row[j]`
#[inline]
pub fn add<R: Real>(sum: &mut [R], row: &[R]) {
    // A row of a few readouts is added before a choice of instructions is made.
    if sum.len() < 8 { add_some::<R, 1>(sum, &[row]) } else { add_all(sum, &[row]) }
}

/// `sum[places[j] - first] += factor * row[j]`, in the order of `j`.
pub fn scatter<R: Real>(sum: &mut [R], first: usize, places: &[u32], row: &[R], factor: R) {
    for (place, value) in places.iter().zip(row) {
        sum[*place as usize - first] += factor * *value;
    }
}

/// `sum[j] += values[places[j]]`
pub fn gather<R: Real>(sum: &mut [R], places: &[u32], values: &[R]) {
    for (sum, place) in sum.iter_mut().zip(places) {
        *sum += values[*place as usize];
    }
}
