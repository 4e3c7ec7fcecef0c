//! What was emitted stays emitted: generators, connections and weights that change between two simulations have no say
//! in spikes and rates in flight. All numbers are recorded from NEST 3.10 where nothing else is said.

use eprop::base::control::RunControl;
use eprop::describe::connections::{ConnectionFilter, ConnectionHandle};
use eprop::record::EventColumn;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Result, Value};

/// A kernel with steps of 1 ms, or of `resolution`.
fn kernel(resolution: f64) -> Kernel {
    let mut kernel = Kernel::new();
    let parameters = Dict::new()
        .with("resolution", resolution)
        .with("eprop_update_interval", 100.0)
        .with("eprop_learning_window", 100.0);
    kernel.set(&parameters).unwrap();
    kernel
}

fn create(kernel: &mut Kernel, model: &str, n: u32, params: Dict) -> Vec<u32> {
    let first = kernel.create(model, f64::from(n), &Params::Shared(params)).unwrap();
    (first..first + n).collect()
}

#[allow(clippy::needless_pass_by_value, reason = "dictionaries are written where they are passed")]
fn connect(kernel: &mut Kernel, from: u32, to: u32, synapse: Dict) {
    kernel.connect(&[from], &[to], &Dict::new(), &synapse).unwrap();
}

fn set(kernel: &mut Kernel, node: u32, params: Dict) -> Result<()> {
    kernel.set_nodes(&[node], &Params::Shared(params))
}

/// Simulates, and goes on with a kernel restored from the state of the one before.
fn simulate(kernel: &mut Kernel, ms: f64) {
    kernel.simulate(ms, &RunControl::default()).unwrap();
    *kernel = Kernel::restored(kernel.state().unwrap()).unwrap();
}

fn floats(kernel: &mut Kernel, recorder: u32, name: &str) -> Vec<f64> {
    let events = kernel.events(recorder).unwrap();
    match events.columns.into_iter().find(|(column, _)| *column == name).unwrap().1 {
        EventColumn::Floats(values) => values,
        EventColumn::Ids(ids) => ids.into_iter().map(f64::from).collect(),
    }
}

/// Times at which each of three parrots in a row fires: a generator drives the first, with that delay.
fn chain(delay: f64, first: Dict, cut: f64, change: Option<Dict>) -> [Vec<f64>; 3] {
    let mut kernel = kernel(1.0);
    let generator = create(&mut kernel, "spike_generator", 1, first)[0];
    let parrots = create(&mut kernel, "parrot_neuron", 3, Dict::new());
    let recorder = create(&mut kernel, "spike_recorder", 1, Dict::new())[0];
    for parrot in &parrots {
        connect(&mut kernel, *parrot, recorder, Dict::new());
    }
    let onto_first = Dict::new().with("delay", delay);
    if change.is_some() {
        connect(&mut kernel, generator, parrots[0], onto_first.clone());
    }
    connect(&mut kernel, parrots[0], parrots[1], Dict::new().with("delay", 2.0));
    connect(&mut kernel, parrots[1], parrots[2], Dict::new().with("delay", 1.0));
    simulate(&mut kernel, cut);
    match change {
        Some(change) => set(&mut kernel, generator, change).unwrap(),
        None => connect(&mut kernel, generator, parrots[0], onto_first),
    }
    simulate(&mut kernel, 20.0);
    let (times, senders) = (floats(&mut kernel, recorder, "times"), floats(&mut kernel, recorder, "senders"));
    [0, 1, 2].map(|place| {
        let of = |sender: &f64| *sender == f64::from(parrots[place]);
        times.iter().zip(&senders).filter(|(_, sender)| of(sender)).map(|(time, _)| *time).collect()
    })
}

fn times(times: &[f64]) -> Dict {
    Dict::new().with("spike_times", times.to_vec())
}

#[test]
fn parrots_repeat_what_was_emitted_before_a_generator_changed() {
    let found = chain(1.0, times(&[5.0]), 5.0, Some(times(&[10.0])));
    assert_eq!(found, [vec![6.0, 11.0], vec![8.0, 13.0], vec![9.0, 14.0]]);
    let found = chain(5.0, times(&[3.0, 4.0]), 5.0, Some(Dict::new().with("stop", 2.0)));
    assert_eq!(found, [vec![8.0, 9.0], vec![10.0, 11.0], vec![11.0, 12.0]]);
    let found = chain(5.0, times(&[9.0]), 5.0, Some(times(&[3.0, 4.0, 9.0])));
    assert_eq!(found, [vec![14.0], vec![16.0], vec![17.0]]);
    let found = chain(5.0, times(&[3.0, 4.0, 5.0, 7.0]), 5.0, None);
    assert_eq!(found, [vec![12.0], vec![14.0], vec![15.0]]);
    let found = chain(3.0, times(&[3.0, 8.0]), 5.0, Some(Dict::new().with("origin", 10.0)));
    assert_eq!(found, [vec![6.0, 16.0, 21.0], vec![8.0, 18.0, 23.0], vec![9.0, 19.0, 24.0]]);
    let counts = Dict::new().with("spike_multiplicities", vec![3.0, 0.0, 2.0, 2.0]);
    let found = chain(4.0, times(&[3.0, 4.0, 5.0, 6.0]), 5.0, Some(counts));
    let expected = [
        vec![7.0, 8.0, 9.0, 10.0, 10.0],
        vec![9.0, 10.0, 11.0, 12.0, 12.0],
        vec![10.0, 11.0, 12.0, 13.0, 13.0],
    ];
    assert_eq!(found, expected);
}

#[test]
fn parrots_in_a_circle_pass_a_spike_on_for_ever() {
    let mut kernel = kernel(1.0);
    let generator = create(&mut kernel, "spike_generator", 1, times(&[2.0]))[0];
    let parrots = create(&mut kernel, "parrot_neuron", 2, Dict::new());
    let recorder = create(&mut kernel, "spike_recorder", 1, Dict::new())[0];
    connect(&mut kernel, generator, parrots[0], Dict::new());
    connect(&mut kernel, parrots[0], parrots[1], Dict::new().with("delay", 2.0));
    connect(&mut kernel, parrots[1], parrots[0], Dict::new().with("delay", 3.0));
    connect(&mut kernel, parrots[0], recorder, Dict::new());
    for cut in [1.0, 3.0, 4.0, 10.0] {
        simulate(&mut kernel, cut);
    }
    assert_eq!(floats(&mut kernel, recorder, "times"), [3.0, 8.0, 13.0, 18.0]);
}

/// By how much the voltage of a neuron that forgets nothing changes, and when: spikes of a generator at 3, 4, 5 and 6 ms,
/// or of a parrot behind it, go over a synapse whose weight becomes 100 at `cut`, or that is made then with that weight.
fn jumps(model: &str, from_parrot: bool, cut: f64, delay: f64, synapse: &str, new: bool) -> Vec<(f64, f64)> {
    let mut kernel = kernel(1.0);
    let generator = create(&mut kernel, "spike_generator", 1, times(&[3.0, 4.0, 5.0, 6.0]))[0];
    let parrot = create(&mut kernel, "parrot_neuron", 1, Dict::new())[0];
    let params = Dict::new().with("V_th", 1e9).with("tau_m", 1e9).with("E_L", 0.0).with("V_m", 0.0);
    let neuron = create(&mut kernel, model, 1, params)[0];
    let recorded = Dict::new().with("record_from", &["V_m"][..]).with("interval", 1.0);
    let recorder = create(&mut kernel, "multimeter", 1, recorded)[0];
    connect(&mut kernel, recorder, neuron, Dict::new());
    connect(&mut kernel, generator, parrot, Dict::new());
    let source = if from_parrot { parrot } else { generator };
    let with =
        |weight: f64| Dict::new().with("synapse_model", synapse).with("delay", delay).with("weight", weight);
    if !new {
        connect(&mut kernel, source, neuron, with(1.0));
    }
    simulate(&mut kernel, cut);
    if new {
        connect(&mut kernel, source, neuron, with(100.0));
    } else {
        let filter = ConnectionFilter {
            sources: Some(vec![source]),
            targets: Some(vec![neuron]),
            synapse_model: None,
        };
        let table = kernel.get_connections(&filter).unwrap();
        let places = table.projection.iter().zip(&table.entry);
        let handles: Vec<ConnectionHandle> = places
            .map(|(projection, entry)| ConnectionHandle { projection: *projection, entry: *entry })
            .collect();
        kernel.set_connections(&handles, &Params::Shared(Dict::new().with("weight", 100.0))).unwrap();
    }
    simulate(&mut kernel, 4.0);
    simulate(&mut kernel, 10.0);
    let voltage = floats(&mut kernel, recorder, "V_m");
    let before = std::iter::once(&0.0).chain(&voltage);
    let changes = voltage.iter().zip(before).map(|(now, then)| (now - then).round());
    (1..)
        .zip(changes)
        .filter(|(_, change)| *change != 0.0)
        .map(|(at, change)| (f64::from(at), change))
        .collect()
}

#[test]
fn a_spike_in_flight_keeps_the_weight_that_it_was_handed_over_with() {
    for model in ["eprop_iaf_bsshslm_2020", "eprop_iaf"] {
        let of = |from_parrot, cut, delay| jumps(model, from_parrot, cut, delay, "static_synapse", false);
        // A generator hands a spike over in the step in which it emits it.
        assert_eq!(of(false, 4.0, 1.0), [(4.0, 1.0), (5.0, 1.0), (6.0, 100.0), (7.0, 100.0)]);
        assert_eq!(of(false, 5.0, 1.0), [(4.0, 1.0), (5.0, 1.0), (6.0, 1.0), (7.0, 100.0)]);
        assert_eq!(of(false, 5.0, 3.0), [(6.0, 1.0), (7.0, 1.0), (8.0, 1.0), (9.0, 100.0)]);
        assert_eq!(of(false, 6.0, 3.0), [(6.0, 1.0), (7.0, 1.0), (8.0, 1.0), (9.0, 1.0)]);
        // A parrot hands it over in the step after.
        assert_eq!(of(true, 5.0, 1.0), [(5.0, 1.0), (6.0, 100.0), (7.0, 100.0), (8.0, 100.0)]);
        assert_eq!(of(true, 5.0, 3.0), [(7.0, 1.0), (8.0, 100.0), (9.0, 100.0), (10.0, 100.0)]);
        assert_eq!(of(true, 6.0, 3.0), [(7.0, 1.0), (8.0, 1.0), (9.0, 100.0), (10.0, 100.0)]);
    }
}

#[test]
fn a_new_synapse_transmits_what_is_emitted_from_then_on() {
    for (model, plastic) in
        [("eprop_iaf_bsshslm_2020", "eprop_synapse_bsshslm_2020"), ("eprop_iaf", "eprop_synapse")]
    {
        let of = |cut, delay| jumps(model, false, cut, delay, "static_synapse", true);
        assert_eq!(of(4.0, 1.0), [(6.0, 100.0), (7.0, 100.0)]);
        assert_eq!(of(5.0, 3.0), [(9.0, 100.0)]);
        assert_eq!(of(6.0, 3.0), []);
        let of = |cut| jumps(model, true, cut, 1.0, plastic, true);
        assert_eq!(of(4.0), [(6.0, 100.0), (7.0, 100.0), (8.0, 100.0)]);
        assert_eq!(of(5.0), [(7.0, 100.0), (8.0, 100.0)]);
        assert_eq!(of(6.0), [(8.0, 100.0)]);
    }
}

/// Steps in which a generator emits, and its times, after they were set at `now` (ms) with a resolution of 0.1 ms.
fn emitted(now: f64, params: Dict) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut kernel = kernel(0.1);
    kernel.set(&Dict::new().with("eprop_update_interval", 100.0)).unwrap();
    let generator = create(&mut kernel, "spike_generator", 1, Dict::new())[0];
    let recorder = create(&mut kernel, "spike_recorder", 1, Dict::new().with("time_in_steps", true))[0];
    connect(&mut kernel, generator, recorder, Dict::new());
    simulate(&mut kernel, now);
    set(&mut kernel, generator, params)?;
    simulate(&mut kernel, 20.0);
    let Value::Numbers(held) = kernel.get_nodes(&[generator], "spike_times")?.remove(0) else { panic!() };
    Ok((floats(&mut kernel, recorder, "times"), held))
}

#[test]
fn spike_times_lie_on_the_grid_as_in_nest() {
    let moved = |time: f64| times(&[time]).with("allow_offgrid_times", true);
    let steps = |now, params| emitted(now, params).unwrap().0;
    for (time, step) in [(3.0001, 30.0), (3.0004, 30.0), (3.0006, 31.0), (3.04, 31.0), (3.06, 31.0)] {
        assert_eq!(steps(0.0, moved(time)), [step], "{time}");
    }
    for time in [f64::from(3.3_f32), 3.3004, 3.2996] {
        assert_eq!(steps(0.0, times(&[time])), [33.0], "{time}");
    }
    for time in [3.3006, 3.2994, 0.0, -1.0] {
        assert_eq!(emitted(0.0, times(&[time])).unwrap_err().code, ErrorCode::BadProperty, "{time}");
    }
    let shifted = |list: &[f64]| times(list).with("shift_now_spikes", true);
    assert_eq!(emitted(10.0, shifted(&[10.0, 11.0])).unwrap(), (vec![101.0, 110.0], vec![10.1, 11.0]));
    assert_eq!(steps(0.0, shifted(&[0.0, 11.0])), [1.0, 110.0]);
    assert_eq!(steps(10.0, shifted(&[9.9, 10.0, 10.1])), [101.0, 101.0]);
    assert_eq!(steps(10.0, shifted(&[5.0, 6.0]).with("origin", 5.0)), [101.0, 110.0]);
    assert_eq!(steps(10.0, shifted(&[9.95]).with("allow_offgrid_times", true)), [101.0]);
    let code = |params| emitted(0.0, params).unwrap_err().code;
    let precise = times(&[3.3]).with("precise_times", true);
    assert_eq!(code(precise.clone().with("shift_now_spikes", true)), ErrorCode::BadProperty);
    assert_eq!(code(precise), ErrorCode::NotImplemented);
    let mut kernel = kernel(0.1);
    let generator = create(&mut kernel, "spike_generator", 1, times(&[3.3]))[0];
    let error = set(&mut kernel, generator, Dict::new().with("allow_offgrid_times", true)).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadProperty);
}

/// The target signal of a readout, from the first step on. Generators are made before (`b`) or after (`a`) it.
fn targets(model: &str, order: &str, generators: &[Dict], change: Option<(f64, Dict)>) -> Vec<f64> {
    let mut kernel = kernel(1.0);
    let mut made = vec![0; generators.len()];
    let make = |kernel: &mut Kernel, which: char, made: &mut Vec<u32>| {
        for (place, _) in order.chars().enumerate().filter(|(_, of)| *of == which) {
            made[place] = create(kernel, "step_rate_generator", 1, generators[place].clone())[0];
        }
    };
    make(&mut kernel, 'b', &mut made);
    let readout = create(&mut kernel, model, 1, Dict::new())[0];
    make(&mut kernel, 'a', &mut made);
    let recorded = Dict::new().with("record_from", &["target_signal"][..]).with("interval", 1.0);
    let recorder = create(&mut kernel, "multimeter", 1, recorded)[0];
    connect(&mut kernel, recorder, readout, Dict::new());
    let rate = |receptor: f64, delay: f64| {
        Dict::new()
            .with("synapse_model", "rate_connection_delayed")
            .with("receptor_type", receptor)
            .with("delay", delay)
    };
    if model == "eprop_readout" {
        let window = Dict::new().with("amplitude_times", vec![1.0]).with("amplitude_values", vec![1.0]);
        let window = create(&mut kernel, "step_rate_generator", 1, window)[0];
        connect(&mut kernel, window, readout, rate(1.0, 1.0));
    }
    for generator in &made {
        connect(&mut kernel, *generator, readout, rate(2.0, 3.0));
    }
    if let Some((cut, change)) = change {
        simulate(&mut kernel, cut);
        set(&mut kernel, made[0], change).unwrap();
    }
    simulate(&mut kernel, 2.0);
    simulate(&mut kernel, 10.0);
    let mut signal = floats(&mut kernel, recorder, "target_signal");
    signal.truncate(11);
    signal
}

fn amplitudes(times: &[f64], values: &[f64]) -> Dict {
    Dict::new().with("amplitude_times", times.to_vec()).with("amplitude_values", values.to_vec())
}

#[test]
fn a_readout_goes_on_with_the_rate_that_came_last() {
    let rates = amplitudes(&[3.0, 5.0, 9.0], &[1.0, 2.0, 3.0]);
    let one =
        |order, rates: &Dict, change| targets("eprop_readout", order, std::slice::from_ref(rates), change);
    // A generator made before a readout hands its rate over a step earlier; no delay counts.
    assert_eq!(one("b", &rates, None), [0., 0., 1., 1., 2., 2., 2., 2., 3., 3., 3.]);
    assert_eq!(one("a", &rates, None), [0., 0., 0., 1., 1., 2., 2., 2., 2., 3., 3.]);
    let some = rates.clone().with("start", 4.0).with("stop", 8.0);
    assert_eq!(one("b", &some, None), [0., 0., 0., 1., 2., 2., 2., 2., 2., 2., 2.]);
    assert_eq!(one("a", &some, None), [0., 0., 0., 0., 1., 2., 2., 2., 2., 2., 2.]);
    // The origin moves the window and no times.
    let moved = rates.clone().with("start", 2.0).with("stop", 4.0).with("origin", 2.0);
    assert_eq!(one("b", &moved, None), [0., 0., 0., 1., 2., 2., 2., 2., 2., 2., 2.]);
    // What was sent stays sent, and times that are over do not count.
    let stops = |at: f64| Some((5.0, Dict::new().with("stop", at)));
    assert_eq!(one("a", &rates, stops(5.0)), [0., 0., 0., 1., 1., 2., 2., 2., 2., 2., 2.]);
    let late = || Some((5.0, amplitudes(&[4.0, 7.0], &[9.0, 8.0])));
    assert_eq!(one("b", &rates, late()), [0., 0., 1., 1., 2., 2., 8., 8., 8., 8., 8.]);
    assert_eq!(one("a", &rates, late()), [0., 0., 0., 1., 1., 2., 2., 8., 8., 8., 8.]);
    // Several generators.
    let a = amplitudes(&[3.0, 5.0], &[1.0, 2.0]);
    let b = amplitudes(&[2.0, 6.0], &[10.0, 20.0]);
    let two = |order, a: &Dict, b: &Dict| targets("eprop_readout", order, &[a.clone(), b.clone()], None);
    assert_eq!(two("aa", &a, &b), [0., 0., 10., 10., 10., 10., 20., 20., 20., 20., 20.]);
    assert_eq!(two("ab", &a, &b), [0., 10., 10., 10., 10., 20., 20., 20., 20., 20., 20.]);
    assert_eq!(two("ba", &a, &b), [0., 0., 1., 1., 2., 2., 2., 2., 2., 2., 2.]);
    assert_eq!(two("ba", &a.clone().with("stop", 8.0), &b), [0., 0., 1., 1., 2., 2., 2., 20., 20., 20., 20.]);
    let (late_a, late_b) = (a.clone().with("start", 7.0), b.clone().with("start", 8.0));
    assert_eq!(two("aa", &late_a, &late_b), [0., 0., 0., 0., 0., 0., 0., 2., 20., 20., 20.]);
    assert_eq!(two("bb", &late_a, &late_b), [0., 0., 0., 0., 0., 0., 2., 20., 20., 20., 20.]);
    let interval =
        |order, change| targets("eprop_readout_bsshslm_2020", order, std::slice::from_ref(&rates), change);
    assert_eq!(interval("b", None), [0., 0., 0., 0., 2., 2., 2., 2., 3., 3., 3.]);
    assert_eq!(interval("a", None), [0., 0., 0., 0., 1., 2., 2., 2., 2., 3., 3.]);
    let next = || Some((6.0, amplitudes(&[7.0], &[9.0])));
    assert_eq!(interval("b", next()), [0., 0., 0., 0., 2., 2., 9., 9., 9., 9., 9.]);
    assert_eq!(interval("a", next()), [0., 0., 0., 0., 1., 2., 2., 9., 9., 9., 9.]);
}

#[test]
fn models_have_the_receptors_that_nest_gives_them() {
    let spiking = ["eprop_iaf", "eprop_iaf_adapt_bsshslm_2020", "eprop_readout", "spike_recorder"];
    for (model, has) in spiking.into_iter().map(|model| (model, 1)).chain([("parrot_neuron", 2)]) {
        for receptor in 0..4_u32 {
            let mut kernel = kernel(1.0);
            let generator = create(&mut kernel, "spike_generator", 1, Dict::new());
            let target = create(&mut kernel, model, 1, Dict::new());
            let synapse = Dict::new().with("receptor_type", f64::from(receptor));
            let result = kernel.connect(&generator, &target, &Dict::new(), &synapse);
            let expected = if receptor < has { Ok(()) } else { Err(ErrorCode::UnknownReceptorType) };
            assert_eq!(result.map_err(|error| error.code), expected, "{model} {receptor}");
        }
    }
    let mut kernel = kernel(1.0);
    let generator = create(&mut kernel, "spike_generator", 1, times(&[2.0, 3.0]))[0];
    let parrot = create(&mut kernel, "parrot_neuron", 1, Dict::new())[0];
    let recorder = create(&mut kernel, "spike_recorder", 1, Dict::new())[0];
    connect(&mut kernel, generator, parrot, Dict::new().with("receptor_type", 1.0));
    connect(&mut kernel, parrot, recorder, Dict::new());
    simulate(&mut kernel, 10.0);
    assert_eq!(floats(&mut kernel, recorder, "times"), [0.0; 0]);
}

/// No recording but a property: each connection of a Poisson generator carries a train of its own, whatever is made
/// besides or afterwards, and a change of the rate changes none of the spikes in flight.
#[test]
fn each_connection_of_a_poisson_generator_has_its_own_train() {
    let run = |grown: bool, change: bool| {
        let mut kernel = kernel(1.0);
        let generator = create(&mut kernel, "poisson_generator", 1, Dict::new().with("rate", 300.0));
        let parrots = create(&mut kernel, "parrot_neuron", 3, Dict::new());
        let neuron = create(&mut kernel, "eprop_iaf", 1, Dict::new().with("V_th", 1e9).with("E_L", 0.0));
        let recorders = create(&mut kernel, "spike_recorder", 3, Dict::new());
        let sampled = Dict::new().with("record_from", &["V_m"][..]).with("interval", 1.0);
        let sampler = create(&mut kernel, "multimeter", 1, sampled)[0];
        connect(&mut kernel, sampler, neuron[0], Dict::new());
        let late = Dict::new().with("delay", 10.0);
        kernel.connect(&generator, &parrots, &Dict::new(), &late).unwrap();
        kernel.connect(&generator, &neuron, &Dict::new(), &late).unwrap();
        let each = Dict::new().with("rule", "one_to_one");
        kernel.connect(&parrots, &recorders, &each, &Dict::new()).unwrap();
        simulate(&mut kernel, 200.0);
        if grown {
            let more = create(&mut kernel, "parrot_neuron", 2, Dict::new());
            kernel.connect(&generator, &more, &Dict::new(), &Dict::new()).unwrap();
        }
        if change {
            set(&mut kernel, generator[0], Dict::new().with("rate", 0.0)).unwrap();
        }
        simulate(&mut kernel, if change { 10.0 } else { 100.0 });
        let mut found: Vec<Vec<f64>> =
            recorders.iter().map(|recorder| floats(&mut kernel, *recorder, "times")).collect();
        found.push(floats(&mut kernel, sampler, "V_m"));
        found
    };
    let plain = run(false, false);
    assert_eq!(plain, run(true, false));
    for (place, train) in plain[..3].iter().enumerate() {
        assert!((60..130).contains(&train.len()), "{} spikes", train.len());
        assert!(plain[..place].iter().all(|other| other != train));
    }
    let changed = run(false, true);
    for (changed, plain) in changed[..3].iter().zip(&plain) {
        let before: Vec<f64> = plain.iter().copied().filter(|time| *time <= 210.0).collect();
        assert_eq!(*changed, before, "what is in flight arrives, and nothing else");
    }
    assert!(changed[..3].iter().flatten().any(|time| *time > 203.0));
    let steps = changed[3].len();
    assert!(changed[3].iter().zip(&plain[3][..steps]).all(|(a, b)| (a - b).abs() < 1e-9));
    assert!(changed[3][202..].windows(2).any(|pair| pair[1] > pair[0]));
}

#[test]
fn a_readout_that_is_made_late_reads_what_is_sent_from_then_on() {
    let cases =
        [("b", 100.0, [0., 2., 2., 2.]), ("a", 100.0, [0., 0., 2., 2.]), ("b", 4.0, [0., 0., 0., 0.])];
    for (order, stop, expected) in cases {
        let mut kernel = kernel(1.0);
        let made = create(&mut kernel, "parrot_neuron", 1, Dict::new());
        assert_eq!(made, [1]);
        let rates = amplitudes(&[3.0, 7.0], &[1.0, 2.0]).with("stop", stop);
        let before = create(&mut kernel, "step_rate_generator", 1, rates.clone())[0];
        simulate(&mut kernel, 5.0);
        let readout = create(&mut kernel, "eprop_readout", 1, Dict::new())[0];
        let after = create(&mut kernel, "step_rate_generator", 1, rates)[0];
        let window = amplitudes(&[6.0], &[1.0]);
        let window = create(&mut kernel, "step_rate_generator", 1, window)[0];
        let recorded = Dict::new().with("record_from", &["target_signal"][..]).with("interval", 1.0);
        let recorder = create(&mut kernel, "multimeter", 1, recorded)[0];
        connect(&mut kernel, recorder, readout, Dict::new());
        for (generator, receptor) in [(window, 1.0), (if order == "b" { before } else { after }, 2.0)] {
            let rate =
                Dict::new().with("synapse_model", "rate_connection_delayed").with("receptor_type", receptor);
            connect(&mut kernel, generator, readout, rate);
        }
        simulate(&mut kernel, 5.0);
        assert_eq!(floats(&mut kernel, recorder, "target_signal"), expected, "{order} {stop}");
    }
}
