//! What this machine can do, measured: the roofs that a simulation's cost is held against.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::base::simd::{Level, kernels, level};

/// Elements of each of the three arrays of the triad, over all threads: far more than fit into caches.
const TRIAD_LENGTH: usize = 8 << 20;

/// Numbers that a thread multiplies and adds at once: enough independent chains to hide an addition's latency.
const CHAINS: usize = 12;
const LANES: usize = 8;

/// Multiplications and additions of each chain in a round.
const CHAIN_LENGTH: usize = 1 << 16;

/// How often each measurement is repeated; the best counts.
const ROUNDS: usize = 24;

#[inline(always)]
fn triad_body(a: &mut [f64], b: &[f64], c: &[f64], factor: f64) {
    let n = a.len();
    let (b, c) = (&b[..n], &c[..n]);
    for j in 0..n {
        a[j] = b[j] + factor * c[j];
    }
}

#[inline(always)]
fn chains_body<const FUSED: bool>(sums: &mut [[f64; LANES]; CHAINS], factor: f64, summand: f64) {
    let mut local = *sums;
    for _ in 0..CHAIN_LENGTH {
        for chain in &mut local {
            for lane in chain {
                *lane = if FUSED { factor.mul_add(*lane, summand) } else { factor * *lane + summand };
            }
        }
    }
    *sums = local;
}

kernels! {
    fn triad(a: &mut [f64], b: &[f64], c: &[f64], factor: f64) = triad_body;

    fn fused_chains(sums: &mut [[f64; LANES]; CHAINS], factor: f64, summand: f64) = chains_body::<true>;

    fn separate_chains(sums: &mut [[f64; LANES]; CHAINS], factor: f64, summand: f64) = chains_body::<false>;
}

/// Does `work` on a thread for each of `parts` at once, several times; returns the shortest time that all took.
fn shortest<T: Send>(parts: &mut [T], work: impl Fn(&mut T) + Sync) -> Duration {
    let barrier = Barrier::new(parts.len());
    let (barrier, work) = (&barrier, &work);
    std::thread::scope(|scope| {
        let threads: Vec<_> = parts
            .iter_mut()
            .map(|part| {
                scope.spawn(move || {
                    let round = || {
                        barrier.wait();
                        let begin = Instant::now();
                        work(part);
                        barrier.wait();
                        begin.elapsed()
                    };
                    std::iter::repeat_with(round).take(ROUNDS).min().unwrap_or_default()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).max().unwrap_or_default()
    })
}

/// Bytes per second between the processor and memory on that many threads: STREAM's triad `a = b + s c`, with the
/// eight bytes of each of `a`, `b` and `c` counted once.
#[must_use]
pub fn memory_bandwidth(threads: usize) -> f64 {
    let threads = threads.max(1);
    let length = TRIAD_LENGTH / threads;
    let mut parts: Vec<[Vec<f64>; 3]> =
        (0..threads).map(|_| [vec![0.5; length], vec![1.5; length], vec![2.5; length]]).collect();
    let time = shortest(&mut parts, |[a, b, c]| {
        triad(a, b, c, 3.0);
        std::hint::black_box(a);
    });
    (3 * 8 * length * threads) as f64 / time.as_secs_f64()
}

/// Operations with 64-bit numbers per second on that many threads: independent multiplications and additions in
/// registers, fused where the instruction set in use can, each counted as two.
#[must_use]
pub fn vector_rate(threads: usize) -> f64 {
    let threads = threads.max(1);
    let fused = level() > Level::Baseline || cfg!(target_arch = "aarch64");
    let mut parts = vec![[[1.0; LANES]; CHAINS]; threads];
    let time = shortest(&mut parts, |sums| {
        // Values stay near one, and the compiler knows neither factor nor summand.
        let (factor, summand) = (std::hint::black_box(0.999), std::hint::black_box(0.001));
        if fused { fused_chains(sums, factor, summand) } else { separate_chains(sums, factor, summand) }
    });
    (2 * LANES * CHAINS * CHAIN_LENGTH * threads) as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_moves_and_computes() {
        // Any processor of the last decades moves 100 MB and computes 100 million operations a second.
        for threads in [1, 2] {
            assert!(memory_bandwidth(threads) > 1e8);
            assert!(vector_rate(threads) > 1e8);
        }
    }
}
