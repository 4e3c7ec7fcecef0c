//! Weights that change as the readouts' weights do, while both decay (Kolen and Pollack 1994; Bellec et al. 2020): what
//! they differ in decays, too.

use crate::feedback::Source;
use crate::tables::Equation;

pub(super) const NAME: &str = "adaptive";

pub(super) const EQUATION: Equation = Equation::new(
    "Adaptive feedback: the readout's update ΔW, and a decay of both; they approach each other",
    r"B_{jk} \leftarrow (1 - c_B) B_{jk} + \Delta W_{kj}, \qquad W^\mathrm{out}_{kj} \leftarrow (1 - c_B) W^\mathrm{out}_{kj} + \Delta W_{kj}",
);

/// Weights that change as the readouts' weights do.
#[derive(Debug)]
pub struct Adaptive;

impl Source for Adaptive {
    fn name(&self) -> &'static str {
        NAME
    }

    fn updated(&self, feedback: f64, before: f64, after: f64, decay: f64) -> f64 {
        // What `after` has lost of `before` is in it; the rest of their change is the readout's update.
        (1.0 - decay) * feedback + (after - (1.0 - decay) * before)
    }

    fn decays(&self) -> bool {
        true
    }
}
