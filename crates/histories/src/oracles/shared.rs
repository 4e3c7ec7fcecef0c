//! Ranks that share the neurons of a network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eprop::base::control::RunControl;
use eprop::base::exchange::{DryRun, Exchange, gather_all};
use eprop::describe::connections::ConnectionFilter;
use eprop::models::NodeClass;
use eprop::record::EventColumn;
use eprop::{Dict, ErrorCode, Kernel};

use crate::Call;
use crate::dice::Dice;
use crate::oracles::ways::share_all;
use crate::oracles::{Finding, Reference, Verdict};
use crate::replay::{Outcome, Replay};

/// A row of a table: which one, whose it is where it is of a neuron, and what is in it.
type Row = (String, Option<u32>, Vec<u64>);

/// Whether ranks save what there is after a call and go on with that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    No,
    /// Each its own.
    Apart,
    /// As one state of all.
    Together,
}

impl Saved {
    const ALL: [Self; 3] = [Self::No, Self::Apart, Self::Together];
}

/// How a call went at a rank, as a byte.
const DONE: u8 = 0;
const REFUSED_HERE: u8 = 1;
const OTHERWISE: u8 = 2;

/// Ranks that share neurons have together what one process has, or say what they cannot do.
///
/// # Errors
/// What it has found.
pub fn ranks_share_neurons(reference: &Reference, dice: &mut Dice) -> Verdict {
    let oracle = "ranks that share neurons change nothing";
    share_all();
    // All that can be seen of a kernel, none of the ranks can see on the way.
    let looks = |call: &&Call| call.name() == "Query" && call.argument(0) == "trace";
    let calls: Vec<&Call> = reference.calls.iter().filter(|call| !looks(call)).collect();
    let (size, threads) = (*dice.pick(&[2_usize, 3, 5]), f64::from(*dice.pick(&[1_u8, 2])));
    let ways = Dict::new().with("local_num_threads", threads);
    // Who has been simulated can be saved: each for itself, or all together.
    let saved: Vec<Saved> = (calls.iter())
        .map(|call| if call.name() == "Simulate" { *dice.pick(&Saved::ALL) } else { Saved::No })
        .collect();
    let outcomes: Vec<Result<Option<Vec<Row>>, String>> = std::thread::scope(|scope| {
        let (calls, ways, saved) = (&calls, &ways, &saved);
        let ranks: Vec<_> = DryRun::ranks(size)
            .into_iter()
            .map(|rank| scope.spawn(move || at_rank(&Arc::new(rank), calls, saved, ways)))
            .collect();
        ranks.into_iter().map(|rank| rank.join().unwrap_or_else(|_| Err("a panic".into()))).collect()
    });
    let mut ranks = Vec::with_capacity(size);
    for outcome in outcomes {
        match outcome {
            Ok(Some(rows)) => ranks.push(rows),
            // What they cannot do, they say.
            Ok(None) => return Ok(()),
            Err(what) => return Err(Finding { oracle, what }),
        }
    }
    let mut one = Replay::default();
    for call in &calls {
        one.call(call);
    }
    let mut expected = rows(&mut one.kernel);
    expected.sort();
    let mut all = Vec::new();
    for (rank, rows) in ranks.iter().enumerate() {
        let of_all = |row: &&Row| row.1.is_none();
        let (theirs, first): (Vec<&Row>, Vec<&Row>) =
            (rows.iter().filter(of_all).collect(), ranks[0].iter().filter(of_all).collect());
        if theirs != first {
            let other = theirs.iter().zip(&first).find(|(a, b)| a != b);
            return Err(Finding { oracle, what: format!("rank {rank} of {size} has other rows: {other:?}") });
        }
        all.extend(rows.iter().filter(|row| rank == 0 || row.1.is_some()).cloned());
    }
    all.sort();
    if all == expected {
        return Ok(());
    }
    let counts = (all.len(), expected.len());
    let other = all.iter().zip(&expected).find(|(a, b)| a != b);
    let what =
        format!("{size} ranks of {threads} threads, {counts:?} rows; the first that differs: {other:?}");
    Err(Finding { oracle, what })
}

/// Carries calls out at a rank; nothing where one of the ranks cannot do what it is asked for.
fn at_rank(
    world: &Arc<DryRun>,
    calls: &[&Call],
    saved: &[Saved],
    ways: &Dict,
) -> Result<Option<Vec<Row>>, String> {
    let mut replay = Replay::default();
    let shared = replay.kernel.share_neurons(world.rank(), world.size());
    shared.map_err(|error| error.to_string())?;
    let exchange: Arc<dyn Exchange> = Arc::<DryRun>::clone(world);
    replay.control = RunControl { world: Some(exchange), ..RunControl::default() };
    replay.set_ways(ways.clone());
    for (call, saved) in calls.iter().zip(saved) {
        let mut outcome = replay.call(call);
        if *saved == Saved::Apart && outcome == Outcome::Done {
            outcome = replay.call(&Call::new("Restore"));
        }
        let (status, what) = match &outcome {
            Outcome::Done => (DONE, String::new()),
            Outcome::Refused(error) if error.code == ErrorCode::NotImplemented => {
                (REFUSED_HERE, String::new())
            }
            // A list of values has one for each connection, of which a rank has a part.
            Outcome::Refused(_) if call.name() == "SetConnections" => (REFUSED_HERE, String::new()),
            other => (OTHERWISE, format!("{call} became {other:?}")),
        };
        let all = gather_all(&**world, vec![status]).map_err(|error| error.to_string())?;
        let worst = all.iter().map(|status| status[0]).max().unwrap_or(DONE);
        if worst == OTHERWISE {
            return if status == OTHERWISE { Err(what) } else { Ok(None) };
        }
        if worst == REFUSED_HERE {
            return Ok(None);
        }
        if *saved == Saved::Together {
            let state = replay.kernel.gathered_state(Some(&**world));
            let state = state.map_err(|error| format!("{error} where ranks gather after {call}"))?;
            let part = Kernel::scattered(&**world, Ok(state.unwrap_or_default()));
            replay.kernel = part.map_err(|error| format!("{error} where ranks scatter after {call}"))?;
        }
    }
    Ok(Some(rows(&mut replay.kernel)))
}

/// All that can be seen, row by row.
fn rows(kernel: &mut Kernel) -> Vec<Row> {
    let groups: Vec<(u32, usize, NodeClass)> =
        kernel.network().groups.iter().map(|group| (group.first, group.len, group.model.class)).collect();
    let neurons: BTreeSet<u32> = (groups.iter())
        .filter(|(_, _, class)| *class == NodeClass::Recurrent)
        .flat_map(|(first, len, _)| *first..*first + *len as u32)
        .collect();
    let neuron = |id: u32| neurons.contains(&id).then_some(id);
    let mut rows = Vec::new();
    for (first, len, class) in &groups {
        let model = kernel.network().group_of(*first).expect("a group has nodes").model;
        for id in *first..*first + *len as u32 {
            for parameter in model.parameters.iter().filter(|parameter| parameter.name != "n_events") {
                // Some are known to the rank that has the neuron alone.
                if let Ok(values) = kernel.get_nodes(&[id], parameter.name)
                    && kernel.network().has(id)
                {
                    let bits = format!("{values:?}").bytes().map(u64::from).collect();
                    rows.push((format!("{} of {id}", parameter.name), neuron(id), bits));
                }
            }
            let records = [NodeClass::SpikeRecorder, NodeClass::WeightRecorder, NodeClass::Multimeter];
            if records.contains(class) {
                rows.extend(events(kernel, id, neuron));
            }
        }
    }
    let table = kernel.get_connections(&ConnectionFilter::default()).expect("all connections");
    for row in 0..table.source.len() {
        let (source, target) = (table.source[row], table.target[row]);
        let records = groups.iter().any(|(first, len, class)| {
            *class == NodeClass::SpikeRecorder && (*first..*first + *len as u32).contains(&target)
        });
        let ids = [source, target, table.synapse[row], table.receptor[row], table.projection[row]];
        let numbers = [table.delay[row], table.weight[row]].map(f64::to_bits);
        let values = ids.into_iter().map(u64::from).chain(numbers).collect();
        rows.push(("connection".into(), if records { neuron(source) } else { neuron(target) }, values));
    }
    let known: BTreeMap<String, _> = kernel.get().0.into_iter().collect();
    for name in ["biological_time", "network_size", "local_spike_counter", "min_delay", "max_delay"] {
        let bits = format!("{:?}", known.get(name)).bytes().map(u64::from).collect();
        rows.push((format!("kernel.{name}"), None, bits));
    }
    rows
}

/// Rows of a recorder; those of weights are of the neuron that a connection ends at.
fn events(kernel: &mut Kernel, recorder: u32, neuron: impl Fn(u32) -> Option<u32>) -> Vec<Row> {
    let columns = kernel.events(recorder).expect("a recorder").columns;
    let owner = if columns.iter().any(|(name, _)| *name == "targets") { "targets" } else { "senders" };
    let count = columns.first().map_or(0, |(_, values)| match values {
        EventColumn::Floats(values) => values.len(),
        EventColumn::Ids(ids) => ids.len(),
    });
    (0..count)
        .map(|row| {
            let mut of = None;
            let mut bits = Vec::with_capacity(columns.len());
            for (name, values) in &columns {
                match values {
                    EventColumn::Floats(values) => bits.push(values[row].to_bits()),
                    EventColumn::Ids(ids) => {
                        bits.push(u64::from(ids[row]));
                        if *name == owner {
                            of = neuron(ids[row]);
                        }
                    }
                }
            }
            (format!("events of {recorder}"), of, bits)
        })
        .collect()
}
