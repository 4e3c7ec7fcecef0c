//! A network whose neurons several ranks share.

use crate::base::control::RunControl;
use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Digest, Exchange, Message, Reader, Team, agree};
use crate::describe::compared::Compared;
use crate::describe::connections::ConnectionHandle;
use crate::describe::kernel_parameters::CLIP_NORM;
use crate::describe::network::{Carries, Description, Projection};
use crate::describe::ownership::Ownership;
use crate::kernel::Kernel;
use crate::models::{NodeClass, noise_generator};

/// What all values of a description are called where ranks compare them.
pub(super) const DESCRIBED: &str = "description";

/// Where ranks share neurons, all would write files of the same names, and count what is in them each for itself.
pub(super) const RECORDED_IN_MEMORY: &str = "recorders keep events in memory";
/// What says where recorders keep them, and that it is in files.
pub(super) const RECORD_TO: &str = "record_to";
pub(super) const IN_FILES: &str = "ascii";

fn refuse(what: &str) -> Error {
    Error::new(ErrorCode::NotImplemented, format!("where ranks share the neurons of a network, {what}"))
}

impl Kernel {
    /// Has a rank of so many hold its part of the recurrent neurons alone, with the connections onto them. All ranks
    /// describe the same network and simulate it together.
    ///
    /// # Errors
    /// `KernelException` where something was created or connected before, or there is no such rank.
    pub fn share_neurons(&mut self, rank: usize, size: usize) -> Result<()> {
        if rank >= size {
            return Err(Error::new(ErrorCode::KernelException, "there is no such rank")
                .parameter("rank")
                .value(rank as f64)
                .bound(format!("one of {size} ranks")));
        }
        if self.node_count() > 0 {
            let what = "ranks share the neurons of a network from its first node on, or not at all";
            return Err(Error::new(ErrorCode::KernelException, what)
                .parameter("share")
                .value("neurons")
                .bound("said before nodes are created"));
        }
        self.network.ownership = Ownership::new(rank, size);
        Ok(())
    }

    /// Refuses what one process alone can do.
    ///
    /// # Errors
    /// `NotImplemented` where ranks share the neurons.
    pub(super) fn refuse_shared(&self, what: &str, parameter: &str) -> Result<()> {
        if self.network.ownership.is_whole() {
            return Ok(());
        }
        Err(refuse(what).parameter(parameter).bound("one process, or ranks that share sequences"))
    }

    /// Refuses to set weights that spikes may be on their way with: those would be added in another order at a rank that
    /// sets none.
    pub(super) fn refuse_settling(&self, handles: &[ConnectionHandle]) -> Result<()> {
        let is_constant = |handle: &&ConnectionHandle| {
            let projection = self.network.projections.get(handle.projection as usize);
            projection.is_some_and(|projection| projection.carries == Carries::Spikes)
        };
        if self.time == 0 || self.network.ownership.is_whole() || handles.iter().find(is_constant).is_none() {
            return Ok(());
        }
        let what = "weights of connections that do not learn are set before the first simulation";
        Err(refuse(what).parameter("weight").bound("plastic connections, or 0 ms"))
    }

    /// Becomes a kernel that was saved.
    ///
    /// # Errors
    /// `ValueError` where that has other neurons: those of another rank, or of ranks that share neurons otherwise.
    pub fn take_over(&mut self, saved: Self) -> Result<()> {
        self.check_same_part(&saved)?;
        *self = saved;
        Ok(())
    }

    fn check_same_part(&self, saved: &Self) -> Result<()> {
        let (here, there) = (self.network.ownership, saved.network.ownership);
        if here == there {
            return Ok(());
        }
        let text = |of: Ownership| {
            if of.is_whole() {
                return "all neurons".to_owned();
            }
            format!("the neurons of rank {} of {}", of.rank(), of.size())
        };
        Err(Error::new(ErrorCode::ValueError, "the saved state has other neurons than this kernel")
            .parameter("share")
            .value(text(there))
            .bound(format!("{}, or a file of the whole network", text(here))))
    }

    /// Refuses a world whose ranks are not those that share the neurons.
    pub(super) fn check_world(&self, world: Option<&dyn Exchange>) -> Result<()> {
        let ownership = self.network.ownership;
        let is_here =
            |world: &dyn Exchange| (world.rank(), world.size()) == (ownership.rank(), ownership.size());
        if ownership.is_whole() || world.is_some_and(is_here) {
            return Ok(());
        }
        let what = "a kernel with a part of the neurons simulates with the ranks that have the others";
        Err(Error::new(ErrorCode::KernelException, what).parameter("world").bound(format!(
            "rank {} of {} ranks",
            ownership.rank(),
            ownership.size()
        )))
    }

    /// The ranks that are about to do the same with this network.
    ///
    /// # Errors
    /// As [`Team::meet`], with the parameter where values of the description differ.
    pub(super) fn meet<'a>(
        &self,
        world: &'a dyn Exchange,
        digest: Result<Digest>,
        control: &'a RunControl,
    ) -> Result<Team<'a>> {
        let error = match Team::meet(world, digest, self.network.kernel.local_num_threads, control) {
            Err(error) if error.parameter.as_deref() == Some(DESCRIBED) => error,
            outcome => return outcome,
        };
        // All ranks have that error.
        Err(self.first_difference(world)?.unwrap_or(error))
    }

    /// The first value of the description that is not the same at all ranks.
    fn first_difference(&self, world: &dyn Exchange) -> Result<Option<Error>> {
        let mut message = Message::default();
        for Compared { model, parameter, digest } in self.network.compared() {
            message.list(model.as_bytes());
            message.list(parameter.as_bytes());
            message.number(digest);
        }
        let all = agree(world, Ok(message.into_bytes()))?;
        let read = |bytes: &[u8]| -> Result<Vec<Compared>> {
            let mut reader = Reader::new(bytes);
            let mut values = Vec::new();
            while !reader.is_empty() {
                let (model, parameter) = (reader.text()?, reader.text()?);
                values.push(Compared { model, parameter, digest: reader.number()? });
            }
            Ok(values)
        };
        let first = read(&all[0])?;
        for (rank, bytes) in all.iter().enumerate().skip(1) {
            let other = read(bytes)?;
            let differs = |place: &usize| first.get(*place) != other.get(*place);
            let Some(place) = (0..first.len().max(other.len())).find(differs) else { continue };
            let Some(value) = first.get(place).or(other.get(place)) else { continue };
            let text = format!("rank {rank} and rank 0 do not simulate the same");
            let mut error = Error::new(ErrorCode::MPIError, text)
                .parameter(value.parameter.clone())
                .bound("the same values at every rank");
            if !value.model.is_empty() {
                error = error.model(value.model.clone());
            }
            return Ok(Some(error));
        }
        Ok(None)
    }

    /// A number that stands for all values of the description that ranks compare.
    pub(super) fn compared_digest(&mut self) -> u64 {
        let version = self.network.version;
        match self.compared {
            Some((of, digest)) if of == version => digest,
            _ => {
                let digest = self.network.compared_digest();
                self.compared = Some((version, digest));
                digest
            }
        }
    }

    /// What has to be the same at all ranks that share neurons, besides what all ranks have in common: what was drawn, and
    /// weights that all of them hold.
    pub(super) fn shared_digest(&self) -> Vec<(&'static str, u64)> {
        let network = &self.network;
        // Weights of a neuron's connection onto a recorder are set at the neuron's rank.
        let held_by_all = network.projections.iter().filter(|of| of.carries != Carries::ToRecorder);
        let weights = held_by_all.flat_map(|projection| {
            let onto = projection.first_target().and_then(|target| network.group_of(target));
            let at_all = onto.is_some_and(|group| group.model.class != NodeClass::Recurrent);
            projection.weights[..if at_all { projection.weights.len() } else { 0 }].iter()
        });
        let shape = network.projections.iter().flat_map(|projection| {
            [projection.sources.len() as u64, u64::from(projection.delay), u64::from(projection.receptor)]
        });
        let exchanges = self.rules.iter().flatten().filter_map(|rule| rule.wiring().exchanges());
        vec![
            ("number of projections", network.projections.len() as u64),
            ("connections", Digest::of(shape)),
            ("connected nodes", network.connected),
            ("exchanges of spikes", Digest::of(exchanges.map(|exchanges| exchanges.every as u64))),
            ("random numbers", self.random.clone().fingerprint()),
            ("weights onto readouts", Digest::of(weights.map(|weight| weight.to_bits()))),
        ]
    }
}

/// Refuses what a network whose neurons are shared cannot have yet.
///
/// # Errors
/// `NotImplemented`, with the name of what it has.
pub(super) fn check_shared(network: &Description) -> Result<()> {
    if network.ownership.is_whole() {
        return Ok(());
    }
    if network.kernel.clip_norm > 0.0 {
        let what = "gradients cannot be clipped: their norm is one over all neurons";
        return Err(refuse(what).parameter(CLIP_NORM).number(network.kernel.clip_norm).bound("0"));
    }
    for group in network.groups.iter().filter(|group| group.model.place("learns_bias").is_some()) {
        if group.numbers("learns_bias").iter().any(|learns| *learns != 0.0) {
            let error = refuse("currents do not learn").model(group.model_name.clone());
            return Err(error.parameter("learns_bias").value(true).bound("false"));
        }
    }
    for group in network.groups.iter().filter(|group| group.model.place(RECORD_TO).is_some()) {
        // The first choice is memory.
        let writes = group.numbers(RECORD_TO).iter().any(|choice| *choice != 0.0);
        if writes {
            let error = refuse(RECORDED_IN_MEMORY).model(group.model_name.clone());
            return Err(error.parameter(RECORD_TO).value(IN_FILES).bound("memory"));
        }
    }
    // A rank may have none of the neurons that connections end at.
    let class_of_target = |projection: &Projection| match projection.first_target() {
        Some(target) => network.group_of(target).map(|group| group.model.class),
        None => Some(NodeClass::Recurrent),
    };
    for projection in &network.projections {
        let synapse = &network.synapse_models[projection.synapse];
        if projection.carries == Carries::PlasticPerInterval && synapse.rewiring.rewires() {
            return Err(refuse("connections stay as they are")
                .model(synapse.name.clone())
                .parameter("rewiring")
                .value(synapse.rewiring.rewiring.name())
                .bound("none"));
        }
        if projection.carries == Carries::LearningSignal && synapse.feedback.readout_decay() > 0.0 {
            return Err(refuse(
                "readouts' weights do not decay with those of feedback, of which each rank has a part",
            )
            .model(synapse.name.clone())
            .parameter("feedback_decay")
            .number(synapse.feedback.readout_decay())
            .bound("0, or another feedback"));
        }
        // What these draw is drawn for connections as one process numbers them.
        let parrots = match projection.carries {
            Carries::Spikes => "; put a parrot_neuron between",
            Carries::Current => "",
            _ => continue,
        };
        let source = projection.sources.first().and_then(|source| network.group_of(*source));
        let draws = source.filter(|group| {
            group.model.class == NodeClass::PoissonGenerator
                || group.model.name == noise_generator::MODEL.name
        });
        if let Some(group) = draws.filter(|_| class_of_target(projection) == Some(NodeClass::Recurrent)) {
            let name = group.model.name;
            let what =
                format!("a {name}, which sends each target numbers of its own, reaches no neurons{parrots}");
            return Err(refuse(&what).model(group.model_name.clone()));
        }
    }
    Ok(())
}
