//! Values that each connection of a call has one of: the same for all, listed, or drawn.

use crate::base::error::{Error, ErrorCode, Result};
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

    /// The value of a connection, where it is drawn or the same for all.
    fn draw(&self, random: &mut NestRandom) -> Result<Option<f64>> {
        match self {
            Self::All(value) => Ok(Some(*value)),
            Self::Each(..) => Ok(None),
            Self::Drawn(distribution) => distribution.draw(random).map(Some),
        }
    }

    /// The value at a place of a list; what a list that is too short has not is refused once its length is known.
    fn listed(&self, place: usize) -> f64 {
        match self {
            Self::Each(list, _) => list.get(place).or(list.first()).copied().unwrap_or(0.0),
            _ => unreachable!("other values are known"),
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

    /// What is drawn for a connection, or the same for all.
    pub(super) fn draw(&self, random: &mut NestRandom) -> Result<Values> {
        let receptor = self.receptor.draw(random)?;
        let delay = self.delay.draw(random)?;
        Ok(Values { receptor, delay, weight: self.weight.draw(random)? })
    }

    /// Refuses lists that have not one entry for each of `count` connections.
    pub(super) fn check_lists(&self, name: &str, count: usize) -> Result<()> {
        for (what, value) in self.values().into_iter().rev() {
            if let PerConnection::Each(list, _) = value
                && list.len() != count
            {
                return Err(Error::new(ErrorCode::ValueError, "a list has not one entry per connection")
                    .model(name)
                    .parameter(what)
                    .value(format!("a list of {} numbers", list.len()))
                    .bound(format!("a number or {count} numbers")));
            }
        }
        Ok(())
    }
}

/// Values of a connection; those that are listed are yet to be looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values {
    receptor: Option<f64>,
    delay: Option<f64>,
    weight: Option<f64>,
}

/// All values of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) receptor: f64,
    pub(super) delay: f64,
    pub(super) weight: f64,
}

impl Values {
    /// With what is listed at a place.
    pub(super) fn or_listed(self, synapse: &Synapse<'_>, place: usize) -> Known {
        Known {
            receptor: self.receptor.unwrap_or_else(|| synapse.receptor.listed(place)),
            delay: self.delay.unwrap_or_else(|| synapse.delay.listed(place)),
            weight: self.weight.unwrap_or_else(|| synapse.weight.listed(place)),
        }
    }
}
