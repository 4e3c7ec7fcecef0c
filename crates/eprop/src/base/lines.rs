//! Arrays that begin at a cache line.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::base::error::Result;
use crate::base::memory::{available, out_of_memory};
use crate::base::real::Real;

/// A cache line.
#[derive(Debug, Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Numbers that begin at a cache line, so that no full vector straddles two.
#[derive(Debug, Clone)]
pub struct Lines<R> {
    held: Vec<Line>,
    len: usize,
    number: PhantomData<R>,
}

impl<R> Default for Lines<R> {
    fn default() -> Self {
        Self { held: Vec::new(), len: 0, number: PhantomData }
    }
}

/// How many numbers a cache line holds.
#[must_use]
pub const fn per_line<R>() -> usize {
    64 / size_of::<R>()
}

impl<R: Real> Lines<R> {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        let mut lines = Self::default();
        lines.resize(len);
        lines
    }

    /// As [`Self::resize`], for lengths that a user chooses.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has no room; then nothing has changed.
    pub fn try_resize(&mut self, len: usize) -> Result<()> {
        let more = len.div_ceil(per_line::<R>()).saturating_sub(self.held.len());
        self.held.try_reserve_exact(more).map_err(|_| {
            let needed = (len as u64).saturating_mul(size_of::<R>() as u64);
            out_of_memory("a history of neurons", needed, available())
        })?;
        self.resize(len);
        Ok(())
    }

    /// Makes it `len` numbers long; new ones are zero.
    pub fn resize(&mut self, len: usize) {
        let lines = len.div_ceil(per_line::<R>());
        // No more than is asked for: these are the largest blocks.
        self.held.reserve_exact(lines.saturating_sub(self.held.len()));
        self.held.resize(lines, Line([0; 64]));
        let kept = self.len.min(len);
        self.len = len;
        let end = (kept.div_ceil(per_line::<R>()) * per_line::<R>()).min(len);
        self[kept..end].fill(R::ZERO);
    }
}

impl<R: Real> FromIterator<R> for Lines<R> {
    fn from_iter<I: IntoIterator<Item = R>>(numbers: I) -> Self {
        let numbers: Vec<R> = numbers.into_iter().collect();
        let mut lines = Self::zeros(numbers.len());
        lines.copy_from_slice(&numbers);
        lines
    }
}

impl<R: Real> Deref for Lines<R> {
    type Target = [R];

    #[inline]
    fn deref(&self) -> &[R] {
        &bytemuck::cast_slice(&self.held)[..self.len]
    }
}

impl<R: Real> DerefMut for Lines<R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [R] {
        &mut bytemuck::cast_slice_mut(&mut self.held)[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_new_numbers_are_zero() {
        let mut lines: Lines<f32> = (0..21u8).map(f32::from).collect();
        assert_eq!(lines.as_ptr().align_offset(64), 0);
        lines.resize(3);
        lines.resize(40);
        assert_eq!(&lines[..4], [0.0, 1.0, 2.0, 0.0]);
        assert!(lines[3..].iter().all(|number| *number == 0.0));
    }
}
