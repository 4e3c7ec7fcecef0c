//! Carries calls out on a kernel and notes all that can be seen of it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use eprop::base::control::RunControl;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::models::NodeClass;
use eprop::random::RandomParameter;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, Error, ErrorCode, Kernel, Value};
use serde_json::Value as Json;

use crate::Call;

/// How a call went.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It was refused.
    Refused(Error),
    /// It names nodes that there are not; nothing was called.
    Meaningless(String),
    /// It panicked, or the engine says that it made a mistake.
    Broken(String),
}

/// Names of nodes: first id and number.
type Names = BTreeMap<String, (u32, usize)>;

/// A kernel with names for its nodes.
#[derive(Debug, Default)]
pub struct Replay {
    /// The kernel.
    pub kernel: Kernel,
    /// Its nodes.
    pub names: Names,
    /// Tables that `GetConnections` has asked for, and what `TakeEvents` has moved out.
    pub noted: Trace,
    /// Kernel parameters that are set after each reset, whatever the history says of them.
    pub ways: Dict,
    /// How simulations are watched, and the ranks that do them together.
    pub control: RunControl,
}

/// Something that can be seen.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Numbers.
    Numbers(Vec<f64>),
    /// Anything else.
    Text(String),
}

/// All that can be seen of a kernel.
#[derive(Debug, Clone, Default)]
pub struct Trace(pub BTreeMap<String, Seen>);

impl Trace {
    /// Where this differs from another, to the bit.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        self.difference_beyond(other, 0.0)
    }

    /// Where this differs from another by more than rounding: a share of the largest number of that name.
    #[must_use]
    pub fn difference_beyond(&self, other: &Self, rounding: f64) -> Option<String> {
        for (name, seen) in &self.0 {
            match (seen, other.0.get(name)) {
                (_, None) => return Some(format!("{name} is missing")),
                (Seen::Text(ours), Some(Seen::Text(theirs))) if ours == theirs => {}
                (Seen::Numbers(ours), Some(Seen::Numbers(theirs))) => {
                    if ours.len() != theirs.len() {
                        return Some(format!("{name}: {} entries and {}", ours.len(), theirs.len()));
                    }
                    let largest = ours.iter().fold(0.0, |most: f64, number| most.max(number.abs()));
                    let differ = |(a, b): (&f64, &f64)| {
                        // The difference of what is no number is none.
                        a.to_bits() != b.to_bits() && !(rounding > 0.0 && (a - b).abs() <= rounding * largest)
                    };
                    let place = ours.iter().zip(theirs).position(differ);
                    if let Some(place) = place {
                        return Some(format!("{name}[{place}]: {:?} and {:?}", ours[place], theirs[place]));
                    }
                }
                (ours, Some(theirs)) => return Some(format!("{name}: {ours:?} and {theirs:?}")),
            }
        }
        other.0.keys().find(|name| !self.0.contains_key(*name)).map(|name| format!("{name} is new"))
    }

    /// Only what the filter leaves.
    #[must_use]
    pub fn only(mut self, filter: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|name, _| filter(name));
        self
    }

    /// The numbers of that name.
    #[must_use]
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.0.get(name) {
            Some(Seen::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }
}

type Meaning<T> = Result<T, String>;

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes where code panics instead of printing it: panics are what is looked for.
pub fn note_panics() {
    std::panic::set_hook(Box::new(|information| {
        let place = information.location().map(ToString::to_string).unwrap_or_default();
        PLACE.with(|held| held.replace(place));
    }));
}

/// What a panic says, and where it was, if that was noted.
#[must_use]
pub fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    format!("panic: {text} {}", PLACE.with(RefCell::take))
}

impl Replay {
    /// A replay in which these kernel parameters hold, whatever the history says.
    #[must_use]
    pub fn with_ways(ways: Dict) -> Self {
        let mut replay = Self::default();
        replay.set_ways(ways);
        replay
    }

    /// Has these kernel parameters hold from now on, whatever the history says.
    pub fn set_ways(&mut self, ways: Dict) {
        self.ways = ways;
        self.apply_ways();
    }

    fn apply_ways(&mut self) {
        if !self.ways.0.is_empty() {
            self.kernel.set(&self.ways.clone()).expect("ways that a kernel knows");
        }
    }

    /// The ids of a selection.
    ///
    /// # Errors
    /// If it names what there is not.
    pub fn select(&self, selection: &Json) -> Meaning<Vec<u32>> {
        let nodes =
            |name: &str| self.names.get(name).copied().ok_or_else(|| format!("there are no nodes {name}"));
        match selection {
            Json::String(name) => {
                let (first, n) = nodes(name)?;
                Ok((first..first + n as u32).collect())
            }
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(name), Json::Number(from), Json::Number(to)] => {
                    let (first, n) = nodes(name)?;
                    let (from, to) = (from.as_u64().unwrap_or(0) as usize, to.as_u64().unwrap_or(0) as usize);
                    if from >= to || to > n {
                        return Err(format!("{name} has no nodes from {from} to {to}"));
                    }
                    Ok((first + from as u32..first + to as u32).collect())
                }
                parts => {
                    let mut all = Vec::new();
                    for part in parts {
                        all.extend(self.select(part)?);
                    }
                    Ok(all)
                }
            },
            other => Err(format!("{other} selects no nodes")),
        }
    }

    fn value(&self, name: &str, json: &Json) -> Meaning<Value> {
        if ["senders", "targets", "weight_recorder"].contains(&name) {
            return Ok(Value::Nodes(self.select(json)?));
        }
        Ok(match json {
            Json::Null => return Err(format!("{name} has no value")),
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(value) => Value::Number(value.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(list) if !list.is_empty() && list.iter().all(Json::is_string) => {
                Value::Texts(list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect())
            }
            Json::Array(list) if !list.is_empty() && list.iter().all(Json::is_array) => {
                let rows: Vec<Vec<f64>> = list.iter().map(numbers).collect::<Meaning<_>>()?;
                let columns = rows[0].len();
                if rows.iter().any(|row| row.len() != columns) {
                    return Err(format!("{name} has rows of different length"));
                }
                Value::Matrix { rows: rows.len(), columns, data: rows.into_iter().flatten().collect() }
            }
            Json::Array(_) => Value::Numbers(numbers(json)?),
            Json::Object(entries) => match (entries.get("random"), entries.get("float")) {
                (Some(Json::Array(random)), _) => {
                    let number = |place: usize| random.get(place).and_then(Json::as_f64).unwrap_or(0.0);
                    let distribution = random.first().and_then(Json::as_str).unwrap_or("");
                    Value::Random(
                        RandomParameter::new(distribution, number(1), number(2))
                            .map_err(|error| error.to_string())?,
                    )
                }
                (_, Some(Json::String(text))) => Value::Number(text.parse().unwrap_or(f64::NAN)),
                _ => Value::Dict(self.dict(json)?),
            },
        })
    }

    fn dict(&self, json: &Json) -> Meaning<Dict> {
        let mut dict = Dict::new();
        match json {
            Json::Null => {}
            Json::Object(entries) => {
                for (name, value) in entries {
                    dict.set(name.as_str(), self.value(name, value)?);
                }
            }
            other => return Err(format!("{other} is no dictionary")),
        }
        Ok(dict)
    }

    fn params(&self, json: &Json) -> Meaning<Params> {
        Ok(match json {
            Json::Null => Params::None,
            Json::Array(list) => {
                Params::PerNode(list.iter().map(|entry| self.dict(entry)).collect::<Meaning<_>>()?)
            }
            other => Params::Shared(self.dict(other)?),
        })
    }

    /// Carries out a call. A panic leaves the kernel as it happens to be: it must not be used any more.
    pub fn call(&mut self, call: &Call) -> Outcome {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.carry_out(call)));
        match outcome {
            Ok(Ok(Ok(()))) => Outcome::Done,
            Ok(Ok(Err(error))) if error.code == ErrorCode::InternalError => {
                Outcome::Broken(error.to_string())
            }
            Ok(Ok(Err(error))) => Outcome::Refused(error),
            Ok(Err(meaningless)) => Outcome::Meaningless(meaningless),
            Err(panic) => Outcome::Broken(said(&*panic)),
        }
    }

    fn carry_out(&mut self, call: &Call) -> Meaning<eprop::Result<()>> {
        let text = |place: usize| call.argument(place).as_str().unwrap_or("");
        let number = |place: usize| -> f64 {
            match call.argument(place) {
                Json::Object(entries) => {
                    entries.get("float").and_then(Json::as_str).and_then(|text| text.parse().ok())
                }
                other => other.as_f64(),
            }
            .unwrap_or(f64::NAN)
        };
        let done = match call.name() {
            "ResetKernel" => {
                self.kernel.reset();
                self.names.clear();
                self.apply_ways();
                Ok(())
            }
            "set" => {
                let mut values = self.dict(call.argument(0))?;
                values.0.retain(|(name, _)| self.ways.get(name).is_none());
                self.kernel.set(&values)
            }
            "Create" => {
                let params = self.params(call.argument(3))?;
                self.kernel.create(text(1), number(2), &params).map(|first| {
                    self.names.insert(text(0).to_owned(), (first, number(2) as usize));
                })
            }
            "Set" => {
                let nodes = self.select(call.argument(0))?;
                let params = self.params(call.argument(1))?;
                self.kernel.set_nodes(&nodes, &params)
            }
            "SetDefaults" => {
                let values = self.dict(call.argument(1))?;
                self.kernel.set_defaults(text(0), &values)
            }
            "CopyModel" => {
                let values = self.dict(call.argument(2))?;
                self.kernel.copy_model(text(0), text(1), &values)
            }
            "Connect" => {
                let (sources, targets) = (self.select(call.argument(0))?, self.select(call.argument(1))?);
                let (rule, synapse) = (self.dict(call.argument(2))?, self.dict(call.argument(3))?);
                self.kernel.connect(&sources, &targets, &rule, &synapse)
            }
            "ConnectIds" => {
                let ids = |place: usize| -> Meaning<Vec<u32>> {
                    Ok(numbers(call.argument(place))?.into_iter().map(|id| id as u32).collect())
                };
                let synapse = self.dict(call.argument(2))?;
                self.kernel.connect_pairs(&ids(0)?, &ids(1)?, &synapse)
            }
            "SetConnections" => {
                let filter = ConnectionFilter {
                    sources: Some(self.select(call.argument(0))?),
                    targets: Some(self.select(call.argument(1))?),
                    synapse_model: None,
                };
                let values = self.dict(call.argument(2))?;
                self.kernel.get_connections(&filter).and_then(|table| {
                    let handles: Vec<ConnectionHandle> = table
                        .projection
                        .iter()
                        .zip(&table.entry)
                        .map(|(projection, entry)| ConnectionHandle {
                            projection: *projection,
                            entry: *entry,
                        })
                        .collect();
                    self.kernel.set_connections(&handles, &Params::Shared(values))
                })
            }
            "Simulate" => self.kernel.simulate(number(0), &self.control),
            "GetConnections" => {
                let filter = ConnectionFilter {
                    sources: Some(self.select(call.argument(1))?),
                    targets: Some(self.select(call.argument(2))?),
                    synapse_model: None,
                };
                self.kernel.get_connections(&filter).map(|table| {
                    self.noted.table(text(0), &table);
                })
            }
            "TakeEvents" => {
                let recorder = self.select(call.argument(0))?[0];
                self.kernel.take_events(recorder).map(|events| {
                    let count = self.noted.0.len();
                    self.noted.events(&format!("taken {count}: {}", text(0)), events);
                })
            }
            "Query" => self.query(text(0)),
            "Restore" => self.kernel.state().and_then(Kernel::restored).map(|kernel| self.kernel = kernel),
            other => return Err(format!("there is no call {other}")),
        };
        Ok(done)
    }

    /// Looks at something; nothing may change.
    fn query(&mut self, what: &str) -> eprop::Result<()> {
        match what {
            "memory" => self.kernel.memory().map(drop),
            "state" => self.kernel.state().map(drop),
            "network" => {
                // Ranks that share neurons refuse it.
                drop((self.kernel.network_state(), self.kernel.at_rest()));
                Ok(())
            }
            "bytes" => {
                let looked =
                    (self.kernel.held_bytes(), self.kernel.gradient_norm().ok(), self.kernel.spike_count());
                std::hint::black_box(looked);
                Ok(())
            }
            "defaults" => {
                for name in ["eprop_iaf_bsshslm_2020", "eprop_synapse", "static_synapse"] {
                    self.kernel.get_defaults(name)?;
                }
                Ok(())
            }
            "nothing" => self.kernel.simulate(0.0, &self.control),
            _ => {
                self.trace();
                Ok(())
            }
        }
    }

    /// All that can be seen now.
    pub fn trace(&mut self) -> Trace {
        let mut trace = self.noted.clone();
        let Self { kernel, names, .. } = self;
        for (name, (first, n)) in names.iter() {
            let nodes: Vec<u32> = (*first..*first + *n as u32).collect();
            let Some(group) = kernel.network().group_of(*first) else { continue };
            let model = group.model;
            for parameter in model.parameters {
                let values = kernel.get_nodes(&nodes, parameter.name).expect("a parameter of the model");
                trace.0.insert(format!("{name}.{}", parameter.name), seen(&values));
            }
            let records = matches!(
                model.class,
                NodeClass::SpikeRecorder | NodeClass::WeightRecorder | NodeClass::Multimeter
            );
            for (place, node) in nodes.iter().enumerate().filter(|_| records) {
                let events = kernel.events(*node).expect("a recorder");
                trace.events(&format!("events of {name}[{place}]"), events);
            }
        }
        let table = kernel.get_connections(&ConnectionFilter::default()).expect("all connections");
        trace.table("connections", &table);
        for (name, value) in kernel.get().0 {
            let way = ["local_num_threads", "memory_limit", "gradient"].contains(&name.as_str());
            if !way {
                trace.0.insert(format!("kernel.{name}"), seen(&[value]));
            }
        }
        for name in ["eprop_synapse_bsshslm_2020", "eprop_synapse", "static_synapse"] {
            let defaults = kernel.get_defaults(name).expect("a model");
            trace.0.insert(format!("defaults of {name}"), Seen::Text(format!("{defaults:?}")));
        }
        trace
    }
}

fn seen(values: &[Value]) -> Seen {
    let numbers: Option<Vec<f64>> = values
        .iter()
        .map(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.map_or_else(
        || {
            let mut text = String::new();
            for value in values {
                let _ = write!(text, "{value:?} ");
            }
            Seen::Text(text)
        },
        Seen::Numbers,
    )
}

fn numbers(json: &Json) -> Meaning<Vec<f64>> {
    let Json::Array(list) = json else { return Err(format!("{json} is no list")) };
    list.iter().map(|entry| entry.as_f64().ok_or_else(|| format!("{entry} is no number"))).collect()
}

impl Trace {
    fn events(&mut self, name: &str, events: eprop::record::Events) {
        for (column, values) in events.columns {
            let values = match values {
                EventColumn::Floats(values) => values,
                EventColumn::Ids(values) => values.into_iter().map(f64::from).collect(),
            };
            self.0.insert(format!("{name}.{column}"), Seen::Numbers(values));
        }
    }

    fn table(&mut self, name: &str, table: &eprop::describe::connections::ConnectionTable) {
        let mut column = |column: &str, values: Vec<f64>| {
            self.0.insert(format!("{name}.{column}"), Seen::Numbers(values));
        };
        let ids = |values: &[u32]| values.iter().copied().map(f64::from).collect();
        column("source", ids(&table.source));
        column("target", ids(&table.target));
        column("synapse", ids(&table.synapse));
        column("receptor", ids(&table.receptor));
        column("delay", table.delay.clone());
        column("weight", table.weight.clone());
    }
}
