//! What has to be the same at all ranks that simulate together: values that numbers follow from, by name.

use crate::base::error::Result;
use crate::base::exchange::Digest;
use crate::base::state::{Archive, Numbers, Persist, State};
use crate::describe::network::{Column, Description, NodeId};
use crate::tables::parameter::Role;
use crate::tables::value::{Dict, Value};

/// Kernel parameters that each rank may have its own of: no number follows from them.
const KERNEL_OF_RANKS: [&str; 7] = [
    "local_num_threads",
    "total_num_virtual_procs",
    "memory_limit",
    "print_time",
    "overwrite_files",
    "data_path",
    "data_prefix",
];

/// The same of recorders.
const NODES_OF_RANKS: [&str; 3] = ["label", "record_to", "file_extension"];

/// Names of defaults that were changed, which are there by themselves.
const CHANGED: &str = "changed";

/// A value of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The model that it is of; empty for the kernel.
    pub model: String,
    /// The parameter, or what else it is.
    pub parameter: String,
    /// A number that stands for it.
    pub digest: u64,
}

impl Description {
    /// The values that must not differ, in the order in which they were described. Weights and connections are not among
    /// them.
    ///
    /// # Errors
    /// Those of writing a state; there are none.
    pub fn compared(&self) -> Result<Vec<Compared>> {
        let mut all = Vec::new();
        self.each_compared(&mut |model, parameter, digest| {
            all.push(Compared { model: model.to_owned(), parameter: parameter.to_owned(), digest });
        })?;
        Ok(all)
    }

    /// A number that stands for all of them.
    ///
    /// # Errors
    /// As [`Self::compared`].
    pub fn compared_digest(&self) -> Result<u64> {
        let mut all = Vec::new();
        self.each_compared(&mut |_, _, digest| all.push(digest))?;
        Ok(Digest::of(all.into_iter()))
    }

    fn each_compared(&self, each: &mut dyn FnMut(&str, &str, u64)) -> Result<()> {
        let kernel = self.kernel.values();
        for (name, value) in kernel.0.iter().filter(|(name, _)| !KERNEL_OF_RANKS.contains(&name.as_str())) {
            each("", name, of_value(value));
        }
        for model in &self.node_models {
            each_of_state(&model.name, model.clone(), each)?;
        }
        for model in &self.synapse_models {
            each_of_state(&model.name, model.clone(), each)?;
        }
        for group in &self.groups {
            each(&group.model_name, "number of nodes", group.len as u64);
            for (parameter, column) in group.model.parameters.iter().zip(&group.columns) {
                if parameter.role == Role::Parameter && !NODES_OF_RANKS.contains(&parameter.name) {
                    each(&group.model_name, parameter.name, of_column(column));
                }
            }
        }
        Ok(())
    }
}

impl Description {
    /// Notes what was connected, where ranks share neurons: all of them connect the same.
    pub fn note_connected(
        &mut self,
        sources: &[NodeId],
        targets: &[NodeId],
        rule: Option<&Dict>,
        synapses: &[Dict],
    ) {
        if self.ownership.is_whole() {
            return;
        }
        let models = synapses.iter().map(|synapse| synapse.get("synapse_model").map_or(0, of_value));
        let parts = [
            self.connected,
            rule.map_or(0, of_rule),
            Digest::of(models),
            Digest::of(sources.iter().map(|node| u64::from(*node))),
            Digest::of(targets.iter().map(|node| u64::from(*node))),
        ];
        self.connected = Digest::of(parts.into_iter());
    }
}

/// What a model's state holds, array by array and text by text.
fn each_of_state(model: &str, mut of: impl Persist, each: &mut dyn FnMut(&str, &str, u64)) -> Result<()> {
    let mut state = State::default();
    of.persist(&mut Archive::writer(&mut state))?;
    let is_compared = |name: &&str| !NODES_OF_RANKS.contains(name);
    for (name, array) in &state.arrays {
        if let Some(name) = Some(named(name)).filter(is_compared) {
            each(model, name, of_numbers(&array.numbers));
        }
    }
    for (name, texts) in state.texts.iter().filter(|(name, _)| *name != CHANGED) {
        if let Some(name) = Some(named(name)).filter(is_compared) {
            each(model, name, of_texts(texts));
        }
    }
    Ok(())
}

/// A parameter's name, without what an archive puts after it.
fn named(name: &str) -> &str {
    name.strip_suffix(".value").unwrap_or(name)
}

fn of_text(text: &str) -> u64 {
    Digest::of(text.bytes().map(u64::from))
}

fn of_texts(texts: &[String]) -> u64 {
    Digest::of(texts.iter().map(|text| of_text(text)))
}

fn of_list(list: &[f64]) -> u64 {
    Digest::of(std::iter::once(list.len() as u64).chain(list.iter().map(|number| number.to_bits())))
}

/// Numbers and texts alone: of what is drawn, the random numbers are compared, and of lists what becomes of them.
fn of_value(value: &Value) -> u64 {
    match value {
        Value::Number(number) => number.to_bits(),
        Value::Bool(flag) => u64::from(*flag),
        Value::Text(text) => of_text(text),
        _ => 0,
    }
}

fn of_rule(rule: &Dict) -> u64 {
    Digest::of(rule.0.iter().flat_map(|(name, value)| [of_text(name), of_value(value)]))
}

fn of_column(column: &Column) -> u64 {
    match column {
        Column::Numbers(values) => of_list(values),
        Column::Lists(lists) => Digest::of(lists.iter().map(|list| of_list(list))),
        Column::Texts(texts) => of_texts(texts),
        Column::TextLists(lists) => Digest::of(lists.iter().map(|texts| of_texts(texts))),
        Column::NodeLists(lists) => {
            let of_nodes = |nodes: &Vec<u32>| Digest::of(nodes.iter().map(|node| u64::from(*node)));
            Digest::of(lists.iter().map(of_nodes))
        }
    }
}

fn of_numbers(numbers: &Numbers) -> u64 {
    match numbers {
        Numbers::F64(values) => of_list(values),
        Numbers::I64(values) => Digest::of(values.iter().map(|value| *value as u64)),
        Numbers::U64(values) => Digest::of(values.iter().copied()),
        Numbers::U32(values) => Digest::of(values.iter().map(|value| u64::from(*value))),
        Numbers::U8(values) => Digest::of(values.iter().map(|value| u64::from(*value))),
    }
}
