//! Words of the Mersenne Twister far ahead, without those between.
//!
//! The generator is linear over the field of two elements: a window of its words that is `words` further on is the sum
//! of the windows at the places of the polynomial `x^words mod p`, where `p` is the generator's characteristic
//! polynomial (Haramoto, Matsumoto, Nishimura, Panneton and L'Ecuyer 2008, section 3). So a window costs the same
//! however far ahead it is.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::{FEEDBACK, M, N, twist};
use crate::base::simd::kernels;

/// Degree of the characteristic polynomial.
const DEGREE: usize = 19_937;

/// Words of a polynomial of a lower degree.
const LENGTH: usize = DEGREE.div_ceil(64);

/// A polynomial over the field of two elements; bit `i` is the coefficient of `x^i`.
type Polynomial = Vec<u64>;

fn flip(polynomial: &mut [u64], power: usize) {
    polynomial[power / 64] ^= 1 << (power % 64);
}

/// Adds up to 64 coefficients, of the power `at` on.
fn add(polynomial: &mut [u64], at: usize, coefficients: u64) {
    let (word, shift) = (at / 64, at % 64);
    polynomial[word] ^= coefficients << shift;
    if shift > 0 {
        polynomial[word + 1] ^= coefficients >> (64 - shift);
    }
}

/// The product with `x^a + x^b`.
fn times_binomial(polynomial: &[u64], a: usize, b: usize) -> Polynomial {
    let mut product = vec![0; polynomial.len()];
    for (word, &coefficients) in polynomial.iter().enumerate().filter(|(_, coefficients)| **coefficients != 0)
    {
        add(&mut product, 64 * word + a, coefficients);
        add(&mut product, 64 * word + b, coefficients);
    }
    product
}

/// Powers that the characteristic polynomial has below its degree (Matsumoto and Nishimura 1998, appendix A).
static POWERS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let mut polynomial = vec![0; LENGTH + N / 64 + 2];
    flip(&mut polynomial, 0);
    for bit in 0..31 {
        polynomial = times_binomial(&polynomial, N - 1, M - 1);
        polynomial[0] ^= u64::from(FEEDBACK >> bit & 1);
    }
    polynomial = times_binomial(&polynomial, N, M);
    polynomial[0] ^= u64::from(FEEDBACK >> 31);
    (0..DEGREE).filter(|power| polynomial[power / 64] >> (power % 64) & 1 == 1).collect()
});

/// Takes out multiples of the characteristic polynomial, until the degree is below its.
fn reduce(polynomial: &mut Polynomial) {
    // The second highest power is more than 64 below the highest: what 64 coefficients become is all below them.
    for word in (LENGTH..polynomial.len()).rev() {
        let high = std::mem::take(&mut polynomial[word]);
        for power in POWERS.iter() {
            add(polynomial, 64 * word - DEGREE + power, high);
        }
    }
    let high = polynomial[LENGTH - 1] >> (DEGREE % 64);
    polynomial[LENGTH - 1] ^= high << (DEGREE % 64);
    for power in POWERS.iter() {
        add(polynomial, *power, high);
    }
    polynomial.truncate(LENGTH);
}

/// The bits of a word, each followed by a zero.
fn spread(word: u32) -> u64 {
    let mut spread = u64::from(word);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        spread = (spread | (spread << shift)) & mask;
    }
    spread
}

/// `x^power` modulo the characteristic polynomial.
fn power_of_x(power: u64) -> Polynomial {
    // As many of the highest bits as a polynomial takes without being reduced.
    let mut left = u64::BITS - power.leading_zeros();
    let mut taken = 0;
    while left > 0 && 2 * taken + 1 < DEGREE {
        left -= 1;
        taken = 2 * taken + (power >> left & 1) as usize;
    }
    let mut result = vec![0; LENGTH];
    flip(&mut result, taken);
    while left > 0 {
        left -= 1;
        // Squares have no mixed terms.
        let mut square = Vec::with_capacity(2 * LENGTH + 1);
        for &word in &result {
            square.extend([spread(word as u32), spread((word >> 32) as u32)]);
        }
        if power >> left & 1 == 1 {
            let mut carry = 0;
            for word in &mut square {
                (*word, carry) = (*word << 1 | carry, *word >> 63);
            }
            square.push(carry);
        }
        reduce(&mut square);
        result = square;
    }
    result
}

/// Polynomials that are kept: a generator that leaves out the same numbers again and again needs a few.
const KEPT: usize = 8;

static RECENT: Mutex<Vec<(u64, Arc<Polynomial>)>> = Mutex::new(Vec::new());

/// As [`power_of_x`], of those that were used last.
fn recent_power_of_x(power: u64) -> Arc<Polynomial> {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = recent.iter().position(|(other, _)| *other == power).map(|place| recent.remove(place));
    let entry = known.unwrap_or_else(|| (power, Arc::new(power_of_x(power))));
    let polynomial = Arc::clone(&entry.1);
    recent.insert(0, entry);
    recent.truncate(KEPT);
    polynomial
}

/// Words of a window that are summed at a time: they stay in registers.
const TOGETHER: usize = 104;

#[inline]
fn sum_windows_body(words: &[u32], polynomial: &[u64], sums: &mut [u32]) {
    for (part, to) in sums.as_chunks_mut::<TOGETHER>().0.iter_mut().enumerate() {
        let mut sum = [0; TOGETHER];
        for (word, &coefficients) in polynomial.iter().enumerate() {
            let mut left = coefficients;
            while left != 0 {
                let at = TOGETHER * part + 64 * word + left.trailing_zeros() as usize;
                for (sum, word) in sum.iter_mut().zip(&words[at..at + TOGETHER]) {
                    *sum ^= word;
                }
                left &= left - 1;
            }
        }
        *to = sum;
    }
}

kernels! {
    /// The sums of windows that begin at the places of a polynomial.
    fn sum_windows(words: &[u32], polynomial: &[u64], sums: &mut [u32]) = sum_windows_body;
}

/// The state that follows on one after so many words.
///
/// The low bits of a seed's first word are not the generator's: the state must be one that [`twist`] has left.
pub fn ahead(state: &mut [u32], words: u64) {
    let polynomial = recent_power_of_x(words);
    let mut following = Vec::with_capacity((DEGREE / N + 2) * N);
    while following.len() < DEGREE + N {
        following.extend_from_slice(state);
        twist(state);
    }
    sum_windows(&following, &polynomial, state);
}
