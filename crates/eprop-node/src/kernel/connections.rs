//! Connections: made, found, read and set.

use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use napi::Env;
use napi::bindgen_prelude::{BigInt64Array, Float64Array, Uint32Array};
use napi_derive::napi;

use crate::kernel::NativeKernel;
use crate::values::{Entry, dict, entry, params};

/// Connections, a column each.
#[napi(object)]
pub struct NativeConnections {
    /// Sources.
    pub source: Uint32Array,
    /// Targets.
    pub target: Uint32Array,
    /// Weights.
    pub weight: Float64Array,
    /// Delays (ms).
    pub delay: Float64Array,
    /// Receptors.
    pub receptor: Uint32Array,
    /// Places of the projections.
    pub projection: Uint32Array,
    /// Places within the projections.
    pub entry: BigInt64Array,
}

fn handles(projection: &Uint32Array, entry: &BigInt64Array) -> Vec<ConnectionHandle> {
    projection
        .iter()
        .zip(entry.iter())
        .map(|(projection, entry)| ConnectionHandle { projection: *projection, entry: *entry as u64 })
        .collect()
}

#[napi]
impl NativeKernel {
    /// Connects nodes by a rule.
    #[napi]
    pub fn connect(
        &self,
        env: Env,
        sources: Uint32Array,
        targets: Uint32Array,
        rule: Vec<Entry>,
        synapse: Vec<Entry>,
    ) -> napi::Result<()> {
        self.with_more(env, |kernel| kernel.connect(&sources, &targets, &dict(rule)?, &dict(synapse)?))
    }

    /// Connects nodes by a rule, each pair with a synapse of each kind.
    #[napi]
    pub fn connect_collocated(
        &self,
        env: Env,
        sources: Uint32Array,
        targets: Uint32Array,
        rule: Vec<Entry>,
        synapses: Vec<Vec<Entry>>,
    ) -> napi::Result<()> {
        let synapses = synapses.into_iter().map(dict).collect::<eprop::Result<Vec<_>>>();
        self.with_more(env, |kernel| kernel.connect_collocated(&sources, &targets, &dict(rule)?, &synapses?))
    }

    /// Connects pairs of nodes.
    #[napi]
    pub fn connect_pairs(
        &self,
        env: Env,
        sources: Uint32Array,
        targets: Uint32Array,
        synapse: Vec<Entry>,
    ) -> napi::Result<()> {
        self.with_more(env, |kernel| kernel.connect_pairs(&sources, &targets, &dict(synapse)?))
    }

    /// Finds connections.
    #[napi]
    pub fn get_connections(
        &self,
        sources: Option<Uint32Array>,
        targets: Option<Uint32Array>,
        synapse_model: Option<String>,
    ) -> napi::Result<NativeConnections> {
        self.with(|kernel| {
            let table = kernel.get_connections(&ConnectionFilter {
                sources: sources.map(|nodes| nodes.to_vec()),
                targets: targets.map(|nodes| nodes.to_vec()),
                synapse_model,
            })?;
            Ok(NativeConnections {
                source: table.source.into(),
                target: table.target.into(),
                weight: table.weight.into(),
                delay: table.delay.into(),
                receptor: table.receptor.into(),
                projection: table.projection.into(),
                entry: table.entry.into_iter().map(|entry| entry as i64).collect::<Vec<_>>().into(),
            })
        })
    }

    /// A number of each connection.
    #[napi]
    pub fn connection_values(
        &self,
        projection: Uint32Array,
        place: BigInt64Array,
        name: String,
    ) -> napi::Result<Vec<Entry>> {
        self.with(|kernel| {
            Ok(kernel
                .connection_values(&handles(&projection, &place), &name)?
                .into_iter()
                .map(|value| entry(&name, value))
                .collect())
        })
    }

    /// Weights now between nodes: a row per target, a column per source.
    #[napi]
    pub fn weight_matrix(&self, sources: Uint32Array, targets: Uint32Array) -> napi::Result<Float64Array> {
        self.with(|kernel| Ok(kernel.weight_matrix(&sources, &targets)?.into()))
    }

    /// Weights of connections now.
    #[napi]
    pub fn connection_weights(
        &self,
        projection: Uint32Array,
        place: BigInt64Array,
    ) -> napi::Result<Float64Array> {
        self.with(|kernel| {
            let network = kernel.network();
            handles(&projection, &place)
                .iter()
                .map(|handle| network.weight(*handle))
                .collect::<eprop::Result<Vec<f64>>>()
                .map(Into::into)
        })
    }

    /// Sets values of connections.
    #[napi]
    pub fn set_connections(
        &self,
        projection: Uint32Array,
        place: BigInt64Array,
        shared: Option<Vec<Entry>>,
        per_connection: Option<Vec<Vec<Entry>>>,
    ) -> napi::Result<()> {
        self.with(|kernel| {
            kernel.set_connections(&handles(&projection, &place), &params(shared, per_connection)?)
        })
    }

    /// Takes connections away.
    #[napi]
    pub fn disconnect(&self, projection: Uint32Array, place: BigInt64Array) -> napi::Result<()> {
        self.with(|kernel| kernel.disconnect(&handles(&projection, &place)))
    }
}
