//! Large blocks of memory straight from the system, and back to it at once.
//!
//! glibc maps large blocks, too, but no longer once one of their size was given back: from then on it cuts blocks of up
//! to 32 MB out of its arenas, of which there is one for each of the threads that ask at the same time. What a training
//! takes on one thread and gives back on another leaves them in pieces, and a process that trains for long comes to hold
//! several times what it uses. The allocators of other systems map large blocks by themselves.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

/// Least size of a block that is mapped (bytes): that with which glibc begins.
const LARGE: usize = 128 << 10;

/// Strictest alignment that a mapping has everywhere: that of the smallest pages (bytes).
const PAGE: usize = 4096;

/// The system's allocator for all but large blocks.
pub struct MappedBlocks;

fn is_mapped(layout: &Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= PAGE
}

/// A new mapping; null where the system has none.
fn map(size: usize) -> *mut u8 {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: an anonymous mapping at an address of the system's choice touches no memory that is in use.
    let block = unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) };
    if block == libc::MAP_FAILED { ptr::null_mut() } else { block.cast() }
}

// SAFETY: whether a block is mapped follows from its layout alone, so each goes back to where it came from. A mapping
// begins at a page, hence at every alignment that `is_mapped` lets pass, is as long as asked for, and is not in use.
unsafe impl GlobalAlloc for MappedBlocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_mapped(&layout) {
            return map(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // Pages come as zeros.
        if is_mapped(&layout) {
            return map(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_mapped(&layout) {
            // SAFETY: the block is a mapping of this size, which nobody uses any more, as the caller promises.
            let status = unsafe { libc::munmap(block.cast(), layout.size()) };
            debug_assert_eq!(status, 0);
            return;
        }
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is possible for this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_mapped(&layout), is_mapped(&wanted)) {
            // SAFETY: as the caller promises.
            (false, false) => unsafe { System.realloc(block, layout, size) },
            (true, true) => {
                // SAFETY: the block is a mapping of the old size, and nobody uses its old address after this.
                let moved = unsafe { libc::mremap(block.cast(), layout.size(), size, libc::MREMAP_MAYMOVE) };
                if moved == libc::MAP_FAILED { ptr::null_mut() } else { moved.cast() }
            }
            _ => {
                // SAFETY: the size is not zero, as the caller promises.
                let new = unsafe { self.alloc(wanted) };
                if !new.is_null() {
                    // SAFETY: both blocks are at least so long, and the new one overlaps with none in use.
                    unsafe { ptr::copy_nonoverlapping(block, new, layout.size().min(size)) };
                    // SAFETY: as the caller promises.
                    unsafe { self.dealloc(block, layout) };
                }
                new
            }
        }
    }
}
