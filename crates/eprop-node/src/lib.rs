//! Node-API binding of the `eprop` engine: values in, values out, no logic.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![allow(clippy::missing_errors_doc, reason = "errors are those of the engine's function of the same name")]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod allocator;
pub mod errors;
pub mod idle;
pub mod inference;
pub mod kernel;
pub mod machine;
pub mod models;
pub mod mpi;
pub mod off_thread;
pub mod random;
pub mod safetensors;
pub mod threads;
pub mod values;

/// Where the addon's memory comes from.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: allocator::MappedBlocks = allocator::MappedBlocks;
