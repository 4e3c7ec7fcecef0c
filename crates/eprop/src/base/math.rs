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

/// The natural logarithm, to within one unit in the last place, with the bits that engines of JavaScript give: losses
/// are written down and compared.
///
/// `x = 2^k (1 + f)` with `1 + f` between the roots of 1/2 and 2, and `log(1 + f) = 2 artanh(s)` with `s = f / (2 + f)`: a
/// polynomial in `s^2` whose coefficients are those of Sun's fdlibm, with its order of rounding.
#[must_use]
pub fn log(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const TWO_54: f64 = 18_014_398_509_481_984.0;
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * TWO_54, -54) } else { (x, 0) };
    let bits = x.to_bits();
    let high = (bits >> 32) as i32;
    let fraction = high & 0x000f_ffff;
    // Above the root of 2, half of it is taken.
    let carry = (fraction + 0x9_5f64) & 0x10_0000;
    let k = f64::from(shift + (high >> 20) - 1023 + (carry >> 20));
    let top = (fraction | (carry ^ 0x3ff0_0000)) as u64;
    let f = f64::from_bits((top << 32) | (bits & 0xffff_ffff)) - 1.0;
    if (0x000f_ffff & (2 + fraction)) < 3 {
        if f == 0.0 {
            return if k == 0.0 { 0.0 } else { k * LN2_HIGH + k * LN2_LOW };
        }
        let r = f * f * (0.5 - 0.333_333_333_333_333_3 * f);
        return if k == 0.0 { f - r } else { k * LN2_HIGH - ((r - k * LN2_LOW) - f) };
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even =
        w * (3.999_999_999_940_942e-1 + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = z
        * (6.666_666_666_666_735e-1
            + w * (2.857_142_874_366_239e-1
                + w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1)));
    let r = even + odd;
    let by_square = ((fraction - 0x6_147a) | (0x6_b851 - fraction)) > 0;
    if by_square {
        let half = 0.5 * f * f;
        return if k == 0.0 {
            f - (half - s * (half + r))
        } else {
            k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)
        };
    }
    if k == 0.0 { f - s * (f - r) } else { k * LN2_HIGH - ((s * (f - r) - k * LN2_LOW) - f) }
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

/// How many of the values, which ascend, come before a bound: those of which `before` holds, which no value has after one
/// that has not. They are looked for by the value that the bound lies at about, which costs less than `before` does.
#[must_use]
#[inline]
pub fn count_before(values: &[f64], about: f64, before: impl Fn(f64) -> bool) -> usize {
    let mut count = values.partition_point(|value| *value < about);
    while values.get(count).is_some_and(|value| before(*value)) {
        count += 1;
    }
    while count > 0 && !before(values[count - 1]) {
        count -= 1;
    }
    count
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

    #[test]
    fn log_has_the_bits_of_javascript() {
        // Hash and sum of the bits of Math.log over numbers of all sizes, as Node 20 and 22 give them.
        let (mut x, mut hash) = (5e-324_f64, 0_u64);
        while x < 1e308 {
            hash = hash.rotate_left(5) ^ log(x).to_bits();
            x *= 1.000_7;
            x += f64::MIN_POSITIVE / 1024.0;
        }
        assert_eq!(hash, 0xab1c_0516_6835_664d);
        assert_eq!(log(1.0), 0.0);
        assert_eq!(log(0.0), f64::NEG_INFINITY);
        assert!(log(-1.0).is_nan());
    }
}
