//! How the values of a node go together, and with the step and the update interval: checked once each value by itself
//! is within its bound.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::check;
use crate::describe::kernel_parameters::KernelParameters;
use crate::describe::network::NodeGroup;
use crate::describe::times::time_list;
use crate::models::shared::DEVICE;
use crate::models::{NodeClass, Rule};

/// A node of a group, and what it is held against.
struct Node<'a> {
    group: &'a NodeGroup,
    place: usize,
    kernel: &'a KernelParameters,
}

/// Checks a node whose parameters have been set.
///
/// # Errors
/// As [`check_values`], and where the flush interval is shorter than the update interval.
pub(super) fn check_node(group: &NodeGroup, node: usize, kernel: &KernelParameters) -> Result<()> {
    if group.model.rule == Rule::Interval && group.model.place("flush_event_send_interval").is_some() {
        let interval = group.numbers("flush_event_send_interval")[node];
        if interval < kernel.update_interval_ms {
            return Err(Error::new(
                ErrorCode::BadProperty,
                "the flush interval is shorter than the update interval",
            )
            .model(group.model_name.clone())
            .parameter("flush_event_send_interval")
            .number(interval)
            .bound(format!("at least {} ms", kernel.update_interval_ms)));
        }
    }
    check_values(group, node, kernel)
}

/// Checks how the values of a node go together, and with steps that cannot change once there are nodes.
///
/// # Errors
/// `BadProperty` where they do not, `NotImplemented` for what the engine does not simulate.
pub(super) fn check_values(group: &NodeGroup, node: usize, kernel: &KernelParameters) -> Result<()> {
    let node = Node { group, place: node, kernel };
    let scalar = |name: &str| node.number(name);
    (group.model.check)(&scalar).map_err(|error| error.model(group.model_name.clone()))?;
    match group.model.class {
        NodeClass::SpikeGenerator => node.spike_generator()?,
        NodeClass::Multimeter => node.multimeter()?,
        _ => {}
    }
    if let Some((times, values)) = time_list(group.model).and_then(|list| Some((list.times, list.values?))) {
        node.piecewise(times, values)?;
    }
    for time in DEVICE.iter().filter(|row| row.unit == "ms" && group.model.place(row.name).is_some()) {
        node.on_the_grid(time.name)?;
    }
    if group.model.place("dt").is_some() {
        node.whole_steps("dt")?;
    }
    match group.model.class {
        NodeClass::Multimeter | NodeClass::SpikeRecorder | NodeClass::WeightRecorder => node.recorder(),
        _ => Ok(()),
    }
}

impl Node<'_> {
    fn number(&self, name: &str) -> f64 {
        self.group.numbers(name)[self.place]
    }

    fn list(&self, name: &str) -> &[f64] {
        &self.group.lists(name)[self.place]
    }

    /// The step of a time.
    fn step(&self, time: f64) -> f64 {
        (time / self.kernel.resolution).round()
    }

    fn refuse(&self, parameter: &str, value: String, what: &str, bound: String) -> Error {
        Error::new(ErrorCode::BadProperty, what)
            .model(self.group.model_name.clone())
            .parameter(parameter)
            .value(value)
            .bound(bound)
    }

    fn not_implemented(&self, parameter: &str, what: &str) -> Error {
        Error::new(ErrorCode::NotImplemented, what).model(self.group.model_name.clone()).parameter(parameter)
    }

    fn spike_generator(&self) -> Result<()> {
        if self.group.model.place("spike_weights").is_some() && !self.list("spike_weights").is_empty() {
            let what = "spikes with weights of their own are not supported; use the weights of connections";
            return Err(self.not_implemented("spike_weights", what));
        }
        if self.number("precise_times") != 0.0 {
            for name in ["allow_offgrid_times", "shift_now_spikes"] {
                if self.number(name) != 0.0 {
                    return Err(self.refuse(
                        "precise_times",
                        "true".into(),
                        "precise_times cannot be set with allow_offgrid_times or shift_now_spikes",
                        format!("false with {name}"),
                    ));
                }
            }
            return Err(self.not_implemented("precise_times", "spikes lie on the grid of steps"));
        }
        let times = self.list("spike_times");
        let mut pairs = times.windows(2);
        if let Some([earlier, later, ..]) = pairs.find(|pair| self.step(pair[0]) > self.step(pair[1])) {
            return Err(self.refuse(
                "spike_times",
                format!("{later} after {earlier}"),
                "spike times must be sorted in non-descending order",
                "ascending times".into(),
            ));
        }
        let multiplicities = self.list("spike_multiplicities");
        if let Some(count) = multiplicities.iter().find(|count| count.fract() != 0.0 || **count > 1e9) {
            return Err(self.refuse(
                "spike_multiplicities",
                count.to_string(),
                "a multiplicity must be a whole number",
                "whole numbers".into(),
            ));
        }
        if !multiplicities.is_empty() && multiplicities.len() != times.len() {
            return Err(self.refuse(
                "spike_multiplicities",
                format!("a list of {}", multiplicities.len()),
                "there must be one multiplicity per spike time, or none",
                format!("{} entries", times.len()),
            ));
        }
        Ok(())
    }

    /// Values from given times on.
    fn piecewise(&self, at: &str, of: &str) -> Result<()> {
        let (times, values) = (self.list(at), self.list(of));
        if times.len() != values.len() {
            return Err(self.refuse(
                of,
                format!("a list of {}", values.len()),
                "times and values must have the same size",
                format!("{} entries", times.len()),
            ));
        }
        if let Some(first) = times.first().filter(|time| self.step(**time) < 1.0) {
            return Err(self.refuse(
                at,
                first.to_string(),
                "times must be at strictly increasing steps, the first after 0",
                format!("at least {} ms", self.kernel.resolution),
            ));
        }
        let mut pairs = times.windows(2);
        if let Some([earlier, later, ..]) = pairs.find(|pair| self.step(pair[0]) >= self.step(pair[1])) {
            return Err(self.refuse(
                at,
                format!("{later} after {earlier}"),
                "times must be at strictly increasing steps",
                "ascending times".into(),
            ));
        }
        Ok(())
    }

    /// A time of a whole number of steps, or one that never comes.
    fn on_the_grid(&self, name: &str) -> Result<()> {
        let (time, resolution) = (self.number(name), self.kernel.resolution);
        if time.abs() >= f64::MAX || check::on_grid(time, resolution) {
            return Ok(());
        }
        Err(self.refuse(
            name,
            time.to_string(),
            "the time must be a whole number of steps",
            format!("a multiple of {resolution} ms"),
        ))
    }

    /// A time of a whole number of steps, of one at least.
    fn whole_steps(&self, name: &str) -> Result<()> {
        let (time, resolution) = (self.number(name), self.kernel.resolution);
        if time < resolution - 1e-12 || !check::on_grid(time, resolution) {
            return Err(self.refuse(
                name,
                time.to_string(),
                "the time must be a whole number of steps",
                format!("a multiple of {resolution} ms"),
            ));
        }
        Ok(())
    }

    fn multimeter(&self) -> Result<()> {
        self.whole_steps("interval")?;
        let resolution = self.kernel.resolution;
        let offset = self.number("offset");
        if !check::on_grid(offset, resolution) {
            return Err(self.refuse(
                "offset",
                offset.to_string(),
                "the offset must be a whole number of steps",
                format!("a multiple of {resolution} ms"),
            ));
        }
        Ok(())
    }

    fn recorder(&self) -> Result<()> {
        let events = self.number("n_events");
        if events == 0.0 {
            return Ok(());
        }
        Err(self.refuse(
            "n_events",
            events.to_string(),
            "the number of events can only be set to 0, which drops them",
            "0".into(),
        ))
    }
}
