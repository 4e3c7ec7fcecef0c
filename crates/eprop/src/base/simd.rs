//! Run-time choice of the instruction set.
//!
//! Kernels are plain loops over slices. `kernels!` compiles each of them once per instruction set and calls the
//! best one that the processor has. A multiplication is fused with an addition where the loop says so (`mul_add`) and
//! nowhere else, and sums are not reordered, so every version computes the same bits.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set, from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the architecture has: SSE2 or NEON.
    Baseline = 1,
    /// 256-bit vectors and fused multiply-add.
    Avx2 = 2,
    /// 512-bit vectors.
    Avx512 = 3,
}

impl Level {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Baseline if cfg!(target_arch = "x86_64") => "SSE2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "NEON",
            Self::Baseline => "portable",
        }
    }
}

/// 0 means not yet detected.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The widest instruction set that this processor and this build have.
#[must_use]
pub fn detected() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        #[cfg(stable_avx512)]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma")
        {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Avx2;
        }
    }
    Level::Baseline
}

/// The instruction set in use.
#[must_use]
#[inline]
pub fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        1 => Level::Baseline,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => {
            let level = detected();
            LEVEL.store(level as u8, Ordering::Relaxed);
            level
        }
    }
}

/// Uses no more than this instruction set from now on, in the whole process; returns what is in use then.
/// Results do not depend on it, only their time does.
pub fn limit(level: Level) -> Level {
    let level = level.min(detected());
    LEVEL.store(level as u8, Ordering::Relaxed);
    level
}

/// Asks for the cache line of a value, which will be read soon. Where an architecture has no such instruction, nothing
/// happens.
#[inline(always)]
pub fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor of the architecture has SSE, and nothing but a cache is changed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Witness that code runs with what every processor of the architecture has.
#[derive(Debug, Clone, Copy)]
pub struct Baseline(());

/// Witness that code runs on a processor with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

/// Witness that code runs on a processor with AVX-512 (F, DQ, BW, VL).
#[cfg(all(target_arch = "x86_64", stable_avx512))]
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

macro_rules! witness {
    ($set:ident) => {
        impl $set {
            /// A witness.
            ///
            /// # Safety
            /// The processor has the instruction set.
            #[inline(always)]
            pub(crate) const unsafe fn new() -> Self {
                Self(())
            }
        }
    };
}
witness!(Baseline);
#[cfg(target_arch = "x86_64")]
witness!(Avx2);
#[cfg(all(target_arch = "x86_64", stable_avx512))]
witness!(Avx512);

/// Defines functions that are compiled once per instruction set. A body that is followed by `, of set` is told which,
/// as its first argument: a [`Baseline`], [`Avx2`] or [`Avx512`].
macro_rules! kernels {
    (@call $set:ident, $body:expr, of set, ($($argument:ident),*)) => {
        // SAFETY: this is where the set is known to be there.
        $body(unsafe { $crate::base::simd::$set::new() }, $($argument),*)
    };
    (@call $set:ident, $body:expr, ($($argument:ident),*)) => {
        $body($($argument),*)
    };
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$generic:ident: $bound:path>)? ($($argument:ident: $type:ty),* $(,)?) =
            $body:expr $(, of $set:ident)?;
    )*) => {$(
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments, reason = "separate slices tell the compiler that nothing overlaps")]
        #[inline]
        $visibility fn $name $(<$generic: $bound>)? ($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[cfg(stable_avx512)]
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn avx512 $(<$generic: $bound>)? ($($argument: $type),*) {
                    $crate::base::simd::kernels!(@call Avx512, $body, $(of $set,)? ($($argument),*));
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn avx2 $(<$generic: $bound>)? ($($argument: $type),*) {
                    $crate::base::simd::kernels!(@call Avx2, $body, $(of $set,)? ($($argument),*));
                }
                match $crate::base::simd::level() {
                    // SAFETY: the level is never above what was detected on this processor.
                    #[cfg(stable_avx512)]
                    $crate::base::simd::Level::Avx512 => {
                        unsafe { avx512($($argument),*) };
                        return;
                    }
                    // SAFETY: as above.
                    $crate::base::simd::Level::Avx2 => {
                        unsafe { avx2($($argument),*) };
                        return;
                    }
                    _ => {}
                }
            }
            $crate::base::simd::kernels!(@call Baseline, $body, $(of $set,)? ($($argument),*));
        }
    )*};
}
pub(crate) use kernels;
