//! Kernels of ranks that share the neurons of a network, and what they have together.

use std::collections::BTreeMap;
use std::sync::Arc;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange};
use eprop::describe::connections::ConnectionFilter;
use eprop::random::RandomParameter;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, Kernel, Result, Value};

/// Rows of numbers as they are told apart.
pub type Rows = Vec<Vec<u64>>;

/// A rank's kernel, or that of one process.
pub struct Rank {
    pub kernel: Kernel,
    pub control: RunControl,
}

impl Rank {
    pub fn new(world: Option<Arc<DryRun>>) -> Self {
        let mut kernel = Kernel::new();
        if let Some(world) = &world {
            kernel.share_neurons(world.rank(), world.size()).unwrap();
        }
        let world = world.map(|world| world as Arc<dyn Exchange>);
        Self { kernel, control: RunControl { world, ..RunControl::default() } }
    }

    pub fn create(&mut self, model: &str, n: usize, params: Dict) -> Vec<u32> {
        let first = self.kernel.create(model, n as f64, &Params::Shared(params)).unwrap();
        (first..first + n as u32).collect()
    }

    #[allow(clippy::needless_pass_by_value, reason = "most are made for the call")]
    pub fn connect(&mut self, sources: &[u32], targets: &[u32], rule: Dict, synapse: Dict) {
        self.kernel.connect(sources, targets, &rule, &synapse).unwrap();
    }

    pub fn simulate(&mut self, ms: f64) -> Result<()> {
        self.kernel.simulate(ms, &self.control)
    }
}

/// What `run` returns for each of so many ranks.
pub fn over_ranks<T: Send>(ranks: usize, run: impl Fn(Rank) -> T + Sync) -> Vec<T> {
    over_worlds(ranks, |world| run(Rank::new(Some(world))))
}

/// As [`over_ranks`], of what ranks exchange bytes with.
pub fn over_worlds<T: Send>(ranks: usize, run: impl Fn(Arc<DryRun>) -> T + Sync) -> Vec<T> {
    let run = &run;
    std::thread::scope(|scope| {
        let worlds = DryRun::ranks(ranks).into_iter().map(Arc::new);
        let threads: Vec<_> = worlds.map(|world| scope.spawn(move || run(world))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
    })
}

pub fn rule(name: &str) -> Dict {
    Dict::new().with("rule", name)
}

pub fn normal(mean: f64, std: f64) -> Value {
    Value::Random(RandomParameter::new("normal", mean, std).unwrap())
}

/// Rows of a recorder's events.
pub fn events(kernel: &mut Kernel, recorder: u32) -> Rows {
    let columns = kernel.events(recorder).unwrap().columns;
    let values = |column: &EventColumn| -> Vec<u64> {
        match column {
            EventColumn::Floats(values) => values.iter().map(|value| value.to_bits()).collect(),
            EventColumn::Ids(ids) => ids.iter().map(|id| u64::from(*id)).collect(),
        }
    };
    let columns: Vec<Vec<u64>> = columns.iter().map(|(_, column)| values(column)).collect();
    let count = columns.first().map_or(0, Vec::len);
    (0..count).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
}

pub fn connections(kernel: &Kernel) -> Rows {
    let table = kernel.get_connections(&ConnectionFilter::default()).unwrap();
    (0..table.source.len())
        .map(|row| {
            let ids = [table.source[row], table.target[row], table.receptor[row], table.projection[row]];
            let ids = ids.into_iter().map(u64::from);
            ids.chain([table.delay[row].to_bits(), table.weight[row].to_bits()]).collect()
        })
        .collect()
}

/// What a rank has after a run: tables by name.
pub type Tables = BTreeMap<&'static str, Rows>;

/// What all ranks have together: rows of what all of them hold, once each.
pub fn joined(ranks: &[Tables], of_one: impl Fn(&'static str, &[u64]) -> bool) -> Tables {
    let mut all = Tables::new();
    for name in ranks[0].keys().copied() {
        let mut rows: Rows = Vec::new();
        for (rank, tables) in ranks.iter().enumerate() {
            let taken = tables[name].iter().filter(|row| rank == 0 || of_one(name, row));
            rows.extend(taken.cloned());
            let at_all = |tables: &Tables| -> Rows {
                tables[name].iter().filter(|row| !of_one(name, row)).cloned().collect()
            };
            assert_eq!(at_all(tables), at_all(&ranks[0]), "{name} at rank {rank}");
        }
        rows.sort();
        all.insert(name, rows);
    }
    all
}
