//! Counts what ranks send: imagines them in one process, each with the kernel of a checkpoint, and simulates.
//!
//! `cargo run --release --example dry_run -- CHECKPOINT MS RANKS…` prints a line of JSON for each number of ranks: the most
//! messages that a rank sends, the most bytes that it sends, and the bytes that it receives on average.

use std::error::Error;
use std::sync::Arc;

use eprop::base::exchange::{DryRun, Traffic};
use eprop::base::state::{Array, Numbers, State};
use eprop::{Dict, Kernel, RunControl};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

fn numbers<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
}

/// The state of the kernel in a checkpoint.
fn state_of(path: &str) -> Result<State, Box<dyn Error>> {
    let file = std::fs::read(path)?;
    let (_, header) = SafeTensors::read_metadata(&file)?;
    let mut state = State::default();
    for (name, view) in SafeTensors::deserialize(&file)?.iter() {
        let Some(name) = name.strip_prefix("kernel.") else { continue };
        let bytes = view.data();
        let numbers = match view.dtype() {
            Dtype::F64 => Numbers::F64(numbers(bytes)),
            Dtype::I64 => Numbers::I64(numbers(bytes)),
            Dtype::U64 => Numbers::U64(numbers(bytes)),
            Dtype::U32 => Numbers::U32(numbers(bytes)),
            _ => Numbers::U8(bytes.to_vec()),
        };
        state.arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), numbers });
    }
    let about = header.metadata().as_ref().and_then(|texts| texts.get("eprop")).ok_or("no checkpoint")?;
    let about: Value = serde_json::from_str(about)?;
    state.texts = serde_json::from_value(about["details"]["texts"].clone())?;
    Ok(state)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, ms, sizes @ ..] = &arguments[..] else {
        return Err("usage: dry_run CHECKPOINT MS RANKS…".into());
    };
    let state = &state_of(path)?;
    let ms: f64 = ms.parse()?;
    for size in sizes {
        let size: usize = size.parse()?;
        // Each rank has a thread; ranks of one process wait for each other.
        eprop::base::threads::set_budget(size as f64)?;
        let ranks: Vec<Arc<DryRun>> = DryRun::ranks(size).into_iter().map(Arc::new).collect();
        let sent = std::thread::scope(|scope| {
            let threads: Vec<_> = ranks
                .iter()
                .map(|rank| {
                    let control = RunControl { world: Some(Arc::clone(rank) as _), ..RunControl::default() };
                    scope.spawn(move || -> eprop::Result<_> {
                        let mut kernel = Kernel::restored(state.clone())?;
                        kernel.set(&Dict::new().with("local_num_threads", 1.0))?;
                        kernel.simulate(ms, &control)?;
                        Ok(rank.sent())
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("no rank panics"));
            joined.collect::<eprop::Result<Vec<_>>>()
        })?;
        let most = |of: fn(&Traffic) -> u64| sent.iter().map(of).max().unwrap_or(0);
        let all: u64 = sent.iter().map(|sent| sent.bytes).sum();
        println!(
            r#"{{"ranks":{size},"messages":{},"sent":{},"received":{}}}"#,
            most(|sent| sent.messages),
            most(|sent| sent.bytes),
            all / size as u64
        );
    }
    Ok(())
}
