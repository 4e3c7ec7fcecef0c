//! `eprop_readout`: readout neuron of networks whose weights change at every presynaptic spike.

use crate::models::equations as eq;
use crate::models::shared::{CUTOFF, DRAWN, MEMBRANE, READOUT, table, unchecked, with_default};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_readout",
    text: "readout neuron of networks whose weights change at every presynaptic spike",
    rule: Rule::Plus,
    class: NodeClass::Readout,
    parameters: table![
        [MEMBRANE[0], MEMBRANE[1], MEMBRANE[2], MEMBRANE[3], with_default(MEMBRANE[4], 0.0)],
        READOUT,
        [CUTOFF]
    ],
    receptors: Receptors {
        spikes: &[0],
        generators: &[1, 2],
        readouts: &[],
        names: &[("eprop_learning_window", 1), ("target_signal", 2)],
    },
    drawn: DRAWN,
    dynamics: Dynamics::NONE,
    recordables: &["V_m", "eprop_history_duration", "error_signal", "readout_signal", "target_signal"],
    equations: &[eq::MEMBRANE, eq::WINDOWED_READOUT],
    check: unchecked,
};
