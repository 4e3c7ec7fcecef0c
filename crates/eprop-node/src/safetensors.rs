//! Named arrays between JavaScript, the engine and files in the safetensors format.

use std::borrow::Cow;
use std::sync::Arc;

use eprop::base::state::{Array, Numbers, State};
use eprop::{Error, ErrorCode};
use napi::Env;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi_derive::napi;
use safetensors::{Dtype, SafeTensors, View};

use crate::off_thread::{Busy, off_thread};

/// A named array: its numbers in little-endian order, row by row.
#[napi(object)]
pub struct NativeArray {
    /// Name.
    pub name: String,
    /// Type of the numbers: `F64`, `I64`, `U64`, `U32` or `U8`.
    pub dtype: String,
    /// Length of each dimension.
    pub shape: Vec<u32>,
    /// The numbers.
    pub bytes: Uint8Array,
}

/// Named texts.
#[napi(object)]
pub struct NativeTexts {
    /// Name.
    pub name: String,
    /// Texts.
    pub texts: Vec<String>,
}

/// A kernel's state.
#[napi(object)]
pub struct NativeState {
    /// Its arrays.
    pub arrays: Vec<NativeArray>,
    /// Its texts.
    pub texts: Vec<NativeTexts>,
}

/// What a file in the safetensors format holds.
#[napi(object)]
pub struct NativeSafetensors {
    /// Its arrays.
    pub arrays: Vec<NativeArray>,
    /// Its metadata, as JSON.
    pub metadata: String,
}

const TYPES: [(&str, Dtype); 5] =
    [("F64", Dtype::F64), ("I64", Dtype::I64), ("U64", Dtype::U64), ("U32", Dtype::U32), ("U8", Dtype::U8)];

fn refuse(name: &str, what: impl Into<String>) -> Error {
    Error::new(ErrorCode::ValueError, what).parameter(name)
}

fn dtype(name: &str, dtype: &str) -> eprop::Result<Dtype> {
    let known = TYPES.iter().find(|(known, _)| *known == dtype);
    known.map(|(_, dtype)| *dtype).ok_or_else(|| refuse(name, format!("there is no type {dtype}")))
}

struct Tensor<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes.into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of a file in the safetensors format, made on a thread of their own. `metadata` is the text of the
/// metadata's only entry, `eprop`: with one entry, the same arrays give the same bytes.
#[napi(ts_return_type = "Promise<Uint8Array>")]
pub fn safetensors(env: &Env, arrays: Vec<NativeArray>, metadata: String) -> napi::Result<Object<'_>> {
    off_thread(
        env,
        Busy::new(&Arc::default()),
        // What JavaScript holds is given back on its own thread, here and below.
        move || Ok((serialized(&arrays, metadata)?, arrays)),
        |_, outcome| outcome.map(|(bytes, _)| Uint8Array::from(bytes)),
    )
}

fn serialized(arrays: &[NativeArray], metadata: String) -> eprop::Result<Vec<u8>> {
    let tensors = arrays
        .iter()
        .map(|NativeArray { name, dtype: kind, shape, bytes }| {
            let shape = shape.iter().map(|length| *length as usize).collect();
            Ok((name, Tensor { dtype: dtype(name, kind)?, shape, bytes }))
        })
        .collect::<eprop::Result<Vec<_>>>()?;
    let metadata = [("eprop".to_owned(), metadata)].into_iter().collect();
    safetensors::serialize(tensors, Some(metadata)).map_err(|error| refuse("arrays", error.to_string()))
}

/// The arrays of a file in the safetensors format, read on a thread of their own.
#[napi(ts_return_type = "Promise<NativeSafetensors>")]
pub fn read_safetensors(env: &Env, bytes: Uint8Array) -> napi::Result<Object<'_>> {
    off_thread(
        env,
        Busy::new(&Arc::default()),
        move || Ok((deserialized(&bytes)?, bytes)),
        |_, outcome| {
            outcome.map(|((arrays, metadata), _)| NativeSafetensors {
                arrays: arrays.into_iter().map(Into::into).collect(),
                metadata,
            })
        },
    )
}

fn deserialized(bytes: &[u8]) -> eprop::Result<(Vec<ArrayBytes>, String)> {
    let refused = |error: safetensors::SafeTensorError| refuse("file", error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    let metadata = metadata.metadata().as_ref().and_then(|entries| entries.get("eprop").cloned());
    let tensors = SafeTensors::deserialize(bytes).map_err(refused)?;
    let mut names = tensors.names();
    names.sort_unstable();
    let arrays = names
        .into_iter()
        .map(|name| {
            let tensor = tensors.tensor(name).map_err(refused)?;
            let dtype = TYPES.iter().find(|(_, dtype)| *dtype == tensor.dtype());
            let (dtype, _) = dtype.ok_or_else(|| refuse(name, "numbers of a type that is not known"))?;
            Ok(ArrayBytes {
                name: name.to_owned(),
                dtype,
                shape: tensor.shape().iter().map(|length| *length as u32).collect(),
                bytes: tensor.data().to_vec(),
            })
        })
        .collect::<eprop::Result<_>>()?;
    Ok((arrays, metadata.unwrap_or_default()))
}

macro_rules! little_endian {
    ($values:expr) => {
        $values.into_iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()
    };
}

macro_rules! from_little_endian {
    ($type:ty, $bytes:expr) => {
        $bytes.as_chunks().0.iter().map(|bytes| <$type>::from_le_bytes(*bytes)).collect()
    };
}

/// A state in bytes, on its way to JavaScript.
pub struct StateBytes {
    arrays: Vec<ArrayBytes>,
    texts: Vec<(String, Vec<String>)>,
}

struct ArrayBytes {
    name: String,
    dtype: &'static str,
    shape: Vec<u32>,
    bytes: Vec<u8>,
}

impl From<ArrayBytes> for NativeArray {
    fn from(ArrayBytes { name, dtype, shape, bytes }: ArrayBytes) -> Self {
        Self { name, dtype: dtype.to_owned(), shape, bytes: bytes.into() }
    }
}

impl From<State> for StateBytes {
    fn from(state: State) -> Self {
        let arrays = state
            .arrays
            .into_iter()
            .map(|(name, Array { shape, numbers })| {
                let (dtype, bytes) = match numbers {
                    Numbers::F64(values) => ("F64", little_endian!(values)),
                    Numbers::I64(values) => ("I64", little_endian!(values)),
                    Numbers::U64(values) => ("U64", little_endian!(values)),
                    Numbers::U32(values) => ("U32", little_endian!(values)),
                    Numbers::U8(values) => ("U8", values),
                };
                ArrayBytes {
                    name,
                    dtype,
                    shape: shape.into_iter().map(|length| length as u32).collect(),
                    bytes,
                }
            })
            .collect();
        Self { arrays, texts: state.texts.into_iter().collect() }
    }
}

impl From<StateBytes> for NativeState {
    fn from(StateBytes { arrays, texts }: StateBytes) -> Self {
        let arrays = arrays.into_iter().map(Into::into).collect();
        let texts = texts.into_iter().map(|(name, texts)| NativeTexts { name, texts }).collect();
        Self { arrays, texts }
    }
}

/// A state for JavaScript.
#[must_use]
pub fn native_state(state: State) -> NativeState {
    StateBytes::from(state).into()
}

/// A state from JavaScript.
///
/// # Errors
/// `ValueError` for an array of an unknown type.
pub fn state(native: &NativeState) -> eprop::Result<State> {
    let arrays = native
        .arrays
        .iter()
        .map(|NativeArray { name, dtype: kind, shape, bytes }| {
            let numbers = match dtype(name, kind)? {
                Dtype::F64 => Numbers::F64(from_little_endian!(f64, bytes)),
                Dtype::I64 => Numbers::I64(from_little_endian!(i64, bytes)),
                Dtype::U64 => Numbers::U64(from_little_endian!(u64, bytes)),
                Dtype::U32 => Numbers::U32(from_little_endian!(u32, bytes)),
                _ => Numbers::U8(bytes.to_vec()),
            };
            let shape = shape.iter().map(|length| *length as usize).collect();
            Ok((name.clone(), Array { shape, numbers }))
        })
        .collect::<eprop::Result<_>>()?;
    let texts =
        native.texts.iter().map(|NativeTexts { name, texts }| (name.clone(), texts.clone())).collect();
    Ok(State { arrays, texts })
}
