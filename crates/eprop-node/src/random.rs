//! numpy's generator as a JavaScript class.

use eprop::random::NumpyRandom as Engine;
use napi::bindgen_prelude::{Float64Array, Uint32Array};
use napi_derive::napi;

use crate::errors::guarded;

/// numpy's legacy generator.
#[napi]
pub struct NumpyRandom {
    engine: Engine,
}

/// A generator's state.
#[napi(object)]
pub struct NumpyRandomState {
    /// 624 words.
    pub words: Uint32Array,
    /// Place of the next word.
    pub place: u32,
    /// The second normal number of a pair.
    pub kept: Option<f64>,
}

/// Makes a list of so many numbers, if it fits into memory.
fn numbers<T>(n: u32, make: impl FnOnce() -> eprop::Result<T>) -> napi::Result<T> {
    guarded(|| {
        eprop::base::memory::may_take(0, || 0, 8 * u64::from(n), &format!("{n} random numbers"))?;
        make()
    })
}

#[napi]
impl NumpyRandom {
    /// A generator with that seed.
    #[napi(constructor)]
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { engine: Engine::new(seed) }
    }

    /// Starts over with that seed.
    #[napi]
    pub fn seed(&mut self, seed: u32) {
        self.engine = Engine::new(seed);
    }

    /// Uniform numbers from 0 to 1.
    #[napi]
    pub fn random(&mut self, n: u32) -> napi::Result<Float64Array> {
        numbers(n, || {
            let mut values = vec![0.0; n as usize];
            self.engine.fill_random(&mut values);
            Ok(values.into())
        })
    }

    /// Leaves out so many uniform numbers.
    #[napi]
    pub fn skip(&mut self, n: u32) {
        self.engine.skip(u64::from(n));
    }

    /// Standard normal numbers.
    #[napi]
    pub fn randn(&mut self, n: u32) -> napi::Result<Float64Array> {
        numbers(n, || Ok((0..n).map(|_| self.engine.randn()).collect::<Vec<_>>().into()))
    }

    /// Uniform numbers from `low` to `high`.
    #[napi]
    pub fn uniform(&mut self, low: f64, high: f64, n: u32) -> napi::Result<Float64Array> {
        numbers(n, || {
            Ok((0..n).map(|_| self.engine.uniform(low, high)).collect::<eprop::Result<Vec<_>>>()?.into())
        })
    }

    /// Whole numbers from `low` to `high`, the latter excluded.
    #[napi]
    pub fn randint(&mut self, low: f64, high: f64, n: u32) -> napi::Result<Float64Array> {
        numbers(n, || {
            Ok((0..n)
                .map(|_| self.engine.randint(low as i64, high as i64).map(|value| value as f64))
                .collect::<eprop::Result<Vec<_>>>()?
                .into())
        })
    }

    /// Places chosen from `count` with equal probability.
    #[napi]
    pub fn choice(&mut self, count: u32, n: u32) -> napi::Result<Uint32Array> {
        numbers(n.max(count), || Ok(self.engine.choice(count as usize, n as usize)?.into()))
    }

    /// Places chosen with given probabilities.
    #[napi]
    pub fn choice_weighted(&mut self, probabilities: Float64Array, n: u32) -> napi::Result<Uint32Array> {
        numbers(n, || Ok(self.engine.choice_weighted(&probabilities, n as usize)?.into()))
    }

    /// The numbers below `n` in random order.
    #[napi]
    pub fn permutation(&mut self, n: u32) -> napi::Result<Uint32Array> {
        numbers(n, || Ok(self.engine.permutation(n).into()))
    }

    /// Places (step * inputs + input) at which a uniform number is below the input's probability in that step.
    #[napi]
    pub fn spikes_below(
        &mut self,
        probabilities: Float64Array,
        inputs: u32,
        rows: Uint32Array,
    ) -> napi::Result<Uint32Array> {
        guarded(|| Ok(self.engine.spikes_below(&probabilities, inputs as usize, &rows)?.into()))
    }

    /// The state.
    #[napi]
    #[must_use]
    pub fn get_state(&mut self) -> NumpyRandomState {
        let (words, place, kept) = self.engine.state();
        NumpyRandomState { words: words.into(), place, kept }
    }

    /// Goes on from a state.
    #[napi]
    pub fn set_state(&mut self, state: NumpyRandomState) -> napi::Result<()> {
        guarded(|| {
            self.engine = Engine::from_state(&state.words, state.place, state.kept)?;
            Ok(())
        })
    }
}
