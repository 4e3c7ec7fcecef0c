//! Errors of the engine as data for JavaScript, and the wall that no panic crosses.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};

use eprop::{Error, ErrorCode};
use serde_json::json;

/// Tells an error of the engine from one of Node-API; `ts/core/errors.ts` looks for it.
const MARK: &str = "eprop:";

/// A refused call as JSON in the message of a JavaScript error; `ts/core/errors.ts` makes a `NESTError` of it.
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

/// Where the last panic was.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Lets panics go by in silence, but for where they were: they become errors, which say so. The hook is that of this
/// addon's own copy of the standard library, and no other's.
fn keep_panics_off_standard_error() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
            *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }));
    });
}

/// Runs a call of the engine; a panic becomes an `InternalError`, since it would end the user's process otherwise.
pub fn guarded<T>(call: impl FnOnce() -> eprop::Result<T>) -> napi::Result<T> {
    keep_panics_off_standard_error();
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error| to_js(&error)),
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "unknown".to_owned());
            let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            Err(to_js(&Error::new(
                ErrorCode::InternalError,
                format!("a mistake of the engine: {what}{place}"),
            )))
        }
    }
}
