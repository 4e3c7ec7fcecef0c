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
    /// Which of them this process is, where it says so.
    pub rank: Option<usize>,
}

/// How a launcher is known.
struct Known {
    name: &'static str,
    /// The interface of the libraries that it belongs to.
    interface: Option<Interface>,
    /// The variable that it sets.
    sets: &'static str,
    /// Whether that is how many ranks there are.
    counts: bool,
    /// The variable with the rank.
    rank: &'static str,
}

/// Those that others may have started come first.
const LAUNCHERS: [Known; 4] = [
    Known {
        name: "mpirun of Open MPI",
        interface: Some(Interface::OpenMpi),
        sets: "OMPI_COMM_WORLD_SIZE",
        counts: true,
        rank: "OMPI_COMM_WORLD_RANK",
    },
    Known {
        name: "mpirun of MPICH or its kin",
        interface: Some(Interface::Mpich),
        sets: "PMI_SIZE",
        counts: true,
        rank: "PMI_RANK",
    },
    // What Open MPI 5 starts ranks with; by itself it does not say how many.
    Known {
        name: "prterun",
        interface: Some(Interface::OpenMpi),
        sets: "PRTE_LAUNCHED",
        counts: false,
        rank: "PMIX_RANK",
    },
    Known { name: "srun", interface: None, sets: "SLURM_STEP_NUM_TASKS", counts: true, rank: "SLURM_PROCID" },
];

/// The launcher of this process, if there is one.
pub fn found(variable: impl Fn(&str) -> Option<String>) -> Option<Launcher> {
    let number = |text: String| text.parse().ok();
    LAUNCHERS.iter().find_map(|known| {
        let value = variable(known.sets)?;
        Some(Launcher {
            name: known.name,
            interface: known.interface,
            ranks: number(value).filter(|_| known.counts),
            rank: variable(known.rank).and_then(number),
        })
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
        let runtime = of(&[("PRTE_LAUNCHED", "1"), ("PMIX_RANK", "3")]).expect("there is one");
        assert_eq!((runtime.interface, runtime.ranks), (Some(Interface::OpenMpi), None));
        assert_eq!(runtime.rank, Some(3));
    }
}
