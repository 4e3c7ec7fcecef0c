//! The losses of sequences, summed while what readouts show is recorded, so that nothing of it has to be kept.

use crate::base::error::Result;
use crate::base::state::{Archive, Persist};
use crate::loss::{LOSSES, Loss};

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

/// Sums over the sequences that are evaluated together, and what came of those before. Numbers are added in the order
/// of steps, then of readouts.
#[derive(Debug, Clone)]
pub struct Evaluation {
    how: Evaluated,
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
        Self::new(Evaluated { loss: 0, readouts: 1, steps: 1, window: 1, sequences: 1 })
    }
}

/// The place of the largest value, the first of several.
fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best })
}

impl Evaluation {
    /// Begins with the first step of a sequence.
    #[must_use]
    pub fn new(how: Evaluated) -> Self {
        let zeros = || vec![0.0; how.readouts];
        Self {
            how,
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

    fn loss(&self) -> &'static dyn Loss {
        LOSSES[self.how.loss]
    }

    /// Takes the signals and target signals of the steps that come next, a row of readouts each.
    pub fn add(&mut self, signals: &[f64], targets: &[f64]) {
        let width = self.how.readouts;
        for (signals, targets) in signals.chunks_exact(width).zip(targets.chunks_exact(width)) {
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
        let Evaluated { loss, readouts, steps, window, sequences } = self.how;
        let sums = [&self.losses, &self.signals, &self.targets];
        let fits = loss < LOSSES.len()
            && readouts > 0
            && (1..=steps).contains(&window)
            && sequences > 0
            && steps.checked_mul(sequences).is_some_and(|rows| self.row < rows)
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
            let mut whole = Evaluation::new(how);
            whole.add(&signals, &targets);
            let mut cut = Evaluation::new(how);
            for (signals, targets) in signals.chunks(6).zip(targets.chunks(6)) {
                cut.add(signals, targets);
            }
            let (whole, cut) = (whole.take(), cut.take());
            assert_eq!(whole.len(), 2 * 4);
            assert_eq!(whole, cut);
        }
    }
}
