//! What threads meet at without locks: the standard library's, or loom's, which tries every order (`--cfg loom`).

#[cfg(not(loom))]
pub(super) use std::hint::spin_loop as spin;
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(super) use std::thread::yield_now;

#[cfg(loom)]
pub(super) use loom::hint::spin_loop as spin;
#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
#[cfg(loom)]
pub(super) use loom::thread::yield_now;

#[cfg(not(loom))]
use std::cell::UnsafeCell;

#[cfg(loom)]
use loom::cell::UnsafeCell;

/// A value that threads share without a lock; who reads or writes it knows that nobody else writes.
#[derive(Debug)]
pub(super) struct Slot<T>(UnsafeCell<T>);

impl<T: Copy> Slot<T> {
    pub(super) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// # Safety
    /// Nobody writes at the same time.
    pub(super) unsafe fn read(&self) -> T {
        #[cfg(not(loom))]
        // SAFETY: as the caller says.
        return unsafe { *self.0.get() };
        #[cfg(loom)]
        // SAFETY: as the caller says, which loom checks.
        return self.0.with(|value| unsafe { *value });
    }

    /// # Safety
    /// Nobody reads or writes at the same time.
    pub(super) unsafe fn write(&self, value: T) {
        #[cfg(not(loom))]
        // SAFETY: as the caller says.
        unsafe {
            *self.0.get() = value;
        }
        #[cfg(loom)]
        // SAFETY: as the caller says, which loom checks.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}
