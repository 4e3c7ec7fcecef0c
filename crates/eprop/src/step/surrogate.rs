//! Surrogate gradients (docs/derivation.md, Surrogate gradients).

use crate::base::real::Real;

/// Shape of a surrogate gradient (docs/derivation.md, Surrogate gradients).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surrogate {
    /// `h max(0, 1 - |x| / w)`
    PiecewiseLinear,
    /// `h exp(-|x| / w)`
    Exponential,
    /// `h (1 + |x| / w)^-2`
    FastSigmoidDerivative,
    /// `h / (1 + (x / w)^2)`
    ArctanDerivative,
}

impl Surrogate {
    /// The surrogate at that place in the list of choices.
    #[must_use]
    pub fn from_choice(choice: f64) -> Self {
        match choice as usize {
            0 => Self::PiecewiseLinear,
            1 => Self::Exponential,
            2 => Self::FastSigmoidDerivative,
            _ => Self::ArctanDerivative,
        }
    }
}

/// A surrogate gradient as a function of the voltage's distance from the threshold in widths, `x / w`.
pub trait Shape {
    /// The surrogate gradient there.
    fn at<R: Real>(distance: R, height: R) -> R;
}

/// `h max(0, 1 - |x| / w)`
pub struct PiecewiseLinear;
impl Shape for PiecewiseLinear {
    #[inline(always)]
    fn at<R: Real>(distance: R, height: R) -> R {
        let rise = R::ONE - distance.abs();
        height * if rise > R::ZERO { rise } else { R::ZERO }
    }
}

/// `h exp(-|x| / w)`
pub struct Exponential;
impl Shape for Exponential {
    #[inline(always)]
    fn at<R: Real>(distance: R, height: R) -> R {
        height * (-distance.abs()).exp()
    }
}

/// `h (1 + |x| / w)^-2`
pub struct FastSigmoidDerivative;
impl Shape for FastSigmoidDerivative {
    #[inline(always)]
    fn at<R: Real>(distance: R, height: R) -> R {
        let base = R::ONE + distance.abs();
        height / (base * base)
    }
}

/// `h / (1 + (x / w)^2)`
pub struct ArctanDerivative;
impl Shape for ArctanDerivative {
    #[inline(always)]
    fn at<R: Real>(distance: R, height: R) -> R {
        height / (R::ONE + distance * distance)
    }
}
