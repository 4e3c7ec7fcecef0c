//! What a learning rule is to a kernel. A kernel holds one for each rule whose neurons it has, and asks them in turn.

use std::fmt;

use crate::base::control::{Halt, RunControl};
use crate::base::error::Result;
use crate::base::exchange::Team;
use crate::base::state::Archive;
use crate::describe::connections::ConnectionHandle;
use crate::describe::network::{Description, NodeId};
use crate::describe::population::NodeIndex;
use crate::optimizer::{MomentChanges, Moments, SynapseKey};
use crate::plan::wiring::{Planning, Wiring};
use crate::record::Recordings;
use crate::step::arrivals::{Arrivals, Flying, Placed, Settlement};
use crate::step::emission::Emission;

/// A rule that a kernel holds, if it has neurons of it.
pub type Held = Option<Box<dyn LearningRule>>;

/// A learning rule that a kernel can hold.
#[derive(Debug, Clone, Copy)]
pub struct RuleEntry {
    /// What its state is called in a saved kernel.
    pub name: &'static str,
    /// Its neurons of a description, which begin at rest at a step; `None` where there are none.
    pub begin: fn(Planning<'_>, now: i64) -> Result<Held>,
}

/// What a rule is asked to simulate.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// The first step.
    pub from: i64,
    /// The step after the last one.
    pub to: i64,
    /// Whether nothing follows in this call: only then is an update interval begun that cannot be finished.
    pub last: bool,
    /// What stimuli emit.
    pub emission: &'a Emission,
    /// Who watches, and may stop it.
    pub control: &'a RunControl,
    /// The ranks that simulate the same, where there are several.
    pub team: Option<&'a Team<'a>>,
}

/// The neurons of one learning rule: their plan and their state. Steps are counted from the kernel's begin.
pub trait LearningRule: fmt::Debug + Send + Sync {
    /// Whether it can go on with the description as it is now.
    fn goes_on_with(&self, _network: &Description) -> bool {
        true
    }

    /// Lays out a changed description aside.
    ///
    /// # Errors
    /// Where the description leaves something open that the numbers depend on. Nothing has changed then.
    fn prepare(&mut self, planning: Planning<'_>) -> Result<()>;

    /// Takes over what was prepared at step `now`; the state of what existed stays.
    fn commit(&mut self, network: &Description, now: i64);

    /// Who is where, and what reaches whom.
    fn wiring(&self) -> &Wiring;

    /// Places of the recurrent neurons that fired with a stamp of which spikes may still be on their way.
    fn fired(&self, stamp: i64) -> &[u32];

    /// Input of recurrent neurons and of readouts that was settled before its weights changed.
    fn arrivals_mut(&mut self) -> &mut [Arrivals; 2];

    /// Takes state variables that the user has set.
    fn load_states(&mut self, network: &Description, index: &NodeIndex, nodes: &[NodeId]);

    /// Writes the state variables at step `now` to where the user reads them.
    fn store_states(&self, network: &mut Description, now: i64);

    /// Keeps what was computed and may have to be computed again, since what it was computed with is about to change.
    fn before_change(&mut self, _network: &Description, _emission: &Emission) {}

    /// Takes over weights that the user has set; `before` are those from before, one per handle.
    fn weights_were_set(&mut self, network: &Description, handles: &[ConnectionHandle], before: &[f64]);

    /// Calls `each` with what Adam remembers of each synapse, as of its last update.
    fn for_each_moment(&self, each: &mut dyn FnMut(SynapseKey, Moments));

    /// Takes over moments that the user has set.
    fn set_moments(&mut self, changes: &MomentChanges);

    /// Begins to record at step `now` what is recorded from here on.
    fn begin_recording(&mut self, _recordings: &mut Recordings, _now: i64) {}

    /// The step that may be reached in one go from `from`, at most `to`; by several ranks, where they are a team.
    fn slice_end(&self, from: i64, to: i64, team: Option<&Team<'_>>) -> i64;

    /// Whether an update interval is over and none begun, so that readouts stand a step further than neurons.
    fn is_between_intervals(&self) -> bool {
        false
    }

    /// The earliest stamp of inputs that is still needed at step `now`.
    fn needs_from(&self, now: i64) -> i64;

    /// The earliest stamp of inputs that is still to be learned from together with later ones; a kernel has to hold all
    /// from there on.
    fn learns_from(&self) -> i64 {
        i64::MAX
    }

    /// Simulates. Returns the step reached, which is `span.to` unless it was cancelled or, if this is not the last span of
    /// a call, an update interval does not end with it.
    ///
    /// # Errors
    /// `NumericalInstability` where a gradient or a weight would not be finite; what is asked for next goes on from the
    /// step that was reached.
    fn advance(
        &mut self,
        network: &mut Description,
        span: Span<'_>,
        recordings: &mut Recordings,
    ) -> std::result::Result<i64, Halt>;

    /// Bytes that a simulation of so many steps takes, by part; `inputs` tells how many spikes stimuli send in a number
    /// of steps.
    fn memory(
        &self,
        network: &Description,
        steps: usize,
        inputs: &dyn Fn(i64) -> u64,
    ) -> Vec<(&'static str, u64)>;

    /// Bytes of what was not taken yet of all that [`Self::memory`] says.
    fn not_held(&self, _network: &Description) -> u64 {
        0
    }

    /// Bytes of histories, which can be kept in parts.
    fn history_bytes(&self, _network: &Description) -> u64 {
        0
    }

    /// Spikes of recurrent neurons in all steps so far, those of an interval in progress included.
    fn spikes_fired(&self) -> u64;

    /// Keeps no more of histories than fits into so many bytes, if it can. Changes no result.
    ///
    /// # Errors
    /// `OutOfMemory` where the system has no room even for that.
    fn limit_history(&mut self, _network: &Description, _emission: &Emission, _bytes: u64) -> Result<()> {
        Ok(())
    }

    /// Spikes that recurrent neurons send in a step: as many as so far, or as they should.
    fn spikes_per_step(&self) -> f64;

    /// Spikes of recurrent neurons so far.
    fn spike_count(&self) -> u64;

    /// Square sum of the gradient of the last update, where weights are updated together.
    fn gradient_square_sum(&self) -> f64 {
        0.0
    }

    /// Moves out the norm of the gradient at each update of weights since the last call.
    fn take_gradient_norms(&mut self) -> Vec<f64> {
        Vec::new()
    }

    /// Moves out how many spikes recurrent neurons sent in each update interval that has ended since the last call.
    fn take_interval_spikes(&mut self) -> Vec<u64> {
        Vec::new()
    }

    /// Writes the state at step `now`, or reads it into neurons that were laid out for it.
    ///
    /// # Errors
    /// `ValueError` where the archive holds something that does not fit.
    fn persist(&mut self, network: &Description, now: i64, archive: &mut Archive<'_>) -> Result<()>;

    /// What the spikes in flight over a projection onto these neurons amount to with its present weights; `None` where
    /// there is no such projection.
    fn settle(
        &self,
        network: &Description,
        emission: &Emission,
        projection: usize,
        now: i64,
    ) -> Option<Settlement> {
        Flying::over(self.wiring(), network, emission, projection, now)
            .map(|flying| flying.settle(|stamp| self.fired(stamp)))
    }

    /// Has weight recorders see the spikes in flight over a projection onto these neurons.
    fn show_weights(
        &self,
        network: &Description,
        emission: &Emission,
        projection: usize,
        now: i64,
        recordings: &mut Recordings,
    ) {
        let Some(flying) = Flying::over(self.wiring(), network, emission, projection, now) else { return };
        let shown = flying.shown(|stamp| self.fired(stamp));
        recordings.take_weights(self.wiring().weight_taps.iter().map(|tap| tap.recorder), shown);
    }

    /// Takes over spikes in flight that were settled.
    fn take_settlement(&mut self, settlement: Settlement, recordings: &mut Recordings) {
        let recorders = self.wiring().weight_taps.iter().map(|tap| tap.recorder);
        recordings.take_weights(recorders, settlement.recorded);
        self.arrivals_mut()[usize::from(settlement.onto_readouts)].append(settlement.arrivals);
    }
}

/// Writes or reads the input of recurrent neurons and readouts that was settled before its weights changed.
///
/// # Errors
/// `ValueError` where it is of a neuron that there is not.
pub(crate) fn persist_arrivals(
    arrivals: &mut [Arrivals; 2],
    wiring: &Wiring,
    archive: &mut Archive<'_>,
) -> Result<()> {
    let parts = ["recurrent", "readout"].into_iter().zip(arrivals).zip(Placed::of(wiring));
    for ((name, arrivals), neurons) in parts {
        archive.within(&format!("arrivals.{name}"), |archive| arrivals.persist_of(neurons, archive))?;
    }
    Ok(())
}
