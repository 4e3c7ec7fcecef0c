//! Piecewise constant signals from rate generators: targets and learning windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::math::{count_before, nearest};
use crate::base::state::Archive;
use crate::describe::network::{Carries, Description, NodeId};
use crate::describe::population::{NodeIndex, Population};
use crate::describe::times::time_list;
use crate::plan::stimulus::Active;

/// What a rate generator goes on with until the first of its times that counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeldRate {
    /// The amplitude.
    pub amplitude: f64,
    /// Times up to this step do not count: they were over when they were set.
    pub since: i64,
}

/// The same by generator, for those whose times were set in the course of a simulation.
pub type HeldRates = BTreeMap<NodeId, HeldRate>;

/// A generator's amplitude over time.
#[derive(Debug, Clone)]
pub struct Amplitudes {
    times: Arc<Vec<f64>>,
    values: Arc<Vec<f64>>,
    active: Active,
    resolution: f64,
    held: HeldRate,
}

impl Amplitudes {
    /// The amplitude that a multimeter shows with that stamp.
    #[must_use]
    pub fn emitted(&self, stamp: i64) -> f64 {
        if self.active.sends(stamp) { self.at(stamp, &mut 0).0 } else { 0.0 }
    }

    /// The amplitude that goes by a stamp, and the first stamp after it that another may go by. `hint` is the number of
    /// times that had begun when this was last asked, and is kept.
    pub(crate) fn at(&self, stamp: i64, hint: &mut usize) -> (f64, i64) {
        let when = |place: usize| -> i64 {
            self.times.get(place).map_or(i64::MAX, |time| nearest(time / self.resolution))
        };
        // Mostly the next time begins, or none does.
        let mut begun = (*hint).min(self.times.len());
        let mut latest = if begun == 0 { i64::MIN } else { when(begun - 1) };
        let mut next = when(begun);
        if next <= stamp {
            begun += 1;
            (latest, next) = (next, when(begun));
        }
        if latest > stamp || next <= stamp {
            let about = (stamp as f64 + 0.5) * self.resolution;
            begun = count_before(&self.times, about, |time| nearest(time / self.resolution) <= stamp);
            latest = if begun == 0 { i64::MIN } else { when(begun - 1) };
            next = when(begun);
        }
        *hint = begun;
        let is_held = begun == 0 || latest <= self.held.since;
        (if is_held { self.held.amplitude } else { self.values[begun - 1] }, next)
    }

    /// The highest amplitude that there may be; at least 0.
    #[must_use]
    pub fn highest(&self) -> f64 {
        self.values.iter().copied().fold(self.held.amplitude.max(0.0), f64::max)
    }

    /// The amplitude now, which the generator goes on with if its times are set anew.
    #[must_use]
    pub fn held_at(&self, now: i64) -> HeldRate {
        HeldRate { amplitude: self.at(now, &mut 0).0, since: now }
    }
}

/// A generator that reaches a readout.
#[derive(Debug, Clone)]
struct RateInput {
    amplitudes: Amplitudes,
    weight: f64,
    /// Steps by which a rate is read before its stamp: 1 from generators that were made before the readout, and so hand
    /// over a rate in the step before the readout reads it, else 0.
    lead: i64,
}

impl RateInput {
    /// The stamps of the rates that are sent, `from` being the step that the generator goes on from: rates go by the
    /// stamps from `start` on and before `stop`.
    fn stamps(&self, from: i64) -> std::ops::Range<i64> {
        let Active { start, stop } = self.amplitudes.active;
        start.max(from + 1)..stop
    }

    /// The step in which the last rate is read that was sent up to a stamp, and that stamp.
    fn last(&self, from: i64, stamp: i64) -> Option<(i64, i64)> {
        let stamps = self.stamps(from);
        let sent = stamp.min(stamps.end - 1);
        (sent >= stamps.start).then_some((sent - self.lead, sent))
    }
}

/// The rate that came last to a readout.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Last {
    rate: f64,
    /// The first step that reads it.
    step: i64,
}

impl Last {
    /// The rate, if it has come since step `begin`; 0 if not.
    fn since(self, begin: i64) -> f64 {
        if self.step >= begin { self.rate } else { 0.0 }
    }
}

/// The generators that reach a receptor of each readout. A readout goes on with the rate that came last, from whichever
/// generator; their order is that of creation, and delays have no say in it. It forgets
/// a target where it does not learn.
#[derive(Debug, Clone, Default)]
pub struct RateInputs {
    /// Per readout, in the order in which rates of one step come.
    inputs: Vec<Vec<RateInput>>,
    /// Per readout, what came last before `from`.
    carried: Vec<Last>,
    /// The step that generators go on from.
    from: i64,
}

impl RateInputs {
    /// Collects what arrives at `receptor` of the readouts of a population. `held` names the amplitudes that
    /// generators had when their times were last set.
    #[must_use]
    pub fn new(
        network: &Description,
        index: &NodeIndex,
        readouts: Population,
        receptor: u32,
        held: &HeldRates,
    ) -> Self {
        let mut inputs: Vec<Vec<(NodeId, RateInput)>> = vec![Vec::new(); index.len(readouts)];
        for projection in
            network.projections.iter().filter(|p| p.carries == Carries::Rate && p.receptor == receptor)
        {
            projection.for_each_entry(|source, target, entry| {
                let (population, place) = index.place(target);
                let amplitudes = amplitudes(network, source, held).filter(|_| population == readouts);
                if let Some(amplitudes) = amplitudes {
                    let (weight, lead) = (projection.weights[entry], i64::from(source < target));
                    inputs[place].push((source, RateInput { amplitudes, weight, lead }));
                }
            });
        }
        let ordered = |mut inputs: Vec<(NodeId, RateInput)>| {
            inputs.sort_by_key(|(source, input)| (input.lead, *source));
            inputs.into_iter().map(|(_, input)| input).collect()
        };
        let carried = vec![Last::default(); inputs.len()];
        Self { inputs: inputs.into_iter().map(ordered).collect(), carried, from: 0 }
    }

    /// Begins at step `now`: what was sent before has come to nobody.
    pub fn begin(&mut self, now: i64) {
        self.from = now;
    }

    /// Goes on at step `now` from where others have come to: what they have sent stays sent.
    pub fn go_on(&mut self, others: &Self, now: i64) {
        for place in 0..self.carried.len().min(others.carried.len()) {
            self.carried[place] = others.sent(place, now);
        }
        self.from = now;
    }

    /// What readout `place` would read in step `now` of what was sent before.
    fn sent(&self, place: usize, now: i64) -> Last {
        let last = self.inputs[place].iter().filter_map(|input| Some((input.last(self.from, now)?, input)));
        match last.max_by_key(|((step, _), _)| *step) {
            Some(((step, stamp), input)) => {
                Last { rate: 0.0 + input.weight * input.amplitudes.at(stamp, &mut 0).0, step }
            }
            None => self.carried[place],
        }
    }

    /// What readout `place` reads in a step, if it has come since step `begin`; 0 if not.
    #[must_use]
    pub fn read(&self, place: usize, step: i64, begin: i64) -> f64 {
        self.read_until(place, step, &mut 0).0.since(begin)
    }

    /// What readout `place` reads in a step, and the first step after it in which that may be something else. `hint`
    /// makes the next look-up short.
    fn read_until(&self, place: usize, step: i64, hint: &mut usize) -> (Last, i64) {
        let (mut last, mut until) = (self.carried[place], i64::MAX);
        let mut latest = i64::MIN;
        for input in &self.inputs[place] {
            let stamp = step + input.lead;
            let stamps = input.stamps(self.from);
            let mut change = if stamp < stamps.start { stamps.start } else { i64::MAX };
            if let Some((read, sent)) = input.last(self.from, stamp) {
                let (amplitude, next) = input.amplitudes.at(sent, hint);
                if sent == stamp {
                    change = next.min(stamps.end);
                }
                // Of those of one step, the last.
                if read >= latest {
                    latest = read;
                    // What is sent in every step is as new in those that follow.
                    let at = if sent == stamp { i64::MAX } else { read };
                    last = Last { rate: 0.0 + input.weight * amplitude, step: at };
                }
            }
            until = until.min(change.saturating_sub(input.lead));
        }
        (last, until.max(step + 1))
    }

    /// Writes or reads what readouts go on with at step `now`.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    pub fn persist(&mut self, name: &str, now: i64, archive: &mut Archive<'_>) -> Result<()> {
        let carried: Vec<Last> = (0..self.carried.len()).map(|place| self.sent(place, now)).collect();
        let mut rates: Vec<f64> = carried.iter().map(|last| last.rate).collect();
        let mut steps: Vec<i64> = carried.iter().map(|last| last.step).collect();
        archive.fixed(&format!("{name}.rates"), &mut rates)?;
        archive.fixed(&format!("{name}.steps"), &mut steps)?;
        if archive.reads() {
            self.carried = rates.into_iter().zip(steps).map(|(rate, step)| Last { rate, step }).collect();
            self.from = now;
        }
        Ok(())
    }
}

/// What readouts read, looked up again only where it may have changed.
#[derive(Debug, Clone, Default)]
pub struct RateReader {
    /// Per readout: what came last, the steps in which that holds, and a hint for the next look-up.
    held: Vec<(Last, std::ops::Range<i64>, usize)>,
}

impl RateReader {
    /// What readout `place` reads in a step, if it has come since step `begin`; 0 if not.
    #[inline]
    pub fn read(&mut self, inputs: &RateInputs, place: usize, step: i64, begin: i64) -> f64 {
        if place >= self.held.len() {
            self.held.resize(place + 1, (Last::default(), 0..0, 0));
        }
        let (last, steps, hint) = &mut self.held[place];
        if !steps.contains(&step) {
            let (now, until) = inputs.read_until(place, step, hint);
            (*last, *steps) = (now, step..until);
        }
        last.since(begin)
    }

    /// Forgets what was read, since it may have changed.
    pub fn forget(&mut self) {
        self.held.clear();
    }
}

/// The amplitudes of a generator that has some at given times.
#[must_use]
pub fn amplitudes(network: &Description, node: NodeId, held: &HeldRates) -> Option<Amplitudes> {
    let group = network.group_of(node)?;
    let list = time_list(group.model)?;
    let place = (node - group.first) as usize;
    let resolution = network.kernel.resolution;
    Some(Amplitudes {
        times: group.lists(list.times)[place].clone(),
        values: group.lists(list.values?)[place].clone(),
        active: Active::of(group, place, resolution),
        resolution,
        held: held.get(&node).copied().unwrap_or_default(),
    })
}
