//! Steps of pairs, out of courses of pairs: what neurons at scattered places left is contiguous by neuron, and needed
//! side by side by step.
//!
//! The last instructions are assembly: the compiler, which sees through its own intrinsics, takes vectors apart into
//! single numbers that it then inserts one by one, and N-MNIST takes half as long again.

use crate::learn::history::LANES;
use crate::simd;

/// Courses of the neurons that a block of synapses ends at: a pair of numbers a step.
#[derive(Debug, Clone, Copy)]
pub struct Courses<'a> {
    pairs: &'a [[f64; 2]],
    begins: [usize; LANES],
    steps: usize,
}

impl<'a> Courses<'a> {
    /// Those that begin at these places of a list of pairs and are so many steps long.
    ///
    /// # Panics
    /// If one goes beyond the list.
    #[inline(always)]
    #[must_use]
    pub fn new(pairs: &'a [[f64; 2]], begins: [usize; LANES], steps: usize) -> Self {
        let last = pairs.len().checked_sub(steps).expect("courses are no longer than the list");
        let mut fit = true;
        for begin in begins {
            fit &= begin <= last;
        }
        assert!(fit, "courses are in the list");
        Self { pairs, begins, steps }
    }

    /// Where the pair of a lane at a step is, and the one after it.
    #[inline(always)]
    fn two(&self, lane: usize, step: usize) -> &[[f64; 2]; 2] {
        assert!(step + 1 < self.steps);
        // SAFETY: the course has these steps, and is in the list. Checks for each lane would cost as much as the rest.
        unsafe { &*self.pairs.as_ptr().add(self.begins[lane] + step).cast() }
    }
}

/// The first and the second number of a step, by lane.
pub type Step = [[f64; LANES]; 2];

/// How an instruction set makes steps of courses.
pub trait Transpose: Copy {
    /// The step at `at` and the one after it.
    ///
    /// # Panics
    /// If a course ends before them.
    fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2];
}

impl Transpose for simd::Baseline {
    #[inline(always)]
    fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
        let twos: [_; LANES] = std::array::from_fn(|lane| courses.two(lane, at));
        [0, 1].map(|step| [0, 1].map(|number| twos.map(|two| two[step][number])))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{__m256d, _mm256_loadu_pd, _mm256_unpackhi_pd, _mm256_unpacklo_pd};
    #[cfg(stable_avx512)]
    use std::arch::x86_64::{
        __m512d, _mm512_castpd256_pd512, _mm512_insertf64x4, _mm512_unpackhi_pd, _mm512_unpacklo_pd,
    };

    use super::{Courses, LANES, Step, Transpose};
    use crate::simd;

    impl Transpose for simd::Avx2 {
        #[inline(always)]
        fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
            // SAFETY: the processor has AVX2.
            unsafe { avx2(courses, at) }
        }
    }

    #[cfg(stable_avx512)]
    impl Transpose for simd::Avx512 {
        #[inline(always)]
        fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
            // SAFETY: the processor has AVX-512.
            unsafe { avx512(courses, at) }
        }
    }

    /// Two pairs of a course.
    #[target_feature(enable = "avx")]
    #[inline]
    fn pairs(courses: &Courses<'_>, lane: usize, step: usize) -> __m256d {
        // SAFETY: two pairs are the four numbers that are read.
        unsafe { _mm256_loadu_pd(courses.two(lane, step).as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn avx2(courses: &Courses<'_>, at: usize) -> [Step; 2] {
        // The halves of a vector belong to the first and to the second step.
        let steps = |ab: __m256d, cd: __m256d| -> [[f64; 4]; 2] {
            let (first, second): (__m256d, __m256d);
            // SAFETY: registers of vectors are all it uses; a vector is four numbers.
            unsafe {
                asm!(
                    "vperm2f128 {first}, {ab}, {cd}, 0x20",
                    "vperm2f128 {second}, {ab}, {cd}, 0x31",
                    ab = in(ymm_reg) ab,
                    cd = in(ymm_reg) cd,
                    first = out(ymm_reg) first,
                    second = lateout(ymm_reg) second,
                    options(pure, nomem, nostack, preserves_flags),
                );
                std::mem::transmute([first, second])
            }
        };
        let half = |lane: usize| {
            let [a, b, c, d] = std::array::from_fn(|next| pairs(courses, lane + next, at));
            [
                steps(_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d)),
                steps(_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d)),
            ]
        };
        let (low, high) = (half(0), half(LANES / 2));
        [0, 1].map(|step| [0, 1].map(|number| bytemuck::cast([low[number][step], high[number][step]])))
    }

    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn avx512(courses: &Courses<'_>, at: usize) -> [Step; 2] {
        // Quarters of a vector belong to the first and to the second step in turn.
        let steps = |abcd: __m512d, efgh: __m512d| -> [[f64; LANES]; 2] {
            let (first, second): (__m512d, __m512d);
            // SAFETY: registers of vectors are all it uses; a vector is eight numbers.
            unsafe {
                asm!(
                    "vshuff64x2 {first}, {abcd}, {efgh}, 0x88",
                    "vshuff64x2 {second}, {abcd}, {efgh}, 0xdd",
                    abcd = in(zmm_reg) abcd,
                    efgh = in(zmm_reg) efgh,
                    first = out(zmm_reg) first,
                    second = lateout(zmm_reg) second,
                    options(pure, nomem, nostack, preserves_flags),
                );
                std::mem::transmute([first, second])
            }
        };
        let with_next_but_one = |lane: usize| {
            let low = _mm512_castpd256_pd512(pairs(courses, lane, at));
            _mm512_insertf64x4::<1>(low, pairs(courses, lane + 2, at))
        };
        let [ac, bd, eg, fh] = [0, 1, 4, 5].map(with_next_but_one);
        let numbers = [
            steps(_mm512_unpacklo_pd(ac, bd), _mm512_unpacklo_pd(eg, fh)),
            steps(_mm512_unpackhi_pd(ac, bd), _mm512_unpackhi_pd(eg, fh)),
        ];
        [0, 1].map(|step| [0, 1].map(|number| numbers[number][step]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two steps of courses that hold different numbers.
    fn steps(set: impl Transpose) -> [Step; 2] {
        let number = |lane: usize, step: usize, number: usize| (100 * lane + 10 * step + number) as f64;
        let courses: [[[f64; 2]; 5]; LANES] = std::array::from_fn(|lane| {
            std::array::from_fn(|step| std::array::from_fn(|place| number(lane, step, place)))
        });
        let courses = Courses::new(courses.as_flattened(), std::array::from_fn(|lane| 5 * lane), 5);
        set.two_steps(&courses, 3)
    }

    #[test]
    #[should_panic(expected = "courses are in the list")]
    fn courses_do_not_go_beyond_the_list() {
        let _ = Courses::new(&[[0.0; 2]; 9], [0, 1, 2, 3, 4, 5, 6, 5], 4);
    }

    #[test]
    fn every_instruction_set_puts_each_number_in_its_lane() {
        // SAFETY: what the code runs on has the baseline.
        let baseline = steps(unsafe { simd::Baseline::new() });
        assert_eq!(baseline[1][0], [40.0, 140.0, 240.0, 340.0, 440.0, 540.0, 640.0, 740.0]);
        assert_eq!(baseline[0][1], [31.0, 131.0, 231.0, 331.0, 431.0, 531.0, 631.0, 731.0]);
        #[cfg(target_arch = "x86_64")]
        if simd::detected() >= simd::Level::Avx2 {
            // SAFETY: it was detected.
            assert_eq!(steps(unsafe { simd::Avx2::new() }), baseline);
        }
        #[cfg(all(target_arch = "x86_64", stable_avx512))]
        if simd::detected() >= simd::Level::Avx512 {
            // SAFETY: it was detected.
            assert_eq!(steps(unsafe { simd::Avx512::new() }), baseline);
        }
    }
}
