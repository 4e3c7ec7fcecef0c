//! A kernel that a panic left half done is not used any more.

#[path = "../src/idle.rs"]
mod idle;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use eprop::{Error, ErrorCode};
use idle::{replace, with_idle};

fn busy() -> Error {
    Error::new(ErrorCode::KernelException, "busy")
}

#[test]
fn what_a_panic_left_half_done_is_refused_until_it_is_replaced() {
    let (flag, shared) = (AtomicBool::new(false), Mutex::new(1));
    let half = || {
        with_idle(&flag, &shared, busy, |value| -> eprop::Result<()> {
            *value = 2;
            panic!("on purpose")
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(half)).is_err());
    for _ in 0..2 {
        let error = with_idle(&flag, &shared, busy, |value| Ok(*value)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InternalError);
    }
    replace(&flag, &shared, busy, |_| 3).unwrap();
    assert_eq!(with_idle(&flag, &shared, busy, |value| Ok(*value)).unwrap(), 3);
    flag.store(true, Ordering::Release);
    assert_eq!(replace(&flag, &shared, busy, |_| 4).unwrap_err().code, ErrorCode::KernelException);
}
