//! What it costs to learn: backward pass, row additions, optimizers, traces of e-prop+. Elements are neuron-steps,
//! synaptic events, synapses or synapse-steps; simulating is included where a network runs.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eprop::optimizer::{METHODS, Method, OptimizerProperties, Row};

mod networks;
use networks::{ADAPTATION, NEURONS, Network, Rule, STEPS, short};

/// Steps of neurons, forward and backward: one plastic row that fires once an interval asks for the factors.
fn backward_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("backward_step");
    for (kind, adaptive) in ADAPTATION {
        for readouts in [0, 2, 20] {
            let mut network = Network::new(Rule::Interval, STEPS);
            let source = network.clocks(1, STEPS as f64);
            let neurons = network.silent(NEURONS, "piecewise_linear", adaptive);
            network.plastic(&source, &neurons, "gradient_descent");
            if readouts > 0 {
                network.readouts(readouts, &neurons);
            }
            let id = BenchmarkId::new(kind, format!("{readouts} readouts"));
            network.bench(&mut group, id, STEPS, NEURONS * STEPS);
        }
    }
}

/// Spikes of 64 neurons a step over plastic synapses: delivered, and added to the gradient.
fn row_addition(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("row_addition");
    for neurons in [64, 256, NEURONS] {
        let mut network = Network::new(Rule::Interval, STEPS);
        let sources = network.clocks(64, 1.0);
        let targets = network.silent(neurons, "piecewise_linear", false);
        network.plastic(&sources, &targets, "gradient_descent");
        let events = sources.len() * neurons * STEPS;
        network.bench(&mut group, BenchmarkId::from_parameter(neurons), STEPS, events);
    }
}

/// An optimizer's call for each of a million synapses, from memory, and for those of a row, from cache.
fn optimizers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("optimizer");
    for (place, synapses) in [("cached", NEURONS), ("streamed", 1 << 20)] {
        group.throughput(Throughput::Elements(synapses as u64));
        let gradients = vec![1e-3; synapses];
        let [mut weights, mut first, mut second] = [0.1, 0.0, 0.0].map(|value| vec![value; synapses]);
        for (name, values) in [("gradient_descent", &[][..]), ("adam", &[0.9, 0.999, 1e-8])] {
            let kind = METHODS.iter().position(|entry| entry.name == name).expect("a method");
            let optimizer = OptimizerProperties {
                method: Method::with_values(kind, values).expect("its values"),
                eta: 1e-9,
                eta_first: 1e-9,
                eta_set: true,
                batch_size: 4,
                l2: 0.0,
                w_min: -100.0,
                w_max: 100.0,
                optimize_each_step: false,
            };
            group.bench_function(BenchmarkId::new(name, place), |bencher| {
                bencher.iter(|| {
                    let (weights, first, second) =
                        (black_box(&mut weights[..]), &mut first[..], &mut second[..]);
                    optimizer.step(1e-9, 1, Row { weights, first, second }, Some(&gradients));
                });
            });
        }
    }
}

/// Windows of 50 steps between the spikes of 64 neurons over plastic synapses (e-prop+).
fn spike_window(criterion: &mut Criterion) {
    const WINDOW: usize = 50;
    const SOURCES: usize = 64;
    let mut group = criterion.benchmark_group("spike_window");
    for neurons in [16, 256] {
        for (kind, adaptive) in ADAPTATION {
            let mut network = Network::new(Rule::Spike, STEPS);
            let sources = network.clocks(SOURCES, WINDOW as f64);
            let targets = network.silent(neurons, "piecewise_linear", adaptive);
            network.plastic(&sources, &targets, "gradient_descent");
            let id = BenchmarkId::new(kind, neurons);
            network.bench(&mut group, id, STEPS, SOURCES * neurons * STEPS);
        }
    }
    let mut network = Network::new(Rule::Spike, STEPS);
    let sources = network.clocks(SOURCES, WINDOW as f64);
    let readouts = network.readouts(16, &sources);
    network.plastic(&sources, &readouts, "gradient_descent");
    network.bench(&mut group, BenchmarkId::new("readouts", 16), STEPS, SOURCES * 16 * STEPS);
}

criterion_group! { name = benches; config = short(); targets = backward_step, row_addition, optimizers, spike_window }
criterion_main!(benches);
