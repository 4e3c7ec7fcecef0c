//! Lists of times that generators have: which values go with them, and where they lie on the grid of steps.

use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check;
use crate::describe::kernel_parameters::KernelParameters;
use crate::describe::network::{Column, NodeGroup};
use crate::models::NodeModel;

/// A list of times.
pub(crate) struct TimeList {
    /// The parameter that has it.
    pub times: &'static str,
    /// The values from each of the times on, where there are some.
    pub values: Option<&'static str>,
    /// Whether all times lie beyond the present when they are set.
    future: bool,
}

/// All lists of times; a model has one of them at most.
const TIME_LISTS: [TimeList; 3] = [
    TimeList { times: "spike_times", values: None, future: false },
    TimeList { times: "amplitude_times", values: Some("amplitude_values"), future: false },
    TimeList { times: "rate_times", values: Some("rate_values"), future: true },
];
/// Say where times lie.
const TIME_OPTIONS: [&str; 3] = ["precise_times", "allow_offgrid_times", "shift_now_spikes"];

/// The list of times that a model has.
pub(crate) fn time_list(model: &NodeModel) -> Option<&'static TimeList> {
    TIME_LISTS.iter().find(|list| model.place(list.times).is_some())
}

/// Refuses parameters of generators that are given without those they belong to.
pub(super) fn check_together(group: &NodeGroup, node: usize, gives: impl Fn(&str) -> bool) -> Result<()> {
    let Some(list) = time_list(group.model) else { return Ok(()) };
    let refuse = |parameter: &str, what: &str, bound: &str| {
        Err(Error::new(ErrorCode::BadProperty, what)
            .model(group.model_name.clone())
            .parameter(parameter)
            .value("given alone")
            .bound(bound))
    };
    if let Some(values) = list.values
        && gives(list.times) != gives(values)
    {
        let (given, missing) = if gives(list.times) { (list.times, values) } else { (values, list.times) };
        return refuse(given, "times and values must be set together", &format!("together with {missing}"));
    }
    if !gives(list.times)
        && !group.lists(list.times)[node].is_empty()
        && let Some(name) = TIME_OPTIONS.into_iter().find(|name| gives(name))
    {
        return refuse(
            name,
            "options can only be set together with times, or while there are none",
            &format!("together with {}", list.times),
        );
    }
    Ok(())
}

/// Puts the times of a generator onto the grid of steps, as NEST does with tics of a microsecond: what lies within half
/// a tic of a step is on it; what lies between steps is moved to the end of its step where that is allowed. Spikes at
/// the present time go to the next step, if they are to be shifted.
pub(super) fn place_times(
    group: &mut NodeGroup,
    node: usize,
    kernel: &KernelParameters,
    now: i64,
) -> Result<()> {
    let Some(list) = time_list(group.model) else { return Ok(()) };
    let name = list.times;
    let given = Arc::clone(&group.lists(name)[node]);
    if given.is_empty() {
        return Ok(());
    }
    let flag = |name: &str| group.model.place(name).is_some() && group.numbers(name)[node] != 0.0;
    let (moves, shifts) = (flag("allow_offgrid_times"), flag("shift_now_spikes"));
    let resolution = kernel.resolution;
    let origin = (group.numbers("origin")[node] / resolution).round();
    let refuse = |what: &str, time: f64, bound: String| {
        Err(Error::new(ErrorCode::BadProperty, what)
            .model(group.model_name.clone())
            .parameter(name)
            .number(time)
            .bound(bound))
    };
    let mut placed = Vec::with_capacity(given.len());
    for time in given.iter().copied() {
        if time == 0.0 && !shifts {
            return refuse("a spike time cannot be set to 0", time, "> 0".into());
        }
        let tics = check::tics(time);
        let nearest = (time / resolution).round();
        let mut step = nearest;
        if check::tics(nearest * resolution) != tics {
            if !moves {
                let bound = format!("a multiple of {resolution} ms");
                return refuse("a time does not lie on the grid of steps", time, bound);
            }
            // Half a tic below a step is that step.
            step = (time / resolution).floor() + 1.0;
        }
        if list.future && step <= now as f64 {
            let bound = format!("after {} ms", now as f64 * resolution);
            return refuse("times must lie in the future", time, bound);
        }
        if shifts && origin + step == now as f64 {
            step += 1.0;
        }
        placed.push(check::time_of(resolution, step as i64));
    }
    if placed != *given {
        let place = group.model.place(name).expect("the model has it");
        if let Column::Lists(lists) = &mut group.columns[place] {
            lists[node] = Arc::new(placed);
        }
    }
    Ok(())
}
