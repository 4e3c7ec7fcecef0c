//! Clocks of neurons that fire by the clock, and what becomes of them where their parameters are set between simulations.
//!
//! A clock counts down to the next spike and begins anew there with `ignore_and_spike_interval`. It stands still where
//! `ignore_and_spike` is off; to set `ignore_and_spike_offset` has it begin anew with that.

use crate::describe::check;
use crate::describe::network::NodeId;
use crate::kernel::Kernel;
use crate::tables::value::{Params, Value};

/// What a neuron's parameters say of its clock, in steps.
struct Clock {
    runs: bool,
    offset: i64,
    interval: i64,
}

/// The countdown of a neuron's clock; `None` where it begins anew.
pub(super) type Countdown = (NodeId, Option<i64>);

impl Kernel {
    fn clock(&self, node: NodeId) -> Option<Clock> {
        let value = |name| self.network.get_nodes(&[node], name).ok()?.pop();
        let steps = |name| match value(name)? {
            Value::Number(ms) => Some(check::lasting_steps(ms, self.network.kernel.resolution) as i64),
            _ => None,
        };
        Some(Clock {
            runs: matches!(value("ignore_and_spike")?, Value::Bool(true)),
            offset: steps("ignore_and_spike_offset")?,
            interval: steps("ignore_and_spike_interval")?.max(1),
        })
    }

    /// Begins the clocks of new nodes, which are of one model.
    pub(super) fn start_clocks(&mut self, nodes: impl Iterator<Item = NodeId>) {
        for node in nodes {
            let Some(clock) = self.clock(node) else { return };
            if clock.runs {
                self.clock_base.insert(node, self.time);
            }
        }
    }

    /// The countdowns of the clocks that parameters are about to change.
    pub(super) fn clocks_before(&self, nodes: &[NodeId], params: &Params) -> Vec<Countdown> {
        if self.time == 0 {
            return Vec::new();
        }
        let mut countdowns = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let names = |name| params.of(at).is_some_and(|values| values.get(name).is_some());
            let anew = names("ignore_and_spike_offset");
            if !anew && !names("ignore_and_spike") && !names("ignore_and_spike_interval") {
                continue;
            }
            let Some(clock) = self.clock(*node) else { continue };
            let first = self.clock_base.get(node).copied().unwrap_or(0) + clock.offset;
            let since = self.time - first;
            let left = match clock.runs {
                true if since >= 0 => clock.interval - since % clock.interval,
                true => -since,
                false => first,
            };
            countdowns.push((*node, (!anew).then_some(left)));
        }
        countdowns
    }

    /// Has clocks go on from these countdowns, once parameters were set.
    pub(super) fn go_on_with_clocks(&mut self, countdowns: &[Countdown]) {
        for (node, left) in countdowns {
            let Some(clock) = self.clock(*node) else { continue };
            let begin = if clock.runs { self.time } else { 0 };
            self.clock_base.insert(*node, begin + left.map_or(0, |left| left - clock.offset));
        }
    }
}
