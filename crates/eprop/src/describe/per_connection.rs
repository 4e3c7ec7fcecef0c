//! Values that each connection of a call has one of: the same for all, listed, or drawn.

use crate::base::error::Result;
use crate::describe::network::NodeId;
use crate::random::{NestRandom, RandomParameter};
use crate::tables::value::Value;

/// A value of the connections of one call.
pub(super) enum PerConnection<'a> {
    /// The same for all.
    All(f64),
    /// One each, in the order in which the rule connects them; with the number of rows and columns of a matrix.
    Each(&'a [f64], Option<(usize, usize)>),
    /// Drawn for each.
    Drawn(RandomParameter),
}

impl<'a> PerConnection<'a> {
    /// A value of that kind; `None` for others.
    pub(super) fn new(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Number(number) => Self::All(*number),
            Value::Numbers(list) => Self::Each(list, None),
            Value::Matrix { rows, columns, data } => Self::Each(data, Some((*rows, *columns))),
            Value::Random(distribution) => Self::Drawn(distribution.clone()),
            _ => return None,
        })
    }

    /// Draws a value.
    fn draw(&self, random: &mut NestRandom, drawn: &mut Vec<f64>) -> Result<()> {
        if let Self::Drawn(distribution) = self {
            drawn.push(distribution.draw(random)?);
        }
        Ok(())
    }

    /// The value at a place of a list.
    fn look_up(&self, place: usize, found: &mut Vec<f64>) {
        if let Self::Each(list, _) = self {
            found.push(list[place]);
        }
    }
}

/// Checked properties of the synapses of one call.
pub(super) struct Synapse<'a> {
    /// Place of the synapse model.
    pub(super) model: usize,
    /// Weights.
    pub(super) weight: PerConnection<'a>,
    /// Delays (ms).
    pub(super) delay: PerConnection<'a>,
    /// Receptors.
    pub(super) receptor: PerConnection<'a>,
    /// Time constant of the eligibility trace's filter (ms), where it is given.
    pub(super) tau_m_readout: Option<f64>,
}

impl<'a> Synapse<'a> {
    /// What each connection has one of, in the order in which NEST draws them.
    pub(super) fn values(&self) -> [(&'static str, &PerConnection<'a>); 3] {
        [("receptor_type", &self.receptor), ("delay", &self.delay), ("weight", &self.weight)]
    }

    /// Draws what is drawn for a connection.
    pub(super) fn draw(&self, random: &mut NestRandom, drawn: &mut Drawn) -> Result<()> {
        self.values().iter().zip(drawn.values()).try_for_each(|((_, of), values)| of.draw(random, values))
    }

    /// Looks up what is listed for a connection.
    pub(super) fn look_up(&self, place: usize, drawn: &mut Drawn) {
        self.values().iter().zip(drawn.values()).for_each(|((_, of), values)| of.look_up(place, values));
    }
}

/// Connections of a call, in the order in which its rule makes them.
#[derive(Default)]
pub(super) struct Drawn {
    /// Sources and targets.
    pub(super) pairs: Vec<(NodeId, NodeId)>,
    pub(super) delays: Vec<f64>,
    pub(super) weights: Vec<f64>,
    pub(super) receptors: Vec<f64>,
}

impl Drawn {
    /// Where the values of [`Synapse::values`] go.
    fn values(&mut self) -> [&mut Vec<f64>; 3] {
        [&mut self.receptors, &mut self.delays, &mut self.weights]
    }
}
