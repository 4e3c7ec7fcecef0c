//! Draws histories, one after the other, and holds each against the oracles.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::Call;
use crate::call::to_text;
use crate::dice::Dice;
use crate::generate::{Operation, Settings, interpret, operations};
use crate::nest::Nest;
use crate::oracles::{Finding, ORACLES, Reference, reference};
use crate::replay::said;
use crate::shrink::shrink;

/// Counts of what was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Histories.
    pub histories: u64,
    /// Calls in them, those that were refused left out.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Histories that NEST has answered.
    pub answered: u64,
    /// Histories that NEST has not answered: it refuses a call.
    pub unanswered: u64,
}

impl Counts {
    /// In words.
    #[must_use]
    pub fn text(&self, seconds: f64) -> String {
        let mut text = format!(
            "{} histories, {} calls, {} refused calls in {seconds:.0} s",
            self.histories, self.calls, self.refused
        );
        if self.answered + self.unanswered > 0 {
            let _ = write!(text, "; NEST answered {}, refused {}", self.answered, self.unanswered);
        }
        text
    }
}

/// A history that breaks something.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it breaks.
    pub finding: Finding,
    /// The seed and the number of the history.
    pub seed: (u64, u64),
    /// The calls, made as few as could be.
    pub calls: Vec<Call>,
    /// Where they are kept.
    pub file: Option<PathBuf>,
}

/// A finding in words, with how to see it again.
#[must_use]
pub fn describe(found: &Found) -> String {
    let (seed, history) = found.seed;
    let file = found.file.as_ref().map(|file| format!(" or --replay {}", file.display())).unwrap_or_default();
    format!(
        "FOUND {}: {}\n  again with --seed {seed} --only {history}{file}\n{}",
        found.finding.oracle,
        found.finding.what,
        to_text(&found.calls)
    )
}

/// A seed that nobody has chosen.
#[must_use]
pub fn random_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64 % 1_000_000_000)
}

/// Holds calls against the oracles whose names contain `which`.
///
/// # Errors
/// The first finding.
pub fn check(calls: &[Call], which: &str, seed: u64, nest: Option<&mut Nest>) -> Result<Reference, Finding> {
    let made = reference(calls)?;
    if let Some(nest) = nest {
        nest.compare(&made)?;
        return Ok(made);
    }
    for (place, (name, oracle)) in ORACLES.iter().enumerate() {
        if !name.contains(which) {
            continue;
        }
        let mut dice = Dice::new(seed ^ (place as u64) << 32);
        let verdict = catch_unwind(AssertUnwindSafe(|| oracle(&made, &mut dice)));
        match verdict {
            Ok(verdict) => verdict?,
            Err(panic) => return Err(Finding { oracle: name, what: said(&*panic) }),
        }
    }
    Ok(made)
}

/// A search that follows from a seed.
#[derive(Debug)]
pub struct Search {
    seed: u64,
    settings: Settings,
    which: String,
    keep: Option<PathBuf>,
    /// How long a finding is made simpler.
    pub shrinking: Duration,
    /// What was tried.
    pub counts: Counts,
}

impl Search {
    /// A search for what breaks oracles whose names contain `which`; findings are written into the folder `keep`.
    #[must_use]
    pub fn new(seed: u64, settings: Settings, which: String, keep: Option<PathBuf>) -> Self {
        if let Some(folder) = &keep {
            // What cannot be written is still printed.
            let _ = std::fs::create_dir_all(folder);
        }
        Self { seed, settings, which, keep, shrinking: Duration::from_secs(60), counts: Counts::default() }
    }

    /// The strategy's choice for a history.
    fn tree(&self, history: u64) -> impl ValueTree<Value = Vec<Operation>> + use<> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&history.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        operations(self.settings).new_tree(&mut runner).expect("a strategy that rejects nothing")
    }

    /// The calls of a history.
    #[must_use]
    pub fn calls(&self, history: u64) -> Vec<Call> {
        interpret(&self.tree(history).current(), self.settings)
    }

    /// Tries a history; what it breaks, made simple.
    pub fn history(&mut self, history: u64, mut nest: Option<&mut Nest>) -> Option<Found> {
        let mut tree = self.tree(history);
        let calls = interpret(&tree.current(), self.settings);
        if let Some(folder) = &self.keep {
            // If the process ends, this is the history that has ended it.
            let _ = std::fs::write(folder.join("current.json"), to_text(&calls));
        }
        self.counts.histories += 1;
        let seed = self.seed ^ history.rotate_left(17);
        let outcome = check(&calls, &self.which, seed, nest.as_deref_mut());
        if let Some(nest) = nest.as_deref_mut() {
            (self.counts.answered, self.counts.unanswered) = (nest.answered, nest.unanswered);
        }
        let finding = match outcome {
            Ok(reference) => {
                self.counts.calls += reference.calls.len() as u64;
                self.counts.refused += reference.refused as u64;
                return None;
            }
            Err(finding) => finding,
        };
        self.counts.calls += calls.len() as u64;
        let oracle = finding.oracle;
        let mut last = finding;
        let mut fails = |calls: &[Call]| {
            let which =
                if ORACLES.iter().any(|(name, _)| *name == oracle) { oracle } else { "no such oracle" };
            // What an oracle tries is drawn, too: give it some chances.
            (0..3).any(|chance| match check(calls, which, seed + chance, nest.as_deref_mut()) {
                Err(finding) if finding.oracle == oracle => {
                    last = finding;
                    true
                }
                _ => false,
            })
        };
        // Operations first, as proptest does it, then the calls themselves.
        let mut best = calls;
        let end = std::time::Instant::now() + self.shrinking / 2;
        let mut more = tree.simplify();
        while more && std::time::Instant::now() < end {
            let candidate = interpret(&tree.current(), self.settings);
            more = if fails(&candidate) {
                best = candidate;
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        let best = shrink(&best, self.shrinking / 2, &mut fails);
        fails(&best);
        let file = self.keep.as_ref().map(|folder| folder.join(format!("{}-{history}.json", self.seed)));
        if let Some(file) = &file {
            let _ = std::fs::write(file, to_text(&best));
        }
        Some(Found { finding: last, seed: (self.seed, history), calls: best, file })
    }
}
