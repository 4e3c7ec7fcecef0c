//! The losses of sequences, summed while what readouts show is recorded, so that nothing of it has to be kept.

use crate::base::error::Result;
use crate::base::state::{Archive, Persist, optional};
use crate::describe::kernel_parameters::LAST_STEP;
use crate::loss::{LOSSES, Loss};
use crate::record::Sequences;

/// How readouts are evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluated {
    /// The place of the loss in [`LOSSES`].
    pub loss: usize,
    /// Number of readouts.
    pub readouts: usize,
    /// Steps of a sequence.
    pub steps: usize,
    /// Steps at its end in which errors count.
    pub window: usize,
    /// Sequences that are evaluated together.
    pub sequences: usize,
}

impl Evaluated {
    /// Whether there can be such sequences.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let together = self.steps.checked_mul(self.sequences);
        self.loss < LOSSES.len()
            && self.readouts > 0
            && (1..=self.steps).contains(&self.window)
            && together.is_some_and(|steps| (1..=LAST_STEP as usize).contains(&steps))
    }
}

/// Sums over the sequences that are evaluated together, and what came of those before. Numbers are added in the order
/// of steps, then of readouts.
#[derive(Debug, Clone)]
pub struct Evaluation {
    how: Evaluated,
    /// Stamp of the first step of a sequence; nothing where a state of a version before is to go on with the next step.
    first: Option<i64>,
    /// Steps recorded of the present sequences.
    row: usize,
    /// Sequences whose largest mean signal was not that of the largest mean target.
    wrong: f64,
    total: f64,
    losses: Vec<f64>,
    /// Sums of signals and of target signals of the present sequence.
    signals: Vec<f64>,
    targets: Vec<f64>,
    /// Of each group of sequences: the loss, the share of wrong ones, and the loss of each readout.
    finished: Vec<f64>,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self::new(Evaluated { loss: 0, readouts: 1, steps: 1, window: 1, sequences: 1 }, 1)
    }
}

/// The place of the largest value, the first of several.
fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best })
}

impl Evaluation {
    /// Begins with the stamp of the first step of a sequence.
    #[must_use]
    pub fn new(how: Evaluated, first: i64) -> Self {
        let zeros = || vec![0.0; how.readouts];
        Self {
            how,
            first: Some(first),
            row: 0,
            wrong: 0.0,
            total: 0.0,
            losses: zeros(),
            signals: zeros(),
            targets: zeros(),
            finished: Vec::new(),
        }
    }

    /// How sequences are evaluated.
    #[must_use]
    pub fn how(&self) -> Evaluated {
        self.how
    }

    /// The steps that count.
    #[must_use]
    pub fn sequences(&self) -> Option<Sequences> {
        let Evaluated { steps, window, .. } = self.how;
        self.first.map(|first| Sequences { first, steps: steps as i64, window: window as i64 })
    }

    fn loss(&self) -> &'static dyn Loss {
        LOSSES[self.how.loss]
    }

    /// Takes the signals and target signals of the steps that come next, a row of readouts each. Those that do not count
    /// may be left out.
    pub fn add(&mut self, stamps: &[i64], signals: &[f64], targets: &[f64]) {
        let Some(stamp) = stamps.first() else { return };
        let Evaluated { readouts: width, steps, sequences, .. } = self.how;
        let first = *self.first.get_or_insert(stamp - self.row as i64);
        let together = (steps * sequences) as i64;
        let rows = signals.chunks_exact(width).zip(targets.chunks_exact(width));
        for (stamp, (signals, targets)) in stamps.iter().zip(rows) {
            self.row = (stamp - first).rem_euclid(together) as usize;
            let step = self.row % self.how.steps;
            if step + self.how.window >= self.how.steps {
                self.add_step(signals, targets, step + 1 == self.how.steps);
            }
            self.row += 1;
            if step + 1 == self.how.steps {
                self.end_sequence();
            }
        }
    }

    fn add_step(&mut self, signals: &[f64], targets: &[f64], is_last: bool) {
        let loss = self.loss();
        let times = loss.counts_for(is_last, self.how.window);
        if times == 0.0 {
            return;
        }
        for (j, (signal, target)) in signals.iter().zip(targets).enumerate() {
            self.signals[j] += signal;
            self.targets[j] += target;
            let part = times * loss.value(*signal, *target);
            self.losses[j] += part;
            self.total += part;
        }
    }

    fn end_sequence(&mut self) {
        if largest(&self.signals) != largest(&self.targets) {
            self.wrong += 1.0;
        }
        self.signals.fill(0.0);
        self.targets.fill(0.0);
        let Evaluated { readouts, steps, window, sequences, .. } = self.how;
        if self.row < steps * sequences {
            return;
        }
        let count = sequences as f64;
        let (all, each) = self.loss().divisors(window, readouts);
        self.finished.extend([self.total / (all * count), self.wrong / count]);
        self.finished.extend(self.losses.iter().map(|loss| loss / (each * count)));
        (self.row, self.wrong, self.total) = (0, 0.0, 0.0);
        self.losses.fill(0.0);
    }

    /// Moves out what came of the groups of sequences that are over: loss, share of wrong sequences, loss of each readout.
    pub fn take(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.finished)
    }
}

impl Persist for Evaluation {
    fn persist(&mut self, archive: &mut Archive<'_>) -> Result<()> {
        let Evaluated { loss, readouts, steps, window, sequences } = &mut self.how;
        for (name, value) in [
            ("loss", loss),
            ("readouts", readouts),
            ("steps", steps),
            ("window", window),
            ("sequences", sequences),
            ("row", &mut self.row),
        ] {
            archive.number(name, value)?;
        }
        // States of versions before have none.
        if archive.reads() && !archive.holds("first") {
            self.first = None;
        } else {
            optional(archive, "first", &mut self.first)?;
        }
        archive.number("wrong", &mut self.wrong)?;
        archive.number("total", &mut self.total)?;
        for (name, list) in [
            ("losses", &mut self.losses),
            ("signals", &mut self.signals),
            ("targets", &mut self.targets),
            ("finished", &mut self.finished),
        ] {
            archive.list(name, list)?;
        }
        let Evaluated { readouts, steps, sequences, .. } = self.how;
        let sums = [&self.losses, &self.signals, &self.targets];
        let fits = self.how.is_possible()
            && self.row < steps * sequences
            && self.first.is_none_or(|first| first.unsigned_abs() <= LAST_STEP as u64)
            && sums.iter().all(|list| list.len() == readouts)
            && self.finished.len().is_multiple_of(readouts + 2);
        if fits { Ok(()) } else { Err(archive.misfit("steps", "not those of an evaluation")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_matter_how_steps_are_handed_over() {
        for loss in 0..LOSSES.len() {
            let how = Evaluated { loss, readouts: 2, steps: 5, window: 3, sequences: 2 };
            let value = |at: u32| f64::from(at * 37 % 101 + 1) / 102.0;
            let signals: Vec<f64> = (0..2 * 5 * 4).map(value).collect();
            let targets: Vec<f64> = (0..2 * 5 * 4).map(|at| value(at + 11)).collect();
            let stamps: Vec<i64> = (8..8 + 5 * 4).collect();
            let mut whole = Evaluation::new(how, 8);
            whole.add(&stamps, &signals, &targets);
            let mut cut = Evaluation::new(how, 8);
            let rows = signals.chunks(6).zip(targets.chunks(6));
            for (stamps, (signals, targets)) in stamps.chunks(3).zip(rows) {
                cut.add(stamps, signals, targets);
            }
            // Steps that do not count need not be there.
            let mut counted = Evaluation::new(how, 8);
            let sequences = counted.sequences().expect("its begin is known");
            for (stamp, (signals, targets)) in stamps.iter().zip(signals.chunks(2).zip(targets.chunks(2))) {
                if sequences.contains(*stamp) {
                    counted.add(&[*stamp], signals, targets);
                }
            }
            let (whole, cut, counted) = (whole.take(), cut.take(), counted.take());
            assert_eq!(whole.len(), 2 * 4);
            assert_eq!(whole, cut);
            assert_eq!(whole, counted);
        }
    }
}
