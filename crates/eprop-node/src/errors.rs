//! Errors of the engine as data for JavaScript, and the wall that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eprop::{Error, ErrorCode};
use serde_json::json;

/// Tells an error of the engine from one of Node-API; `ts/errors.ts` looks for it.
const MARK: &str = "eprop:";

/// A refused call as JSON in the message of a JavaScript error; `ts/errors.ts` makes a `NESTError` of it.
#[must_use]
pub fn to_js(error: &Error) -> napi::Error {
    let details = json!({
        "code": error.code.name(),
        "message": error.message,
        "model": error.model,
        "parameter": error.parameter,
        "value": error.value,
        "bound": error.bound,
    });
    napi::Error::from_reason(format!("{MARK}{details}"))
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
