//! Spikes and amplitudes that generators send after those that they have been given: in bulk, as places and steps. What
//! has been sent by then is dropped, so that lists stay short however long a training is.

use std::fmt::Display;
use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Column, Description, NodeId};

/// Changes of the amplitude of a generator.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// Steps, ascending.
    pub steps: &'a [u32],
    /// The amplitude from each of them on.
    pub values: &'a [f64],
}

/// A list of times of a generator, with what goes with each of them.
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
                let sent = times.partition_point(|time| step(*time) + origin <= now);
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
    fn lies_after(&self, schedule: &Schedule, step: i64, now: i64, parameter: &str) -> Result<()> {
        let after = schedule.last.map_or(now, |last| now.max(last + schedule.origin));
        // Several spikes of a step may come one after the other.
        let repeats =
            parameter == "spikes" && schedule.last.is_some_and(|last| last + schedule.origin == step);
        if step > now && (step > after || repeats) {
            return Ok(());
        }
        let resolution = self.kernel.resolution;
        let bound = format!("after {} ms", after as f64 * resolution);
        let what = "it does not lie after what has been given and after the present";
        Err(refuse(parameter, what, format!("{} ms", step as f64 * resolution), bound))
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
        let mut latest: Vec<Option<i64>> = vec![None; generators.len()];
        let mut added = vec![0_usize; generators.len()];
        let mut repeats: Vec<bool> = Vec::with_capacity(generators.len());
        for schedule in &schedules {
            let group = &self.groups[schedule.group];
            repeats.push(!group.lists("spike_multiplicities")[schedule.node].is_empty());
        }
        for spike in spikes {
            let (place, step) = ((spike % count) as usize, begin + i64::from(spike / count));
            match latest[place] {
                None => {
                    self.lies_after(&schedules[place], step, now, "spikes")?;
                    let schedule = &schedules[place];
                    repeats[place] |= schedule.last.is_some_and(|last| last + schedule.origin == step);
                }
                Some(before) => repeats[place] |= before == step,
            }
            latest[place] = Some(step);
            added[place] += 1;
        }
        self.may_take(16 * spikes.len() as u64, &format!("{} spikes of generators", spikes.len()))?;
        let resolution = self.kernel.resolution;
        let mut lists: Vec<(Vec<f64>, Vec<f64>)> = Vec::with_capacity(generators.len());
        for (place, schedule) in schedules.iter().enumerate() {
            if added[place] == 0 {
                lists.push(Default::default());
                continue;
            }
            let (sent, more) = (schedule.sent, added[place]);
            let times = taken(self.list_of(schedule, "spike_times"), sent, more);
            let mut multiplicities = taken(self.list_of(schedule, "spike_multiplicities"), sent, 0);
            if repeats[place] {
                multiplicities.reserve(times.len() - multiplicities.len() + more);
                multiplicities.resize(times.len(), 1.0);
            }
            lists.push((times, multiplicities));
        }
        for spike in spikes {
            let place = (spike % count) as usize;
            let step = begin + i64::from(spike / count) - schedules[place].origin;
            let (times, multiplicities) = &mut lists[place];
            let time = step as f64 * resolution;
            if repeats[place] {
                if times.last() == Some(&time) {
                    *multiplicities.last_mut().expect("as many as times") += 1.0;
                    continue;
                }
                multiplicities.push(1.0);
            }
            times.push(time);
        }
        for (schedule, (times, multiplicities)) in schedules.iter().zip(lists) {
            if !times.is_empty() {
                *self.list_of(schedule, "spike_times") = Arc::new(times);
                *self.list_of(schedule, "spike_multiplicities") = Arc::new(multiplicities);
            }
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
                self.lies_after(schedule, begin + i64::from(*first), now, "changes")?;
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
            times.extend(steps.iter().map(|step| (first + i64::from(*step)) as f64 * resolution));
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
