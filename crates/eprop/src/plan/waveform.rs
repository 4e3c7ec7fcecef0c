//! What generators of rates and currents send, as a function of time.

use std::f64::consts::TAU;

use crate::describe::network::{Description, NodeId};
use crate::models::Signal;
use crate::plan::amplitudes::{Amplitudes, HeldRates, amplitudes};
use crate::plan::stimulus::{Active, TrainKey};
use crate::random::KeyedRandom;

/// A generator's signal.
#[derive(Debug, Clone)]
pub struct Waveform {
    shape: Shape,
    /// Signals go by the stamps from `start` on and before `stop`.
    active: Active,
    /// Length of a step (ms).
    resolution: f64,
}

#[derive(Debug, Clone)]
enum Shape {
    Constant(f64),
    Steps(Amplitudes),
    Sine { offset: f64, amplitude: f64, sine: Sine },
    Noise(Noise),
}

/// A sine of unit amplitude.
#[derive(Debug, Clone, Copy)]
struct Sine {
    /// Per ms.
    frequency: f64,
    /// Radians.
    phase: f64,
}

impl Sine {
    fn at(self, time: f64) -> f64 {
        libm::sin(TAU * self.frequency * time + self.phase)
    }
}

/// Normal noise, another for each connection.
#[derive(Debug, Clone, Copy)]
struct Noise {
    mean: f64,
    variance: f64,
    modulation: f64,
    sine: Sine,
    /// Steps after which it is drawn anew.
    every: i64,
    seed: u32,
    generator: NodeId,
}

impl Waveform {
    /// The signal of a generator of rates or currents.
    #[must_use]
    pub fn of(network: &Description, node: NodeId, held: &HeldRates) -> Option<Self> {
        let group = network.group_of(node)?;
        let signal = group.model.dynamics.signal?;
        let place = (node - group.first) as usize;
        let number = |name: &str| group.numbers(name)[place];
        let resolution = network.kernel.resolution;
        let sine = || Sine { frequency: number("frequency") / 1000.0, phase: number("phase").to_radians() };
        let shape = match signal {
            Signal::Steps => Shape::Steps(amplitudes(network, node, held)?),
            Signal::Noise => Shape::Noise(Noise {
                mean: number("mean"),
                variance: number("std").powi(2),
                modulation: number("std_mod").powi(2),
                sine: sine(),
                every: ((number("dt") / resolution).round() as i64).max(1),
                seed: network.kernel.rng_seed,
                generator: node,
            }),
            Signal::Sine => {
                Shape::Sine { offset: number("offset"), amplitude: number("amplitude"), sine: sine() }
            }
            Signal::Constant => Shape::Constant(number("amplitude")),
        };
        Some(Self { shape, active: Active::of(group, place, resolution), resolution })
    }

    /// Whether each connection carries a signal of its own.
    #[must_use]
    pub fn differs(&self) -> bool {
        matches!(self.shape, Shape::Noise(_))
    }

    /// Whether anything goes by a stamp.
    #[must_use]
    pub fn is_active(&self, stamp: i64) -> bool {
        self.active.sends(stamp)
    }

    /// What goes by a stamp, over each connection that does not differ.
    #[must_use]
    pub fn at(&self, stamp: i64) -> f64 {
        if !self.is_active(stamp) {
            return 0.0;
        }
        match &self.shape {
            Shape::Constant(amplitude) => *amplitude,
            Shape::Steps(amplitudes) => amplitudes.emitted(stamp),
            Shape::Sine { offset, amplitude, sine } => {
                offset + amplitude * sine.at(stamp as f64 * self.resolution)
            }
            Shape::Noise(noise) => noise.mean,
        }
    }

    /// What goes by a stamp over one connection. It is a function of the connection and the step alone, so neither the
    /// way a simulation is cut nor the number of threads can change it.
    #[must_use]
    pub fn over(&self, connection: TrainKey, stamp: i64) -> f64 {
        let Shape::Noise(noise) = &self.shape else { return self.at(stamp) };
        if !self.is_active(stamp) {
            return 0.0;
        }
        let begun = self.active.start.max(1);
        let drawn = (stamp - begun) / noise.every;
        let names = u64::from(noise.seed) << 32 | u64::from(noise.generator);
        let place = (connection.projection as u64) << 40 | connection.entry as u64;
        let normal = KeyedRandom::new([names, place, drawn as u64]).normal();
        let time = (begun + drawn * noise.every) as f64 * self.resolution;
        noise.mean + (noise.variance + noise.modulation * noise.sine.at(time)).sqrt() * normal
    }
}
