//! What a window of steps does to the traces of a synapse in which no spike enters: a linear map, the same for all
//! synapses onto a neuron.
//!
//! Traces and gradient are written `z` (filtered spikes, as they are in the window's first step), `ebar` (filtered
//! eligibility), `r` (eligibility for the firing-rate regularization), `a` (the adaptation's share) and `g`. In a step
//! with surrogate gradient `psi`, learning signal `L` and regularization `c`,
//!
//! ```text
//! e = psi (z - beta a)          a <- rho a + e
//! ebar <- kappa ebar + e        r <- kappa_reg r + (1 - kappa_reg) e
//! g <- g + L ebar + c r         z <- P z
//! ```
//!
//! A map of `n` steps takes `z` to `P^n z`, `ebar` to `kappa^n ebar + …` and `r` to `kappa_reg^n r + …`; what is left
//! out here are the coefficients that a map keeps.

use crate::plus::eligibility::recurrent;
use crate::plus::ring::{LANES, Vector};

/// Coefficients of a block of neurons.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// Of `z`.
    pub decay: Vector,
    /// Of `ebar`.
    pub kappa: Vector,
    /// Of `r`.
    pub kappa_reg: Vector,
    /// Of `a`.
    pub rho: Vector,
    /// Gain of the adaptation.
    pub beta: Vector,
}

/// What remains of a trace by itself after some steps.
#[derive(Debug, Clone, Copy)]
pub struct Powers {
    /// Of `z`.
    pub decay: Vector,
    /// Of `ebar`.
    pub kappa: Vector,
    /// Of `r`.
    pub kappa_reg: Vector,
}

/// A window's map for a block of neurons.
pub trait WindowMap: Copy {
    /// How many coefficients it keeps.
    const COLUMNS: usize;
    /// How many quantities a step leaves.
    const QUANTITIES: usize;

    /// The map of no step.
    #[must_use]
    fn identity() -> Self;

    /// From its coefficients.
    #[must_use]
    fn from_columns(column: impl Fn(usize) -> Vector) -> Self;

    /// A coefficient.
    fn column(&self, column: usize) -> Vector;

    /// The map of a step and then of this window; `powers` are this window's. `left` tells what the step left.
    #[must_use]
    fn preceded_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self;

    /// The map of this window and then of a step; `powers` are this window's.
    #[must_use]
    fn followed_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self;

    /// The map of this window and then of another; `powers` are of the one and of the other.
    #[must_use]
    fn then(&self, next: &Self, powers: &Powers, next_powers: &Powers) -> Self;
}

#[inline(always)]
fn zip<const N: usize>(inputs: [Vector; N], of: impl Fn([f64; N]) -> f64) -> Vector {
    let mut result = Vector::default();
    for l in 0..LANES {
        result.0[l] = of(inputs.map(|lanes| lanes.0[l]));
    }
    result
}

/// `a b`
#[inline(always)]
fn times(a: Vector, b: Vector) -> Vector {
    zip([a, b], |[a, b]| a * b)
}

/// `a b + c`
#[inline(always)]
fn fused(a: Vector, b: Vector, c: Vector) -> Vector {
    zip([a, b, c], |[a, b, c]| a.mul_add(b, c))
}

/// `1 - a`
#[inline(always)]
fn rest(a: Vector) -> Vector {
    zip([a], |[a]| 1.0 - a)
}

/// Onto readouts, `g <- g + error z`.
#[derive(Debug, Clone, Copy)]
pub struct Readout {
    /// `g` from `z`
    pub gradient: Vector,
}

impl WindowMap for Readout {
    const COLUMNS: usize = 1;
    const QUANTITIES: usize = 1;

    #[inline(always)]
    fn identity() -> Self {
        Self { gradient: Vector::default() }
    }

    #[inline(always)]
    fn from_columns(column: impl Fn(usize) -> Vector) -> Self {
        Self { gradient: column(0) }
    }

    #[inline(always)]
    fn column(&self, _: usize) -> Vector {
        self.gradient
    }

    #[inline(always)]
    fn preceded_by(&self, block: &Block, _: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        Self { gradient: fused(block.decay, self.gradient, left(0)) }
    }

    #[inline(always)]
    fn followed_by(&self, _: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        Self { gradient: fused(left(0), powers.decay, self.gradient) }
    }

    #[inline(always)]
    fn then(&self, next: &Self, powers: &Powers, _: &Powers) -> Self {
        Self { gradient: fused(next.gradient, powers.decay, self.gradient) }
    }
}

/// Onto neurons that don't adapt.
#[derive(Debug, Clone, Copy)]
pub struct Plain {
    /// `ebar` from `z`
    pub eligibility: Vector,
    /// `r` from `z`
    pub regularization: Vector,
    /// `g` from `z`
    pub gradient: Vector,
    /// `g` from `ebar`
    pub gradient_of_eligibility: Vector,
    /// `g` from `r`
    pub gradient_of_regularization: Vector,
}

impl WindowMap for Plain {
    const COLUMNS: usize = 5;
    const QUANTITIES: usize = recurrent::COUNT;

    #[inline(always)]
    fn identity() -> Self {
        Self::from_columns(|_| Vector::default())
    }

    #[inline(always)]
    fn from_columns(column: impl Fn(usize) -> Vector) -> Self {
        Self {
            eligibility: column(0),
            regularization: column(1),
            gradient: column(2),
            gradient_of_eligibility: column(3),
            gradient_of_regularization: column(4),
        }
    }

    #[inline(always)]
    fn column(&self, column: usize) -> Vector {
        match column {
            0 => self.eligibility,
            1 => self.regularization,
            2 => self.gradient,
            3 => self.gradient_of_eligibility,
            _ => self.gradient_of_regularization,
        }
    }

    #[inline(always)]
    fn preceded_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        // The step's own `e` for a `z` of one.
        let e = left(recurrent::SURROGATE);
        let pressed = times(rest(block.kappa_reg), e);
        let taught = fused(left(recurrent::SIGNAL), ONE, self.gradient_of_eligibility);
        let regularized = fused(left(recurrent::REGULARIZATION), ONE, self.gradient_of_regularization);
        Self {
            eligibility: fused(powers.kappa, e, times(self.eligibility, block.decay)),
            regularization: fused(powers.kappa_reg, pressed, times(self.regularization, block.decay)),
            gradient: fused(taught, e, fused(regularized, pressed, times(self.gradient, block.decay))),
            gradient_of_eligibility: times(block.kappa, taught),
            gradient_of_regularization: times(block.kappa_reg, regularized),
        }
    }

    #[inline(always)]
    fn followed_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        let e = times(left(recurrent::SURROGATE), powers.decay);
        let (signal, pressure) = (left(recurrent::SIGNAL), left(recurrent::REGULARIZATION));
        let eligibility = fused(block.kappa, self.eligibility, e);
        let regularization = fused(block.kappa_reg, self.regularization, times(rest(block.kappa_reg), e));
        Self {
            eligibility,
            regularization,
            gradient: fused(signal, eligibility, fused(pressure, regularization, self.gradient)),
            gradient_of_eligibility: fused(
                signal,
                times(block.kappa, powers.kappa),
                self.gradient_of_eligibility,
            ),
            gradient_of_regularization: fused(
                pressure,
                times(block.kappa_reg, powers.kappa_reg),
                self.gradient_of_regularization,
            ),
        }
    }

    #[inline(always)]
    fn then(&self, next: &Self, powers: &Powers, next_powers: &Powers) -> Self {
        Self {
            eligibility: fused(next_powers.kappa, self.eligibility, times(next.eligibility, powers.decay)),
            regularization: fused(
                next_powers.kappa_reg,
                self.regularization,
                times(next.regularization, powers.decay),
            ),
            gradient: fused(
                next.gradient,
                powers.decay,
                fused(
                    next.gradient_of_eligibility,
                    self.eligibility,
                    fused(next.gradient_of_regularization, self.regularization, self.gradient),
                ),
            ),
            gradient_of_eligibility: fused(
                next.gradient_of_eligibility,
                powers.kappa,
                self.gradient_of_eligibility,
            ),
            gradient_of_regularization: fused(
                next.gradient_of_regularization,
                powers.kappa_reg,
                self.gradient_of_regularization,
            ),
        }
    }
}

const ONE: Vector = Vector([1.0; LANES]);

/// The column of [`Adaptive::adaptation_kept`].
pub const ADAPTATION_KEPT: usize = 6;

/// Onto neurons of which some adapt.
#[derive(Debug, Clone, Copy)]
pub struct Adaptive {
    /// What a map has without adaptation.
    pub plain: Plain,
    /// `a` from `z`
    pub adaptation: Vector,
    /// `a` from `a`
    pub adaptation_kept: Vector,
    /// `ebar` from `a`
    pub eligibility_of_adaptation: Vector,
    /// `r` from `a`
    pub regularization_of_adaptation: Vector,
    /// `g` from `a`
    pub gradient_of_adaptation: Vector,
}

impl Adaptive {
    /// Of neurons that don't adapt.
    #[must_use]
    #[inline(always)]
    pub fn of_plain(plain: &Plain) -> Self {
        Self { plain: *plain, ..Self::from_columns(|_| Vector::default()) }
    }
}

impl WindowMap for Adaptive {
    const COLUMNS: usize = Plain::COLUMNS + 5;
    const QUANTITIES: usize = recurrent::COUNT;

    #[inline(always)]
    fn identity() -> Self {
        Self { adaptation_kept: ONE, ..Self::from_columns(|_| Vector::default()) }
    }

    #[inline(always)]
    fn from_columns(column: impl Fn(usize) -> Vector) -> Self {
        Self {
            adaptation: column(5),
            adaptation_kept: column(ADAPTATION_KEPT),
            eligibility_of_adaptation: column(7),
            regularization_of_adaptation: column(8),
            gradient_of_adaptation: column(9),
            plain: Plain::from_columns(column),
        }
    }

    #[inline(always)]
    fn column(&self, column: usize) -> Vector {
        match column {
            5 => self.adaptation,
            ADAPTATION_KEPT => self.adaptation_kept,
            7 => self.eligibility_of_adaptation,
            8 => self.regularization_of_adaptation,
            9 => self.gradient_of_adaptation,
            plain => self.plain.column(plain),
        }
    }

    #[inline(always)]
    fn preceded_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        let plain = self.plain.preceded_by(block, powers, &left);
        let e = left(recurrent::SURROGATE);
        // The step's own `e` for an `a` of one, and the `a` after it.
        let lessened = zip([e, block.beta], |[e, beta]| -(e * beta));
        let kept = fused(block.rho, ONE, lessened);
        let pressed = times(rest(block.kappa_reg), lessened);
        let taught = fused(left(recurrent::SIGNAL), ONE, self.plain.gradient_of_eligibility);
        let regularized = fused(left(recurrent::REGULARIZATION), ONE, self.plain.gradient_of_regularization);
        Self {
            plain: Plain {
                eligibility: fused(self.eligibility_of_adaptation, e, plain.eligibility),
                regularization: fused(self.regularization_of_adaptation, e, plain.regularization),
                gradient: fused(self.gradient_of_adaptation, e, plain.gradient),
                ..plain
            },
            adaptation: fused(self.adaptation_kept, e, times(self.adaptation, block.decay)),
            adaptation_kept: times(self.adaptation_kept, kept),
            eligibility_of_adaptation: fused(
                powers.kappa,
                lessened,
                times(self.eligibility_of_adaptation, kept),
            ),
            regularization_of_adaptation: fused(
                powers.kappa_reg,
                pressed,
                times(self.regularization_of_adaptation, kept),
            ),
            gradient_of_adaptation: fused(
                taught,
                lessened,
                fused(regularized, pressed, times(self.gradient_of_adaptation, kept)),
            ),
        }
    }

    #[inline(always)]
    fn followed_by(&self, block: &Block, powers: &Powers, left: impl Fn(usize) -> Vector) -> Self {
        let keep = rest(block.kappa_reg);
        let (signal, pressure) = (left(recurrent::SIGNAL), left(recurrent::REGULARIZATION));
        let surrogate = left(recurrent::SURROGATE);
        // `e` from `z` and from `a`
        let e = times(
            surrogate,
            zip([block.beta, self.adaptation, powers.decay], |[beta, a, z]| (-beta).mul_add(a, z)),
        );
        let lessened =
            zip([surrogate, block.beta, self.adaptation_kept], |[psi, beta, a]| -(psi * (beta * a)));
        let eligibility = fused(block.kappa, self.plain.eligibility, e);
        let regularization = fused(block.kappa_reg, self.plain.regularization, times(keep, e));
        let eligibility_of_adaptation = fused(block.kappa, self.eligibility_of_adaptation, lessened);
        let regularization_of_adaptation =
            fused(block.kappa_reg, self.regularization_of_adaptation, times(keep, lessened));
        let plain = self.plain.followed_by(block, powers, &left);
        Self {
            plain: Plain {
                eligibility,
                regularization,
                gradient: fused(signal, eligibility, fused(pressure, regularization, self.plain.gradient)),
                ..plain
            },
            adaptation: fused(block.rho, self.adaptation, e),
            adaptation_kept: fused(block.rho, self.adaptation_kept, lessened),
            eligibility_of_adaptation,
            regularization_of_adaptation,
            gradient_of_adaptation: fused(
                signal,
                eligibility_of_adaptation,
                fused(pressure, regularization_of_adaptation, self.gradient_of_adaptation),
            ),
        }
    }

    #[inline(always)]
    fn then(&self, next: &Self, powers: &Powers, next_powers: &Powers) -> Self {
        let plain = self.plain.then(&next.plain, powers, next_powers);
        Self {
            plain: Plain {
                eligibility: fused(next.eligibility_of_adaptation, self.adaptation, plain.eligibility),
                regularization: fused(
                    next.regularization_of_adaptation,
                    self.adaptation,
                    plain.regularization,
                ),
                gradient: fused(next.gradient_of_adaptation, self.adaptation, plain.gradient),
                ..plain
            },
            adaptation: fused(next.adaptation_kept, self.adaptation, times(next.adaptation, powers.decay)),
            adaptation_kept: times(next.adaptation_kept, self.adaptation_kept),
            eligibility_of_adaptation: fused(
                next_powers.kappa,
                self.eligibility_of_adaptation,
                times(next.eligibility_of_adaptation, self.adaptation_kept),
            ),
            regularization_of_adaptation: fused(
                next_powers.kappa_reg,
                self.regularization_of_adaptation,
                times(next.regularization_of_adaptation, self.adaptation_kept),
            ),
            gradient_of_adaptation: fused(
                next.gradient_of_adaptation,
                self.adaptation_kept,
                fused(
                    next.plain.gradient_of_eligibility,
                    self.eligibility_of_adaptation,
                    fused(
                        next.plain.gradient_of_regularization,
                        self.regularization_of_adaptation,
                        self.gradient_of_adaptation,
                    ),
                ),
            ),
        }
    }
}
