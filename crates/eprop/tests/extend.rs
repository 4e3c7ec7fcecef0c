//! Spikes and amplitudes that are added while a network is simulated are those that were set before it began.

use eprop::base::control::RunControl;
use eprop::describe::extend::Changes;
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};
use proptest::prelude::*;

const GENERATORS: u32 = 3;
const STEPS: i64 = 40;
const RESOLUTION: f64 = 0.1;

/// Three spike generators that drive parrots, three generators of currents that drive neurons, and recorders of both.
struct Network {
    kernel: Kernel,
    spikes: Vec<u32>,
    currents: Vec<u32>,
    recorders: [u32; 2],
}

impl Network {
    fn new() -> Self {
        let mut kernel = Kernel::new();
        kernel.set(&Dict::new().with("resolution", RESOLUTION)).unwrap();
        let mut create = |model: &str, n: u32, params: Dict| -> Vec<u32> {
            let first = kernel.create(model, f64::from(n), &Params::Shared(params)).unwrap();
            (first..first + n).collect()
        };
        let spikes = create("spike_generator", GENERATORS, Dict::new().with("origin", 0.5));
        let currents = create("step_current_generator", GENERATORS, Dict::new());
        let parrots = create("parrot_neuron", GENERATORS, Dict::new());
        let neurons = create("eprop_iaf", GENERATORS, Dict::new());
        let recorder = create("spike_recorder", 1, Dict::new())[0];
        let meter = create("multimeter", 1, Dict::new().with("interval", RESOLUTION));
        let names = Dict::new().with("record_from", vec!["V_m".to_string()]);
        kernel.set_nodes(&meter, &Params::Shared(names)).unwrap();
        let one_to_one = Dict::new().with("rule", "one_to_one");
        kernel.connect(&spikes, &parrots, &one_to_one, &Dict::new()).unwrap();
        kernel.connect(&currents, &neurons, &one_to_one, &Dict::new()).unwrap();
        kernel.connect(&parrots, &[recorder], &Dict::new(), &Dict::new()).unwrap();
        kernel.connect(&meter, &neurons, &Dict::new(), &Dict::new()).unwrap();
        Self { kernel, spikes, currents, recorders: [recorder, meter[0]] }
    }

    fn simulate(&mut self, steps: i64) {
        self.kernel.simulate(steps as f64 * RESOLUTION, &RunControl::default()).unwrap();
    }

    fn seen(&mut self) -> Vec<Vec<u64>> {
        let [spikes, voltages] = self.recorders;
        [(spikes, "times"), (spikes, "senders"), (voltages, "V_m")]
            .map(|(recorder, name)| {
                let events = self.kernel.events(recorder).unwrap();
                let column = events.columns.into_iter().find(|(column, _)| *column == name).unwrap().1;
                match column {
                    EventColumn::Floats(values) => values.into_iter().map(f64::to_bits).collect(),
                    EventColumn::Ids(ids) => ids.into_iter().map(u64::from).collect(),
                }
            })
            .into()
    }
}

fn spikes() -> impl Strategy<Value = Vec<u32>> {
    // Generators have an origin of 5 steps, and the first spike comes a step later.
    let place = (6 * GENERATORS)..(STEPS as u32 * GENERATORS);
    prop::collection::vec(place, 0..60).prop_map(|mut places| {
        places.sort_unstable();
        places
    })
}

fn changes() -> impl Strategy<Value = Vec<(Vec<u32>, Vec<f64>)>> {
    let of_one = prop::collection::btree_map(1..STEPS as u32, -200.0..200.0, 0..20);
    prop::collection::vec(of_one.prop_map(|steps| steps.into_iter().unzip()), GENERATORS as usize)
}

proptest! {
    #[test]
    fn what_is_added_meanwhile_is_what_was_there_from_the_start(
        spikes in spikes(),
        changes in changes(),
        cuts in prop::collection::btree_set(1..STEPS, 0..6),
        ahead in 0..10_i64,
        restores in any::<bool>(),
    ) {
        let mut whole = Network::new();
        for (place, node) in whole.spikes.clone().into_iter().enumerate() {
            let of = |spike: &&u32| **spike % GENERATORS == place as u32;
            let times = spikes.iter().filter(of);
            let times: Vec<f64> = times.map(|spike| f64::from(spike / GENERATORS - 5) * RESOLUTION).collect();
            let params = Dict::new().with("spike_times", times);
            whole.kernel.set_nodes(&[node], &Params::Shared(params)).unwrap();
        }
        for (node, (steps, values)) in whole.currents.clone().into_iter().zip(&changes) {
            let times: Vec<f64> = steps.iter().map(|step| f64::from(*step) * RESOLUTION).collect();
            let params = Dict::new().with("amplitude_times", times).with("amplitude_values", values.clone());
            whole.kernel.set_nodes(&[node], &Params::Shared(params)).unwrap();
        }
        whole.simulate(STEPS);

        let mut parts = Network::new();
        let (mut now, mut given) = (0, 0);
        for end in cuts.into_iter().chain([STEPS]) {
            // What comes up to the next cut, and some of what comes after it.
            let until = (end + ahead).min(STEPS);
            let stretch = |step: i64| given < step && step <= until;
            let begin = given;
            let places: Vec<u32> = spikes
                .iter()
                .filter(|spike| stretch(i64::from(**spike / GENERATORS)))
                .map(|spike| spike - begin as u32 * GENERATORS)
                .collect();
            // In two pieces, which may part the spikes of a step.
            let (first, second) = places.split_at(places.len() / 2);
            for piece in [first, second] {
                parts.kernel.extend_spikes(&parts.spikes, begin, piece).unwrap();
            }
            let more: Vec<(Vec<u32>, Vec<f64>)> = changes
                .iter()
                .map(|(steps, values)| {
                    let of = steps.iter().zip(values).filter(|(step, _)| stretch(i64::from(**step)));
                    of.map(|(step, value)| (step - begin as u32, *value)).unzip()
                })
                .collect();
            let more: Vec<Changes> =
                more.iter().map(|(steps, values)| Changes { steps, values }).collect();
            parts.kernel.extend_amplitudes(&parts.currents, begin, &more).unwrap();
            given = until;
            parts.simulate(end - now);
            now = end;
            if restores {
                parts.kernel = Kernel::restored(parts.kernel.state().unwrap()).unwrap();
            }
        }
        prop_assert_eq!(parts.seen(), whole.seen());
    }
}

#[test]
fn multiplicities_stay_those_of_the_spikes_that_had_them() {
    let mut network = Network::new();
    let node = [network.spikes[0]];
    let given = Dict::new().with("spike_times", vec![0.1]).with("spike_multiplicities", vec![3.0]);
    network.kernel.set_nodes(&node, &Params::Shared(given)).unwrap();
    network.kernel.extend_spikes(&node, 8, &[0, 0]).unwrap();
    let get = |name: &str| network.kernel.get_nodes(&node, name).unwrap();
    assert_eq!(get("spike_times"), [Value::from(vec![0.1, 0.3, 0.3])]);
    assert_eq!(get("spike_multiplicities"), [Value::from(vec![3.0, 1.0, 1.0])]);
}

#[test]
fn what_cannot_be_sent_is_refused_and_changes_nothing() {
    let mut network = Network::new();
    network.kernel.extend_spikes(&network.spikes, 6, &[0, 1, 2, 7]).unwrap();
    network.simulate(3);
    let Network { mut kernel, spikes, currents, .. } = network;
    let listed = |kernel: &Kernel| kernel.get_nodes(&spikes, "spike_times").unwrap();
    let before = listed(&kernel);
    let refused = |result: eprop::Result<()>, code: ErrorCode, parameter: &str| {
        let error = result.unwrap_err();
        assert_eq!((error.code, error.parameter.as_deref()), (code, Some(parameter)), "{error}");
    };
    let value = ErrorCode::ValueError;
    refused(kernel.extend_spikes(&spikes, 10, &[4, 3]), value, "spikes");
    // Before the origin, the present, and what the second generator has.
    refused(kernel.extend_spikes(&spikes, 0, &[0]), value, "spikes");
    refused(kernel.extend_spikes(&spikes, 5, &[2]), value, "spikes");
    refused(kernel.extend_spikes(&spikes, 7, &[1]), value, "spikes");
    refused(kernel.extend_spikes(&[], 10, &[1]), value, "generators");
    refused(kernel.extend_spikes(&[spikes[0], spikes[0]], 10, &[1]), value, "generators");
    refused(kernel.extend_spikes(&currents, 10, &[1]), value, "generators");
    assert_eq!(kernel.extend_spikes(&[999], 10, &[1]).unwrap_err().code, ErrorCode::UnknownNode);
    assert_eq!(listed(&kernel), before);

    let none = Changes { steps: &[], values: &[] };
    let changes = |steps, values| [Changes { steps, values }, none, none];
    refused(kernel.extend_amplitudes(&currents, 10, &[none]), ErrorCode::DimensionMismatch, "changes");
    let unlike = changes(&[1], &[]);
    refused(kernel.extend_amplitudes(&currents, 10, &unlike), ErrorCode::DimensionMismatch, "changes");
    refused(kernel.extend_amplitudes(&currents, 10, &changes(&[1, 1], &[1.0, 2.0])), value, "changes");
    refused(kernel.extend_amplitudes(&currents, 10, &changes(&[1], &[f64::NAN])), value, "changes");
    refused(kernel.extend_amplitudes(&currents, 0, &changes(&[2], &[1.0])), value, "changes");
    refused(kernel.extend_amplitudes(&spikes, 10, &changes(&[2], &[1.0])), value, "generators");
    let limit = Dict::new().with("memory_limit", 1.0);
    kernel.set(&limit).unwrap();
    let error = kernel.extend_spikes(&spikes, 10, &[1]).unwrap_err();
    assert_eq!(error.code, ErrorCode::OutOfMemory);
    assert_eq!(listed(&kernel), before);
}
