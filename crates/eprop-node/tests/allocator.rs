//! Blocks keep what is in them, whatever sizes they go through.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

// The addon itself can only be linked into Node.
#[path = "../src/allocator.rs"]
mod allocator;

use std::alloc::{GlobalAlloc, Layout};
use std::fs::read_to_string;

use allocator::MappedBlocks;

/// Everything that this program allocates, too.
#[global_allocator]
static ALLOCATOR: MappedBlocks = MappedBlocks;

/// Sizes below, at and above that from which blocks are mapped, in and out of step with pages.
const SIZES: [usize; 9] =
    [1, 4096, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 200_000, 1 << 20, (1 << 20) + 4097, 9_000_000];

fn pattern(place: usize) -> u8 {
    (place * 31 % 251) as u8
}

#[test]
fn blocks_of_zeros_are_zero_and_begin_where_they_must() {
    for size in SIZES {
        for align in [1, 64, 4096, 8192] {
            let layout = Layout::from_size_align(size, align).expect("a layout");
            // SAFETY: the size is not zero; the block is read within it and given back once, as it was taken.
            unsafe {
                let block = ALLOCATOR.alloc_zeroed(layout);
                assert!(!block.is_null());
                assert_eq!(block.addr() % align, 0);
                assert!(std::slice::from_raw_parts(block, size).iter().all(|&byte| byte == 0));
                ALLOCATOR.dealloc(block, layout);
            }
        }
    }
}

#[test]
fn blocks_that_grow_and_shrink_keep_what_both_sizes_hold() {
    for from in SIZES {
        for to in SIZES {
            for align in [8, 64, 8192] {
                let layout = Layout::from_size_align(from, align).expect("a layout");
                // SAFETY: no size is zero; each block is written and read within its size, and given back once, as it
                // was last made.
                unsafe {
                    let block = ALLOCATOR.alloc(layout);
                    (0..from).for_each(|place| block.add(place).write(pattern(place)));
                    let block = ALLOCATOR.realloc(block, layout, to);
                    assert_eq!(block.addr() % align, 0);
                    let kept = std::slice::from_raw_parts(block, from.min(to));
                    assert!(kept.iter().enumerate().all(|(place, &byte)| byte == pattern(place)));
                    block.add(to - 1).write(1);
                    ALLOCATOR.dealloc(block, Layout::from_size_align(to, align).expect("a layout"));
                }
            }
        }
    }
}

#[test]
fn what_the_system_has_not_is_no_block() {
    let layout = Layout::from_size_align(1 << 60, 64).expect("a layout");
    // SAFETY: the size is not zero; there is no block to give back.
    assert!(unsafe { ALLOCATOR.alloc(layout) }.is_null());
}

fn resident() -> usize {
    let pages = read_to_string("/proc/self/statm").expect("Linux tells");
    pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages")
}

#[test]
fn large_blocks_go_back_to_the_system_at_once() {
    const SIZE: usize = 64 << 20;
    let before = resident();
    for _ in 0..4 {
        let taken: Vec<Vec<u8>> = (0..64).map(|_| vec![1; SIZE / 64]).collect();
        // Something small that stays behind them all.
        std::hint::black_box(Box::leak(Box::new([0_u64; 100])));
        drop(taken);
    }
    // The other tests hold some, too.
    let pages = SIZE / 4096;
    assert!(resident() < before + pages / 2);
}
