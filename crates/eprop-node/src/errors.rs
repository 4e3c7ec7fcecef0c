//! Errors of the engine as data for JavaScript, and the wall that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eprop::{Error, ErrorCode};

/// A refused call as JSON in the message of a JavaScript error; `ts/errors.ts` makes a `NESTError` of it.
pub fn to_js(error: &Error) -> napi::Error {
    let mut json = String::from("{");
    let mut field = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&format!("{}:{}", quoted(name), quoted(value)));
        }
    };
    field("code", Some(error.code.name()));
    field("message", Some(&error.message));
    field("model", error.model.as_deref());
    field("parameter", error.parameter.as_deref());
    field("value", error.value.as_deref());
    field("bound", error.bound.as_deref());
    json.push('}');
    napi::Error::from_reason(json)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if (c as u32) < 0x20 => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Runs a call of the engine; a panic becomes an `InternalError`, since it would end the user's process otherwise.
pub fn guarded<T>(call: impl FnOnce() -> eprop::Result<T>) -> napi::Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error| to_js(&error)),
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "unknown".to_owned());
            Err(to_js(&Error::new(ErrorCode::InternalError, format!("a mistake of the engine: {what}"))))
        }
    }
}
