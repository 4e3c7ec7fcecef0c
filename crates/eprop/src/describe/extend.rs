//! Spikes and amplitudes that generators send after those that they have been given: in bulk, as places and steps. What
//! has been sent by then is dropped, so that lists stay short however long a training is.

use std::fmt::Display;
use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::math::count_before;
use crate::describe::check;
use crate::describe::network::{Column, Description, NodeId};

/// Changes of the amplitude of a generator.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// Steps, ascending.
    pub steps: &'a [u32],
    /// The amplitude from each of them on.
    pub values: &'a [f64],
}

/// What a generator has been given of a list of times.
struct Schedule {
    group: usize,
    node: usize,
    /// Added to each time (steps).
    origin: i64,
    /// Entries that have been sent.
    sent: usize,
    /// The step of the last one (without the origin), where there is one.
    last: Option<i64>,
}

/// The first of what a generator is given.
struct First {
    parameter: &'static str,
    /// Whether it may come in the step of the last one before it.
    repeats: bool,
    step: i64,
    now: i64,
}

fn refuse(parameter: &str, what: &str, value: impl Display, bound: impl Into<String>) -> Error {
    Error::new(ErrorCode::ValueError, what).parameter(parameter).value(value).bound(bound)
}

impl Description {
    /// The lists of that name of generators, of which there must be one.
    fn schedules(&self, generators: &[NodeId], list: &str, now: i64) -> Result<Vec<Schedule>> {
        let mut sorted = generators.to_vec();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(refuse("generators", "a node is there twice", twice[0], "each node once"));
        }
        if generators.is_empty() {
            return Err(refuse("generators", "there are no generators", "none", "at least one node"));
        }
        let resolution = self.kernel.resolution;
        let step = |time: f64| (time / resolution).round() as i64;
        generators
            .iter()
            .map(|id| {
                let group = self.existing_group(*id)?;
                let of = &self.groups[group];
                if of.model.place(list).is_none() {
                    return Err(refuse(
                        "generators",
                        "the model has no such times",
                        id,
                        format!("nodes with {list}"),
                    )
                    .model(of.model_name.clone()));
                }
                let node = (id - of.first) as usize;
                let times = &of.lists(list)[node];
                let origin = step(of.numbers("origin")[node]);
                let about = (now.saturating_sub(origin) as f64 + 0.5) * resolution;
                let sent = count_before(times, about, |time| step(time) + origin <= now);
                Ok(Schedule { group, node, origin, sent, last: times.last().map(|time| step(*time)) })
            })
            .collect()
    }

    fn list_of(&mut self, schedule: &Schedule, name: &str) -> &mut Arc<Vec<f64>> {
        let group = &mut self.groups[schedule.group];
        let place = group.model.place(name).expect("generators with times have what belongs to them");
        match &mut group.columns[place] {
            Column::Lists(lists) => &mut lists[schedule.node],
            other => unreachable!("{name} holds {other:?}"),
        }
    }

    /// Refuses steps that do not lie after the present and after what the generator has.
    fn lies_after(&self, schedule: &Schedule, first: &First) -> Result<()> {
        let First { parameter, repeats, step, now } = *first;
        // Times count from the origin on, and the first of them is a step later.
        let least = now.max(schedule.origin) + 1;
        let least = schedule.last.map_or(least, |last| {
            let last = last + schedule.origin;
            least.max(if repeats { last } else { last + 1 })
        });
        if step >= least {
            return Ok(());
        }
        let time = |step| format!("{} ms", check::time_of(self.kernel.resolution, step));
        let what = "it does not lie after what has been given and after the present";
        Err(refuse(parameter, what, time(step), format!("from {} on", time(least))))
    }

    /// Has generators send spikes after those that they have been given: place `step * generators + generator`, counted from
    /// step `begin` on, ascending; repeats are several spikes at once.
    ///
    /// # Errors
    /// `ValueError` where a node has no spike times, or spikes are not in order or do not lie after the present (`now`) and
    /// after what there is; `OutOfMemory`. Then nothing has changed.
    pub fn extend_spikes(
        &mut self,
        generators: &[NodeId],
        begin: i64,
        spikes: &[u32],
        now: i64,
    ) -> Result<()> {
        let schedules = self.schedules(generators, "spike_times", now)?;
        if !spikes.is_sorted() {
            return Err(refuse("spikes", "spikes must be sorted", "places out of order", "ascending places"));
        }
        let count = generators.len() as u32;
        let mut added = vec![0_usize; generators.len()];
        for spike in spikes {
            let place = (spike % count) as usize;
            if added[place] == 0 {
                let step = begin + i64::from(spike / count);
                self.lies_after(&schedules[place], &First { parameter: "spikes", repeats: true, step, now })?;
            }
            added[place] += 1;
        }
        self.may_take(8 * spikes.len() as u64, &format!("{} spikes of generators", spikes.len()))?;
        let resolution = self.kernel.resolution;
        let mut lists: Vec<Vec<f64>> = Vec::with_capacity(generators.len());
        for (schedule, more) in schedules.iter().zip(added) {
            lists.push(if more == 0 {
                Vec::new()
            } else {
                taken(self.list_of(schedule, "spike_times"), schedule.sent, more)
            });
        }
        for spike in spikes {
            let place = (spike % count) as usize;
            lists[place]
                .push(check::time_of(resolution, begin + i64::from(spike / count) - schedules[place].origin));
        }
        for (schedule, times) in schedules.iter().zip(lists).filter(|(_, times)| !times.is_empty()) {
            let multiplicities = self.list_of(schedule, "spike_multiplicities");
            if !multiplicities.is_empty() {
                let mut left = taken(multiplicities, schedule.sent, times.len());
                left.resize(times.len(), 1.0);
                *multiplicities = Arc::new(left);
            }
            *self.list_of(schedule, "spike_times") = Arc::new(times);
        }
        self.version += 1;
        Ok(())
    }

    /// Has the amplitudes of generators change after the changes that they have been given, counted from step `begin` on: a
    /// list of changes for each generator.
    ///
    /// # Errors
    /// As [`Description::extend_spikes`]; `DimensionMismatch` where there is not a list of changes for each generator, or not
    /// a value for each step.
    pub fn extend_amplitudes(
        &mut self,
        generators: &[NodeId],
        begin: i64,
        changes: &[Changes<'_>],
        now: i64,
    ) -> Result<()> {
        let schedules = self.schedules(generators, "amplitude_times", now)?;
        let unlike = |what: &str, found: usize, wanted: usize| {
            Error::new(ErrorCode::DimensionMismatch, what)
                .parameter("changes")
                .value(found)
                .bound(format!("{wanted}"))
        };
        if changes.len() != generators.len() {
            return Err(unlike("each generator has a list of changes", changes.len(), generators.len()));
        }
        for (schedule, Changes { steps, values }) in schedules.iter().zip(changes) {
            if steps.len() != values.len() {
                return Err(unlike("each change has a step and a value", values.len(), steps.len()));
            }
            if let Some([earlier, later, ..]) = steps.windows(2).find(|pair| pair[0] >= pair[1]) {
                let value = format!("{later} after {earlier}");
                return Err(refuse("changes", "steps must increase", value, "ascending steps"));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(refuse("changes", "an amplitude is no finite number", value, "finite numbers"));
            }
            if let Some(first) = steps.first() {
                let step = begin + i64::from(*first);
                self.lies_after(schedule, &First { parameter: "changes", repeats: false, step, now })?;
            }
        }
        let all: usize = changes.iter().map(|of| of.steps.len()).sum();
        self.may_take(16 * all as u64, &format!("{all} changes of amplitudes"))?;
        let resolution = self.kernel.resolution;
        for (schedule, Changes { steps, values }) in schedules.iter().zip(changes) {
            if steps.is_empty() {
                continue;
            }
            let more = steps.len();
            let mut times = taken(self.list_of(schedule, "amplitude_times"), schedule.sent, more);
            let mut amplitudes = taken(self.list_of(schedule, "amplitude_values"), schedule.sent, more);
            let first = begin - schedule.origin;
            times.extend(steps.iter().map(|step| check::time_of(resolution, first + i64::from(*step))));
            amplitudes.extend_from_slice(values);
            *self.list_of(schedule, "amplitude_times") = Arc::new(times);
            *self.list_of(schedule, "amplitude_values") = Arc::new(amplitudes);
        }
        self.version += 1;
        Ok(())
    }
}

/// What is left of a list without its first entries, with room for more. Where the list is nobody else's it is moved.
fn taken(list: &mut Arc<Vec<f64>>, sent: usize, more: usize) -> Vec<f64> {
    let sent = sent.min(list.len());
    if let Some(own) = Arc::get_mut(list) {
        let mut own = std::mem::take(own);
        own.drain(..sent);
        own.reserve(more);
        return own;
    }
    let mut left = Vec::with_capacity(list.len() - sent + more);
    left.extend_from_slice(&list[sent..]);
    left
}
