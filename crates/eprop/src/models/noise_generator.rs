//! `noise_generator`: sends normal noise as a current, another to each target.

use crate::base::error::{Error, ErrorCode, Result};
use crate::models::shared::{DEVICE, SINE, stops_after_start, table};
use crate::models::{Dynamics, NodeClass, NodeModel, Read, Receptors, Rule, Signal};
use crate::tables::Equation;
use crate::tables::parameter::{Bound, Parameter};

/// The model.
pub static MODEL: NodeModel = NodeModel {
    name: "noise_generator",
    text: "sends normal noise as a current, another to each target",
    rule: Rule::Any,
    class: NodeClass::CurrentGenerator,
    parameters: table![
        DEVICE,
        [
            Parameter::number("mean", "μ", "pA", 0.0, Bound::Finite, "Mean of the current"),
            Parameter::number("std", "σ", "pA", 0.0, Bound::NonNegative, "Standard deviation of the current"),
            Parameter::number(
                "std_mod",
                "σ_mod",
                "pA",
                0.0,
                Bound::NonNegative,
                "Modulation of the standard deviation"
            ),
            Parameter::number(
                "dt",
                "",
                "ms",
                1.0,
                Bound::Positive,
                "Time after which the current is drawn anew"
            ),
        ],
        SINE
    ],
    receptors: Receptors::NONE,
    drawn: &[],
    dynamics: Dynamics::sends(Signal::Noise),
    recordables: &[],
    equations: &[Equation {
        text: "The current that each target receives, with a normal number that is drawn every dt",
        tex: r"I^t = \mu + \sqrt{\sigma^2 + \sigma_\text{mod}^2 \sin(2\pi f t + \varphi)}\;\xi",
    }],
    check,
};

/// The modulation leaves a variance.
fn check(read: Read<'_>) -> Result<()> {
    stops_after_start(read)?;
    if read("std_mod") > read("std") {
        let what = "the standard deviation is modulated by more than itself";
        return Err(Error::new(ErrorCode::BadProperty, what)
            .parameter("std_mod")
            .value(read("std_mod"))
            .bound(format!("at most std = {}", read("std"))));
    }
    Ok(())
}
