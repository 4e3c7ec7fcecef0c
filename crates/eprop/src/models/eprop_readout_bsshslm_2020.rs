//! `eprop_readout_bsshslm_2020`: readout neuron of networks whose weights change once an update interval.

use crate::loss;
use crate::models::equations as eq;
use crate::models::shared::{ARRIVAL, BIAS, DRAWN, MEMBRANE, READOUT, table, unchecked, with_default};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter, join};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "eprop_readout_bsshslm_2020",
    text: "readout neuron of networks whose weights change once an update interval",
    rule: Rule::Interval,
    class: NodeClass::Readout,
    parameters: table![
        [MEMBRANE[0], MEMBRANE[1], MEMBRANE[2], MEMBRANE[3], with_default(MEMBRANE[4], 0.0)],
        READOUT,
        [Parameter::number(
            "readout_signal_unnorm",
            "",
            "mV",
            0.0,
            Bound::Finite,
            "Readout signal before it is normalized"
        )
        .read_only()],
        ARRIVAL,
        BIAS,
        loss::PARAMETERS
    ],
    // The exponentials of other readouts arrive at receptor 1, targets at 2.
    receptors: Receptors {
        spikes: &[0],
        generators: &[2],
        readouts: &[1],
        names: &[("readout_signal", 1), ("target_signal", 2)],
    },
    drawn: DRAWN,
    dynamics: Dynamics::NONE,
    recordables: &[
        "V_m",
        "eprop_history_duration",
        "error_signal",
        "readout_signal",
        "readout_signal_unnorm",
        "target_signal",
    ],
    equations: join![Equation, eq::TRACE; [eq::FILTERED_MEMBRANE, eq::ERROR], loss::EQUATIONS],
    check: unchecked,
};
