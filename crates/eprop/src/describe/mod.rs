//! What the user said, validated: nodes, connections, devices and kernel parameters.

mod by_rule;
pub mod check;
mod check_node;
pub mod compared;
mod compatible;
pub mod connect;
pub mod connections;
pub mod defaults;
pub mod extend;
mod feedback;
pub mod kernel_parameters;
mod listing;
pub mod network;
pub mod nodes;
pub mod ownership;
mod per_connection;
pub mod population;
mod rewiring;
pub mod rules;
mod saved;
pub mod suggest;
pub(crate) mod times;
