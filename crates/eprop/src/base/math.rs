//! Elementary functions that give the same bits on every platform, at every vector width.

/// `exp(x)`, to within one unit in the last place.
///
/// `x = k ln 2 + r` with `|r| <= ln 2 / 2`, then a polynomial of degree 13 in `r` and an exact scaling by `2^k` in two
/// factors, so that results near the ends of the range are right too. There is no branch and no table: a loop over
/// a slice becomes vector instructions.
#[must_use]
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: adding it rounds to a whole number
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8; // its lower half is zero, so that k * LN2_HIGH is exact
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let bounded = if x > 710.0 { 710.0 } else { x };
    let bounded = if bounded < -746.0 { -746.0 } else { bounded };
    let shifted = bounded * std::f64::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (bounded - k * LN2_HIGH) - k * LN2_LOW;
    // Taylor coefficients 1/n!; on this interval the first one left out is below 2^-58.
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    let value = 1.0 + (r + r * r * p);
    // The low bits of the shifted number are k; halve it so that each factor stays in range.
    let k = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i64;
    let half = k >> 1;
    let scale = |power: i64| f64::from_bits(((power + 1023) as u64) << 52);
    value * scale(half) * scale(k - half)
}

/// The whole number nearest to a number that is about one.
///
/// As `x.round() as i64` for all such numbers, but without the call that this is where the processor's baseline has no
/// instruction for it.
#[must_use]
#[inline]
pub fn nearest(x: f64) -> i64 {
    (x + 0.5f64.copysign(x)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_one_unit_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for step in -700_000..700_000 {
            let x = f64::from(step) * 1.000_123e-3;
            let (ours, theirs) = (exp(x), libm::exp(x));
            worst = worst.max(((ours - theirs) / (theirs * f64::EPSILON)).abs());
        }
        assert!(worst <= 1.5, "{worst} units");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-800.0), 0.0);
        assert_eq!(exp(800.0), f64::INFINITY);
        assert!(exp(f64::NAN).is_nan());
    }
}
