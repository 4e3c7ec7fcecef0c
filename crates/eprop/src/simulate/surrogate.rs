//! Surrogate gradients (NUMERICS, section 4).

use crate::math;

/// A surrogate gradient as a function of the voltage's distance from the threshold in widths, `x / w`.
pub trait Shape {
    /// The surrogate gradient there.
    fn at(distance: f64, height: f64) -> f64;
}

/// `h max(0, 1 - |x| / w)`
pub struct PiecewiseLinear;
impl Shape for PiecewiseLinear {
    #[inline(always)]
    fn at(distance: f64, height: f64) -> f64 {
        let rise = 1.0 - distance.abs();
        height * if rise > 0.0 { rise } else { 0.0 }
    }
}

/// `h exp(-|x| / w)`
pub struct Exponential;
impl Shape for Exponential {
    #[inline(always)]
    fn at(distance: f64, height: f64) -> f64 {
        height * math::exp(-distance.abs())
    }
}

/// `h (1 + |x| / w)^-2`
pub struct FastSigmoidDerivative;
impl Shape for FastSigmoidDerivative {
    #[inline(always)]
    fn at(distance: f64, height: f64) -> f64 {
        let base = 1.0 + distance.abs();
        height / (base * base)
    }
}

/// `h / (1 + (x / w)^2)`
pub struct ArctanDerivative;
impl Shape for ArctanDerivative {
    #[inline(always)]
    fn at(distance: f64, height: f64) -> f64 {
        height / (1.0 + distance * distance)
    }
}
