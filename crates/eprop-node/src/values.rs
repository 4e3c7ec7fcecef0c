//! Values between JavaScript and the engine. TypeScript tags them (`ts/nest/values.ts`), so that nothing is guessed.

use eprop::random::RandomParameter;
use eprop::tables::value::Params;
use eprop::{Dict, Error, ErrorCode, Value};
use napi::bindgen_prelude::{Float64Array, Uint32Array};
use napi_derive::napi;

/// A named value: exactly one of the optional fields is there.
#[napi(object)]
pub struct Entry {
    /// The parameter's name.
    pub name: String,
    /// A truth value.
    pub flag: Option<bool>,
    /// A number.
    pub number: Option<f64>,
    /// A text.
    pub text: Option<String>,
    /// Numbers; with `rows` and `columns` a matrix.
    pub numbers: Option<Float64Array>,
    /// Rows of the matrix.
    pub rows: Option<u32>,
    /// Columns of the matrix.
    pub columns: Option<u32>,
    /// Texts.
    pub texts: Option<Vec<String>>,
    /// Node ids.
    pub nodes: Option<Uint32Array>,
    /// A dictionary.
    pub dict: Option<Vec<Entry>>,
    /// A distribution's name, or that of an operation, whose operands `dict` has.
    pub distribution: Option<String>,
    /// Its parameters.
    pub first: Option<f64>,
    /// Its parameters.
    pub second: Option<f64>,
    /// Which object of JavaScript it is.
    pub identity: Option<f64>,
}

fn value(entry: Entry) -> eprop::Result<(String, Value)> {
    let name = entry.name;
    let value = if let Some(distribution) = entry.distribution {
        let (first, second) = (entry.first.unwrap_or(0.0), entry.second.unwrap_or(0.0));
        Value::Random(match (entry.dict, entry.identity) {
            (Some(operands), _) => RandomParameter::computed(&distribution, drawn(operands)?)?,
            (None, Some(identity)) => {
                RandomParameter::identified(identity as u64, &distribution, first, second)?
            }
            (None, None) => RandomParameter::new(&distribution, first, second)?,
        })
    } else if let Some(flag) = entry.flag {
        Value::Bool(flag)
    } else if let Some(number) = entry.number {
        Value::Number(number)
    } else if let Some(text) = entry.text {
        Value::Text(text)
    } else if let Some(numbers) = entry.numbers {
        match (entry.rows, entry.columns) {
            (Some(rows), Some(columns)) => {
                Value::Matrix { rows: rows as usize, columns: columns as usize, data: numbers.to_vec() }
            }
            _ => Value::Numbers(numbers.to_vec()),
        }
    } else if let Some(texts) = entry.texts {
        Value::Texts(texts)
    } else if let Some(nodes) = entry.nodes {
        Value::Nodes(nodes.to_vec())
    } else if let Some(entries) = entry.dict {
        Value::Dict(dict(entries)?)
    } else {
        return Err(Error::new(ErrorCode::TypeMismatch, format!("{name} has a value of no known type"))
            .parameter(name));
    };
    Ok((name, value))
}

/// The operands of what is computed of random numbers.
fn drawn(operands: Vec<Entry>) -> eprop::Result<Vec<RandomParameter>> {
    let operand = |entry| match value(entry)? {
        (_, Value::Random(drawn)) => Ok(drawn),
        (_, Value::Number(number)) => Ok(RandomParameter::constant(number)),
        (name, _) => Err(Error::new(ErrorCode::TypeMismatch, "an operand is no number").parameter(name)),
    };
    operands.into_iter().map(operand).collect()
}

/// A dictionary of the engine.
pub fn dict(entries: Vec<Entry>) -> eprop::Result<Dict> {
    Ok(Dict(entries.into_iter().map(value).collect::<eprop::Result<_>>()?))
}

/// Parameters of nodes: one dictionary for all, or one each.
pub fn params(shared: Option<Vec<Entry>>, per_node: Option<Vec<Vec<Entry>>>) -> eprop::Result<Params> {
    Ok(match (shared, per_node) {
        (_, Some(list)) => Params::PerNode(list.into_iter().map(dict).collect::<eprop::Result<_>>()?),
        (Some(entries), None) => Params::Shared(dict(entries)?),
        (None, None) => Params::None,
    })
}

/// A value as JavaScript reads it.
#[must_use]
pub fn entry(name: &str, value: Value) -> Entry {
    let mut entry = Entry {
        name: name.to_owned(),
        flag: None,
        number: None,
        text: None,
        numbers: None,
        rows: None,
        columns: None,
        texts: None,
        nodes: None,
        dict: None,
        distribution: None,
        first: None,
        second: None,
        identity: None,
    };
    match value {
        Value::Bool(flag) => entry.flag = Some(flag),
        Value::Number(number) => entry.number = Some(number),
        Value::Text(text) => entry.text = Some(text),
        Value::Numbers(numbers) => entry.numbers = Some(numbers.into()),
        Value::Texts(texts) => entry.texts = Some(texts),
        Value::Nodes(nodes) => entry.nodes = Some(nodes.into()),
        Value::Matrix { rows, columns, data } => {
            entry.numbers = Some(data.into());
            entry.rows = Some(rows as u32);
            entry.columns = Some(columns as u32);
        }
        Value::Dict(values) => entry.dict = Some(entries(values)),
        Value::Random(distribution) => entry.text = Some(format!("{distribution:?}")),
    }
    entry
}

/// A dictionary as JavaScript reads it.
#[must_use]
pub fn entries(values: Dict) -> Vec<Entry> {
    values.0.into_iter().map(|(name, value)| entry(&name, value)).collect()
}
