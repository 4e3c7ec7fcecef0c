//! What recorders hold.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Column, NodeGroup, NodeId};
use crate::kernel::Kernel;
use crate::models::NodeClass;
use crate::plan::probes::{record_from, window};
use crate::record::{Evaluated, Evaluation, Events, Recordable, StateEvents, TimeUnit};

impl Kernel {
    pub(super) fn recorder(&self, node: NodeId) -> Result<(&NodeGroup, usize)> {
        let group = self.network.group_of(node).ok_or_else(|| {
            Error::new(ErrorCode::UnknownNode, format!("there is no node {node}")).value(node)
        })?;
        Ok((group, (node - group.first) as usize))
    }

    pub(super) fn unit_of(&self, group: &NodeGroup, place: usize) -> TimeUnit {
        let in_steps = group.model.place("time_in_steps").is_some()
            && matches!(group.column("time_in_steps"), Column::Numbers(values) if values[place] != 0.0);
        self.unit(in_steps)
    }

    /// Number of events that a recorder holds.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn event_count(&self, recorder: NodeId) -> Result<usize> {
        self.recorder(recorder)?;
        Ok(self.recordings.spikes.get(&recorder).map_or(0, |held| held.stamps.len())
            + self.recordings.weights.get(&recorder).map_or(0, |held| held.stamps.len())
            + self.recordings.states.get(&recorder).map_or(0, |held| held.len(self.time - 1)))
    }

    /// How many events a recorder has had, whether it still holds them or they went into a file: NEST's `n_events`.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn events_had(&self, recorder: NodeId) -> Result<usize> {
        let gone = self.recordings.gone.get(&recorder).copied().unwrap_or(0);
        Ok(self.event_count(recorder)? + usize::try_from(gone).unwrap_or(0))
    }

    /// A copy of what a recorder holds.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn events(&mut self, recorder: NodeId) -> Result<Events> {
        let (group, place) = self.recorder(recorder)?;
        let unit = self.unit_of(group, place);
        Ok(match group.model.class {
            NodeClass::SpikeRecorder => {
                self.recordings.spikes.get(&recorder).cloned().unwrap_or_default().into_events(unit)
            }
            NodeClass::WeightRecorder => {
                self.recordings.weights.get(&recorder).cloned().unwrap_or_default().into_events(unit)
            }
            NodeClass::Multimeter => {
                let recordables = record_from(group, place);
                self.recordings.states.entry(recorder).or_default().events(&recordables, unit, self.time - 1)
            }
            _ => return Err(not_a_recorder(group, recorder)),
        })
    }

    /// Moves out what a recorder holds; it is empty afterwards.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn take_events(&mut self, recorder: NodeId) -> Result<Events> {
        let (group, place) = self.recorder(recorder)?;
        let unit = self.unit_of(group, place);
        Ok(match group.model.class {
            NodeClass::SpikeRecorder => {
                self.recordings.spikes.remove(&recorder).unwrap_or_default().into_events(unit)
            }
            NodeClass::WeightRecorder => {
                self.recordings.weights.remove(&recorder).unwrap_or_default().into_events(unit)
            }
            NodeClass::Multimeter => {
                let recordables = record_from(group, place);
                self.recordings.states.entry(recorder).or_default().take(&recordables, unit, self.time - 1)
            }
            _ => return Err(not_a_recorder(group, recorder)),
        })
    }

    /// Moves out what a recorder holds, for a file: it goes on counting as recorded.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn write_events(&mut self, recorder: NodeId) -> Result<Events> {
        let count = self.event_count(recorder)? as i64;
        let events = self.take_events(recorder)?;
        *self.recordings.gone.entry(recorder).or_default() += count;
        Ok(events)
    }

    /// Drops what a recorder holds, and counts from none again.
    ///
    /// # Errors
    /// If the node does not exist or records nothing.
    pub fn clear_events(&mut self, recorder: NodeId) -> Result<()> {
        self.take_events(recorder)?;
        self.recordings.gone.remove(&recorder);
        Ok(())
    }

    /// Where each of the nodes records to; `None` for one that does not record.
    pub(super) fn backends(&self, nodes: &[NodeId]) -> Vec<Option<String>> {
        let backend = |node: &NodeId| {
            let (group, place) = self.recorder(*node).ok()?;
            group.model.place("record_to")?;
            match group.column("record_to") {
                Column::Texts(texts) => Some(texts[place].clone()),
                _ => None,
            }
        };
        nodes.iter().map(backend).collect()
    }

    /// Has the losses of sequences summed of what a multimeter records of readouts from its first sample on, in place of
    /// keeping it: a row of all its readouts per step. `steps` are those of a sequence, `learning_window` those at its end
    /// in which errors count; `sequences` are evaluated together. Where that is done already, nothing changes.
    ///
    /// # Errors
    /// `ValueError` where it is no multimeter that records readouts in each step, or where they do not have the same loss.
    pub fn evaluate(
        &mut self,
        recorder: NodeId,
        steps: usize,
        learning_window: usize,
        sequences: usize,
    ) -> Result<()> {
        let (group, place) = self.recorder(recorder)?;
        let signals = [Recordable::ReadoutSignal, Recordable::TargetSignal];
        let mut losses = Vec::new();
        let mut others = false;
        for projection in self.network.projections.iter().filter(|of| of.carries == Carries::FromMultimeter) {
            projection.for_each_pair(|from, node| {
                let readout = self.network.group_of(node).filter(|of| of.model.class == NodeClass::Readout);
                match readout {
                    _ if from != recorder => {}
                    Some(group) if group.model.place("loss").is_some() => {
                        losses.push(group.numbers("loss")[(node - group.first) as usize] as usize);
                    }
                    Some(_) => losses.push(0),
                    None => others = true,
                }
            });
        }
        let readouts = losses.len();
        losses.dedup();
        let [loss] = losses[..] else {
            return Err(not_evaluated(group, recorder));
        };
        // Whatever is connected to readouts as a multimeter is one.
        let records = record_from(group, place);
        let how = Evaluated { loss, readouts, steps, window: learning_window, sequences };
        let window = window(group, place, self.network.kernel.resolution);
        let in_each_step = window.interval == 1 && window.offset == 0;
        if others
            || !how.is_possible()
            || !in_each_step
            || !signals.iter().all(|signal| records.contains(signal))
        {
            return Err(not_evaluated(group, recorder));
        }
        if self.recordings.evaluations.get(&recorder).is_none_or(|held| held.how() != how) {
            self.before_change();
            let held = self.recordings.states.get(&recorder).and_then(StateEvents::first_stamp);
            let first = held.unwrap_or(self.time.max(window.start) + 1);
            self.recordings.evaluations.insert(recorder, Evaluation::new(how, first));
            // What is recorded of steps that do not count is no longer kept.
            self.network.version += 1;
        }
        Ok(())
    }

    /// Moves out what came of sequences that are over since the last call: for those that are evaluated together, the loss,
    /// the share of sequences that are decided wrongly, and the loss of each readout.
    pub fn take_losses(&mut self, recorder: NodeId) -> Vec<f64> {
        self.recordings.evaluations.get_mut(&recorder).map(Evaluation::take).unwrap_or_default()
    }

    /// Norm of the gradient of the last update.
    ///
    /// # Errors
    /// `NotImplemented` where ranks share the neurons.
    pub fn gradient_norm(&self) -> Result<f64> {
        self.refuse_norm()?;
        Ok(self.rules.iter().flatten().map(|rule| rule.gradient_square_sum()).sum::<f64>().sqrt())
    }

    /// Moves out the norm of the gradient at each update of weights since the last call.
    ///
    /// # Errors
    /// As [`Self::gradient_norm`].
    pub fn take_gradient_norms(&mut self) -> Result<Vec<f64>> {
        self.refuse_norm()?;
        Ok(self.rules.iter_mut().flatten().flat_map(|rule| rule.take_gradient_norms()).collect())
    }

    fn refuse_norm(&self) -> Result<()> {
        let what = "there is no norm of the gradient, which is one over all neurons";
        self.refuse_shared(what, "gradient norm")
    }

    /// Moves out how many spikes recurrent neurons sent in each update interval that has ended since the last call.
    pub fn take_interval_spikes(&mut self) -> Vec<u64> {
        self.rules.iter_mut().flatten().flat_map(|rule| rule.take_interval_spikes()).collect()
    }

    /// Spikes that neurons, parrots and spike train injectors sent in the last simulation that took any time.
    #[must_use]
    pub fn spikes_of_last_run(&self) -> u64 {
        self.sent_last
    }

    /// Spikes of recurrent neurons so far, counted at the end of each interval.
    #[must_use]
    pub fn spike_count(&self) -> u64 {
        self.rules.iter().flatten().map(|rule| rule.spike_count()).sum()
    }
}

fn not_evaluated(group: &NodeGroup, node: NodeId) -> Error {
    let what = "what is recorded cannot be evaluated";
    Error::new(ErrorCode::ValueError, what).model(group.model_name.clone()).value(format!("node {node}")).bound(
        "a multimeter that records readout_signal and target_signal in each step, of readouts with one loss, and a window within a sequence",
    )
}

fn not_a_recorder(group: &NodeGroup, node: NodeId) -> Error {
    Error::new(ErrorCode::BadProperty, format!("node {node} records nothing"))
        .model(group.model_name.clone())
        .parameter("events")
}
