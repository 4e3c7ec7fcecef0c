//! What has to be the same at all ranks that simulate together: values that numbers follow from, by name.

use crate::base::exchange::Digest;
use crate::describe::defaults::synapse_values;
use crate::describe::kernel_parameters;
use crate::describe::network::{Column, Description, NodeId};
use crate::tables::parameter::{Parameter, Role};
use crate::tables::value::{Dict, Value};

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
    #[must_use]
    pub fn compared(&self) -> Vec<Compared> {
        let mut all = Vec::new();
        self.each_compared(&mut |model, parameter, digest| {
            all.push(Compared { model: model.to_owned(), parameter: parameter.to_owned(), digest });
        });
        all
    }

    /// A number that stands for all of them.
    #[must_use]
    pub fn compared_digest(&self) -> u64 {
        let mut all = Vec::new();
        self.each_compared(&mut |_, _, digest| all.push(digest));
        Digest::of(all.into_iter())
    }

    fn each_compared(&self, each: &mut dyn FnMut(&str, &str, u64)) {
        each_of(kernel_parameters::TABLE, "", &self.kernel.values(), each);
        for model in &self.node_models {
            for (parameter, value) in model.model.parameters.iter().zip(&model.defaults) {
                if !parameter.of_process {
                    each(&model.name, parameter.name, of_value(&value.value(parameter)));
                }
            }
        }
        for model in &self.synapse_models {
            each_of(model.model.parameters, &model.name, &synapse_values(model), each);
            // The rate that was set first stays that of synapses which have not learned yet.
            each(&model.name, "optimizer.eta", model.optimizer.eta_first.to_bits());
        }
        for group in &self.groups {
            each(&group.model_name, "number of nodes", group.len as u64);
            for (parameter, column) in group.model.parameters.iter().zip(&group.columns) {
                if parameter.role == Role::Parameter && !parameter.of_process {
                    each(&group.model_name, parameter.name, of_column(column));
                }
            }
        }
    }

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
            rule.map_or(0, of_dict),
            Digest::of(models),
            of_nodes(sources),
            of_nodes(targets),
        ];
        self.connected = Digest::of(parts.into_iter());
    }
}

/// The values of a dictionary that has a table, those of tables in it one by one.
fn each_of(table: &[Parameter], model: &str, values: &Dict, each: &mut dyn FnMut(&str, &str, u64)) {
    for (name, value) in &values.0 {
        if table.iter().any(|row| row.name == name && row.of_process) {
            continue;
        }
        match value {
            Value::Dict(inner) => {
                for (part, value) in &inner.0 {
                    each(model, &format!("{name}.{part}"), of_value(value));
                }
            }
            value => each(model, name, of_value(value)),
        }
    }
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

fn of_nodes(nodes: &[NodeId]) -> u64 {
    Digest::of(nodes.iter().map(|node| u64::from(*node)))
}

fn of_dict(values: &Dict) -> u64 {
    Digest::of(values.0.iter().flat_map(|(name, value)| [of_text(name), of_value(value)]))
}

/// Of what is drawn, nothing: random numbers are compared.
fn of_value(value: &Value) -> u64 {
    match value {
        Value::Bool(flag) => u64::from(*flag),
        Value::Number(number) => number.to_bits(),
        Value::Text(text) => of_text(text),
        Value::Numbers(list) | Value::Matrix { data: list, .. } => of_list(list),
        Value::Texts(texts) => of_texts(texts),
        Value::Nodes(nodes) => of_nodes(nodes),
        Value::Dict(values) => of_dict(values),
        Value::Random(_) => 0,
    }
}

fn of_column(column: &Column) -> u64 {
    match column {
        Column::Numbers(values) => of_list(values),
        Column::Lists(lists) => Digest::of(lists.iter().map(|list| of_list(list))),
        Column::Texts(texts) => of_texts(texts),
        Column::TextLists(lists) => Digest::of(lists.iter().map(|texts| of_texts(texts))),
        Column::NodeLists(lists) => Digest::of(lists.iter().map(|nodes| of_nodes(nodes))),
    }
}
