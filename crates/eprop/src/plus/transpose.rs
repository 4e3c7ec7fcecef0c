//! What is contiguous by neuron, side by side: steps of pairs out of courses of pairs, and columns out of lines.
//!
//! The last instructions are assembly: the compiler, which sees through its own intrinsics, takes vectors apart into
//! single numbers that it then inserts one by one, and N-MNIST takes half as long again.

use crate::base::simd;
use crate::plus::ring::LANES;

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

/// Numbers of eight neurons, by neuron or by lane.
pub type Square = [[f64; LANES]; LANES];

/// How an instruction set turns what is contiguous by neuron.
pub trait Transpose: Copy {
    /// The step at `at` and the one after it.
    ///
    /// # Panics
    /// If a course ends before them.
    fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2];

    /// The transpose of eight rows.
    fn turn(self, rows: [&[f64; LANES]; LANES]) -> Square;
}

impl Transpose for simd::Baseline {
    #[inline(always)]
    fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
        let mut steps = [[[0.0; LANES]; 2]; 2];
        for lane in 0..LANES {
            let two = courses.two(lane, at);
            for step in 0..2 {
                for number in 0..2 {
                    steps[step][number][lane] = two[step][number];
                }
            }
        }
        steps
    }

    #[inline(always)]
    fn turn(self, rows: [&[f64; LANES]; LANES]) -> Square {
        let mut columns = [[0.0; LANES]; LANES];
        for (lane, row) in rows.into_iter().enumerate() {
            for number in 0..LANES {
                columns[number][lane] = row[number];
            }
        }
        columns
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{__m256d, _mm256_loadu_pd, _mm256_unpackhi_pd, _mm256_unpacklo_pd};
    #[cfg(stable_avx512)]
    use std::arch::x86_64::{
        __m512d, _mm512_castpd256_pd512, _mm512_insertf64x4, _mm512_loadu_pd, _mm512_unpackhi_pd,
        _mm512_unpacklo_pd,
    };

    use super::{Courses, LANES, Square, Step, Transpose};
    use crate::base::simd;

    // Functions for an instruction set cannot be forced into their callers; small ones without closures always are.

    impl Transpose for simd::Avx2 {
        #[inline(always)]
        fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
            // SAFETY: the processor has AVX2.
            unsafe {
                let [a, b, c, d] = four_courses(courses, 0, at);
                let [e, f, g, h] = four_courses(courses, 4, at);
                let [first, second] = [first_numbers_of_four(a, b, c, d), first_numbers_of_four(e, f, g, h)];
                let [third, fourth] =
                    [second_numbers_of_four(a, b, c, d), second_numbers_of_four(e, f, g, h)];
                [
                    [bytemuck::cast([first[0], second[0]]), bytemuck::cast([third[0], fourth[0]])],
                    [bytemuck::cast([first[1], second[1]]), bytemuck::cast([third[1], fourth[1]])],
                ]
            }
        }

        #[inline(always)]
        fn turn(self, rows: [&[f64; LANES]; LANES]) -> Square {
            // SAFETY: the processor has AVX2.
            unsafe {
                let [a, b] = [four_columns(rows, 0, 0), four_columns(rows, 4, 0)];
                let [c, d] = [four_columns(rows, 0, 4), four_columns(rows, 4, 4)];
                let column = |upper: [f64; 4], lower: [f64; 4]| bytemuck::cast([upper, lower]);
                [
                    column(a[0], b[0]),
                    column(a[1], b[1]),
                    column(a[2], b[2]),
                    column(a[3], b[3]),
                    column(c[0], d[0]),
                    column(c[1], d[1]),
                    column(c[2], d[2]),
                    column(c[3], d[3]),
                ]
            }
        }
    }

    /// Four columns, from the one at `at` on, of four rows.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn four_columns(rows: [&[f64; LANES]; LANES], first: usize, at: usize) -> [[f64; 4]; 4] {
        let [a, b] = [four_of_row(rows[first], at), four_of_row(rows[first + 1], at)];
        let [c, d] = [four_of_row(rows[first + 2], at), four_of_row(rows[first + 3], at)];
        let [even, odd] = [first_numbers_of_four(a, b, c, d), second_numbers_of_four(a, b, c, d)];
        [even[0], odd[0], even[1], odd[1]]
    }

    /// Four numbers of a row.
    #[target_feature(enable = "avx")]
    #[inline]
    fn four_of_row(row: &[f64; LANES], at: usize) -> __m256d {
        let four: &[f64] = &row[at..at + 4];
        // SAFETY: the slice has the four numbers that are read.
        unsafe { _mm256_loadu_pd(four.as_ptr()) }
    }

    /// Two pairs of a course.
    #[target_feature(enable = "avx")]
    #[inline]
    fn two_pairs(courses: &Courses<'_>, lane: usize, at: usize) -> __m256d {
        // SAFETY: two pairs are the four numbers that are read.
        unsafe { _mm256_loadu_pd(courses.two(lane, at).as_ptr().cast()) }
    }

    /// Two pairs of each of four courses.
    #[target_feature(enable = "avx")]
    #[inline]
    fn four_courses(courses: &Courses<'_>, lane: usize, at: usize) -> [__m256d; 4] {
        [
            two_pairs(courses, lane, at),
            two_pairs(courses, lane + 1, at),
            two_pairs(courses, lane + 2, at),
            two_pairs(courses, lane + 3, at),
        ]
    }

    /// By step, the first numbers of four courses.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn first_numbers_of_four(a: __m256d, b: __m256d, c: __m256d, d: __m256d) -> [[f64; 4]; 2] {
        halves(_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d))
    }

    /// By step, the second numbers of four courses.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn second_numbers_of_four(a: __m256d, b: __m256d, c: __m256d, d: __m256d) -> [[f64; 4]; 2] {
        halves(_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d))
    }

    /// The lower halves of two vectors, and the higher ones.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn halves(ab: __m256d, cd: __m256d) -> [[f64; 4]; 2] {
        let (lower, higher): (__m256d, __m256d);
        // SAFETY: vector registers are all it uses; a vector is four numbers.
        unsafe {
            asm!(
                "vperm2f128 {lower}, {ab}, {cd}, 0x20",
                "vperm2f128 {higher}, {ab}, {cd}, 0x31",
                ab = in(ymm_reg) ab,
                cd = in(ymm_reg) cd,
                lower = out(ymm_reg) lower,
                higher = lateout(ymm_reg) higher,
                options(pure, nomem, nostack, preserves_flags),
            );
            std::mem::transmute([lower, higher])
        }
    }

    #[cfg(stable_avx512)]
    impl Transpose for simd::Avx512 {
        #[inline(always)]
        fn two_steps(self, courses: &Courses<'_>, at: usize) -> [Step; 2] {
            // SAFETY: the processor has AVX-512.
            unsafe {
                let (ac, bd) = (two_courses(courses, 0, at), two_courses(courses, 1, at));
                let (eg, fh) = (two_courses(courses, 4, at), two_courses(courses, 5, at));
                let first = first_numbers_of_eight(ac, bd, eg, fh);
                let second = second_numbers_of_eight(ac, bd, eg, fh);
                [[first[0], second[0]], [first[1], second[1]]]
            }
        }

        #[inline(always)]
        fn turn(self, rows: [&[f64; LANES]; LANES]) -> Square {
            // SAFETY: the processor has AVX-512.
            unsafe {
                let (ab, cd) = (lower_of_two(rows[0], rows[1]), lower_of_two(rows[2], rows[3]));
                let (ef, gh) = (lower_of_two(rows[4], rows[5]), lower_of_two(rows[6], rows[7]));
                let even = every_other(ab, cd, ef, gh);
                let (ab, cd) = (higher_of_two(rows[0], rows[1]), higher_of_two(rows[2], rows[3]));
                let (ef, gh) = (higher_of_two(rows[4], rows[5]), higher_of_two(rows[6], rows[7]));
                let odd = every_other(ab, cd, ef, gh);
                [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
            }
        }
    }

    /// The even numbers of two rows, in turn.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn lower_of_two(a: &[f64; LANES], b: &[f64; LANES]) -> __m512d {
        // SAFETY: a row has the eight numbers that are read.
        unsafe { _mm512_unpacklo_pd(_mm512_loadu_pd(a.as_ptr()), _mm512_loadu_pd(b.as_ptr())) }
    }

    /// The odd numbers of two rows, in turn.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn higher_of_two(a: &[f64; LANES], b: &[f64; LANES]) -> __m512d {
        // SAFETY: a row has the eight numbers that are read.
        unsafe { _mm512_unpackhi_pd(_mm512_loadu_pd(a.as_ptr()), _mm512_loadu_pd(b.as_ptr())) }
    }

    /// Four columns of eight rows, from the even or from the odd numbers of two rows each.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn every_other(ab: __m512d, cd: __m512d, ef: __m512d, gh: __m512d) -> [[f64; LANES]; 4] {
        // Of the four columns, the first and the third of four rows, then the second and the fourth.
        let ([upper, upper_odd], [lower, lower_odd]) = (quarters(ab, cd), quarters(ef, gh));
        let [first, third] = quarters(upper, lower);
        let [second, fourth] = quarters(upper_odd, lower_odd);
        // SAFETY: a vector is eight numbers.
        unsafe { std::mem::transmute([first, second, third, fourth]) }
    }

    /// Two pairs of a course and of the next but one.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn two_courses(courses: &Courses<'_>, lane: usize, at: usize) -> __m512d {
        let lower = _mm512_castpd256_pd512(two_pairs(courses, lane, at));
        _mm512_insertf64x4::<1>(lower, two_pairs(courses, lane + 2, at))
    }

    /// By step, the first numbers of eight courses, of which a vector has two with one between them.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn first_numbers_of_eight(ac: __m512d, bd: __m512d, eg: __m512d, fh: __m512d) -> [[f64; LANES]; 2] {
        let steps = quarters(_mm512_unpacklo_pd(ac, bd), _mm512_unpacklo_pd(eg, fh));
        // SAFETY: a vector is eight numbers.
        unsafe { std::mem::transmute(steps) }
    }

    /// By step, the second numbers of eight courses, of which a vector has two with one between them.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn second_numbers_of_eight(ac: __m512d, bd: __m512d, eg: __m512d, fh: __m512d) -> [[f64; LANES]; 2] {
        let steps = quarters(_mm512_unpackhi_pd(ac, bd), _mm512_unpackhi_pd(eg, fh));
        // SAFETY: a vector is eight numbers.
        unsafe { std::mem::transmute(steps) }
    }

    /// The first and third quarters of two vectors, and the second and fourth ones.
    #[cfg(stable_avx512)]
    #[allow(clippy::incompatible_msrv, reason = "older compilers leave it out")]
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn quarters(abcd: __m512d, efgh: __m512d) -> [__m512d; 2] {
        let (odd, even): (__m512d, __m512d);
        // SAFETY: vector registers are all it uses.
        unsafe {
            asm!(
                "vshuff64x2 {odd}, {abcd}, {efgh}, 0x88",
                "vshuff64x2 {even}, {abcd}, {efgh}, 0xdd",
                abcd = in(zmm_reg) abcd,
                efgh = in(zmm_reg) efgh,
                odd = out(zmm_reg) odd,
                even = lateout(zmm_reg) even,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        [odd, even]
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

    /// The transpose of eight rows of different numbers.
    fn turned(set: impl Transpose) -> Square {
        let rows: Square =
            std::array::from_fn(|row| std::array::from_fn(|number| (10 * row + number) as f64));
        set.turn(rows.each_ref())
    }

    #[test]
    fn every_instruction_set_turns_rows_into_columns() {
        let by_column: Square =
            std::array::from_fn(|number| std::array::from_fn(|row| (10 * row + number) as f64));
        // SAFETY: what the code runs on has the baseline.
        assert_eq!(turned(unsafe { simd::Baseline::new() }), by_column);
        #[cfg(target_arch = "x86_64")]
        if simd::detected() >= simd::Level::Avx2 {
            // SAFETY: it was detected.
            assert_eq!(turned(unsafe { simd::Avx2::new() }), by_column);
        }
        #[cfg(all(target_arch = "x86_64", stable_avx512))]
        if simd::detected() >= simd::Level::Avx512 {
            // SAFETY: it was detected.
            assert_eq!(turned(unsafe { simd::Avx512::new() }), by_column);
        }
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
