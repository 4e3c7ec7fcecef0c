//! e
use crate::describe::network::Network;
use crate::error::Result;
use crate::plan::index::NodeIndex;
use crate::record::Recordings;
use crate::simulate::RunControl;
use crate::simulate::emission::Emission;
use std::collections::BTreeMap;
#[derive(Debug)]
pub struct EventNetwork;
impl EventNetwork {
    pub fn new(
        _: &Network,
        _: &NodeIndex,
        _: &BTreeMap<u32, f64>,
        _: &BTreeMap<u32, i64>,
    ) -> Result<Option<Self>> {
        Ok(None)
    }
    pub fn replan(
        &mut self,
        _: &Network,
        _: &NodeIndex,
        _: &BTreeMap<u32, f64>,
        _: &BTreeMap<u32, i64>,
    ) -> Result<()> {
        Ok(())
    }
    pub fn load_states(&mut self, _: &Network, _: &NodeIndex, _: &[u32]) {}
    pub fn store_states(&self, _: &mut Network, _: &NodeIndex) {}
    pub fn advance(
        &mut self,
        _: &mut Network,
        _: &Emission,
        _: i64,
        to: i64,
        _: &RunControl,
        _: &mut Recordings,
    ) -> Result<i64> {
        Ok(to)
    }
    #[must_use]
    pub fn memory(&self) -> Vec<(&'static str, u64)> {
        vec![]
    }
    #[must_use]
    pub fn needs_from(&self, _: i64) -> i64 {
        0
    }
    #[must_use]
    pub fn spike_count(&self) -> u64 {
        0
    }
}
