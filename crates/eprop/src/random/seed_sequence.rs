//! Words for seeding from a few numbers, as numpy's `SeedSequence` makes them (O'Neill 2015, with a pool of four).

const POOL: usize = 4;

/// `count` 32-bit words that follow from `entropy`.
#[must_use]
pub fn generate(entropy: &[u32], count: usize) -> Vec<u32> {
    let mut constant = 0x43b0_d7e5u32;
    let mut hash = |value: u32| {
        let mut value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    let mix = |x: u32, y: u32| {
        let mixed = x.wrapping_mul(0xca01_f9dd).wrapping_sub(y.wrapping_mul(0x4973_f715));
        mixed ^ (mixed >> 16)
    };
    let mut pool = [0u32; POOL];
    for (place, word) in pool.iter_mut().enumerate() {
        *word = hash(entropy.get(place).copied().unwrap_or(0));
    }
    for source in 0..POOL {
        for target in (0..POOL).filter(|target| *target != source) {
            pool[target] = mix(pool[target], hash(pool[source]));
        }
    }
    for more in entropy.iter().skip(POOL) {
        for word in &mut pool {
            *word = mix(*word, hash(*more));
        }
    }
    let mut constant = 0x8b51_f9ddu32;
    (0..count)
        .map(|place| {
            let mut word = pool[place % POOL] ^ constant;
            constant = constant.wrapping_mul(0x58f3_8ded);
            word = word.wrapping_mul(constant);
            word ^ (word >> 16)
        })
        .collect()
}
