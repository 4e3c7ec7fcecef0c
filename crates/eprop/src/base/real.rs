//! The two precisions that a simulation can compute in.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::base::math;

/// A floating-point number of one of the precisions. [`f64`] is the reference; [`f32`] halves what is read and written.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Sum
    + bytemuck::Pod
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// A number larger than any that a simulation reaches.
    const MAX: Self;
    /// The nearest number of this precision.
    fn of(value: f64) -> Self;
    /// The same number.
    fn f64(self) -> f64;
    /// `self * factor + addend`, rounded once.
    #[must_use]
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// Without its sign.
    #[must_use]
    fn abs(self) -> Self;
    /// `exp(self)`, the same on every platform.
    #[must_use]
    fn exp(self) -> Self;
    /// These numbers in this precision; `room` is used where they have to be converted.
    fn all<'a>(values: &'a [f64], room: &'a mut Vec<Self>) -> &'a [Self];
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self::mul_add(self, factor, addend)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        math::exp(self)
    }

    #[inline]
    fn all<'a>(values: &'a [f64], _: &'a mut Vec<Self>) -> &'a [Self] {
        values
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self::mul_add(self, factor, addend)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        math::exp(f64::from(self)) as Self
    }

    fn all<'a>(values: &'a [f64], room: &'a mut Vec<Self>) -> &'a [Self] {
        room.clear();
        room.extend(values.iter().map(|value| *value as Self));
        room
    }
}
