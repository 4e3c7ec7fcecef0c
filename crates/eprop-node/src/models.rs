//! The parameter tables, from which TypeScript's types and the model pages are made.

use eprop::feedback::{SOURCES, Source};
use eprop::models::{NODE_MODELS, NodeClass, Reset, Rule, synapses};
use eprop::optimizer::{METHODS, MethodEntry};
use eprop::rewiring::Rewiring;
use eprop::tables::Equation;
use eprop::tables::parameter::{Default, Kind, Parameter, Role};
use napi_derive::napi;

/// A row of a parameter table.
#[napi(object)]
pub struct ParameterRow {
    /// Name.
    pub name: String,
    /// Symbol in equations.
    pub symbol: String,
    /// Unit.
    pub unit: String,
    /// `number`, `integer`, `boolean`, `text`, `choice`, `numbers`, `texts`, `nodes` or `table`.
    pub kind: String,
    /// Texts of a choice.
    pub choices: Vec<String>,
    /// Rows of a table.
    pub table: Vec<ParameterRow>,
    /// Default as text.
    pub default_value: String,
    /// What is accepted.
    pub bound: String,
    /// `parameter`, `state` or `read-only`.
    pub role: String,
    /// One line of text.
    pub text: String,
}

/// An equation of a model.
#[napi(object)]
pub struct EquationRow {
    /// What it says, in words.
    pub text: String,
    /// The equation in TeX.
    pub tex: String,
}

fn equations(list: &[Equation]) -> Vec<EquationRow> {
    list.iter().map(|row| EquationRow { text: row.text.to_owned(), tex: row.tex.to_owned() }).collect()
}

/// A model with its table.
#[napi(object)]
pub struct ModelTable {
    /// Name.
    pub name: String,
    /// One line of text.
    pub text: String,
    /// `node` or `synapse`.
    pub element: String,
    /// `interval` or `plus`; empty for what serves both.
    pub rule: String,
    /// `recurrent`, `readout`, `generator`, `parrot` or `recorder`; empty for synapses.
    pub class: String,
    /// What happens after a spike, `subtract` or `hard`; empty for what does not fire by itself.
    pub reset: String,
    /// Whether the threshold adapts.
    pub adapts: bool,
    /// Rows.
    pub parameters: Vec<ParameterRow>,
    /// What a multimeter can record.
    pub recordables: Vec<String>,
    /// What it computes.
    pub equations: Vec<EquationRow>,
}

fn row(parameter: &Parameter) -> ParameterRow {
    let (kind, choices, table): (&str, &[&str], &[Parameter]) = match parameter.kind {
        Kind::Number => ("number", &[], &[]),
        Kind::Integer => ("integer", &[], &[]),
        Kind::Bool => ("boolean", &[], &[]),
        Kind::Choice(choices) => ("choice", choices, &[]),
        Kind::Text => ("text", &[], &[]),
        Kind::Numbers => ("numbers", &[], &[]),
        Kind::Texts => ("texts", &[], &[]),
        Kind::Nodes => ("nodes", &[], &[]),
        Kind::Table(table) => ("table", &[], table),
    };
    ParameterRow {
        name: parameter.name.to_owned(),
        symbol: parameter.symbol.to_owned(),
        unit: parameter.unit.to_owned(),
        kind: kind.to_owned(),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        table: table.iter().map(row_of_optimizer).collect(),
        default_value: match parameter.default {
            Default::Number(number) => match parameter.kind {
                Kind::Bool => (number != 0.0).to_string(),
                Kind::Choice(choices) => choices[number as usize].to_owned(),
                _ if number.abs() >= f64::MAX => if number > 0.0 { "∞" } else { "-∞" }.to_owned(),
                _ => number.to_string(),
            },
            Default::Text(text) => text.to_owned(),
            Default::Empty => String::new(),
            Default::Texts(texts) => texts.join(", "),
        },
        bound: parameter.bound.text().to_owned(),
        role: match parameter.role {
            Role::Parameter => "parameter",
            Role::State => "state",
            Role::ReadOnly => "read-only",
        }
        .to_owned(),
        text: parameter.text.to_owned(),
    }
}

/// A row of the table of optimizers, whose text says which of them have it.
fn row_of_optimizer(parameter: &Parameter) -> ParameterRow {
    let mut of = row(parameter);
    let having: Vec<&str> =
        METHODS.iter().filter(|method| method.has(parameter.name)).map(|method| method.name).collect();
    if !having.is_empty() {
        of.text = format!("{} ({})", of.text, having.join(", "));
    }
    of
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::Any => "",
        Rule::Interval => "interval",
        Rule::Plus => "plus",
    }
    .to_owned()
}

fn class(class: NodeClass) -> &'static str {
    match class {
        NodeClass::Recurrent => "recurrent",
        NodeClass::Readout => "readout",
        NodeClass::SpikeGenerator
        | NodeClass::PoissonGenerator
        | NodeClass::CurrentGenerator
        | NodeClass::StepRateGenerator => "generator",
        NodeClass::Parrot => "parrot",
        NodeClass::SpikeRecorder | NodeClass::Multimeter | NodeClass::WeightRecorder => "recorder",
    }
}

/// What readouts learn to make small.
#[napi(object)]
pub struct LossRow {
    /// Name.
    pub name: String,
    /// What is measured of a training.
    pub formula: String,
    /// Whether signals are shares of a whole, so that readouts need the voltages of the others.
    pub is_shared: bool,
    /// Whether it is of the mean readout over the learning window.
    pub is_of_mean: bool,
}

/// All losses, the default first.
#[napi]
#[must_use]
pub fn losses() -> Vec<LossRow> {
    let row = |loss: &&dyn eprop::loss::Loss| LossRow {
        name: loss.name().to_owned(),
        formula: loss.formula().to_owned(),
        is_shared: loss.is_shared(),
        is_of_mean: loss.is_of_mean(),
    };
    eprop::loss::LOSSES.iter().map(row).collect()
}

/// How weights follow gradients.
#[napi(object)]
pub struct OptimizerRow {
    /// Name.
    pub name: String,
    /// Whether it remembers moments of each weight.
    pub has_moments: bool,
    /// Names of the parameters that it has besides those of all optimizers.
    pub parameters: Vec<String>,
}

/// All optimizers, the default first.
#[napi]
#[must_use]
pub fn optimizers() -> Vec<OptimizerRow> {
    let row = |method: &MethodEntry| OptimizerRow {
        name: method.name.to_owned(),
        has_moments: method.by_default().has_moments(),
        parameters: method.parameters.iter().map(|own| own.name.to_owned()).collect(),
    };
    METHODS.iter().map(row).collect()
}

/// Where the weights of learning signals come from.
#[napi(object)]
pub struct FeedbackRow {
    /// Name.
    pub name: String,
    /// Whether weights change, or are other ones than those that were set.
    pub changes: bool,
    /// Whether weights are those of the readouts.
    pub is_readouts: bool,
    /// Whether a share of the weights, and of the readouts' weights, is lost in an update.
    pub decays: bool,
}

/// All sources of feedback, the default first.
#[napi]
#[must_use]
pub fn feedback_sources() -> Vec<FeedbackRow> {
    let row = |source: &&dyn Source| FeedbackRow {
        name: source.name().to_owned(),
        changes: source.changes(),
        is_readouts: source.is_readouts(),
        decays: source.decays(),
    };
    SOURCES.iter().map(row).collect()
}

/// What becomes of connections in an update.
#[napi(object)]
pub struct RewiringRow {
    /// Name.
    pub name: String,
    /// Whether others come in place of connections that go.
    pub replaces: bool,
    /// Whether connections go and none comes in their place.
    pub takes_away: bool,
    /// Names of the parameters that it has.
    pub parameters: Vec<String>,
}

/// All that may become of connections, the default first.
#[napi]
#[must_use]
pub fn rewirings() -> Vec<RewiringRow> {
    let row = |rewiring: Rewiring| RewiringRow {
        name: rewiring.name().to_owned(),
        replaces: rewiring.replaces(),
        takes_away: rewiring.takes_away(),
        parameters: rewiring.parameters().iter().map(|name| (*name).to_owned()).collect(),
    };
    Rewiring::ALL.into_iter().map(row).collect()
}

/// The tables of all models.
#[napi]
#[must_use]
pub fn model_tables() -> Vec<ModelTable> {
    let nodes = NODE_MODELS.iter().map(|model| ModelTable {
        name: model.name.to_owned(),
        text: model.text.to_owned(),
        element: "node".to_owned(),
        rule: rule(model.rule),
        class: class(model.class).to_owned(),
        reset: match model.dynamics.reset {
            None => "",
            Some(Reset::Subtract) => "subtract",
            Some(Reset::Hard) => "hard",
        }
        .to_owned(),
        adapts: model.dynamics.adapts,
        parameters: model.parameters.iter().map(row).collect(),
        recordables: model.recordables.iter().map(|name| (*name).to_owned()).collect(),
        equations: equations(model.equations),
    });
    let synapses = synapses::MODELS.iter().map(|model| ModelTable {
        name: model.name.to_owned(),
        text: model.text.to_owned(),
        element: "synapse".to_owned(),
        rule: rule(model.rule),
        class: String::new(),
        reset: String::new(),
        adapts: false,
        parameters: model.parameters.iter().map(row).collect(),
        recordables: Vec::new(),
        equations: equations(model.equations),
    });
    nodes.chain(synapses).collect()
}

/// The table of kernel parameters.
#[napi]
#[must_use]
pub fn kernel_table() -> Vec<ParameterRow> {
    eprop::describe::kernel_parameters::TABLE.iter().map(row).collect()
}

/// Stable names of the engine's error codes.
#[napi]
#[must_use]
pub fn error_codes() -> Vec<String> {
    eprop::ErrorCode::ALL.iter().map(|code| code.name().to_owned()).collect()
}

/// What is computed of random numbers.
#[napi(object)]
pub struct OperationRow {
    /// Name.
    pub name: String,
    /// Number of operands.
    pub operands: u32,
}

/// All operations with random numbers.
#[napi]
#[must_use]
pub fn random_operations() -> Vec<OperationRow> {
    let row =
        |(name, operands): (&str, usize)| OperationRow { name: name.to_owned(), operands: operands as u32 };
    eprop::random::operations().map(row).collect()
}

/// Names of the distributions.
#[napi]
#[must_use]
pub fn random_distributions() -> Vec<String> {
    eprop::random::DISTRIBUTIONS.map(str::to_owned).to_vec()
}

/// Names of the connection rules.
#[napi]
#[must_use]
pub fn connection_rules() -> Vec<String> {
    eprop::describe::rules::RULES.iter().map(|rule| rule.name.to_owned()).collect()
}
