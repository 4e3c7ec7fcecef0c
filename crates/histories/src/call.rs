//! A call of a kernel, as the recorded experiments write it down.
//!
//! Beyond their vocabulary there are `CopyModel` (existing, new, params), `SetConnections` (sources, targets, params; of
//! all connections between them), `TakeEvents` (recorder), `Query` (what), `Restore` (go on with a kernel made of the
//! state of this one) and `{"random": [distribution, first, second]}` and `{"float": "inf"}` as values.

use std::fmt;

use serde_json::{Value as Json, json};

/// A call: its name, then its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call(pub Vec<Json>);

impl Call {
    /// A call without arguments.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(vec![json!(name)])
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, argument: impl Into<Json>) -> Self {
        self.0.push(argument.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.first().and_then(Json::as_str).unwrap_or("")
    }

    /// An argument, counted from 0; `null` where there is none.
    #[must_use]
    pub fn argument(&self, place: usize) -> &Json {
        self.0.get(place + 1).unwrap_or(&Json::Null)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(&self.0).unwrap_or_default())
    }
}

/// Calls as a JSON text, one a line.
#[must_use]
pub fn to_text(calls: &[Call]) -> String {
    let lines: Vec<String> = calls.iter().map(Call::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// The calls of a JSON text: a list of calls, or a case with such a list.
///
/// # Errors
/// If it is something else.
pub fn from_text(text: &str) -> Result<Vec<Call>, String> {
    let mut json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(calls) = json.get_mut("calls") {
        json = calls.take();
    }
    let Json::Array(calls) = json else { return Err("there is no list of calls".into()) };
    calls
        .into_iter()
        .map(|call| match call {
            Json::Array(parts) if parts.first().is_some_and(Json::is_string) => Ok(Call(parts)),
            other => Err(format!("not a call: {other}")),
        })
        .collect()
}
