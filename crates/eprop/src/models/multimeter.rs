//! `multimeter` and `voltmeter`: record state variables at regular times.

use crate::models::shared::{DEVICE, FILLER, RECORDER, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Receptors, Rule};
use crate::tables::parameter::{Bound, Default, Kind, Parameter};

const fn record_from(default: &'static [&'static str]) -> Parameter {
    let mut row = FILLER;
    row.name = "record_from";
    row.kind = Kind::Texts;
    row.default = Default::Texts(default);
    row.text = "State variables to record";
    row
}

const SAMPLING: [Parameter; 2] = [
    Parameter::number("interval", "", "ms", 1.0, Bound::Positive, "Time between samples"),
    Parameter::number("offset", "", "ms", 0.0, Bound::NonNegative, "Added to the times of samples"),
];

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "multimeter",
    text: "records state variables at regular times",
    rule: Rule::Any,
    class: NodeClass::Multimeter,
    parameters: table![DEVICE, RECORDER, SAMPLING, [record_from(&[])]],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};

/// A multimeter that records the membrane voltage.
pub static VOLTMETER: NodeModel = NodeModel {
    name: "voltmeter",
    text: "records membrane voltages at regular times",
    rule: Rule::Any,
    class: NodeClass::Multimeter,
    parameters: table![DEVICE, RECORDER, SAMPLING, [record_from(&["V_m"])]],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::NONE,
    recordables: &[],
    equations: &[],
    check: stops_after_start,
};
