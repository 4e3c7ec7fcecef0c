//! Who started this process, as its environment says.

/// The binary interfaces of MPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// The MPI Forum's.
    Standard,
    /// MPICH's, which Intel MPI, MVAPICH and Cray MPICH share.
    Mpich,
    /// Open MPI's.
    OpenMpi,
}

/// What started the ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// Its name.
    pub name: &'static str,
    /// The interface of the libraries that it belongs to, where that is known.
    pub interface: Option<Interface>,
    /// How many ranks it started, where it says so.
    pub ranks: Option<usize>,
}

/// Launchers, the variable that says how many ranks there are, and their interface. Those that others may have started
/// come first.
const LAUNCHERS: [(&str, &str, Option<Interface>); 3] = [
    ("mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE", Some(Interface::OpenMpi)),
    ("mpirun of MPICH or its kin", "PMI_SIZE", Some(Interface::Mpich)),
    ("srun", "SLURM_STEP_NUM_TASKS", None),
];

/// The launcher of this process, if there is one.
pub fn found(variable: impl Fn(&str) -> Option<String>) -> Option<Launcher> {
    LAUNCHERS.iter().find_map(|(name, count, interface)| {
        let ranks = variable(count)?;
        Some(Launcher { name, interface: *interface, ranks: ranks.parse().ok() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_is_known_by_its_environment() {
        let of = |given: &'static [(&str, &str)]| {
            found(|name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), None);
        let slurm = of(&[("SLURM_STEP_NUM_TASKS", "16"), ("PMI_SIZE", "4")]).expect("there is one");
        assert_eq!((slurm.interface, slurm.ranks), (Some(Interface::Mpich), Some(4)));
        let slurm = of(&[("SLURM_STEP_NUM_TASKS", "16")]).expect("there is one");
        assert_eq!((slurm.name, slurm.interface, slurm.ranks), ("srun", None, Some(16)));
        let open = of(&[("OMPI_COMM_WORLD_SIZE", "2")]).expect("there is one");
        assert_eq!(open.interface, Some(Interface::OpenMpi));
    }
}
