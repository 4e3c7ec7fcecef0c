//! Feedback that follows the readouts' weights, against feedback that is set by hand and against what must hold of both.

use eprop::base::control::RunControl;
use eprop::describe::connections::{ConnectionFilter, ConnectionTable};
use eprop::random::NumpyRandom;
use eprop::tables::value::Params;
use eprop::{Dict, ErrorCode, Kernel, Value};
use proptest::prelude::*;

const INTERVAL: f64 = 40.0;
const SIGNALS: &str = "eprop_learning_signal_connection_bsshslm_2020";
const PLASTIC: &str = "eprop_synapse_bsshslm_2020";

/// A small network that learns; the last two readouts read the second half of the neurons only.
struct Network {
    kernel: Kernel,
    neurons: Vec<u32>,
    readouts: Vec<u32>,
}

impl Network {
    fn new(seed: u32, feedback: &str, decay: f64, optimizer: &str, eta: f64, batch: f64) -> Self {
        let mut random = NumpyRandom::new(seed);
        let mut kernel = Kernel::new();
        kernel
            .set(
                &Dict::new()
                    .with("resolution", 1.0)
                    .with("eprop_update_interval", INTERVAL)
                    .with("eprop_learning_window", INTERVAL)
                    .with("eprop_reset_neurons_on_update", seed.is_multiple_of(2)),
            )
            .unwrap();
        let mut create = |model: &str, n: usize, params: Dict| -> Vec<u32> {
            let first = kernel.create(model, n as f64, &Params::Shared(params)).unwrap();
            (first..first + n as u32).collect()
        };
        let inputs = create("spike_generator", 6, Dict::new());
        let cell = Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0).with("V_th", 0.4);
        let neurons = create("eprop_iaf_bsshslm_2020", 8, cell.with("t_ref", 0.0).with("c_reg", 1.0));
        let params = Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0);
        let readouts = create("eprop_readout_bsshslm_2020", 3, params);
        for input in &inputs {
            let times: Vec<f64> = (1..600).filter(|_| random.random() < 0.2).map(f64::from).collect();
            kernel.set_nodes(&[*input], &Params::Shared(Dict::new().with("spike_times", times))).unwrap();
        }
        let optimizer = Dict::new().with("type", optimizer).with("eta", eta).with("batch_size", batch);
        kernel.set_defaults(PLASTIC, &Dict::new().with("optimizer", optimizer)).unwrap();
        let source = Dict::new().with("feedback", feedback).with("feedback_decay", decay);
        kernel.set_defaults(SIGNALS, &source).unwrap();
        let mut connect = |from: &[u32], to: &[u32], model: &str| {
            for source in from {
                let weight: Vec<f64> = to.iter().map(|_| random.randn() * 0.4).collect();
                let from: Vec<u32> = to.iter().map(|_| *source).collect();
                let synapse = Dict::new().with("synapse_model", model).with("weight", weight);
                kernel.connect_pairs(&from, to, &synapse).unwrap();
            }
        };
        connect(&inputs, &neurons, PLASTIC);
        connect(&neurons, &readouts[..1], PLASTIC);
        connect(&neurons[4..], &readouts[1..], PLASTIC);
        connect(&readouts, &neurons, SIGNALS);
        Self { kernel, neurons, readouts }
    }

    fn simulate(&mut self, intervals: f64) {
        self.kernel.simulate(intervals * INTERVAL, &RunControl::default()).unwrap();
    }

    fn between(&self, sources: &[u32], targets: &[u32]) -> ConnectionTable {
        let filter = ConnectionFilter {
            sources: Some(sources.to_vec()),
            targets: Some(targets.to_vec()),
            synapse_model: None,
        };
        self.kernel.get_connections(&filter).unwrap()
    }

    /// Weights between all neurons and readouts, a row of neurons per readout: of feedback, and of what readouts read.
    fn both(&self) -> (Vec<f64>, Vec<f64>) {
        let (n, k) = (self.neurons.len(), self.readouts.len());
        let mut weights = [vec![0.0; n * k], vec![0.0; n * k]];
        let place = |nodes: &[u32], node: u32| nodes.iter().position(|other| *other == node).unwrap();
        for (at, backwards) in weights.iter_mut().zip([true, false]) {
            let (from, to) =
                if backwards { (&self.readouts, &self.neurons) } else { (&self.neurons, &self.readouts) };
            let table = self.between(from, to);
            for ((source, target), weight) in table.source.iter().zip(&table.target).zip(&table.weight) {
                let (readout, neuron) = if backwards { (source, target) } else { (target, source) };
                at[place(&self.readouts, *readout) * n + place(&self.neurons, *neuron)] += weight;
            }
        }
        let [feedback, readout] = weights;
        (feedback, readout)
    }

    fn set_feedback(&mut self, weights: &[f64]) {
        let table = self.between(&self.readouts, &self.neurons);
        let n = self.neurons.len();
        let (first_neuron, first_readout) = (self.neurons[0], self.readouts[0]);
        let weight: Vec<f64> = table
            .source
            .iter()
            .zip(&table.target)
            .map(|(k, j)| weights[(k - first_readout) as usize * n + (j - first_neuron) as usize])
            .collect();
        let handles: Vec<_> = table
            .projection
            .iter()
            .zip(&table.entry)
            .map(|(projection, entry)| eprop::describe::connections::ConnectionHandle {
                projection: *projection,
                entry: *entry,
            })
            .collect();
        self.kernel
            .set_connections(&handles, &Params::Shared(Dict::new().with("weight", Value::Numbers(weight))))
            .unwrap();
    }

    fn weights(&self) -> Vec<f64> {
        self.kernel.get_connections(&ConnectionFilter::default()).unwrap().weight
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Symmetric feedback learns what random feedback learns whose weights are set to the readouts' in every interval.
    #[test]
    fn symmetric_is_set_by_hand(seed in 0u32..1000, batch in 1u32..3, adam in any::<bool>()) {
        let optimizer = if adam { "adam" } else { "gradient_descent" };
        let mut symmetric = Network::new(seed, "symmetric", 0.1, optimizer, 1e-2, f64::from(batch));
        let mut by_hand = Network::new(seed, "random", 0.1, optimizer, 1e-2, f64::from(batch));
        symmetric.simulate(0.5);
        by_hand.simulate(0.5);
        for _ in 0..5 {
            let (feedback, readout) = symmetric.both();
            prop_assert_eq!(&feedback, &readout);
            let (_, readout) = by_hand.both();
            by_hand.set_feedback(&readout);
            symmetric.simulate(1.0);
            by_hand.simulate(1.0);
        }
        let (_, readout) = by_hand.both();
        by_hand.set_feedback(&readout);
        prop_assert_eq!(symmetric.weights(), by_hand.weights());
    }

    /// What adaptive feedback and the readouts' weights differ in decays by the same share in every update.
    #[test]
    fn adaptive_approaches_the_readouts(seed in 0u32..1000, decay in 0.0f64..0.5, adam in any::<bool>()) {
        let optimizer = if adam { "adam" } else { "gradient_descent" };
        let mut network = Network::new(seed, "adaptive", decay, optimizer, 1e-2, 2.0);
        let (feedback, readout) = network.both();
        let begun: Vec<f64> = feedback.iter().zip(&readout).map(|(b, w)| b - w).collect();
        network.simulate(6.5);
        let (feedback, after) = network.both();
        prop_assert!(after != readout);
        for ((feedback, readout), begun) in feedback.iter().zip(&after).zip(&begun) {
            let left = begun * (1.0 - decay).powi(3);
            prop_assert!((feedback - readout - left).abs() < 1e-12, "{feedback} {readout} {left}");
        }
    }
}

/// A rate of zero is that of a validation, which is to change nothing.
#[test]
fn adaptive_feedback_stays_without_a_learning_rate() {
    let mut network = Network::new(3, "adaptive", 0.25, "gradient_descent", 0.0, 1.0);
    let before = network.both();
    network.simulate(2.5);
    assert_eq!(network.both(), before);
    let optimizer = Dict::new().with("optimizer", Dict::new().with("eta", 1e-3));
    network.kernel.set_defaults(PLASTIC, &optimizer).unwrap();
    network.simulate(2.0);
    let learned = network.both();
    assert!(learned.0 != before.0 && learned.1 != before.1);
}

/// Where synapses onto readouts have batches of different lengths, feedback decays with those that it follows.
#[test]
fn adaptive_feedback_decays_with_its_own_readout() {
    let mut network = Network::new(3, "adaptive", 0.25, "gradient_descent", 1e-300, 1.0);
    let slow = "slow";
    network.kernel.copy_model(PLASTIC, slow, &Dict::new()).unwrap();
    let values = Dict::new().with("optimizer", Dict::new().with("batch_size", 2.0));
    network.kernel.set_defaults(slow, &values).unwrap();
    let params = Dict::new().with("C_m", 1.0).with("E_L", 0.0).with("V_m", 0.0);
    let last = network.kernel.create("eprop_readout_bsshslm_2020", 1.0, &Params::Shared(params)).unwrap();
    for neuron in network.neurons.clone() {
        for (from, to, model) in [(neuron, last, slow), (last, neuron, SIGNALS)] {
            let synapse = Dict::new().with("synapse_model", model).with("weight", 0.4);
            network.kernel.connect_pairs(&[from], &[to], &synapse).unwrap();
        }
    }
    network.readouts.push(last);
    let (feedback, readout) = network.both();
    network.simulate(2.5);
    let (now, after) = network.both();
    let n = network.neurons.len();
    for (place, (before, now)) in feedback.iter().zip(&now).enumerate() {
        let updates = if place / n == 3 { 1 } else { 2 };
        let left = 0.75_f64.powi(updates);
        assert!((before * left - now).abs() < 1e-15, "{place}: {before} {now}");
        assert!((readout[place] * left - after[place]).abs() < 1e-15, "{place}");
    }
}

#[test]
fn without_gradients_adaptive_feedback_decays() {
    let mut network = Network::new(3, "adaptive", 0.25, "gradient_descent", 1e-300, 1.0);
    let (feedback, readout) = network.both();
    network.simulate(2.5);
    let (now, after) = network.both();
    for (before, now) in feedback.iter().zip(&now).chain(readout.iter().zip(&after)) {
        assert!((before * 0.75 * 0.75 - now).abs() < 1e-15, "{before} {now}");
    }
}

#[test]
fn weights_of_symmetric_feedback_cannot_be_set() {
    let mut network = Network::new(3, "symmetric", 0.1, "gradient_descent", 0.0, 1.0);
    let table = network.between(&network.readouts, &network.neurons);
    let handle = eprop::describe::connections::ConnectionHandle {
        projection: table.projection[0],
        entry: table.entry[0],
    };
    let set = |weight: f64| Params::Shared(Dict::new().with("weight", weight));
    let refused = network.kernel.set_connections(&[handle], &set(0.3)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::BadProperty);
    network.kernel.set_connections(&[handle], &set(table.weight[0])).unwrap();
}

#[test]
fn feedback_of_eprop_plus_is_random() {
    let mut kernel = Kernel::new();
    let values = Dict::new().with("feedback", "symmetric");
    let refused = kernel.set_defaults("eprop_learning_signal_connection", &values).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnaccessedDictionaryEntry);
}
