//! What it costs to simulate: steps of neurons and the delivery of spikes. Elements are neuron-steps, synaptic events
//! or numbers.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eprop::internals::row;

mod networks;
use networks::{ADAPTATION, NEURONS, Network, Rule, STEPS, SURROGATES, short};

/// Steps of neurons without synapses.
fn neuron_step(criterion: &mut Criterion) {
    for (rule, name) in [(Rule::Interval, "neuron_step"), (Rule::Spike, "neuron_step_plus")] {
        let mut group = criterion.benchmark_group(name);
        for surrogate in SURROGATES {
            for (kind, adaptive) in ADAPTATION {
                let mut network = Network::new(rule, STEPS);
                network.silent(NEURONS, surrogate, adaptive);
                network.bench(&mut group, BenchmarkId::new(surrogate, kind), STEPS, NEURONS * STEPS);
            }
        }
    }
}

/// Spikes of 64 neurons a step over static synapses.
fn delivery(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("delivery");
    for (name, indegree) in [("dense", None), ("sparse", Some(16))] {
        let mut network = Network::new(Rule::Interval, STEPS);
        let sources = network.clocks(64, 1.0);
        let targets = network.silent(NEURONS, "piecewise_linear", false);
        network.fixed(&sources, &targets, indegree);
        let synapses = NEURONS * indegree.unwrap_or(sources.len());
        network.bench(&mut group, BenchmarkId::from_parameter(name), STEPS, synapses * STEPS);
    }
}

/// Operations on rows of synapses.
fn rows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("row");
    group.throughput(Throughput::Elements(NEURONS as u64));
    let row = vec![0.25; NEURONS];
    let mut sum = vec![0.0; NEURONS];
    group.bench_function("add", |bencher| bencher.iter(|| row::add(black_box(&mut sum), &row)));
    group.bench_function("add_scaled", |bencher| {
        bencher.iter(|| row::add_scaled(black_box(&mut sum), &row, 0.5));
    });
    // Every neuron is reached once, out of order.
    let places: Vec<u32> = (0..NEURONS as u32).map(|place| place * 389 % NEURONS as u32).collect();
    group.bench_function("scatter", |bencher| {
        bencher.iter(|| row::scatter(black_box(&mut sum), 0, &places, &row, 0.5));
    });
    group.bench_function("gather", |bencher| {
        bencher.iter(|| row::gather(black_box(&mut sum), &places, &row));
    });
}

fn exp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("math");
    group.throughput(Throughput::Elements(NEURONS as u64));
    let distances: Vec<f64> = (0..NEURONS).map(|place| place as f64 / -100.0).collect();
    group.bench_function("exp", |bencher| {
        bencher.iter(|| black_box(&distances).iter().map(|x| eprop::base::math::exp(*x)).sum::<f64>());
    });
}

criterion_group! { name = benches; config = short(); targets = neuron_step, delivery, rows, exp }
criterion_main!(benches);
