//! Which models may stand between which nodes, and what their connections carry.

use crate::base::error::{Error, ErrorCode, Result};
use crate::describe::network::{Carries, Column, Description, NodeId};
use crate::models::{NodeClass, NodeModel, Rule, SynapseKind, SynapseModel};

use NodeClass::{
    CurrentGenerator, Multimeter, Parrot, PoissonGenerator, Readout, Recurrent, SpikeGenerator,
    SpikeRecorder, StepRateGenerator, WeightRecorder,
};

/// What emits spikes.
const SPIKING: &[NodeClass] = &[SpikeGenerator, PoissonGenerator, Parrot, Recurrent];

/// Connections that are possible.
struct Possible {
    synapse: SynapseKind,
    from: &'static [NodeClass],
    to: &'static [NodeClass],
    /// What is carried to neurons of that rule.
    carries: fn(Rule) -> Carries,
    /// Whether the delay must be one step.
    one_step: bool,
}

const POSSIBLE: [Possible; 8] = [
    Possible {
        synapse: SynapseKind::Static,
        from: SPIKING,
        to: &[Parrot, Recurrent, Readout],
        carries: |_| Carries::Spikes,
        one_step: false,
    },
    Possible {
        synapse: SynapseKind::Static,
        from: SPIKING,
        to: &[SpikeRecorder],
        carries: |_| Carries::ToRecorder,
        one_step: false,
    },
    Possible {
        synapse: SynapseKind::Static,
        from: &[Multimeter],
        to: &[Recurrent, Readout, StepRateGenerator, CurrentGenerator],
        carries: |_| Carries::FromMultimeter,
        one_step: false,
    },
    Possible {
        synapse: SynapseKind::Static,
        from: &[CurrentGenerator],
        to: &[Recurrent, Readout],
        carries: |_| Carries::Current,
        one_step: false,
    },
    Possible {
        synapse: SynapseKind::Plastic,
        from: SPIKING,
        to: &[Recurrent, Readout],
        carries: |rule| match rule {
            Rule::Interval => Carries::PlasticPerInterval,
            _ => Carries::PlasticPerSpike,
        },
        one_step: true,
    },
    Possible {
        synapse: SynapseKind::LearningSignal,
        from: &[Readout],
        to: &[Recurrent],
        carries: |_| Carries::LearningSignal,
        one_step: true,
    },
    Possible {
        synapse: SynapseKind::Rate,
        from: &[StepRateGenerator],
        to: &[Readout],
        carries: |_| Carries::Rate,
        one_step: false,
    },
    Possible {
        synapse: SynapseKind::Rate,
        from: &[Readout],
        to: &[Readout],
        carries: |_| Carries::Rate,
        one_step: true,
    },
];

/// Why there is no row for a connection.
fn impossible(synapse: SynapseKind, from: NodeClass, to: NodeClass) -> (ErrorCode, &'static str) {
    use ErrorCode::{IllegalConnection, NotImplemented};
    match (synapse, from, to) {
        (SynapseKind::LearningSignal, _, _) => {
            (IllegalConnection, "learning signals go from readouts to recurrent neurons of the same rule")
        }
        (SynapseKind::Rate, _, _) => {
            (IllegalConnection, "rates go from generators or readouts to a receptor of readouts")
        }
        (_, SpikeRecorder | WeightRecorder, _) | (SynapseKind::Plastic, Multimeter, _) => (
            IllegalConnection,
            "a recorder can only be the source of a connection if it is a multimeter, over a static_synapse",
        ),
        (_, Multimeter, _) => (IllegalConnection, "the target has nothing that a multimeter can record"),
        (_, CurrentGenerator, _) => {
            (IllegalConnection, "currents go to neurons and readouts, over a static_synapse")
        }
        (_, Readout | StepRateGenerator, _) => (IllegalConnection, "the source emits no spikes"),
        (
            SynapseKind::Plastic,
            _,
            Parrot | SpikeGenerator | PoissonGenerator | CurrentGenerator | SpikeRecorder | Multimeter
            | WeightRecorder,
        ) => (
            NotImplemented,
            "this synapse model is not supported by the neuron model of at least one connection",
        ),
        (_, _, Multimeter | WeightRecorder) => (IllegalConnection, "only a spike_recorder receives spikes"),
        _ => (IllegalConnection, "the target receives no spikes"),
    }
}

/// What a pair of nodes must agree on.
pub(super) struct Link<'a> {
    /// The name of the synapse model, which may be a copy's.
    pub name: &'a str,
    /// Its table.
    pub model: &'static SynapseModel,
    /// The receptor that is reached.
    pub receptor: u32,
    /// Delay in steps.
    pub delay: u32,
}

impl Description {
    /// What connections between these nodes carry.
    ///
    /// # Errors
    /// If the synapse model cannot stand between two of them.
    pub(super) fn carries(&self, link: &Link<'_>, sources: &[NodeId], targets: &[NodeId]) -> Result<Carries> {
        let (from, to) = (self.models_of(sources), self.models_of(targets));
        let mut carried = None;
        for source in &from {
            for target in &to {
                carried = Some(self.carries_between(link, *source, *target)?);
            }
        }
        let carries = carried.expect("a call connects some nodes");
        if carries == Carries::FromMultimeter {
            self.check_recordables(sources, &to)?;
        }
        Ok(carries)
    }

    /// The models of nodes, each with the first node that has it.
    fn models_of(&self, nodes: &[NodeId]) -> Vec<(&'static NodeModel, NodeId)> {
        let mut models: Vec<(&'static NodeModel, NodeId)> = Vec::new();
        let mut last = None;
        for node in nodes {
            let Some(group) = self.group_of(*node) else { continue };
            if last != Some(group.first) {
                last = Some(group.first);
                if !models.iter().any(|(model, _)| std::ptr::eq(*model, group.model)) {
                    models.push((group.model, *node));
                }
            }
        }
        models
    }

    fn carries_between(
        &self,
        link: &Link<'_>,
        (from, source): (&'static NodeModel, NodeId),
        (to, target): (&'static NodeModel, NodeId),
    ) -> Result<Carries> {
        let Link { name, model, receptor, delay } = *link;
        let group_name = |node: NodeId| self.group_of(node).map_or("", |group| group.model_name.as_str());
        let pair =
            format!("{} (node {source}) to {} (node {target})", group_name(source), group_name(target));
        let refuse = |(code, what): (ErrorCode, &str)| {
            Err(Error::new(code, what).model(name).parameter("synapse_model").value(&pair))
        };
        let possible = POSSIBLE.iter().find(|row| {
            row.synapse == model.kind && row.from.contains(&from.class) && row.to.contains(&to.class)
        });
        let Some(possible) = possible else {
            return refuse(impossible(model.kind, from.class, to.class));
        };
        let crosses = |one: Rule, other: Rule| one != other && one != Rule::Any && other != Rule::Any;
        match model.kind {
            SynapseKind::Static | SynapseKind::Plastic
                if from.class == Recurrent && crosses(from.rule, to.rule) =>
            {
                return refuse((
                    ErrorCode::NotImplemented,
                    "neurons whose weights change once an interval and neurons whose weights change at every spike \
                     cannot be connected",
                ));
            }
            SynapseKind::Plastic if model.rule != to.rule => {
                return refuse((
                    ErrorCode::NotImplemented,
                    "this synapse model is not supported by the neuron model of at least one connection",
                ));
            }
            SynapseKind::LearningSignal if from.rule != to.rule || to.rule != model.rule => {
                return refuse(impossible(model.kind, from.class, to.class));
            }
            SynapseKind::Rate => {
                let receptors = match from.class {
                    StepRateGenerator => to.receptors.generators,
                    _ if from.rule == to.rule => to.receptors.readouts,
                    _ => &[],
                };
                if !receptors.contains(&receptor) {
                    let (code, what) = impossible(model.kind, from.class, to.class);
                    return Err(Error::new(code, what)
                        .model(name)
                        .parameter("receptor_type")
                        .value(format!("{receptor}, {pair}"))
                        .bound("2 for targets; 1 for what normalizes readouts, or the learning window"));
                }
            }
            _ => {}
        }
        if possible.one_step && delay != 1 {
            let resolution = self.kernel.resolution;
            return Err(Error::new(
                ErrorCode::IllegalConnection,
                "connections of this model require a delay of one simulation step",
            )
            .model(name)
            .parameter("delay")
            .value(format!("{} ms", f64::from(delay) * resolution))
            .bound(format!("{resolution} ms")));
        }
        // What a multimeter asks arrives at receptor 0 of every model that has recordables.
        let receptors: &[u32] = if from.class == Multimeter { &[0] } else { to.receptors.spikes };
        if model.kind != SynapseKind::Rate && !receptors.contains(&receptor) {
            let has: Vec<String> = receptors.iter().map(u32::to_string).collect();
            let code = ErrorCode::UnknownReceptorType;
            return Err(Error::new(
                code,
                format!("receptor type {receptor} is not available in {}", to.name),
            )
            .model(to.name)
            .parameter("receptor_type")
            .value(receptor)
            .bound(has.join(" or ")));
        }
        Ok((possible.carries)(to.rule))
    }

    /// Checks that multimeters find what they record.
    fn check_recordables(&self, sources: &[NodeId], to: &[(&'static NodeModel, NodeId)]) -> Result<()> {
        for source in sources {
            let Some(group) = self.group_of(*source) else { continue };
            let Column::TextLists(lists) = group.column("record_from") else { continue };
            for name in &lists[(source - group.first) as usize] {
                for (model, _) in to {
                    if !model.recordables.contains(&name.as_str()) {
                        return Err(Error::new(
                            ErrorCode::IllegalConnection,
                            format!("cannot connect with unknown recordable {name}"),
                        )
                        .model(model.name)
                        .parameter("record_from")
                        .value(name)
                        .bound(format!("one of {}", model.recordables.join(", "))));
                    }
                }
            }
        }
        Ok(())
    }
}
