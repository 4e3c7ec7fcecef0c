//! numpy's legacy generator `np.random`, to the bit: NEST's tutorials draw weights and inputs from it.
//!
//! `randn` needs a logarithm. The one of the platform is used, as numpy does, so that both agree on the same machine;
//! a draw is then rounded to 32 bits or multiplied into a weight, and never enters a step of the simulation.

use crate::base::error::{Error, ErrorCode, Result};
use crate::random::mt19937::{Bounds, Mt19937};

/// Numbers that are compared with their bounds in one go: about as many as the generator makes at once.
const NUMBERS_TOGETHER: usize = 624;

/// The generator.
#[derive(Debug, Clone)]
pub struct NumpyRandom {
    engine: Mt19937,
    kept: Option<f64>,
}

fn refuse(parameter: &str, value: impl std::fmt::Display, bound: &str) -> Error {
    Error::new(ErrorCode::ValueError, format!("{parameter} must be {bound}"))
        .parameter(parameter)
        .value(value)
        .bound(bound)
}

impl NumpyRandom {
    /// As `np.random.seed(seed)`.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { engine: Mt19937::new(seed), kept: None }
    }

    /// Leaves out so many numbers of [`Self::random`].
    pub fn skip(&mut self, numbers: u64) {
        self.engine.skip(2 * numbers);
    }

    /// As `np.random.random()`.
    #[inline]
    pub fn random(&mut self) -> f64 {
        self.engine.next_f64()
    }

    /// As `np.random.random(values.len())`.
    pub fn fill_random(&mut self, values: &mut [f64]) {
        values.fill_with(|| self.engine.next_f64());
    }

    /// As `np.random.randn()`.
    pub fn randn(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        loop {
            let x = 2.0 * self.random() - 1.0;
            let y = 2.0 * self.random() - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.kept = Some(x * factor);
                return y * factor;
            }
        }
    }

    /// As `np.random.uniform(low, high)`.
    ///
    /// # Errors
    /// If a bound is not finite.
    pub fn uniform(&mut self, low: f64, high: f64) -> Result<f64> {
        if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
            return Err(refuse("the range", format!("{low} to {high}"), "finite"));
        }
        Ok(low + (high - low) * self.random())
    }

    /// A whole number from 0 to `most`, both included, by masked rejection.
    fn at_most(&mut self, most: u64) -> u64 {
        if most == 0 {
            return 0;
        }
        let mask = u64::MAX >> most.leading_zeros();
        loop {
            let word = if u32::try_from(most).is_ok() {
                u64::from(self.engine.next_u32())
            } else {
                let high = u64::from(self.engine.next_u32());
                high << 32 | u64::from(self.engine.next_u32())
            };
            let candidate = word & mask;
            if candidate <= most {
                return candidate;
            }
        }
    }

    /// As `np.random.randint(low, high)`: from `low` to `high`, the latter excluded.
    ///
    /// # Errors
    /// If the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> Result<i64> {
        if low >= high {
            return Err(refuse("the range", format!("{low} to {high}"), "not empty: low < high"));
        }
        let offset = self.at_most(high.wrapping_sub(low) as u64 - 1);
        Ok(low.wrapping_add(offset as i64))
    }

    /// Places of `np.random.choice(n, size)`: as many whole numbers below `n`.
    ///
    /// # Errors
    /// If there is nothing to choose from.
    pub fn choice(&mut self, n: usize, size: usize) -> Result<Vec<u32>> {
        if n == 0 || n > u32::MAX as usize {
            return Err(refuse("the number of choices", n, "from 1 to 4294967295"));
        }
        Ok((0..size).map(|_| self.at_most(n as u64 - 1) as u32).collect())
    }

    /// Places of `np.random.choice(p.len(), size, p=p)`.
    ///
    /// # Errors
    /// If the probabilities are none.
    pub fn choice_weighted(&mut self, probabilities: &[f64], size: usize) -> Result<Vec<u32>> {
        let sum: f64 = probabilities.iter().sum();
        if probabilities.is_empty() || probabilities.iter().any(|p| p.is_nan() || *p < 0.0) {
            return Err(refuse("probabilities", format!("{probabilities:?}"), "at least one, none negative"));
        }
        if (sum - 1.0).abs() > 1e-6 {
            return Err(refuse("the sum of probabilities", sum, "1"));
        }
        let mut total = 0.0;
        let mut cumulative: Vec<f64> = probabilities
            .iter()
            .map(|p| {
                total += p;
                total
            })
            .collect();
        for value in &mut cumulative {
            *value /= total;
        }
        Ok((0..size)
            .map(|_| {
                let uniform = self.random();
                cumulative.partition_point(|value| *value <= uniform).min(probabilities.len() - 1) as u32
            })
            .collect())
    }

    /// As `np.random.permutation(n)`.
    #[must_use]
    pub fn permutation(&mut self, n: u32) -> Vec<u32> {
        let mut values: Vec<u32> = (0..n).collect();
        for last in (1..values.len()).rev() {
            let other = self.at_most(last as u64) as usize;
            values.swap(last, other);
        }
        values
    }

    /// Draws one number per step and input, in that order, and returns the places (`step * inputs + input`) where it
    /// is below the input's probability in that step. `probabilities` holds rows of one probability an input,
    /// `rows[step]` names the row of a step.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn spikes_below(&mut self, probabilities: &[f64], inputs: usize, rows: &[u32]) -> Result<Vec<u32>> {
        let known = probabilities.len().checked_div(inputs).unwrap_or(0);
        if inputs == 0
            || !probabilities.len().is_multiple_of(inputs)
            || rows.iter().any(|row| *row as usize >= known)
        {
            return Err(refuse(
                "probabilities",
                probabilities.len(),
                "rows of one number per input, for each step",
            ));
        }
        if rows.len() as u64 * inputs as u64 > u64::from(u32::MAX) {
            return Err(refuse("the number of draws", rows.len() * inputs, "at most 4294967295"));
        }
        let together = NUMBERS_TOGETHER.div_ceil(inputs);
        let bounds: Vec<Bounds> =
            probabilities.chunks(inputs).map(|row| Bounds::of(row).repeated(together)).collect();
        let mut places = Vec::new();
        let mut begin = 0;
        for alike in rows.chunk_by(|one, other| one == other) {
            for steps in alike.chunks(together) {
                let (first, count) = (begin * inputs, steps.len() * inputs);
                self.engine
                    .below(&bounds[steps[0] as usize], count, |place| places.push((first + place) as u32));
                begin += steps.len();
            }
        }
        Ok(places)
    }

    /// The state: 624 words, the place of the next one, and the second normal number of a pair if one is kept.
    #[must_use]
    pub fn state(&mut self) -> (Vec<u32>, u32, Option<f64>) {
        let (words, place) = self.engine.state();
        (words.to_vec(), place as u32, self.kept)
    }

    /// A generator in a given state.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_state(words: &[u32], place: u32, kept: Option<f64>) -> Result<Self> {
        let engine = Mt19937::from_state(words, place as usize).ok_or_else(|| {
            refuse("state", format!("{} words, place {place}", words.len()), "624 words and a place")
        })?;
        Ok(Self { engine, kept })
    }
}
