//! The engine's kernel as a JavaScript class.

mod connections;
mod recorders;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use eprop::base::control::RunControl;
use eprop::base::exchange::Exchange;
use eprop::base::state::State;
use eprop::describe::extend::Changes;
use eprop::inference::Inference;
use eprop::{Error, ErrorCode, Kernel};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Object, ObjectFinalize, ToNapiValue, Uint32Array};
use napi_derive::napi;

use crate::errors::guarded;
use crate::idle::{locked, replace, with_idle};
use crate::inference::NativeInference;
use crate::mpi::NativeWorld;
use crate::off_thread::{Busy, off_thread};
use crate::safetensors::{NativeState, StateBytes, native_state, state};
use crate::values::{Entry, dict, entries, entry, params};

/// Memory of a part.
#[napi(object)]
pub struct NativeMemoryPart {
    /// What it is.
    pub name: String,
    /// Bytes.
    pub bytes: f64,
}

/// A kernel.
#[napi(custom_finalize)]
pub struct NativeKernel {
    kernel: Arc<Mutex<Kernel>>,
    steps_done: Arc<AtomicU64>,
    cancel: Arc<AtomicBool>,
    /// Whether a simulation on another thread has been asked for and has not ended.
    busy: Arc<AtomicBool>,
    closed: AtomicBool,
    /// Bytes that V8 believes this kernel holds.
    reported: Arc<AtomicI64>,
    /// The ranks that simulate it together.
    world: OnceLock<Arc<dyn Exchange>>,
}

impl From<Kernel> for NativeKernel {
    fn from(kernel: Kernel) -> Self {
        Self {
            kernel: Arc::new(Mutex::new(kernel)),
            steps_done: Arc::default(),
            cancel: Arc::default(),
            busy: Arc::default(),
            closed: AtomicBool::new(false),
            reported: Arc::default(),
            world: OnceLock::new(),
        }
    }
}

impl NativeKernel {
    fn with<T>(&self, call: impl FnOnce(&mut Kernel) -> eprop::Result<T>) -> napi::Result<T> {
        self.guard(|| with_idle(&self.busy, &self.kernel, busy, call))
    }

    /// Calls with what is not closed.
    fn guard<T>(&self, call: impl FnOnce() -> eprop::Result<T>) -> napi::Result<T> {
        guarded(|| {
            if self.closed.load(Ordering::Acquire) {
                return Err(Error::new(ErrorCode::KernelException, "this kernel is closed"));
            }
            call()
        })
    }

    /// Refuses at once what cannot begin on another thread.
    fn check_ready(&self) -> napi::Result<()> {
        self.with(|_| Ok(()))
    }

    /// Does something that gives a state, on a thread of its own.
    fn state_off_thread<'a>(
        &self,
        env: &'a Env,
        state: impl FnOnce(&mut Kernel) -> eprop::Result<State> + Send + 'static,
    ) -> napi::Result<Object<'a>> {
        self.check_ready()?;
        let kernel = Arc::clone(&self.kernel);
        off_thread(
            env,
            Busy::new(&self.busy),
            move || state(&mut *locked(&kernel, busy)?).map(StateBytes::from),
            |_, outcome| outcome.map(NativeState::from),
        )
    }

    /// As `with_memory`, on a thread of its own. `told` is given the outcome on that of JavaScript.
    fn memory_off_thread<'a, T: Send + 'static, R: ToNapiValue + 'static>(
        &self,
        env: &'a Env,
        call: impl FnOnce(&mut Kernel) -> eprop::Result<T> + Send + 'static,
        told: impl FnOnce(T) -> R + Send + 'static,
    ) -> napi::Result<Object<'a>> {
        self.check_ready()?;
        let (kernel, reported) = (Arc::clone(&self.kernel), Arc::clone(&self.reported));
        off_thread(
            env,
            Busy::new(&self.busy),
            move || {
                let mut kernel = locked(&kernel, busy)?;
                let outcome = call(&mut kernel)?;
                Ok((outcome, kernel.held_bytes()))
            },
            move |env, outcome| {
                let (outcome, held) = outcome?;
                report(env, &reported, held);
                Ok(told(outcome))
            },
        )
    }

    /// As `with`, for calls that change how much memory the kernel holds.
    fn with_memory<T>(
        &self,
        env: Env,
        call: impl FnOnce(&mut Kernel) -> eprop::Result<T>,
    ) -> napi::Result<T> {
        let mut held = 0;
        let outcome = self.with(|kernel| {
            let outcome = call(kernel);
            held = kernel.held_bytes();
            outcome
        });
        if held > 0 {
            report(env, &self.reported, held);
        }
        outcome
    }

    /// As `with_memory`, for calls that add nodes or connections.
    fn with_more<T>(&self, env: Env, call: impl FnOnce(&mut Kernel) -> eprop::Result<T>) -> napi::Result<T> {
        let mut added = 0;
        let outcome = self.with(|kernel| {
            let (outcome, bytes) = kernel.adding(call);
            added = bytes;
            outcome
        });
        if added > 0 {
            let held = self.reported.load(Ordering::Acquire).max(0) as u64;
            report(env, &self.reported, held.saturating_add(added));
        }
        outcome
    }
}

/// Tells V8 how much memory a kernel holds, so that it collects those that nobody uses.
fn report(env: Env, reported: &AtomicI64, held: u64) {
    let held = held as i64;
    let change = held - reported.swap(held, Ordering::AcqRel);
    if change != 0 {
        // V8 works without knowing, only later.
        let _ = env.adjust_external_memory(change);
    }
}

impl ObjectFinalize for NativeKernel {
    fn finalize(self, env: Env) -> napi::Result<()> {
        // When its thread of JavaScript ends, nobody is left to wait for a simulation.
        self.cancel.store(true, Ordering::Relaxed);
        report(env, &self.reported, 0);
        Ok(())
    }
}

fn busy() -> Error {
    Error::new(ErrorCode::KernelException, "this kernel is being simulated; wait for SimulateAsync to settle")
}

#[napi]
impl NativeKernel {
    /// A kernel without nodes.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Kernel::new().into()
    }

    /// Lets all ranks of a world simulate this kernel together; said once, before anything else.
    #[napi]
    pub fn set_world(&self, world: &NativeWorld) {
        // A second time says nothing.
        let _ = self.world.set(world.connection());
    }

    /// Has each rank of the world hold a part of the recurrent neurons alone; said once, before nodes are created.
    #[napi]
    pub fn share_neurons(&self) -> napi::Result<()> {
        self.with(|kernel| match self.world.get() {
            Some(world) => kernel.share_neurons(world.rank(), world.size()),
            None => Err(Error::new(ErrorCode::KernelException, "neurons are shared by the ranks of a world")
                .parameter("world")
                .bound("given, where share is neurons")),
        })
    }

    /// Forgets everything.
    #[napi]
    pub fn reset(&self, env: Env) -> napi::Result<()> {
        self.guard(|| replace(&self.busy, &self.kernel, busy, Kernel::emptied))?;
        self.with_memory(env, |_| Ok(()))
    }

    /// Gives the memory back; every later call is refused. Closing a closed kernel does nothing.
    #[napi]
    pub fn close(&self, env: Env) -> napi::Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Ok(());
        }
        self.reset(env)?;
        self.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// Sets kernel parameters.
    #[napi]
    pub fn set(&self, values: Vec<Entry>) -> napi::Result<()> {
        self.with(|kernel| kernel.set(&dict(values)?))
    }

    /// Kernel parameters.
    #[napi]
    pub fn get(&self) -> napi::Result<Vec<Entry>> {
        self.with(|kernel| Ok(entries(kernel.get())))
    }

    /// Creates nodes; returns the id of the first.
    #[napi]
    pub fn create(
        &self,
        env: Env,
        model: String,
        n: f64,
        shared: Option<Vec<Entry>>,
        per_node: Option<Vec<Vec<Entry>>>,
    ) -> napi::Result<u32> {
        self.with_more(env, |kernel| kernel.create(&model, n, &params(shared, per_node)?))
    }

    /// Sets parameters of nodes.
    #[napi]
    pub fn set_nodes(
        &self,
        nodes: Uint32Array,
        shared: Option<Vec<Entry>>,
        per_node: Option<Vec<Vec<Entry>>>,
    ) -> napi::Result<()> {
        self.with(|kernel| kernel.set_nodes(&nodes, &params(shared, per_node)?))
    }

    /// A value of each node.
    #[napi]
    pub fn get_nodes(&self, nodes: Uint32Array, name: String) -> napi::Result<Vec<Entry>> {
        self.with(|kernel| {
            Ok(kernel.get_nodes(&nodes, &name)?.into_iter().map(|value| entry(&name, value)).collect())
        })
    }

    /// Name of a node's model.
    #[napi]
    pub fn model_of(&self, node: u32) -> napi::Result<String> {
        self.with(|kernel| {
            kernel.network().group_of(node).map(|group| group.model_name.clone()).ok_or_else(|| {
                Error::new(ErrorCode::UnknownNode, format!("there is no node {node}")).value(node)
            })
        })
    }

    /// Names of the parameters of a node's model.
    #[napi]
    pub fn parameters_of(&self, node: u32) -> napi::Result<Vec<String>> {
        self.with(|kernel| {
            Ok(kernel.network().group_of(node).map_or_else(Vec::new, |group| {
                group.model.parameters.iter().map(|parameter| parameter.name.to_owned()).collect()
            }))
        })
    }

    /// Sets defaults of a model.
    #[napi]
    pub fn set_defaults(&self, model: String, values: Vec<Entry>) -> napi::Result<()> {
        self.with(|kernel| kernel.set_defaults(&model, &dict(values)?))
    }

    /// Has generators send spikes after those that they have been given: place `step * generators + generator`, counted
    /// from step `begin` on.
    #[napi]
    pub fn extend_spikes(
        &self,
        generators: Uint32Array,
        begin: i64,
        spikes: Uint32Array,
    ) -> napi::Result<()> {
        self.with(|kernel| kernel.extend_spikes(&generators, begin, &spikes))
    }

    /// Has amplitudes of generators change after the changes that they have been given, counted from step `begin` on.
    #[napi]
    pub fn extend_amplitudes(
        &self,
        generators: Uint32Array,
        begin: i64,
        steps: Vec<Uint32Array>,
        values: Vec<Float64Array>,
    ) -> napi::Result<()> {
        let changes: Vec<Changes<'_>> =
            steps.iter().zip(&values).map(|(steps, values)| Changes { steps, values }).collect();
        self.with(|kernel| kernel.extend_amplitudes(&generators, begin, &changes))
    }

    /// Has the learning rates that synapse models have now count as set.
    #[napi]
    pub fn hold_learning_rates(&self) -> napi::Result<()> {
        self.with(|kernel| {
            kernel.hold_learning_rates();
            Ok(())
        })
    }

    /// Defaults of a model.
    #[napi]
    pub fn get_defaults(&self, model: String) -> napi::Result<Vec<Entry>> {
        self.with(|kernel| Ok(entries(kernel.get_defaults(&model)?)))
    }

    /// Copies a model.
    #[napi]
    pub fn copy_model(&self, existing: String, copy: String, values: Vec<Entry>) -> napi::Result<()> {
        self.with(|kernel| kernel.copy_model(&existing, &copy, &dict(values)?))
    }

    /// Names of all models, copies included: of nodes, then of synapses.
    #[napi]
    pub fn model_names(&self) -> napi::Result<Vec<Vec<String>>> {
        self.with(|kernel| {
            let network = kernel.network();
            Ok(vec![
                network.node_models.iter().map(|model| model.name.clone()).collect(),
                network.synapse_models.iter().map(|model| model.name.clone()).collect(),
            ])
        })
    }

    /// Simulates; returns when it is done.
    #[napi]
    pub fn simulate(&self, env: Env, ms: f64) -> napi::Result<()> {
        let control = RunControl { world: self.world.get().cloned(), ..RunControl::default() };
        self.with_memory(env, |kernel| kernel.simulate(ms, &control))
    }

    /// Simulates on a thread of its own.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn simulate_async<'a>(&self, env: &'a Env, ms: f64) -> napi::Result<Object<'a>> {
        self.check_ready()?;
        self.cancel.store(false, Ordering::Relaxed);
        self.steps_done.store(0, Ordering::Relaxed);
        let control = RunControl {
            cancel: Arc::clone(&self.cancel),
            steps_done: Arc::clone(&self.steps_done),
            world: self.world.get().cloned(),
        };
        let (kernel, reported) = (Arc::clone(&self.kernel), Arc::clone(&self.reported));
        let held = Arc::new(AtomicU64::new(0));
        let holds = Arc::clone(&held);
        off_thread(
            env,
            Busy::new(&self.busy),
            move || {
                let mut kernel = locked(&kernel, busy)?;
                let outcome = kernel.simulate(ms, &control);
                holds.store(kernel.held_bytes(), Ordering::Relaxed);
                outcome
            },
            move |env, outcome| {
                match held.load(Ordering::Relaxed) {
                    0 => {}
                    held => report(env, &reported, held),
                }
                outcome
            },
        )
    }

    /// Stops a simulation on another thread at the next opportunity.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Steps that a simulation on another thread has done.
    #[napi]
    #[must_use]
    pub fn steps_done(&self) -> f64 {
        self.steps_done.load(Ordering::Relaxed) as f64
    }

    /// Memory that a simulation of `ms` milliseconds takes, by part.
    #[napi]
    pub fn memory(&self, ms: f64) -> napi::Result<Vec<NativeMemoryPart>> {
        self.with(|kernel| {
            Ok(kernel
                .memory_for(ms)?
                .parts
                .into_iter()
                .map(|(name, bytes)| NativeMemoryPart { name: name.to_owned(), bytes: bytes as f64 })
                .collect())
        })
    }

    /// Everything there is: description, state and recordings.
    #[napi]
    pub fn state(&self) -> napi::Result<NativeState> {
        self.with(|kernel| Ok(native_state(kernel.state()?)))
    }

    /// As `state`, taken on a thread of its own; until then this kernel takes no other call.
    #[napi(ts_return_type = "Promise<NativeState>")]
    pub fn state_async<'a>(&self, env: &'a Env) -> napi::Result<Object<'a>> {
        self.state_off_thread(env, Kernel::state)
    }

    /// Of ranks that share neurons, the state of the whole network at rank 0, and nothing at the others; taken by all of them
    /// together, on a thread of its own. Until then this kernel takes no other call.
    #[napi(ts_return_type = "Promise<NativeState | null>")]
    pub fn gathered_state_async<'a>(&self, env: &'a Env) -> napi::Result<Object<'a>> {
        self.check_ready()?;
        let (kernel, world) = (Arc::clone(&self.kernel), self.world.get().cloned());
        off_thread(
            env,
            Busy::new(&self.busy),
            move || {
                let gathered = locked(&kernel, busy)?.gathered_state(world.as_deref())?;
                Ok(gathered.map(StateBytes::from))
            },
            |_, outcome| outcome.map(|state| state.map(NativeState::from)),
        )
    }

    /// Becomes this rank's part of a whole network, whose state rank 0 gives; by all ranks together, on a thread of its own.
    /// Until then this kernel takes no other call.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn restore_part_async<'a>(
        &self,
        env: &'a Env,
        saved: Option<NativeState>,
    ) -> napi::Result<Object<'a>> {
        let world = self.world.get().cloned();
        self.memory_off_thread(
            env,
            move |kernel| {
                let Some(world) = world else {
                    return Err(Error::new(ErrorCode::KernelException, "there are no other ranks"));
                };
                let given = saved.as_ref().map_or_else(|| Ok(State::default()), state);
                *kernel = Kernel::scattered(&*world, given)?;
                Ok(saved)
            },
            // What JavaScript holds is given back on its own thread.
            drop,
        )
    }

    /// As `restore`, on a thread of its own; until then this kernel takes no other call.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn restore_async<'a>(&self, env: &'a Env, saved: NativeState) -> napi::Result<Object<'a>> {
        self.memory_off_thread(
            env,
            move |kernel| {
                kernel.take_over(Kernel::restored(state(&saved)?)?)?;
                Ok(saved)
            },
            // What JavaScript holds is given back on its own thread.
            drop,
        )
    }

    /// Becomes the kernel that the state was taken from.
    #[napi]
    pub fn restore(&self, env: Env, saved: NativeState) -> napi::Result<()> {
        self.with_memory(env, |kernel| kernel.take_over(Kernel::restored(state(&saved)?)?))
    }

    /// The description alone: nodes at rest, connections with their present weights.
    #[napi]
    pub fn network_state(&self) -> napi::Result<NativeState> {
        self.with(|kernel| Ok(native_state(kernel.network_state()?)))
    }

    /// A kernel with the same nodes, at rest, and the same connections with their present weights.
    #[napi]
    pub fn at_rest(&self) -> napi::Result<NativeKernel> {
        self.with(|kernel| Ok(kernel.at_rest()?.into()))
    }

    /// Becomes a kernel with the network of a state.
    #[napi]
    pub fn restore_network(&self, saved: NativeState) -> napi::Result<()> {
        self.with(|kernel| kernel.take_over(Kernel::with_network(state(&saved)?)?))
    }

    /// The network as it is now, at rest, to be used without learning.
    #[napi]
    pub fn inference(&self) -> napi::Result<NativeInference> {
        self.with(|kernel| Ok(Inference::new(kernel.network())?.into()))
    }

    /// Those of some nodes that this process has: all, unless ranks share the neurons.
    #[napi]
    pub fn held_nodes(&self, nodes: Uint32Array) -> napi::Result<Uint32Array> {
        self.with(|kernel| {
            let held = nodes.iter().copied().filter(|node| kernel.network().has(*node));
            Ok(held.collect::<Vec<u32>>().into())
        })
    }

    /// Number of nodes.
    #[napi]
    pub fn node_count(&self) -> napi::Result<u32> {
        self.with(|kernel| Ok(kernel.node_count() as u32))
    }
}

impl Default for NativeKernel {
    fn default() -> Self {
        Self::new()
    }
}
