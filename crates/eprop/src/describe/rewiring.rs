//! Which connections there may be in projections that are rewired.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Description, Targets};

impl Description {
    /// Says where new connections of projections that are rewired may end: where those end that there are at first.
    ///
    /// # Errors
    /// `NotImplemented` where a projection has all connections already, `BadProperty` where new ones, of weight zero, would
    /// lie outside the bounds of its weights.
    pub fn begin_rewiring(&mut self) -> Result<()> {
        let models = &self.synapse_models;
        for projection in &mut self.projections {
            let model = &models[projection.synapse];
            if !model.rewiring.rewires() || projection.carries != Carries::PlasticPerInterval {
                continue;
            }
            let Targets::Sparse { nodes, .. } = &projection.targets else {
                let what = "a projection that has all connections cannot be rewired";
                return Err(Error::new(ErrorCode::NotImplemented, what)
                    .model(model.name.clone())
                    .parameter("rewiring")
                    .value(model.rewiring.rewiring.name())
                    .bound("a connection rule that leaves some out, or rewiring none"));
            };
            let optimizer = &model.optimizer;
            let outside = if optimizer.w_min > 0.0 {
                Some(("optimizer.Wmin", optimizer.w_min, "at most 0"))
            } else if optimizer.w_max < 0.0 {
                Some(("optimizer.Wmax", optimizer.w_max, "at least 0"))
            } else {
                None
            };
            if let Some((name, bound, allowed)) = outside.filter(|_| model.rewiring.rewiring.replaces()) {
                let what = format!(
                    "with rewiring {}, new connections begin with a weight of 0, which lies outside the bounds",
                    model.rewiring.rewiring.name()
                );
                return Err(Error::new(ErrorCode::BadProperty, what)
                    .model(model.name.clone())
                    .parameter(name)
                    .number(bound)
                    .bound(allowed));
            }
            if projection.candidates.is_empty() {
                projection.candidates.clone_from(nodes);
                projection.candidates.sort_unstable();
                projection.candidates.dedup();
            }
        }
        Ok(())
    }
}
